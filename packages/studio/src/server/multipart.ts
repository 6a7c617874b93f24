/** Forms as browsers and curl send them (multipart/form-data), from bytes that are in memory already; parsed by @fastify/busboy. */
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { ReclmisError } from '@reclmis/core';

export interface Form {
  /** The one part that is a file. */
  readonly image: Buffer | null;
  readonly fields: ReadonlyMap<string, string>;
}

const invalid = (why: string, cause?: unknown): ReclmisError =>
  new ReclmisError('REQUEST_INVALID', `the form ${why}`, { cause });

/** A field that a form may have, with its longest value in bytes; a longer one is refused by the code. */
export interface FieldSpec {
  readonly name: string;
  readonly maxBytes: number;
  readonly tooLong: 'NOTE_TOO_LONG' | 'REQUEST_INVALID';
}

/**
 * The form in a body: at most one part `image`, and each of the fields at most once.
 * @throws REQUEST_INVALID; a field's own code where its value is too long
 */
export function parseForm(body: Buffer, contentType: string, specs: readonly FieldSpec[]): Promise<Form> {
  return new Promise((resolve, reject) => {
    let parser: BusboyInstance;
    try {
      parser = new Busboy({
        headers: { 'content-type': contentType },
        isPartAFile: (name) => name === 'image',
        limits: {
          fieldNameSize: 100,
          fieldSize: Math.max(...specs.map(({ maxBytes }) => maxBytes)),
          fields: specs.length,
          files: 1,
          parts: specs.length + 1,
          headerPairs: 20,
          headerSize: 8192,
        },
      });
    } catch (error) {
      reject(invalid('has no boundary, or another one than its header says', error));
      return;
    }
    const fields = new Map<string, string>();
    const chunks: Buffer[] = [];
    let images = 0;
    const fail = (error: ReclmisError): void => {
      reject(error);
      parser.removeAllListeners('finish');
    };
    parser.on('file', (_name, stream) => {
      images += 1;
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', (error) => fail(invalid('is cut short', error)));
    });
    parser.on('field', (name, value, nameTruncated, valueTruncated) => {
      const spec = specs.find((one) => one.name === name);
      if (!spec || nameTruncated || fields.has(name)) {
        fail(invalid(`takes image, ${specs.map((one) => one.name).join(', ')}, each once`));
      } else if (valueTruncated || Buffer.byteLength(value) > spec.maxBytes) {
        fail(new ReclmisError(spec.tooLong, `the field ${spec.name} has more than ${spec.maxBytes} bytes`));
      }
      fields.set(name, value);
    });
    for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const)
      parser.on(event, () => fail(invalid('has more parts than the route takes')));
    parser.on('error', (error) => fail(invalid('is cut short or damaged', error)));
    parser.on('finish', () => resolve({ image: images === 0 ? null : Buffer.concat(chunks), fields }));
    parser.end(body);
  });
}

/** Parses forms (multipart/form-data) in memory, with @fastify/busboy. */
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { ReclmisError } from '@reclmis/core';

export interface Form {
  readonly image: Buffer | null;
  readonly fields: ReadonlyMap<string, string>;
}

const invalid = (why: string, cause?: unknown): ReclmisError =>
  new ReclmisError('REQUEST_INVALID', `the form ${why}`, { cause });

const LINE_FEED = 0x0a;

export interface FieldSpec {
  readonly name: string;
  readonly maxBytes: number;
  readonly tooLong: 'NOTE_TOO_LONG' | 'REQUEST_INVALID';
}

/** RFC 2046, without the space. */
const BOUNDARY = /;\s*boundary=(?:"([\w'()+,./:=?-]{1,70})"|([\w'()+.:/=?-]{1,70}))\s*(?:;|$)/i;

const boundaryOf = (contentType: string): string | null => {
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  return quoted ?? plain ?? null;
};

/** Counts parts first: the parser takes seconds per megabyte of boundaries, and hundreds of bytes each. */
function hasMoreParts(body: Buffer, boundary: string, most: number): boolean {
  const delimiter = `--${boundary}`;
  let found = 0;
  for (
    let at = body.indexOf(delimiter, 0, 'latin1');
    at >= 0;
    at = body.indexOf(delimiter, at + 1, 'latin1')
  ) {
    const begins = at === 0 || body[at - 1] === LINE_FEED;
    if (begins && (found += 1) > most + 1) return true;
  }
  return false;
}

/**
 * At most one part `image` and each field at most once.
 * @throws REQUEST_INVALID; a field's code if its value is too long
 */
export function parseForm(body: Buffer, contentType: string, specs: readonly FieldSpec[]): Promise<Form> {
  return new Promise((resolve, reject) => {
    const boundary = boundaryOf(contentType);
    if (boundary === null) {
      reject(invalid('has no boundary, or one that differs from its header’s'));
      return;
    }
    if (hasMoreParts(body, boundary, specs.length + 1)) {
      reject(invalid('has more parts than the route accepts'));
      return;
    }
    let parser: BusboyInstance;
    try {
      parser = new Busboy({
        headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
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
      reject(invalid('has no boundary, or one that differs from its header’s', error));
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
      parser.on(event, () => fail(invalid('has more parts than the route accepts')));
    parser.on('error', (error) => fail(invalid('is truncated or damaged', error)));
    parser.on('finish', () => resolve({ image: images === 0 ? null : Buffer.concat(chunks), fields }));
    parser.end(body);
  });
}

/** A PACS in memory that speaks DICOMweb, and whatever else a test makes it say. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileHead } from '../web/part10.js';
import { plainDicomFile, type PlainFileValues } from './plain-file.js';

export interface Asked {
  readonly method: string;
  /** Below the root, with the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface FakePacs {
  /** The DICOMweb root. */
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Files that came by STOW, by instance. */
  readonly stored: ReadonlyMap<string, Buffer>;
  readonly add: (...values: readonly PlainFileValues[]) => Uint8Array[];
}

/** Answers in place of the PACS unless it returns false. */
export type Twist = (asked: Asked, response: ServerResponse) => boolean | Promise<boolean>;

interface Held {
  readonly values: PlainFileValues;
  readonly bytes: Uint8Array;
}

const JSON_TYPE = { 'content-type': 'application/dicom+json' };

/** Runs `test` with a PACS on a free port of this machine. */
export async function withPacs<T>(
  test: (pacs: FakePacs) => Promise<T>,
  twist: Twist = () => false,
): Promise<T> {
  const held: Held[] = [];
  const stored = new Map<string, Buffer>();
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const one: Asked = {
        method: request.method ?? '',
        path: (request.url ?? '').replace(/^\/dicom-web\//, ''),
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      asked.push(one);
      if (await twist(one, response)) return;
      if (one.method === 'POST') store(one, response, stored);
      else answer(one, response, held);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await test({
      url: `http://127.0.0.1:${port}/dicom-web`,
      asked,
      stored,
      add: (...all) =>
        all.map((values) => {
          const bytes = plainDicomFile(values);
          held.push({ values, bytes });
          return bytes;
        }),
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function answer({ path }: Asked, response: ServerResponse, held: readonly Held[]): void {
  const url = new URL(path, 'http://pacs/');
  const words = url.pathname.split('/').slice(1);
  const at = (word: string): string | undefined => {
    const i = words.indexOf(word);
    return i >= 0 ? words[i + 1] : undefined;
  };
  const found = held.filter(
    ({ values }) =>
      [undefined, values.study].includes(at('studies')) &&
      [undefined, values.series].includes(at('series')) &&
      [undefined, values.instance].includes(at('instances')),
  );
  const last = words.at(-1) ?? '';
  const searches = { studies: 'study', series: 'series', instances: 'instance' } as const;
  if (!(last in searches)) {
    if (found.length === 0) return void response.writeHead(404).end();
    sendParts(
      response,
      found.map(({ bytes }) => bytes),
    );
    return;
  }
  const key = searches[last as keyof typeof searches];
  const query = url.searchParams;
  const wanted = query.get('PatientID');
  const matching = found.filter(({ values }) => wanted === null || values.patientId === wanted);
  const unique = matching.filter(
    ({ values }, i) => matching.findIndex((other) => other.values[key] === values[key]) === i,
  );
  const [offset, limit] = [Number(query.get('offset') ?? 0), Number(query.get('limit') ?? Infinity)];
  const page = unique.slice(offset, offset + limit);
  if (page.length === 0) return void response.writeHead(204).end();
  response.writeHead(200, JSON_TYPE).end(JSON.stringify(page.map(({ values }) => dataSet(values))));
}

/** As a PACS describes it. */
export function dataSet(values: PlainFileValues): Record<string, unknown> {
  const one = (vr: string, value: unknown): unknown => ({ vr, Value: [value] });
  return {
    '0020000D': one('UI', values.study),
    '0020000E': one('UI', values.series),
    '00080018': one('UI', values.instance),
    '00080016': one('UI', values.sopClass ?? '1.2.840.10008.5.1.4.1.1.1.1'),
    '00100010': one('PN', { Alphabetic: values.patientName ?? 'Test^Phantom' }),
    '00100020': one('LO', values.patientId ?? 'PHANTOM-1'),
    '00080060': one('CS', values.modality ?? 'DX'),
    '00080061': one('CS', values.modality ?? 'DX'),
    '00080020': one('DA', '20260101'),
    '00200013': one('IS', values.number ?? 1),
    '0008103E': { vr: 'LO' },
  };
}

/** A multipart answer of DICOM files. @param boundary written into Content-Type as it is */
export function sendParts(response: ServerResponse, files: readonly Uint8Array[], boundary = '"a b"'): void {
  const word = boundary.replaceAll('"', '');
  response.writeHead(200, {
    'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
  });
  for (const bytes of files) {
    response.write(`\r\n--${word}\r\nContent-Type: application/dicom\r\n\r\n`);
    response.write(bytes);
  }
  response.end(`\r\n--${word}--\r\n`);
}

/** The files of a multipart body. */
export function partsOf({ headers, body }: Asked): Buffer[] {
  const boundary = /boundary=([^;]+)/.exec(headers['content-type'] ?? '')?.[1] ?? '';
  const parts: Buffer[] = [];
  const mark = Buffer.from(`--${boundary}`);
  for (let at = body.indexOf(mark); at >= 0;) {
    const next = body.indexOf(mark, at + mark.length);
    if (next < 0) break;
    const start = body.indexOf('\r\n\r\n', at) + 4;
    parts.push(body.subarray(start, next - 2));
    at = next;
  }
  return parts;
}

function store(asked: Asked, response: ServerResponse, stored: Map<string, Buffer>): void {
  const referenced = partsOf(asked).map((bytes) => {
    const head = readFileHead(bytes);
    if (head === null) throw new Error('not a DICOM file');
    stored.set(head.sopInstance, bytes);
    return { '00081155': { vr: 'UI', Value: [head.sopInstance] } };
  });
  response.writeHead(200, JSON_TYPE).end(JSON.stringify({ '00081199': { vr: 'SQ', Value: referenced } }));
}

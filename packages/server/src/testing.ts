/** A fake model, servers on it, and requests, for this package's tests. */
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { crc32, deflateSync } from 'node:zlib';
import {
  type Confidence,
  imageToPlanes,
  type ModelManifest,
  habitsOf,
  noteForModel,
  type NoteGrammar,
  parseManifest,
  ReclmisError,
  resizePlane,
  ResultChecks,
  type StatedSides,
  threshold as cut,
  wordReader,
  WordTokenizer,
  type RgbImage,
} from '@reclmis/core';
import { manifestJson } from '@reclmis/core/testing';
import { decodeImage } from '@reclmis/files';
import type { ImageSource, Model, Segmentation, SegmentCase, SegmentOptions } from '@reclmis/runtime';
import { createServer, type ReclmisServer, type ServerOptions } from './server.js';

export const S = 8;
export const T = 4;
export const W = 2;

export const MANIFEST: ModelManifest = parseManifest(
  manifestJson({ size: S, tokens: T, width: W }),
  'the test manifest',
);

const CHECKS = new ResultChecks(wordReader(WordTokenizer.fromNotes(['left lung']), T));

/**
 * Probability is the red channel at the model's size; features of a note are its length everywhere. Calls
 * take `delay` milliseconds one after the other.
 */
export class FakeModel implements Model {
  readonly manifest: ModelManifest;
  readonly device = 'cpu';
  readonly checks = CHECKS;
  readonly batches: number[] = [];
  readonly notes: string[] = [];
  readonly signals: AbortSignal[] = [];
  disposed = false;
  /** Given with every answer. */
  confidence: Confidence | null = null;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    public delay = 0,
    sides: StatedSides = 'patient',
    grammar: NoteGrammar = 'unknown',
  ) {
    this.manifest = { ...MANIFEST, note: MANIFEST.note && { ...MANIFEST.note, sides, grammar } };
  }

  async segment(image: ImageSource, note: string, options?: SegmentOptions): Promise<Segmentation> {
    const [only] = await this.segmentBatch([{ image, note }], options);
    return only as Segmentation;
  }

  segmentBatch(cases: readonly SegmentCase[], options: SegmentOptions = {}): Promise<Segmentation[]> {
    const turn = this.last.then(() => this.segmentNow(cases, options));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  segmentClasses(): Promise<never> {
    return Promise.reject(new ReclmisError('INTERNAL', 'the server asks for no classes'));
  }

  open(): Promise<never> {
    return Promise.reject(new ReclmisError('INTERNAL', 'the server opens no images'));
  }

  private async segmentNow(cases: readonly SegmentCase[], options: SegmentOptions): Promise<Segmentation[]> {
    options.signal?.throwIfAborted();
    this.batches.push(cases.length);
    const read = cases.map(({ note, sides = options.sides, noteStyle: style = options.noteStyle }) =>
      noteForModel(note, habitsOf(this.manifest), { sides, style }),
    );
    this.notes.push(...read.map(({ text }) => text));
    if (options.signal) this.signals.push(options.signal);
    if (cases.some(({ note }) => note === 'fail')) throw new ReclmisError('INFERENCE_FAILED', 'told to fail');
    await this.pause();
    return Promise.all(
      cases.map(async ({ image, note }, i) => {
        const { text: sent, sides, mirrored, style, read: reading, warnings } = read[i]!;
        const found = await segmentRed(image, note, options.threshold ?? this.manifest.threshold);
        return {
          ...found,
          note: { sides, mirrored, style, sent, read: reading },
          warnings: [...warnings, ...found.warnings],
          ...(this.confidence ? { confidence: this.confidence } : {}),
        };
      }),
    );
  }

  async encodeNotes(notes: readonly string[]): Promise<Float32Array> {
    this.batches.push(notes.length);
    this.notes.push(...notes);
    await this.pause();
    return Float32Array.from(notes.flatMap(({ length }) => new Array<number>(T * W).fill(length)));
  }

  async encodeTokens(tokens: BigInt64Array, count: number): Promise<Float32Array> {
    this.batches.push(count);
    await this.pause();
    return Float32Array.from([...tokens].flatMap((id) => [Number(id), -Number(id)])); // [B,T] to [B,T,2]
  }

  async run(images: Float32Array, notes: Float32Array | null, count: number): Promise<Float32Array> {
    this.batches.push(count);
    await this.pause();
    const out = new Float32Array(count * S * S);
    for (let b = 0; b < count; b++) {
      const bias = notes?.[b * T * W] ?? 0;
      for (let i = 0; i < S * S; i++) out[b * S * S + i] = (images[b * 3 * S * S + i] ?? 0) + bias;
    }
    return out;
  }

  dispose(): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }

  private pause(): Promise<void> {
    return this.delay === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, this.delay));
  }
}

const isPixels = (source: ImageSource): source is RgbImage =>
  typeof source === 'object' && 'data' in source && source.data instanceof Uint8Array;

async function segmentRed(
  source: ImageSource,
  note: string,
  least: number,
): Promise<Omit<Segmentation, 'note'>> {
  if (!(source instanceof Uint8Array) && !isPixels(source))
    throw new ReclmisError('INTERNAL', 'the test model takes pixels');
  const image = source instanceof Uint8Array ? await decodeImage(source, 'image') : source;
  const { width, height } = image;
  const red = imageToPlanes(image, S, 'area').slice(0, S * S);
  const probability = resizePlane(red, S, S, width, height);
  const timings = { preprocess: 1, text: 0, segment: 2, postprocess: 3, total: 6 };
  const mask = cut(probability, width, height, least);
  const warnings = [...CHECKS.note(note), ...CHECKS.mask(mask, note, 'unknown')];
  return { mask, probability, width, height, warnings, timings };
}

export async function serving<T>(
  options: Partial<ServerOptions> & { readonly model?: FakeModel },
  test: (to: { url: string; port: number; server: ReclmisServer; model: FakeModel }) => Promise<T>,
): Promise<T> {
  const { model = new FakeModel(), ...rest } = options;
  const server = await createServer(model, { version: '0.1.0', ...rest });
  try {
    const url = await server.listen('127.0.0.1', 0);
    return await test({ url, port: Number(new URL(url).port), server, model });
  } finally {
    await server.stop(5_000);
  }
}

function chunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/** Claims `width` x `height` but holds `rows` rows of one value. */
export function greyPng(width: number, height: number, value = 200, rows = height): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const pixels = Buffer.alloc(rows * (width + 1), value);
  for (let y = 0; y < rows; y++) pixels[y * (width + 1)] = 0;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

export const BOUNDARY = 'reclmis-test-boundary';
export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

export function formOf(
  image: Uint8Array | null,
  fields: Readonly<Record<string, string | Uint8Array>>,
): Buffer {
  const parts: Uint8Array[] = [];
  const add = (head: string, data: Uint8Array): void => {
    parts.push(
      Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
      data,
      Buffer.from('\r\n'),
    );
  };
  if (image) add('name="image"; filename="a.png"\r\nContent-Type: image/png', image);
  for (const [name, value] of Object.entries(fields)) add(`name="${name}"`, Buffer.from(value as Uint8Array));
  return Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  json(): Record<string, unknown>;
}

/** Sends one request over its own connection. */
export function send(
  url: string,
  options: {
    method?: string;
    headers?: Record<string, string>;
    body?: Uint8Array;
    signal?: AbortSignal;
  } = {},
): Promise<Answer> {
  const { method = options.body ? 'POST' : 'GET', headers = {}, body, signal } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method,
      headers: { ...headers, ...(body ? { 'content-length': body.length } : {}) },
      agent: false,
      ...(signal ? { signal } : {}),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (data: Buffer) => chunks.push(data));
      response.on('error', reject);
      response.on('end', () => {
        const all = Buffer.concat(chunks);
        const json = (): Record<string, unknown> => JSON.parse(all.toString()) as Record<string, unknown>;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: all, json });
      });
    });
    request.end(body);
  });
}

export function segment(
  url: string,
  image: Uint8Array | null,
  fields: Readonly<Record<string, string | Uint8Array>>,
  {
    headers = {},
    query = '',
    signal,
  }: { headers?: Record<string, string>; query?: string; signal?: AbortSignal } = {},
): Promise<Answer> {
  const body = formOf(image, fields);
  return send(`${url}/segment${query}`, {
    headers: { 'content-type': FORM_TYPE, ...headers },
    body,
    ...(signal ? { signal } : {}),
  });
}

export function infer(
  url: string,
  name: string,
  request: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = Buffer.from(JSON.stringify(request));
  return send(`${url}/v2/models/${name}/infer`, {
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
}

/** Returns what came until the server ended or `quiet` milliseconds of silence. */
export function raw(
  port: number,
  bytes: Uint8Array,
  { quiet = 0 }: { quiet?: number } = {},
): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (data) => chunks.push(data));
    socket.on('error', () => undefined); // a reset is an end
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    if (quiet > 0) socket.setTimeout(quiet, () => socket.destroy());
    socket.write(bytes);
  });
}

export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error('it never came to hold');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

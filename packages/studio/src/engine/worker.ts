/** The model in a Web Worker: loads it, keeps the opened picture, answers the latest note and cancels the others. */
import { type DisplayedFrame, displayedPixels, orient, orientPlane, readClinical } from '@reclmis/clinical';
import { clinicalFormat, defined, fileHeader, type Mask, ReclmisError, type RgbImage } from '@reclmis/core';
import { decodeImage, loadModel, type Model, type OpenedImage, type Segmentation } from '@reclmis/runtime';
import { readingOf } from '../note/reading.js';
import type { Failure, Picture, ShownInterest } from '../state/state.js';
import { areasOf } from './areas.js';
import { infoOf } from './info.js';
import type { Found, Reply, Request } from './protocol.js';

type Job<K extends Request['kind']> = Extract<Request, { kind: K }>;

const say = (reply: Reply, transfer: Transferable[] = []): void =>
  globalThis.postMessage(reply, { transfer });

let model: Promise<Model> | null = null;
let opened: { readonly id: string; readonly image: OpenedImage } | null = null;
/** Stops the latest segmentation. */
let running = new AbortController();
let count = 0;
let latestOpen = 0;
let latestRead = 0;
const turns = new MessageChannel();

/**
 * Resolves after the messages that have already arrived: the network blocks this thread, and only those tell whether a job
 * is still wanted.
 */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    turns.port1.addEventListener('message', () => resolve(), { once: true });
    turns.port1.start();
    turns.port2.postMessage(null);
  });
}

globalThis.addEventListener('message', ({ data }: MessageEvent<Request>) => {
  const job = data.kind === 'load' ? null : data.job;
  answer(data).catch((error: unknown) => say({ kind: 'failed', job, failure: failureOf(error) }));
});

function answer(request: Request): Promise<void> {
  switch (request.kind) {
    case 'load':
      return load(request);
    case 'open':
      return open(request);
    case 'read':
      return read(request);
    case 'segment':
      return segment(request);
  }
}

async function load({ model: address, runtime, featureBytes }: Job<'load'>): Promise<void> {
  let bytes = 0;
  let ready: Model | null = null;
  model = loadModel(address, {
    wasmPaths: runtime,
    featureBytes,
    cache: true,
    onFallback: () => {
      if (ready !== null) say({ kind: 'lost', info: infoOf(ready.manifest, 'wasm', bytes) });
    },
    onProgress: (loaded, total) => {
      bytes = total;
      say({ kind: 'loading', loaded, total });
    },
  });
  ready = await model;
  say({ kind: 'loaded', info: infoOf(ready.manifest, ready.device, bytes) });
}

async function loaded(): Promise<Model> {
  if (model === null) throw new ReclmisError('INTERNAL', 'the studio asked before it loaded a model');
  return model;
}

async function open({ job, file, name, frame }: Job<'open'>): Promise<void> {
  latestOpen = job;
  const ready = await loaded();
  const bytes = new Uint8Array(await file.arrayBuffer());
  const clinical = clinicalFormat(bytes);
  running.abort();
  let image: RgbImage;
  let next: OpenedImage;
  if (clinical === null) {
    ({ image } = await decodeImage(bytes));
    next = await ready.open(image);
  } else {
    next = await ready.open(bytes, defined({ frame: frame ?? (await firstOfMany(bytes)) }));
    image = await displayedPixels(next.clinical!);
  }
  if (latestOpen !== job) {
    await next.dispose();
    say({ kind: 'cancelled', job });
    return;
  }
  await opened?.image.dispose();
  count += 1;
  opened = { id: `picture-${count}`, image: next };
  const picture: Picture = {
    id: opened.id,
    name,
    width: image.width,
    height: image.height,
    format: clinical ?? fileHeader(bytes)?.kind ?? 'pixels',
    ...geometryOf(next.clinical),
  };
  say({ kind: 'opened', job, picture, image }, [image.data.buffer as ArrayBuffer]);
}

/** The middle frame of a volume; undefined if there is but one. */
async function firstOfMany(bytes: Uint8Array): Promise<number | undefined> {
  const { frames } = await readClinical(bytes);
  return frames === 1 ? undefined : Math.floor(frames / 2);
}

function geometryOf(
  frame: DisplayedFrame | undefined,
): Pick<Picture, 'frame' | 'frames' | 'spacing' | 'spacingFrom' | 'oriented'> {
  if (frame === undefined) return { frame: 0, frames: 1, spacing: null, spacingFrom: null, oriented: false };
  return {
    frame: frame.frame,
    frames: frame.source.frames,
    spacing: frame.spacing,
    spacingFrom: frame.spacing === null ? null : 'file',
    oriented: frame.warnings.every(({ code }) => code !== 'ORIENTATION_UNKNOWN'),
  };
}

async function read({ job, note }: Job<'read'>): Promise<void> {
  latestRead = job;
  const ready = await loaded();
  await turn();
  if (latestRead === job) say({ kind: 'read', job, reading: readingOf(note, ready) });
  else say({ kind: 'cancelled', job });
}

async function segment({ job, picture, note, threshold, spacing, interest }: Job<'segment'>): Promise<void> {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const isStale = (): boolean => signal.aborted;
  const ready = await loaded();
  await turn();
  const begun = performance.now();
  const current = opened;
  if (current?.id !== picture || isStale()) {
    say({ kind: 'cancelled', job });
    return;
  }
  try {
    const sides = note.sides === null ? {} : { sides: note.sides };
    const result = await current.image.segment(note.text, { signal, threshold, interest, ...sides });
    signal.throwIfAborted();
    const { mask, probability } = asDisplayed(result, current.image.clinical);
    const reading = readingOf(note, ready);
    const { pixels, count: areas, rows } = areasOf(mask, reading.places, reading.sides, spacing);
    const found: Found = {
      picture,
      note,
      reading,
      threshold,
      area: pixels,
      areas,
      warnings: result.warnings,
      confidence: result.confidence ?? null,
      measures: rows,
      interest: interestShown(result, current.image.clinical),
      milliseconds: performance.now() - begun,
    };
    say({ kind: 'found', job, found, mask, probability }, [
      mask.data.buffer as ArrayBuffer,
      probability.buffer as ArrayBuffer,
    ]);
  } catch (error) {
    if (!isStale()) throw error;
    say({ kind: 'cancelled', job });
  }
}

/** Results have the pixels as stored, and the page shows them as displayed. */
function asDisplayed(
  { mask, probability }: { readonly mask: Mask; readonly probability: Float32Array },
  frame: DisplayedFrame | undefined,
): { readonly mask: Mask; readonly probability: Float32Array } {
  if (frame === undefined || frame.orientation === 1) return { mask, probability };
  const { width, height } = mask;
  return {
    mask: { ...mask, ...orient(mask, frame.orientation) },
    probability: orientPlane(probability, width, height, frame.orientation),
  };
}

function interestShown(
  { interest, note }: Pick<Segmentation, 'interest' | 'note'>,
  frame: DisplayedFrame | undefined,
): ShownInterest | null {
  if (!interest) return null;
  const { map, width, height, words } = interest; // as many patches across as down
  const turned = frame === undefined ? map : orientPlane(map, width, height, frame.orientation);
  return { map: [...turned], width, height, most: Math.max(...map), sent: note.sent, words };
}

function failureOf(error: unknown): Failure {
  if (error instanceof ReclmisError) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

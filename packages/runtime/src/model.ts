/**
 * A loaded model, the same in Node and the browser.
 *
 * B cases, S side of the model's input, T tokens, W width of the note's features.
 */
import {
  CONVENTIONS,
  habitsOf,
  type ImageSize,
  imageToPlanes,
  MANIFEST_FILE,
  type ModelManifest,
  NOTE_STYLES,
  noteForModel,
  type NoteForModel,
  type NoteHabits,
  type NoteStyle,
  parseManifest,
  PROBE_NOTE,
  probeDifference,
  probePlanes,
  probeValues,
  ReclmisError,
  ResultChecks,
  segmented,
  type Sides,
  parseVocabulary,
  withVocabulary,
} from '@reclmis/core';
import { knowChoice, knowNote, knowOptions } from './inputs.js';
import { requireGraph, segmenterOf, textEncoderOf } from './manifest-graph.js';
import type { Network, Platform, Source, Values } from './seams.js';
import { type Tokens, tokenizerOf } from './tokens.js';
import type {
  Device,
  LoadOptions,
  Model,
  SegmentCase,
  Segmentation,
  SegmentOptions,
  Timings,
} from './types.js';

/** Far above any manifest with a training set's vocabulary. */
const MANIFEST_BYTES = 16 * 2 ** 20;
/** 64 Mpx, as in training. */
const MAX_PIXELS = 64_000_000;
const NOTE_CACHE = 256;
/** Devices with third-party drivers. */
const DOUBTED: ReadonlySet<Device> = new Set(['webgpu', 'cuda']);
/**
 * Largest difference in log-odds from the export check on such a device. Another order of sums and a fast
 * exponential give 1e-4 to 1e-3 in fp32, CUDA's TF32 0.006; fp16 sums have 11 or 24 bits; an int8 value may
 * round to its neighbour. Wrong padding moved a small model by 0.6.
 */
const PROBE_LIMITS: Readonly<Record<ModelManifest['precision'], number>> = { fp32: 0.05, fp16: 1, int8: 1 };

/**
 * Loads manifest, tokeniser and networks.
 * @throws MODEL_MISSING, MODEL_INVALID, VOCABULARY_INVALID, NOTE_VOCABULARY_INVALID, OPTION_INVALID, DEVICE_WRONG, INFERENCE_FAILED;
 * the signal's reason
 */
export async function openModel(
  source: Source,
  platform: Platform,
  options: LoadOptions = {},
): Promise<Model> {
  const { signal, verify = true, noteCache = NOTE_CACHE, onProgress, vocabulary } = options;
  if (!Number.isInteger(noteCache) || noteCache < 0) {
    throw new ReclmisError('OPTION_INVALID', `noteCache: expected a whole number from 0, got ${noteCache}`);
  }
  signal?.throwIfAborted();
  const stated = await readManifest(source);
  const manifest = vocabulary === undefined ? stated : withVocabulary(stated, parseVocabulary(vocabulary));
  const clip = manifest.note?.tokenizer.kind === 'clip' ? manifest.note.tokenizer.merges : null;
  const files = [manifest.segmenter.file, manifest.textEncoder?.file, clip].filter((file) => file != null);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let loaded = 0;
  const read = async (file: ModelManifest['segmenter']['file']): Promise<Uint8Array> => {
    signal?.throwIfAborted();
    const bytes = await source.read(file.name, file.bytes, (count) => {
      loaded += count;
      onProgress?.(loaded, total);
    });
    const where = `${source.where}: ${file.name}`;
    if (bytes.length !== file.bytes)
      throw new ReclmisError('MODEL_INVALID', `${where}: expected ${file.bytes} bytes, got ${bytes.length}`);
    const hash = verify ? await platform.sha256(bytes) : file.sha256;
    if (hash !== file.sha256)
      throw new ReclmisError('MODEL_INVALID', `${where}: expected SHA-256 ${file.sha256}, got ${hash}`);
    return bytes;
  };
  const open = async (bytes: Uint8Array, { name }: ModelManifest['segmenter']['file']): Promise<Network> => {
    signal?.throwIfAborted();
    return unlessAborted(platform.open(bytes), signal).catch((cause: unknown) => {
      signal?.throwIfAborted();
      if (cause instanceof ReclmisError) throw cause;
      throw new ReclmisError(
        'MODEL_INVALID',
        `${source.where}: ${name}: onnxruntime rejects it (${firstLine(cause)})`,
        { cause },
      );
    });
  };
  const tokens = await tokenizerOf(manifest, read);
  const segmenterBytes = await read(manifest.segmenter.file);
  const textBytes = manifest.textEncoder && (await read(manifest.textEncoder.file));
  requireGraph(segmenterBytes, segmenterOf(manifest), `${source.where}: ${manifest.segmenter.file.name}`);
  if (textBytes && manifest.textEncoder)
    requireGraph(textBytes, textEncoderOf(manifest), `${source.where}: ${manifest.textEncoder.file.name}`);
  const openBoth = async (): Promise<LoadedModel> => {
    const segmenter = await open(segmenterBytes, manifest.segmenter.file);
    let text: Network | null = null;
    try {
      if (textBytes && manifest.textEncoder) text = await open(textBytes, manifest.textEncoder.file);
      const model = new LoadedModel(manifest, platform, segmenter, text, tokens, noteCache);
      await model.tryDevice();
      signal?.throwIfAborted();
      return model;
    } catch (error) {
      await text?.release();
      await segmenter.release();
      throw error;
    }
  };
  try {
    return await openBoth();
  } catch (error) {
    if (signal?.aborted === true || platform.giveUp?.() !== true) throw error;
    return openBoth();
  }
}

/** Or rejects at once with the signal's reason, and later releases the network. */
function unlessAborted(opening: Promise<Network>, signal: AbortSignal | undefined): Promise<Network> {
  if (!signal) return opening;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
      opening.then((network) => network.release()).catch(() => undefined); // nobody is waiting
    };
    signal.addEventListener('abort', abort, { once: true });
    opening.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}

async function readManifest(source: Source): Promise<ModelManifest> {
  const where = `${source.where}: ${MANIFEST_FILE}`;
  const bytes = await source.read(MANIFEST_FILE, MANIFEST_BYTES);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ReclmisError('MODEL_INVALID', `${where}: is not JSON`, { cause });
  }
  return parseManifest(json, where);
}

class LoadedModel implements Model {
  readonly device;
  readonly checks;
  /** By note, least recently used first. */
  private readonly features = new Map<string, Float32Array>();
  /** Networks run one call at a time. */
  private last: Promise<unknown> = Promise.resolve();
  /** Not queued while their images are being decoded. */
  private readonly batches = new Set<Promise<unknown>>();
  private disposed = false;
  private readonly habits: NoteHabits;

  constructor(
    readonly manifest: ModelManifest,
    private readonly platform: Platform,
    private readonly segmenter: Network,
    private readonly text: Network | null,
    private readonly tokens: Tokens | null,
    private readonly capacity: number,
  ) {
    this.device = platform.device;
    this.habits = habitsOf(manifest);
    this.checks = new ResultChecks({
      reader: tokens?.reader ?? null,
      vocabulary: tokens?.vocabulary ?? null,
      reference: manifest.training.reference,
      sides: manifest.note?.sides ?? 'unknown',
    });
  }

  async segment(
    image: SegmentCase['image'],
    note: string,
    options: SegmentOptions = {},
  ): Promise<Segmentation> {
    const [result] = await this.segmentBatch([{ image, note }], options);
    if (!result) throw new ReclmisError('INTERNAL', 'a case was lost');
    return result;
  }

  async segmentBatch(cases: readonly SegmentCase[], options: SegmentOptions = {}): Promise<Segmentation[]> {
    this.requireOpen();
    knowOptions(options);
    const batch = this.segmentCases(cases, options);
    this.batches.add(batch);
    return batch.finally(() => this.batches.delete(batch));
  }

  private async segmentCases(
    cases: readonly SegmentCase[],
    {
      signal,
      threshold: least = this.manifest.threshold,
      maxPixels = MAX_PIXELS,
      sides,
      noteStyle,
    }: SegmentOptions,
  ): Promise<Segmentation[]> {
    if (cases.length === 0) return [];
    const read = cases.map(({ note, sides: ownSides = sides, noteStyle: ownStyle = noteStyle }) =>
      this.readNote(note, ownSides, ownStyle),
    );
    const notes = read.map(({ text }) => text);
    const begun = performance.now();
    signal?.throwIfAborted();
    const S = this.manifest.image.size;
    const planes = new Float32Array(cases.length * 3 * S * S); // [B,3,S,S]
    const sizes: ImageSize[] = [];
    for (const [i, { image }] of cases.entries()) {
      const pixels = await this.platform.decode(image, maxPixels);
      signal?.throwIfAborted();
      planes.set(imageToPlanes(pixels, S), i * 3 * S * S); // in turn: decoded images are large
      sizes.push({ width: pixels.width, height: pixels.height });
    }
    const ready = performance.now();
    const { text, segment, probability } = await this.queue(async () => {
      signal?.throwIfAborted();
      const start = performance.now();
      const known = notes.every((note) => this.features.has(note));
      const features = this.text ? await this.featuresOf(notes) : null;
      signal?.throwIfAborted();
      const encoded = performance.now();
      const probability = await this.compute(planes, features, cases.length);
      return {
        text: known || !features ? 0 : encoded - start,
        segment: performance.now() - encoded,
        probability,
      };
    });
    const computed = performance.now();
    const masks = sizes.map((size, i) => {
      const { probability: own, mask } = segmented(probability, i, S, size, least);
      const {
        text: given,
        worded,
        sides: meant,
        mirrored,
        style,
        read: reading,
        warnings: ofNote,
      } = read[i]!;
      const note = { sides: meant, mirrored, style, sent: this.text ? given : '', read: reading };
      const warnings = [
        ...this.checks.note(worded, mirrored),
        ...ofNote,
        ...this.checks.image(planes.subarray(i * 3 * S * S, (i + 1) * 3 * S * S), S),
        ...this.checks.mask(mask, worded, meant),
      ];
      return { mask, probability: own, ...size, note, warnings };
    });
    const end = performance.now();
    const timings: Timings = {
      preprocess: ready - begun,
      text,
      segment,
      postprocess: end - computed,
      total: end - begun,
    };
    return masks.map((mask) => ({ ...mask, timings }));
  }

  async encodeNotes(notes: readonly string[]): Promise<Float32Array> {
    this.requireOpen();
    return this.queue(() => this.featuresOf(notes));
  }

  async encodeTokens(tokens: BigInt64Array, count: number): Promise<Float32Array> {
    this.requireOpen();
    const { note } = this.manifest;
    if (!note || tokens.length !== count * note.contextLength) {
      throw new ReclmisError(
        'INFERENCE_FAILED',
        `tokens: expected ${count} x ${note?.contextLength ?? 0}, got ${tokens.length}`,
      );
    }
    return this.queue(() => this.encode(tokens, count));
  }

  async run(images: Float32Array, notes: Float32Array | null, count: number): Promise<Float32Array> {
    this.requireOpen();
    const { image, note } = this.manifest;
    const pixels = count * 3 * image.size ** 2;
    const width = note ? count * note.contextLength * note.width : 0;
    if (images.length !== pixels || (notes?.length ?? 0) !== width) {
      throw new ReclmisError(
        'INFERENCE_FAILED',
        `expected ${pixels} values of images and ${width} of notes, got ${images.length} and ${notes?.length ?? 0}`,
      );
    }
    return this.queue(() => this.compute(images, notes, count));
  }

  /** Tries the synthetic case, where devices may fail silently. @throws DEVICE_WRONG, INFERENCE_FAILED */
  async tryDevice(): Promise<void> {
    const { check, image, precision } = this.manifest;
    if (!check.probe || !DOUBTED.has(this.device)) return;
    const notes = this.text ? await this.featuresOf([PROBE_NOTE]) : null;
    this.features.clear();
    const probability = await this.compute(probePlanes(image.size), notes, 1);
    const worst = probeDifference(check.probe, probeValues(probability, image.size));
    if (worst <= PROBE_LIMITS[precision]) return;
    throw new ReclmisError(
      'DEVICE_WRONG',
      `${this.device}: log-odds of a synthetic case differ by ${worst.toPrecision(3)} from the export check, expected at most ${PROBE_LIMITS[precision]}`,
    );
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    await Promise.allSettled([...this.batches, this.last]); // callers handle the errors
    this.features.clear();
    await this.segmenter.release();
    await this.text?.release();
  }

  private requireOpen(): void {
    if (this.disposed) throw new ReclmisError('INFERENCE_FAILED', 'the model was already disposed');
  }

  private readNote(given: unknown, sides: Sides | undefined, style: NoteStyle | undefined): NoteForModel {
    const note = knowNote(given);
    if (this.text && note.trim() === '') throw new ReclmisError('NOTE_EMPTY', 'the note has no words');
    const asked = {
      sides: knowChoice(sides, CONVENTIONS, 'sides'),
      style: knowChoice(style, NOTE_STYLES, 'noteStyle'),
    };
    return noteForModel(note, this.habits, this.text ? asked : { ...asked, style: 'as-is' });
  }

  /** After everything requested earlier. */
  private queue<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work, work);
    this.last = mine.catch(() => undefined); // the caller handles the error
    return mine;
  }

  /** [B,T,W]; uncached notes are computed together. */
  private async featuresOf(notes: readonly string[]): Promise<Float32Array> {
    const { note } = this.manifest;
    if (!note || !this.tokens)
      throw new ReclmisError('INFERENCE_FAILED', 'the model reads no notes, so there are no note features');
    const size = note.contextLength * note.width;
    const here = new Map<string, Float32Array>();
    const missing: string[] = [];
    for (const one of new Set(notes)) {
      const known = this.features.get(one);
      if (known) here.set(one, known);
      else missing.push(one);
    }
    if (missing.length > 0) {
      const tokenize = this.tokens.encode;
      const ids = missing.flatMap((one) => tokenize(one).map(BigInt));
      const rows = await this.encode(BigInt64Array.from(ids), missing.length);
      missing.forEach((one, i) => here.set(one, rows.slice(i * size, (i + 1) * size)));
    }
    const all = new Float32Array(notes.length * size);
    notes.forEach((one, i) => {
      const row = here.get(one);
      if (row) all.set(row, i * size);
    });
    for (const [one, row] of here) this.remember(one, row);
    return all;
  }

  private remember(note: string, row: Float32Array): void {
    this.features.delete(note);
    this.features.set(note, row); // most recently used
    while (this.features.size > this.capacity) {
      const [oldest] = this.features.keys();
      if (oldest === undefined) return;
      this.features.delete(oldest);
    }
  }

  private encode(tokens: BigInt64Array, count: number): Promise<Float32Array> {
    const { note, textEncoder } = this.manifest;
    if (!note || !textEncoder || !this.text)
      throw new ReclmisError('INFERENCE_FAILED', 'the model reads no notes, so there are no note features');
    const inputs = { [textEncoder.inputs.tokens]: { data: tokens, shape: [count, note.contextLength] } };
    const length = count * note.contextLength * note.width;
    return runNetwork(this.text, inputs, textEncoder.outputs.note, length);
  }

  private compute(images: Float32Array, features: Float32Array | null, count: number): Promise<Float32Array> {
    const { image, note, segmenter } = this.manifest;
    const S = image.size;
    const inputs: Record<string, Values> = {
      [segmenter.inputs.image]: { data: images, shape: [count, 3, S, S] },
    };
    if (note && features && segmenter.inputs.note !== null)
      inputs[segmenter.inputs.note] = { data: features, shape: [count, note.contextLength, note.width] };
    return runNetwork(this.segmenter, inputs, segmenter.outputs.probability, count * S * S);
  }
}

async function runNetwork(
  network: Network,
  inputs: Readonly<Record<string, Values>>,
  output: string,
  length: number,
): Promise<Float32Array> {
  const result = await network.run(inputs, output).catch((cause: unknown) => {
    throw new ReclmisError('INFERENCE_FAILED', `onnxruntime: ${firstLine(cause)}`, { cause });
  });
  if (result.length !== length) {
    throw new ReclmisError('INFERENCE_FAILED', `${output}: expected ${length} values, got ${result.length}`);
  }
  return result;
}

function firstLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return (text.split('\n')[0] ?? '').slice(0, 300);
}

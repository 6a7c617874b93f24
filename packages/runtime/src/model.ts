/**
 * A loaded model, the same in Node and the browser.
 *
 * B cases, S side of the model's input, T tokens, W width of the note's features.
 */
import {
  type HubOrigin,
  type ClassEntries,
  CONVENTIONS,
  defined,
  habitsOf,
  type Interest,
  interestingWords,
  interestShares,
  type ModelManifest,
  NOTE_STYLES,
  noteForModel,
  type NoteForModel,
  type NoteHabits,
  type NoteStyle,
  PROBE_NOTE,
  probePlanes,
  ReclmisError,
  ResultChecks,
  type Sides,
} from '@reclmis/core';
import { type ClassAsker, segmentClasses } from './classes.js';
import { checkDevice, probeOf } from './device-check.js';
import { knowChoice, knowNote, knowOptions } from './inputs.js';
import type { NoteFeatures } from './note-features.js';
import { OpenedPicture, type PictureSegmenter } from './opened.js';
import { type Picture, readPicture, segmentationOf } from './picture.js';
import type { Platform } from './seams.js';
import type { SegmenterNetworks } from './segmenters.js';
import type { Tokens } from './tokens.js';
import type {
  ClassSegmentation,
  Device,
  Model,
  NoteOptions,
  OpenedImage,
  OpenOptions,
  SegmentCase,
  Segmentation,
  SegmentOptions,
  Timings,
} from './types.js';

export class LoadedModel implements Model, PictureSegmenter {
  readonly checks;
  readonly origin?: HubOrigin;
  /** Networks run one call at a time. */
  private last: Promise<unknown> = Promise.resolve();
  /** Not queued while their images are being decoded. */
  private readonly batches = new Set<Promise<unknown>>();
  private disposed = false;
  private readonly habits: NoteHabits;

  constructor(
    readonly manifest: ModelManifest,
    readonly platform: Platform,
    private readonly segmenter: SegmenterNetworks,
    private readonly tokens: Tokens | null,
    private readonly text: NoteFeatures | null,
    origin?: HubOrigin,
  ) {
    if (origin) this.origin = origin;
    this.habits = habitsOf(manifest);
    this.checks = new ResultChecks({
      reader: tokens?.reader ?? null,
      vocabulary: tokens?.vocabulary ?? null,
      reference: manifest.training.reference,
      sides: manifest.note?.sides ?? 'unknown',
      noteVocabulary: this.habits.vocabulary,
    });
  }

  get device(): Device {
    return this.platform.device;
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
    return this.untilDone(this.segmentCases(cases, options));
  }

  async segmentClasses(
    image: SegmentCase['image'],
    classes: ClassEntries,
    options: SegmentOptions = {},
  ): Promise<ClassSegmentation> {
    this.requireOpen();
    knowOptions(options);
    return this.untilDone(
      segmentClasses(
        this.asker(() => readPicture(this, image, options)),
        classes,
        options,
      ),
    );
  }

  async open(image: SegmentCase['image'], options: OpenOptions = {}): Promise<OpenedImage> {
    this.requireOpen();
    knowOptions(options);
    const picture = await this.untilDone(this.see(image, options));
    return new OpenedPicture(this, picture, ({ planes }) => this.queue(() => this.segmenter.forget(planes)));
  }

  private async see(image: SegmentCase['image'], options: OpenOptions): Promise<Picture> {
    const picture = await readPicture(this, image, options);
    await this.queue(async () => {
      options.signal?.throwIfAborted();
      await this.segmenter.see(picture.planes);
      options.signal?.throwIfAborted();
    });
    return picture;
  }

  segmentPicture(picture: Picture, note: string, options: NoteOptions): Promise<Segmentation> {
    return this.untilDone(this.segmentOpen(picture, note, options));
  }

  classesOfPicture(
    picture: Picture,
    classes: ClassEntries,
    options: NoteOptions,
  ): Promise<ClassSegmentation> {
    return this.untilDone(
      segmentClasses(
        this.asker(() => Promise.resolve(picture)),
        classes,
        options,
      ),
    );
  }

  private asker(picture: ClassAsker['picture']): ClassAsker {
    const { manifest, checks } = this;
    return {
      manifest,
      checks,
      picture,
      readNote: (note, sides, style) => this.readNote(note, sides, style),
      ask: (planes, note, signal) => this.ask(planes, [note], defined({ signal })),
    };
  }

  /** `dispose` waits for it. */
  private untilDone<T>(work: Promise<T>): Promise<T> {
    this.batches.add(work);
    return work.finally(() => this.batches.delete(work));
  }

  /** Both networks in turn, after everything requested earlier. @param planes [B,3,S,S], of B notes */
  private ask(
    planes: Float32Array,
    notes: readonly string[],
    { signal, interest = false }: Pick<NoteOptions, 'signal' | 'interest'>,
  ): Promise<{ text: number; segment: number; probability: Float32Array; interest: Float32Array | null }> {
    return this.queue(async () => {
      signal?.throwIfAborted();
      const start = performance.now();
      const known = this.text?.knows(notes) ?? true;
      const features = (await this.text?.of(notes)) ?? null;
      signal?.throwIfAborted();
      const encoded = performance.now();
      const count = notes.length;
      const probability = await this.segmenter.probabilities(planes, features, count, signal);
      signal?.throwIfAborted();
      const rows =
        interest && features ? await this.segmenter.interest(planes, features, count, signal) : null;
      const segment = performance.now() - encoded;
      return { text: known ? 0 : encoded - start, segment, probability, interest: rows };
    });
  }

  private async segmentCases(
    cases: readonly SegmentCase[],
    options: SegmentOptions,
  ): Promise<Segmentation[]> {
    if (cases.length === 0) return [];
    const { threshold = this.manifest.threshold } = options;
    this.requireInterest(options);
    const notes = cases.map(({ note, sides = options.sides, noteStyle = options.noteStyle }) =>
      this.readNote(note, sides, noteStyle),
    );
    const begun = performance.now();
    const pictures: Picture[] = [];
    // In turn: decoded images are large.
    for (const { image, frame = options.frame } of cases)
      pictures.push(await readPicture(this, image, frame === undefined ? options : { ...options, frame }));
    const planes = joined(pictures); // [B,3,S,S]
    const ready = performance.now();
    const texts = notes.map(({ text }) => text);
    const { text, segment, probability, interest } = await this.ask(planes, texts, options);
    const computed = performance.now();
    const found = await Promise.all(
      pictures.map((picture, index) =>
        segmentationOf(this, picture, {
          note: notes[index]!,
          readsNotes: this.text !== null,
          probability,
          index,
          threshold,
          interest: this.interestIn(interest, index, texts[index]!),
        }),
      ),
    );
    const end = performance.now();
    const timings: Timings = {
      preprocess: ready - begun,
      text,
      segment,
      postprocess: end - computed,
      total: end - begun,
    };
    return found.map((one) => ({ ...one, timings }));
  }

  private async segmentOpen(picture: Picture, given: string, options: NoteOptions): Promise<Segmentation> {
    const { signal, sides, noteStyle, threshold = this.manifest.threshold } = options;
    this.requireInterest(options);
    const note = this.readNote(given, sides, noteStyle);
    const begun = performance.now();
    signal?.throwIfAborted();
    const { text, segment, probability, interest } = await this.ask(picture.planes, [note.text], options);
    const computed = performance.now();
    const shown = this.interestIn(interest, 0, note.text);
    const answer = {
      note,
      readsNotes: this.text !== null,
      probability,
      index: 0,
      threshold,
      interest: shown,
    };
    const found = await segmentationOf(this, picture, answer);
    const end = performance.now();
    const postprocess = end - computed;
    return { ...found, timings: { preprocess: 0, text, segment, postprocess, total: end - begun } };
  }

  async encodeNotes(notes: readonly string[]): Promise<Float32Array> {
    this.requireOpen();
    return this.queue(() => this.requireText().of(notes));
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
    return this.queue(() => this.requireText().encode(tokens, count));
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
    return this.queue(() => this.segmenter.probabilities(images, notes, count));
  }

  /** Tries the synthetic case, where devices may fail silently. @throws DEVICE_WRONG, INFERENCE_FAILED */
  async tryDevice(): Promise<void> {
    const { manifest, device } = this;
    const probe = probeOf(manifest, device);
    if (probe === null) return;
    const notes = (await this.text?.of([PROBE_NOTE])) ?? null;
    this.text?.clear();
    const found = await this.segmenter.probabilities(probePlanes(manifest.image.size), notes, 1);
    await this.segmenter.forget();
    checkDevice(manifest, device, probe, found);
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    await Promise.allSettled([...this.batches, this.last]); // callers handle the errors
    await this.segmenter.release();
    await this.text?.release();
  }

  requireOpen(): void {
    if (this.disposed) throw new ReclmisError('INFERENCE_FAILED', 'the model was already disposed');
  }

  /** @throws OPTION_INVALID if it is asked of a model that has none */
  private requireInterest({ interest }: NoteOptions): void {
    if (interest !== true || this.manifest.segmenter.interest) return;
    throw new ReclmisError('OPTION_INVALID', 'interest: this model states none', {
      remedy:
        'Ask only where `manifest.segmenter.interest` is set: exports of RecLMIS have it, older ones after another `reclmis export`.',
    });
  }

  /** @param rows [B,N+T]; null: not asked. @param note that was sent @throws INFERENCE_FAILED */
  private interestIn(rows: Float32Array | null, index: number, note: string): Interest | null {
    const stated = this.manifest.segmenter.interest;
    if (rows === null || !stated || !this.tokens) return null;
    const { side } = stated;
    const tokens = this.tokens.reader.tokens(note);
    const length = side ** 2 + tokens.tokens.length;
    const row = rows.subarray(index * length, (index + 1) * length);
    const shares = interestShares(row, side ** 2, tokens);
    const words = interestingWords(note, tokens, shares.tokens);
    return { map: shares.patches, width: side, height: side, words };
  }

  private requireText(): NoteFeatures {
    if (this.text) return this.text;
    throw new ReclmisError('INFERENCE_FAILED', 'the model reads no notes, so there are no note features');
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
}

/** @returns [B,3,S,S] */
function joined(pictures: readonly Picture[]): Float32Array {
  const [first] = pictures;
  if (pictures.length === 1 && first) return first.planes;
  const all = new Float32Array(pictures.reduce((sum, { planes }) => sum + planes.length, 0));
  let at = 0;
  for (const { planes } of pictures) {
    all.set(planes, at);
    at += planes.length;
  }
  return all;
}

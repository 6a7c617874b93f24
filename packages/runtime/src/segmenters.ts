/**
 * The segmenter at work: whole, or cut where its note enters (`manifest.segmenter.features`), so that an image is seen
 * once for several notes.
 *
 * B cases, S side of the model's input, T tokens, W width of the note's features.
 */
import {
  distinctImages,
  type GraphFeature,
  type ModelManifest,
  ReclmisError,
  sameValues,
} from '@reclmis/core';
import { runNetwork, withCode } from './networks.js';
import type { Inputs, Kept, Network, Values } from './seams.js';

/** Calls never overlap: the model puts them in order. */
export interface SegmenterNetworks {
  /** @param images [B,3,S,S] @param notes [B,T,W]; null if the model reads none @returns [B,1,S,S] @throws INFERENCE_FAILED; the signal's reason */
  probabilities(
    images: Float32Array,
    notes: Float32Array | null,
    count: number,
    signal?: AbortSignal,
  ): Promise<Float32Array>;
  /** What `manifest.segmenter.interest` states, by a network that is opened when first asked. @returns [B,N+T] @throws as `probabilities` */
  interest(
    images: Float32Array,
    notes: Float32Array,
    count: number,
    signal?: AbortSignal,
  ): Promise<Float32Array>;
  /** Sees an image [3,S,S] ahead of its notes, if it can. @throws INFERENCE_FAILED */
  see(image: Float32Array): Promise<void>;
  /** Frees what is kept of an image, or of all. */
  forget(image?: Float32Array): Promise<void>;
  release(): Promise<void>;
}

export type Opening = () => Promise<Network>;

/** Says where the model looks. Its network is opened when first asked, so that those who never ask pay nothing. */
class InterestPart {
  private network: Promise<Network> | null = null;

  constructor(
    private readonly manifest: ModelManifest,
    private open: Opening | null,
  ) {}

  /** @param inputs of `count` notes, besides what is kept @returns [B,N+T] @throws INFERENCE_FAILED */
  async ask(inputs: Inputs, count: number, kept?: Kept): Promise<Float32Array> {
    const { segmenter, note } = this.manifest;
    if (!segmenter.interest || !note) throw new ReclmisError('INTERNAL', 'the model states no interest');
    this.network ??= this.open?.() ?? null;
    this.open = null; // with the bytes of its network
    const network = await this.network;
    if (!network) throw new ReclmisError('INTERNAL', 'the model has no network for its interest');
    const length = count * (segmenter.interest.side ** 2 + note.contextLength);
    return runNetwork(network, inputs, segmenter.interest.output, length, kept);
  }

  async release(): Promise<void> {
    const network = await this.network?.catch(() => null); // the caller who opened it has had the error
    await network?.release();
  }
}

/** Sees every image with its note. */
export class WholeSegmenter implements SegmenterNetworks {
  private readonly interested;

  /** @param interest opens the part that gives it; null if the model states none */
  constructor(
    private readonly manifest: ModelManifest,
    private readonly network: Network,
    interest: Opening | null = null,
  ) {
    this.interested = new InterestPart(manifest, interest);
  }

  probabilities(images: Float32Array, notes: Float32Array | null, count: number): Promise<Float32Array> {
    const { segmenter, image } = this.manifest;
    const inputs = this.inputs(images, notes, count);
    return runNetwork(this.network, inputs, segmenter.outputs.probability, count * image.size ** 2);
  }

  interest(images: Float32Array, notes: Float32Array, count: number): Promise<Float32Array> {
    return this.interested.ask(this.inputs(images, notes, count), count);
  }

  private inputs(images: Float32Array, notes: Float32Array | null, count: number): Inputs {
    return { ...imageInput(this.manifest, images, count), ...noteInput(this.manifest, notes, count) };
  }

  see(): Promise<void> {
    return Promise.resolve();
  }

  forget(): Promise<void> {
    return Promise.resolve();
  }

  async release(): Promise<void> {
    await this.network.release();
    await this.interested.release();
  }
}

/** What is kept of images that were seen together. */
interface Seen {
  /** [B,3,S,S]. */
  readonly images: Float32Array;
  readonly kept: Kept;
  readonly bytes: number;
}

/** The networks of a segmenter that is cut. */
export interface CutNetworks {
  readonly image: Network;
  readonly note: Network;
  /** Opens the part that gives the interest; null if the model states none. */
  readonly interest?: Opening | null;
}

/** A question to a network about features that are kept. */
type Asking = (kept: Kept, notes: Float32Array | null, count: number) => Promise<Float32Array>;

/** Sees images first, and asks each note about what it has seen. */
export class CutSegmenter implements SegmenterNetworks {
  /** Least recently used first; together at most `limit` bytes. */
  private seen: Seen[] = [];
  private readonly bytesOfOne: number;
  private readonly image: Network;
  private readonly note: Network;
  private readonly interested: InterestPart;

  /** @param features of one image @param limit bytes of features and of the images that they are of */
  constructor(
    private readonly manifest: ModelManifest,
    { image, note, interest = null }: CutNetworks,
    private readonly features: readonly GraphFeature[],
    private readonly limit: number,
  ) {
    this.image = image;
    this.note = note;
    this.interested = new InterestPart(manifest, interest);
    const ofFeatures = features.reduce((sum, feature) => sum + bytesOf(feature), 0);
    this.bytesOfOne = ofFeatures + 4 * 3 * manifest.image.size ** 2;
  }

  probabilities(
    images: Float32Array,
    notes: Float32Array | null,
    count: number,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const { segmenter, image } = this.manifest;
    const { probability } = segmenter.outputs;
    const ask: Asking = (kept, own, some) =>
      runNetwork(this.note, noteInput(this.manifest, own, some), probability, some * image.size ** 2, kept);
    return this.answers(images, notes, count, ask, signal);
  }

  interest(
    images: Float32Array,
    notes: Float32Array,
    count: number,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const ask: Asking = (kept, own, some) =>
      this.interested.ask(noteInput(this.manifest, own, some), some, kept);
    return this.answers(images, notes, count, ask, signal);
  }

  /** Asks about each image once it is seen. @returns the answers, in the notes' order */
  private async answers(
    images: Float32Array,
    notes: Float32Array | null,
    count: number,
    ask: Asking,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const { size: S } = this.manifest.image;
    const { first, of } = distinctImages(images, S);
    const image = (b: number): Float32Array => images.subarray(b * 3 * S * S, (b + 1) * 3 * S * S);
    const together = count === 1 || this.find(images) >= 0 || !first.some((b) => this.find(image(b)) >= 0);
    if (first.length === count && together)
      return this.using(images, count, (kept) => ask(kept, notes, count), signal);
    // An image alone, if several notes are about it or it was seen before: features of a batch belong together.
    const found: Float32Array[] = [];
    const width = (notes?.length ?? 0) / count;
    for (const [u, b] of first.entries()) {
      const answer = async (kept: Kept): Promise<void> => {
        for (const [i, number] of of.entries()) {
          if (number !== u) continue;
          signal?.throwIfAborted();
          const note = notes?.slice(i * width, (i + 1) * width) ?? null;
          found[i] = await ask(kept, note, 1);
        }
      };
      await this.using(image(b), 1, answer, signal);
    }
    return joined(found);
  }

  async see(image: Float32Array): Promise<void> {
    if (this.bytesOfOne <= this.limit) await this.using(image, 1, () => Promise.resolve());
  }

  async forget(image?: Float32Array): Promise<void> {
    const gone = this.seen.filter(({ images }) => image === undefined || sameValues(images, image));
    this.seen = this.seen.filter((one) => !gone.includes(one));
    for (const { kept } of gone) await kept.release();
  }

  async release(): Promise<void> {
    await this.forget();
    await this.image.release();
    await this.note.release();
    await this.interested.release();
  }

  /** Asks about images, seen now or before; keeps what fits. */
  private async using<T>(
    images: Float32Array,
    count: number,
    answer: (kept: Kept) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const known = this.find(images);
    const [before] = known < 0 ? [] : this.seen.splice(known, 1);
    const bytes = count * this.bytesOfOne;
    if (!before) await this.makeRoom(bytes);
    const now = before ?? { images: images.slice(), kept: await this.look(images, count), bytes };
    try {
      signal?.throwIfAborted();
      return await answer(now.kept);
    } finally {
      if (now.bytes <= this.limit) this.seen.push(now);
      else await now.kept.release();
    }
  }

  private find(images: Float32Array): number {
    return this.seen.findIndex((one) => sameValues(one.images, images));
  }

  /** For as many bytes as fit at all. */
  private async makeRoom(bytes: number): Promise<void> {
    if (bytes > this.limit) return;
    let total = this.seen.reduce((sum, one) => sum + one.bytes, bytes);
    while (total > this.limit) {
      const oldest = this.seen.shift();
      if (!oldest) return;
      total -= oldest.bytes;
      await oldest.kept.release();
    }
  }

  private look(images: Float32Array, count: number): Promise<Kept> {
    const names = this.features.map(({ name }) => name);
    return withCode(this.image.keep(imageInput(this.manifest, images, count), names));
  }
}

/** The same length each. */
function joined(parts: readonly Float32Array[]): Float32Array {
  const length = parts[0]?.length ?? 0;
  const all = new Float32Array(parts.length * length);
  parts.forEach((part, i) => all.set(part, i * length));
  return all;
}

function imageInput(
  { image: { size: S }, segmenter }: ModelManifest,
  images: Float32Array,
  count: number,
): Record<string, Values> {
  return { [segmenter.inputs.image]: { data: images, shape: [count, 3, S, S] } };
}

function noteInput(
  { note, segmenter }: ModelManifest,
  notes: Float32Array | null,
  count: number,
): Record<string, Values> {
  if (!note || !notes || segmenter.inputs.note === null) return {};
  return { [segmenter.inputs.note]: { data: notes, shape: [count, note.contextLength, note.width] } };
}

const BYTES: Readonly<Record<GraphFeature['type'], number>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  float16: 2,
  float32: 4,
  int32: 4,
  int64: 8,
};

const bytesOf = ({ type, shape }: GraphFeature): number =>
  shape.reduce((product, size) => product * size, BYTES[type]);

/** @throws OPTION_INVALID */
export function knowFeatureBytes(bytes: number): number {
  if (Number.isInteger(bytes) && bytes >= 0) return bytes;
  throw new ReclmisError('OPTION_INVALID', `featureBytes: expected a whole number from 0, got ${bytes}`);
}

/** Makes the loader's batches, in a worker thread or in-process. */
import type { ResizeRule, Vocabulary } from '@reclmis/core';
import { mapLimit } from '@reclmis/files';
import type { AugmentOptions } from './augment-options.js';
import { augment, augmentRandom } from './augment.js';
import { SampleCache, type CacheMemory } from './cache.js';
import { NoteMotions } from './note-motions.js';
import { NoteRewordings } from './reword-notes.js';
import { readSample, writePlanes } from './sample.js';
import type { Batch, Case, Sample } from './types.js';

const LANES = 4;

export interface AssemblerSettings {
  readonly cases: readonly Case[];
  /** Side of the square samples, in pixels. */
  readonly size: number;
  readonly resize: ResizeRule;
  readonly seed: number;
  readonly augment: Partial<AugmentOptions> | null;
  /** In whose words the notes are, for flips; null: core's `chest`. */
  readonly vocabulary: Vocabulary | null;
  readonly cache: CacheMemory;
}

/** Indices into the cases. */
export interface BatchJob {
  readonly epoch: number;
  readonly indices: readonly number[];
  readonly spare?: BatchMemory;
}

/**
 * Goes back and forth between loader and threads: memory allocated in one thread and freed in another would
 * fragment malloc's heaps.
 */
export interface BatchMemory {
  readonly images: ArrayBuffer;
  readonly masks: ArrayBuffer;
}

export function memoryOf({ images, masks }: Pick<Batch, 'images' | 'masks'>): BatchMemory {
  return { images: images.buffer as ArrayBuffer, masks: masks.buffer as ArrayBuffer };
}

export type AssembledBatch = Omit<Batch, 'waitMs'>;

export class Assembler {
  private readonly cache: SampleCache;
  private readonly motions: NoteMotions;
  private readonly rewordings: NoteRewordings | null;

  constructor(private readonly settings: AssemblerSettings) {
    this.cache = new SampleCache(settings.cache);
    this.motions = new NoteMotions(settings.vocabulary);
    this.rewordings = NoteRewordings.of(settings.augment, settings.seed);
  }

  /** @throws the error of `readSample`, naming the file */
  async batch({ epoch, indices, spare }: BatchJob): Promise<AssembledBatch> {
    const { size } = this.settings;
    const count = indices.length;
    const images = floats(count * 3 * size * size, spare?.images); // [B, 3, S, S]
    const masks = floats(count * size * size, spare?.masks); // [B, 1, S, S]
    const samples = await mapLimit(indices, LANES, async (index, at) => {
      const sample = this.augmented(await this.sample(index), epoch);
      writePlanes(sample, at, images, masks);
      return { id: sample.id, note: sample.note };
    });
    return { ids: samples.map(({ id }) => id), notes: samples.map(({ note }) => note), images, masks, count };
  }

  private async sample(index: number): Promise<Sample> {
    const item = this.settings.cases[index] as Case;
    const held = this.cache.get(index);
    if (held !== null) return { id: item.id, note: item.note, ...held };
    const sample = await readSample(item, this.settings.size, this.settings.resize);
    this.cache.set(index, sample);
    return sample;
  }

  private augmented(sample: Sample, epoch: number): Sample {
    const { seed, augment: options } = this.settings;
    if (options === null) return sample;
    const flipped = augment(sample, augmentRandom(seed, epoch, sample.id), options, this.motions);
    const note = this.rewordings?.noteFor(flipped.note, epoch, flipped.id) ?? flipped.note;
    return { ...flipped, note };
  }
}

/** The caller writes every number. */
function floats(count: number, spare: ArrayBuffer | undefined): Float32Array {
  const bytes = count * Float32Array.BYTES_PER_ELEMENT;
  return spare && spare.byteLength >= bytes ? new Float32Array(spare, 0, count) : new Float32Array(count);
}

/**
 * The parts of a step's batch (`train.accumulate`), and their tensors at the step's size (`train.sizes`).
 *
 * b cases of a part, S side of the model's input, s that of the images in this step.
 */
import { Random } from '@reclmis/core';
import { Tensor } from '@reclmis/torch';
import { shareOf, type Batch } from '@reclmis/data';
import type { Engine } from '../engine/engine.js';
import { imageTensor } from '../engine/segmenter.js';
import type { Taught } from '../model/losses.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import type { NoteFeatures } from '../text/encoder.js';

/** What the tensors of a part depend on besides it. */
export interface PartSettings {
  readonly model: SegmentationModel;
  readonly engine: Engine;
  readonly seed: number;
  /** To train at, one drawn for each step; empty: S alone. */
  readonly sizes: readonly number[];
  /** Softens student and teacher. */
  readonly temperature: number;
}

export interface Part {
  readonly from: number;
  readonly count: number;
  /** Part of the whole batch, in [0, 1]. */
  readonly share: number;
  /** Out of cases: takes part with one that counts nothing. */
  readonly idle: boolean;
  /** s, of the images in this step. */
  readonly side: number;
  readonly ids: readonly string[];
  readonly notes: readonly string[];
  readonly images: Float32Array;
  readonly masks: Float32Array;
  /** [b,1,S,S]; null without a teacher. */
  readonly taught: Float32Array | null;
  readonly note: NoteFeatures | null;
}

/** Parts differ by at most one case, and are equally many in every process. */
export function cut(
  batch: Batch,
  notes: NoteFeatures | null,
  taught: Float32Array | null,
  { parts, size, side }: { readonly parts: number; readonly size: number; readonly side: number },
): Part[] {
  const total = batch.shard?.total ?? batch.count;
  const number = Math.min(parts, Math.ceil(total / size));
  const [image, mask] = [batch.images.length / batch.count, batch.masks.length / batch.count];
  return Array.from({ length: number }, (_, i) => {
    const own = shareOf(batch.count, i, number);
    const idle = own.to === own.from || batch.shard?.idle === true;
    const { from, to } = own.to === own.from ? { from: 0, to: 1 } : own;
    const some = (all: Tensor): Tensor => (number === 1 ? all : all.narrow(0, from, to - from));
    return {
      from,
      count: to - from,
      share: idle ? 0 : (to - from) / total,
      idle,
      side,
      ids: batch.ids.slice(from, to),
      notes: batch.notes.slice(from, to),
      images: batch.images.subarray(from * image, to * image),
      masks: batch.masks.subarray(from * mask, to * mask),
      taught: taught?.subarray(from * mask, to * mask) ?? null,
      note: notes && {
        features: some(notes.features),
        valid: some(notes.valid),
        ...(notes.ids && { ids: some(notes.ids) }),
      },
    };
  });
}

/** Drawn by seed and step, the same in every process. */
export function sideOf({ sizes, seed, model }: PartSettings, step: number): number {
  if (sizes.length === 0) return model.options.imageSize;
  return sizes[Random.from(seed, 'size', step).int(sizes.length)] ?? model.options.imageSize;
}

/** [b,3,s,s]. */
export function imagesOf({ model, engine }: PartSettings, { images, count, side }: Part): Tensor {
  return atSide(imageTensor(images, count, model.options.imageSize, engine), side);
}

/** [b,1,s,s]; of another size than S, a pixel is foreground if at least half of it is. */
export function masksOf(parts: PartSettings, part: Part): Tensor {
  const masks = planesOf(parts, part, part.masks);
  return part.side === parts.model.options.imageSize ? masks : masks.ge(0.5).to({ dtype: 'float32' });
}

export function taughtOf(parts: PartSettings, part: Part): Taught | null {
  if (part.taught === null) return null;
  return { probability: planesOf(parts, part, part.taught), temperature: parts.temperature };
}

function planesOf({ model, engine }: PartSettings, { count, side }: Part, planes: Float32Array): Tensor {
  const S = model.options.imageSize;
  return atSide(Tensor.fromFloat32(planes, [count, 1, S, S], { device: engine.device }), side);
}

/** Bilinear. @param x [b,C,S,S]. @returns [b,C,s,s] */
function atSide(x: Tensor, side: number): Tensor {
  return x.size(2) === side ? x : x.upsampleBilinear2d([side, side], false);
}

/**
 * Runs a model on pictures and notes, for validation, evaluation and prediction.
 *
 * B cases, S side of the model's input.
 */
import { distinctImages, type OpenPlanes, pickedImages, type ResizeRule } from '@reclmis/core';
import { cat, keep, noGrad, scope, Tensor } from '@reclmis/torch';
import type { Engine } from './engine.js';
import { inPrecision } from './precision.js';
import type { ImageFeatures, SegmentationModel } from '../model/segmentation-model.js';
import type { NoteEncoder, NoteFeatures } from '../text/encoder.js';

/** In order: copying images, notes' features, the model up to reading the result. */
export type SegmentPhase = 'copy' | 'text' | 'forward';

/** Owns neither model nor encoder. */
export class Segmenter {
  constructor(
    readonly model: SegmentationModel,
    readonly encoder: NoteEncoder,
    readonly engine: Engine,
    /** How images come to the model's size. */
    readonly resize: ResizeRule,
    /** At the end of each phase. */
    private readonly onPhase?: (phase: SegmentPhase) => void,
  ) {}

  /** S. */
  get size(): number {
    return this.model.options.imageSize;
  }

  /**
   * Runs in evaluation mode, then restores the model's mode. Equal images are seen once.
   * @param images [B,3,S,S], planes R, G, B in [0, 1] @param notes B of them @returns [B,1,S,S], each pixel's
   * probability to belong to what the note describes
   */
  probabilities(images: Float32Array, notes: readonly string[]): Float32Array {
    const { model, engine, size: S } = this;
    const { first, of } = distinctImages(images, S);
    if (first.length < of.length) {
      using opened = this.open(pickedImages(images, S, first));
      return opened.probabilities(notes, of);
    }
    return this.evaluating(() => {
      const input = imageTensor(images, notes.length, S, engine); // [B,3,S,S]
      this.onPhase?.('copy');
      const note = this.encode(notes);
      this.onPhase?.('text');
      const { probability } = inPrecision(engine, () => model.segment(input, note));
      const result = probability.toFloat32Array();
      this.onPhase?.('forward');
      return result;
    });
  }

  /**
   * The interest of a model that has an `interestSide`, in evaluation mode, as `segmentWithScores` gives it.
   * @param images [B,3,S,S] @param notes B of them @returns [B,N+T] @throws INTERNAL for other models
   */
  interest(images: Float32Array, notes: readonly string[]): Float32Array {
    const { model, encoder, engine, size: S } = this;
    return this.evaluating(() => {
      const input = imageTensor(images, notes.length, S, engine); // [B,3,S,S]
      const note = encoder.encode(notes, engine.device);
      return inPrecision(engine, () => model.segmentWithScores(input, note)).interest.toFloat32Array();
    });
  }

  /** Sees images [B,3,S,S] once, for several notes. The caller disposes the result, ahead of the model. */
  open(images: Float32Array): OpenImages {
    const { model, engine, size: S } = this;
    const count = images.length / (3 * S * S);
    const features = this.evaluating(() => {
      const input = imageTensor(images, count, S, engine); // [B,3,S,S]
      return inPrecision(engine, () => model.imageFeatures(input)).map((feature) => keep(feature));
    });
    return new SeenImages(features, (kept, notes, of) =>
      this.evaluating(() => {
        const note = this.encode(notes);
        const given = of ? picked(kept, of) : kept;
        return inPrecision(engine, () => model.withNote(given, note)).probability.toFloat32Array();
      }),
    );
  }

  private encode(notes: readonly string[]): NoteFeatures | null {
    return this.model.readsNotes ? this.encoder.encode(notes, this.engine.device) : null;
  }

  /** Without gradients, in evaluation mode. */
  private evaluating<T>(body: () => T): T {
    const { model } = this;
    const wasTraining = model.training;
    model.eval();
    try {
      return noGrad(() => scope(body));
    } finally {
      model.train(wasTraining);
    }
  }
}

/** Images that a model has seen. */
export interface OpenImages extends OpenPlanes, Disposable {
  /** @param of the number of each note's image; default its own @returns [B,1,S,S], of B notes */
  probabilities(notes: readonly string[], of?: readonly number[]): Float32Array;
}

class SeenImages implements OpenImages {
  constructor(
    private features: ImageFeatures | null,
    private readonly ask: (
      features: ImageFeatures,
      notes: readonly string[],
      of: readonly number[] | undefined,
    ) => Float32Array,
  ) {}

  probabilities(notes: readonly string[], of?: readonly number[]): Float32Array {
    if (!this.features) throw new RangeError('the images were already disposed');
    return this.ask(this.features, notes, of);
  }

  dispose(): void {
    for (const feature of this.features ?? []) feature.dispose();
    this.features = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The features of some images, in this order. */
function picked(features: ImageFeatures, of: readonly number[]): ImageFeatures {
  const [first] = features;
  if (first && of.length === first.size(0) && of.every((b, i) => b === i)) return features;
  return features.map((feature) =>
    cat(
      of.map((b) => feature.narrow(0, b, 1)),
      0, // keeps channels-last
    ),
  );
}

/** [B,3,S,S], on the engine's device, in its layout. On CUDA the copy is queued. */
export function imageTensor(images: Float32Array, count: number, size: number, engine: Engine): Tensor {
  const tensor = Tensor.fromFloat32(images, [count, 3, size, size], { device: engine.device });
  return tensor.contiguous({ memoryFormat: engine.memoryFormat });
}

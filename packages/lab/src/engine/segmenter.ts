/**
 * Runs a model on pictures and notes, for validation, evaluation and prediction.
 *
 * B cases, S side of the model's input.
 */
import { noGrad, scope, Tensor } from '@reclmis/torch';
import type { Engine } from './engine.js';
import { inPrecision } from './precision.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import type { NoteEncoder } from '../text/encoder.js';

/** In order: copying images, notes' features, the model up to reading the result. */
export type SegmentPhase = 'copy' | 'text' | 'forward';

/** Owns neither model nor encoder. */
export class Segmenter {
  constructor(
    readonly model: SegmentationModel,
    readonly encoder: NoteEncoder,
    readonly engine: Engine,
    /** At the end of each phase. */
    private readonly onPhase?: (phase: SegmentPhase) => void,
  ) {}

  /** S. */
  get size(): number {
    return this.model.options.imageSize;
  }

  /**
   * Runs in evaluation mode, then restores the model's mode.
   * @param images [B,3,S,S], planes R, G, B in [0, 1] @param notes B of them @returns [B,1,S,S], each pixel's
   * probability to belong to what the note describes
   */
  probabilities(images: Float32Array, notes: readonly string[]): Float32Array {
    const { model, encoder, engine, size: S } = this;
    const wasTraining = model.training;
    model.eval();
    try {
      return noGrad(() =>
        scope(() => {
          const input = imageTensor(images, notes.length, S, engine); // [B,3,S,S]
          this.onPhase?.('copy');
          const note = model.readsNotes ? encoder.encode(notes, engine.device) : null;
          this.onPhase?.('text');
          const { probability } = inPrecision(engine, () => model.segment(input, note));
          const result = probability.toFloat32Array();
          this.onPhase?.('forward');
          return result;
        }),
      );
    } finally {
      model.train(wasTraining);
    }
  }
}

/** [B,3,S,S], on the engine's device, in its layout. On CUDA the copy is queued. */
export function imageTensor(images: Float32Array, count: number, size: number, engine: Engine): Tensor {
  const tensor = Tensor.fromFloat32(images, [count, 3, size, size], { device: engine.device });
  return tensor.contiguous({ memoryFormat: engine.memoryFormat });
}

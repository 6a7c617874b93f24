/** A model's inference graph as ONNX: image [B,3,S,S] in [0,1] and note [B,T,W] -> probability [B,1,S,S]. */
import { rand, scope, type Tensor } from '@reclmis/torch';
import type { SegmentationModel } from '@reclmis/lab';
import { fold } from './fold.js';
import { fromNote, sampleNote } from './note-input.js';
import type { OnnxGraph } from './onnx-graph.js';
import { record } from './record.js';
import { translate } from './translate.js';

export const SEGMENTER_NAMES = { image: 'image', note: 'note', probability: 'probability' } as const;

/** Records `model.segment`, keeping the model's mode. @param contextLength T. @throws EXPORT_UNSUPPORTED */
export function segmenterGraph(model: SegmentationModel, contextLength: number): OnnxGraph {
  const { imageSize: S, textWidth: W } = model.options;
  const { noteInput } = model;
  const wasTraining = model.training;
  model.eval();
  try {
    const recording = record(
      (B): { image: Tensor; note?: Tensor } => ({
        image: rand([B, 3, S, S]),
        ...(model.readsNotes ? { note: sampleNote(B, contextLength, W, noteInput) } : {}),
      }),
      ({ image, note }) => ({
        probability: model.segment(image, note ? fromNote(note, noteInput) : null).probability,
      }),
    );
    try {
      const parameters = new Map([...model.stateDict()].map(([key, { id }]) => [id, key]));
      return scope(() => fold(translate(recording, { name: 'segmenter', parameters })));
    } finally {
      recording.dispose();
    }
  } finally {
    model.train(wasTraining);
  }
}

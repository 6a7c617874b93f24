/**
 * A model's inference graph as ONNX: image [B,3,S,S] in [0,1] and note [B,T,W] -> probability [B,1,S,S] and, of models
 * that learn it, interest [B,N+T] (`SegmentationModel.segmentWithScores`).
 */
import { rand, scope, type Tensor } from '@reclmis/torch';
import type { SegmentationModel } from '@reclmis/lab';
import { dropUnused, fold } from './fold.js';
import { fromNote, sampleNote } from './note-input.js';
import { copyOf, type OnnxGraph } from './onnx-graph.js';
import { record } from './record.js';
import { translate } from './translate.js';

export const SEGMENTER_NAMES = { image: 'image', note: 'note', probability: 'probability' } as const;
export const INTEREST = 'interest';

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
      ({ image, note }): { probability: Tensor; [INTEREST]?: Tensor } => {
        const read = note ? fromNote(note, noteInput) : null;
        if (model.interestSide === null || read === null)
          return { probability: model.segment(image, read).probability };
        const { probability, interest } = model.segmentWithScores(image, read);
        return { probability, [INTEREST]: interest };
      },
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

/** A copy that makes the probability alone. */
export function onlyMask(graph: OnnxGraph): OnnxGraph {
  const { probability } = SEGMENTER_NAMES;
  const part = { ...copyOf(graph), outputs: graph.outputs.filter(({ name }) => name === probability) };
  dropUnused(part);
  return part;
}

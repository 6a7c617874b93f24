/** The inference graph of a model as ONNX: image [B,3,S,S] in [0,1] and note [B,T,W] -> probability [B,1,S,S]. */
import { rand, randn, scope, type Tensor } from '@reclmis/torch';
import type { SegmentationModel } from '@reclmis/lab';
import { fold } from './fold.js';
import type { OnnxGraph } from './onnx-graph.js';
import { record } from './record.js';
import { translate } from './translate.js';

/** Names of the segmenter's tensors in the file. */
export const SEGMENTER_NAMES = { image: 'image', note: 'note', probability: 'probability' } as const;

/**
 * Records `model.segment` and translates it. The mode of the model is left as it was.
 * @param contextLength T. @throws EXPORT_UNSUPPORTED
 */
export function segmenterGraph(model: SegmentationModel, contextLength: number): OnnxGraph {
  const { imageSize: S, textWidth: W } = model.options;
  const wasTraining = model.training;
  model.eval();
  try {
    const recording = record(
      (B): { image: Tensor; note?: Tensor } => ({
        image: rand([B, 3, S, S]),
        ...(model.readsNotes ? { note: randn([B, contextLength, W]) } : {}),
      }),
      // `segment` reads the features alone; `valid` says which tokens the training losses may use.
      ({ image, note }) => ({
        probability: model.segment(image, note ? { features: note, valid: note } : null).probability,
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

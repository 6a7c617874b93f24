/** Counting parameters: those that a model trains, those that its inference graph reads, those of the frozen tower that reads the notes. */
import { isTracedValue, ones, type Trace, trace, type TracedArgument, zeros } from '@reclmis/torch';
import type { SegmentationModel } from '../model/segmentation-model.js';
import { CLIP_VIT_B_32, type ClipTextOptions, towerParameters } from '../clip/tower.js';

/** Scalars. */
export interface ParameterCounts {
  /** That training changes. */
  readonly trained: number;
  /** That `segment` reads: without those of the losses. */
  readonly inference: number;
}

/** Counts a model in evaluation mode; the graph of `segment` says what inference reads. @param tokens of a note. */
export function countParameters(model: SegmentationModel, tokens: number): ParameterCounts {
  const { imageSize: S, textWidth: W } = model.options;
  const device = model.parameters()[0]?.device ?? 'cpu';
  const images = zeros([1, 3, S, S], { device });
  const features = zeros([1, tokens, W], { device });
  const valid = ones([1, tokens], { dtype: 'bool', device });
  try {
    const note = model.readsNotes ? { features, valid } : null;
    const traced = trace({ images, features, valid }, () => ({
      probability: model.segment(images, note).probability,
    }));
    try {
      return { trained: model.parameterCount({ trainable: true }), inference: readBy(traced, model) };
    } finally {
      traced.dispose();
    }
  } finally {
    for (const tensor of [images, features, valid]) tensor.dispose();
  }
}

/** Scalars of the parameters that the graph has among its arguments. */
function readBy({ calls }: Trace, model: SegmentationModel): number {
  const left = new Map(model.parameters().map(({ id, numel }) => [id, numel]));
  let read = 0;
  const take = (argument: TracedArgument): void => {
    if (Array.isArray(argument)) argument.forEach(take);
    else if (isTracedValue(argument)) {
      read += left.get(argument.handle) ?? 0;
      left.delete(argument.handle);
    }
  };
  for (const call of calls) for (const argument of call.arguments.values()) take(argument);
  return read;
}

/** The towers behind `text.encoder`; `words` has no parameters. */
const TOWERS: Readonly<Record<string, ClipTextOptions>> = {
  auto: CLIP_VIT_B_32,
  'clip-vit-b-32': CLIP_VIT_B_32,
  'clip-vit-b-16': CLIP_VIT_B_32,
  'clip-vit-l-14': { ...CLIP_VIT_B_32, width: 768, heads: 12, projection: 768 },
};

/** Parameters of a configured encoder, whether or not its weights are on this machine; `auto` counts as the paper's. */
export function frozenParameters(encoder: string): number {
  const tower = TOWERS[encoder];
  return tower ? towerParameters(tower) : 0;
}

/** Counts trained parameters, those of inference, and the frozen tower's. */
import {
  isTracedValue,
  ones,
  type Tensor,
  type Trace,
  trace,
  type TracedArgument,
  zeros,
} from '@reclmis/torch';
import type { SegmentationModel } from '../model/segmentation-model.js';
import { CLIP_VIT_B_32, type ClipTextOptions, towerParameters } from '../clip/tower.js';

export interface ParameterCounts {
  readonly trained: number;
  /** Read by `segment`, without the losses' own. */
  readonly inference: number;
  /** Read by it and not trained. */
  readonly frozen: number;
}

/** Counts a model in evaluation mode by the graph of `segment`. @param tokens of a note. */
export function countParameters(model: SegmentationModel, tokens: number): ParameterCounts {
  const { imageSize: S, textWidth: W } = model.options;
  const device = model.parameters()[0]?.device ?? 'cpu';
  const images = zeros([1, 3, S, S], { device });
  const features = zeros([1, tokens, W], { device });
  const valid = ones([1, tokens], { dtype: 'bool', device });
  const ids = ones([1, tokens], { dtype: 'int64', device });
  try {
    const note = model.readsNotes ? { features, valid, ids } : null;
    const traced = trace({ images, features, valid, ids }, () => ({
      probability: model.segment(images, note).probability,
    }));
    try {
      const read = readBy(traced, model);
      return {
        trained: model.parameterCount({ trainable: true }),
        inference: sizeOf(read),
        frozen: sizeOf(read.filter(({ requiresGrad }) => !requiresGrad)),
      };
    } finally {
      traced.dispose();
    }
  } finally {
    for (const tensor of [images, features, valid, ids]) tensor.dispose();
  }
}

function readBy({ calls }: Trace, model: SegmentationModel): Tensor[] {
  const own = new Map(model.parameters().map((parameter) => [parameter.id, parameter]));
  const read = new Set<Tensor>();
  const take = (argument: TracedArgument): void => {
    if (Array.isArray(argument)) argument.forEach(take);
    else if (isTracedValue(argument)) {
      const parameter = own.get(argument.handle);
      if (parameter) read.add(parameter);
    }
  };
  for (const call of calls) for (const argument of call.arguments.values()) take(argument);
  return [...read];
}

function sizeOf(parameters: readonly Tensor[]): number {
  return parameters.reduce((sum, { numel }) => sum + numel, 0);
}

/** By `text.encoder`; `words` has no parameters. */
const TOWERS: Readonly<Record<string, ClipTextOptions>> = {
  auto: CLIP_VIT_B_32,
  'clip-vit-b-32': CLIP_VIT_B_32,
  'clip-vit-b-16': CLIP_VIT_B_32,
  'clip-vit-l-14': { ...CLIP_VIT_B_32, width: 768, heads: 12, projection: 768 },
};

/** Parameters of an encoder, with or without its weights on this machine; `auto` counts as the paper's. */
export function frozenParameters(encoder: string): number {
  const tower = TOWERS[encoder];
  return tower ? towerParameters(tower) : 0;
}

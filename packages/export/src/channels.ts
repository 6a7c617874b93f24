/** Number and place of the channels in a graph's maps. */
import { makersOf } from './fold.js';
import { ints, type OnnxGraph, type OnnxNode } from './onnx-graph.js';

export interface Channels {
  /** For a map [B,C,H,W]; null if no convolution tells. */
  readonly of: (name: string) => number | null;
  /** One channel, added by Unsqueeze, as PLAM's factor. */
  readonly isPerPixel: (name: string) => boolean;
}

/** Looks through operators that keep the channels. */
export function channelsIn(graph: OnnxGraph): Channels {
  const makers = makersOf(graph);
  const isPerPixel = (name: string): boolean => makers.get(name)?.op === 'Unsqueeze';
  const of = (name: string): number | null => {
    const maker = makers.get(name);
    const [first = ''] = maker?.inputs ?? [];
    switch (maker?.op) {
      case 'Conv': {
        const shape = graph.constants.get(maker.inputs[1] ?? '')?.shape;
        return shape?.length === 4 ? (shape[0] ?? null) : null;
      }
      case 'Relu':
      case 'MaxPool':
      case 'Resize':
        return of(first);
      case 'Mul':
        return of(maker.inputs.find((input) => !isPerPixel(input)) ?? '');
      default:
        return null;
    }
  };
  return { of, isPerPixel };
}

export function isChannelAxis({ attributes }: OnnxNode): boolean {
  const axis = attributes['axis'];
  return axis?.kind === 'int' && axis.value === 1;
}

export const transposition = (from: string, to: string, perm: readonly number[]): OnnxNode => ({
  op: 'Transpose',
  inputs: [from],
  outputs: [to],
  attributes: { perm: ints(perm) },
});

/** [B,C,H,W] as [B,H,W,C]. */
export const channelsLast = (from: string, to: string): OnnxNode => transposition(from, to, [0, 2, 3, 1]);

/** [B,H,W,C] as [B,C,H,W]. */
export const channelsFirst = (from: string, to: string): OnnxNode => transposition(from, to, [0, 3, 1, 2]);

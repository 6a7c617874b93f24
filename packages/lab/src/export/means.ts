/**
 * A mean over the channels of a map is a 1x1 convolution with weights 1/C. onnxruntime keeps convolutions in a layout of its own, in blocks of
 * channels, and has to leave it for a reduction: PLAM's means as convolutions save 10 of 330 ms (docs/export.md says of what).
 */
import { makersOf } from './fold.js';
import { floats, int, integers, ints, type OnnxGraph, type OnnxNode } from './onnx-graph.js';

/** Replaces means over the channels of what a two-dimensional convolution makes, directly or through a ReLU; in place. */
export function meansAsConvolutions(graph: OnnxGraph): void {
  const makers = makersOf(graph);
  const channelsOf = (name: string): number | null => {
    const maker = makers.get(name);
    if (maker?.op === 'Relu') return channelsOf(maker.inputs[0] ?? '');
    const shape = maker?.op === 'Conv' ? graph.constants.get(maker.inputs[1] ?? '')?.shape : undefined;
    return shape?.length === 4 ? (shape[0] ?? null) : null;
  };
  graph.nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    const [input = ''] = node.inputs;
    const [output = ''] = node.outputs;
    const axes = node.attributes['axes'];
    const keep = node.attributes['keepdims'];
    const channels = channelsOf(input);
    const overChannels = axes?.kind === 'ints' && axes.value.join() === '1';
    if (node.op !== 'ReduceMean' || !overChannels || channels === null) return [node];
    const weight = `scales_mean_${channels}`;
    graph.constants.set(weight, floats(new Float32Array(channels).fill(1 / channels), [1, channels, 1, 1]));
    const keepsAxis = !(keep?.kind === 'int' && keep.value === 0);
    const mean = keepsAxis ? output : `${output}.map`;
    const convolution: OnnxNode = {
      op: 'Conv',
      inputs: [input, weight],
      outputs: [mean],
      attributes: {
        kernel_shape: ints([1, 1]),
        strides: ints([1, 1]),
        pads: ints([0, 0, 0, 0]),
        dilations: ints([1, 1]),
        group: int(1),
      },
    };
    if (keepsAxis) return [convolution];
    graph.constants.set('list_1', integers([1]));
    const squeeze = { op: 'Squeeze', inputs: [mean, 'list_1'], outputs: [output], attributes: {} };
    return [convolution, squeeze];
  });
}

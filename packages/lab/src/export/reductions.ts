/**
 * PLAM's means and maxima over the channels of a map, in forms that onnxruntime computes faster. None of them changes more than the order of sums.
 *
 * A reduction over the second of four axes strides through memory, value by value; onnxruntime takes 9 ms of one core for 64 channels of 224 x 224
 * where the arithmetic takes less than one.
 */
import { channelsIn } from './channels.js';
import { floats, int, integers, ints, type OnnxGraph, type OnnxNode } from './onnx-graph.js';

/** Parts of the channels whose maximum is taken element by element; more would copy more often. */
const PARTS = 8;

/** A reduction over the channels of a map that a convolution made. */
interface Reduction {
  readonly node: OnnxNode;
  readonly input: string;
  readonly output: string;
  readonly channels: number;
  readonly keepsAxis: boolean;
}

/** Replaces reductions of a kind by what `change` makes of them; in place. */
function replace(
  graph: OnnxGraph,
  op: 'ReduceMean' | 'ReduceMax' | null,
  change: (reduction: Reduction) => OnnxNode[],
): void {
  const channels = channelsIn(graph);
  graph.nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    if (op === null ? !['ReduceMean', 'ReduceMax'].includes(node.op) : node.op !== op) return [node];
    const [input = ''] = node.inputs;
    const [output = ''] = node.outputs;
    const axes = node.attributes['axes'];
    const keep = node.attributes['keepdims'];
    const count = channels.of(input);
    if (axes?.kind !== 'ints' || axes.value.join() !== '1' || count === null) return [node];
    const keepsAxis = !(keep?.kind === 'int' && keep.value === 0);
    return change({ node, input, output, channels: count, keepsAxis });
  });
}

/**
 * Means as 1x1 convolutions with weights 1/C, for float32: onnxruntime keeps convolutions in a layout of its own, in blocks of channels, and has to
 * leave it for a reduction.
 */
export function meansAsConvolutions(graph: OnnxGraph): void {
  replace(graph, 'ReduceMean', ({ input, output, channels, keepsAxis }) => {
    const weight = `scales_mean_${channels}`;
    graph.constants.set(weight, floats(new Float32Array(channels).fill(1 / channels), [1, channels, 1, 1]));
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

/** Maxima of an eighth of the channels each, element by element, and then of the eighth that is left; for float32. */
export function maximaByParts(graph: OnnxGraph): void {
  replace(graph, 'ReduceMax', ({ node, input, output, channels }) => {
    if (channels % PARTS !== 0 || channels === PARTS) return [node];
    const parts = Array.from({ length: PARTS }, (_, i) => `${output}.part_${i}`);
    return [
      { op: 'Split', inputs: [input], outputs: parts, attributes: { axis: int(1) } }, // [B,C/8,H,W] each
      { op: 'Max', inputs: parts, outputs: [`${output}.most`], attributes: {} },
      { ...node, inputs: [`${output}.most`], outputs: [output] },
    ];
  });
}

/**
 * Reductions over the last axis of the transposed map, for int8: onnxruntime keeps quantised convolutions with the channels last, so that its own
 * transposition and this one cancel each other.
 */
export function reduceChannelsLast(graph: OnnxGraph): void {
  replace(graph, null, ({ node, input, output, keepsAxis }) => {
    if (keepsAxis) return [node];
    const last = `${output}.last`;
    return [
      { op: 'Transpose', inputs: [input], outputs: [last], attributes: { perm: ints([0, 2, 3, 1]) } },
      { ...node, inputs: [last], outputs: [output], attributes: { ...node.attributes, axes: ints([3]) } },
    ];
  });
}

/**
 * 1x1 convolutions to one channel, such as the one to the logits, as products over the last axis of the transposed map, for int8: the same sums in
 * float32, without leaving the layout of quantised convolutions.
 */
export function projectChannelsLast(graph: OnnxGraph): void {
  graph.nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    const [input = '', weight = '', bias] = node.inputs;
    const [output = ''] = node.outputs;
    const constant = graph.constants.get(weight);
    const [O, C = 0, ...kernel] = constant?.shape ?? [];
    if (node.op !== 'Conv' || !constant || O !== 1 || kernel.join() !== '1,1' || C === 1) return [node];
    const [last, column] = [`${output}.last`, `${weight}.column`];
    graph.constants.set(column, { ...constant, shape: [C, 1] });
    const sum = bias === undefined ? `${output}.column` : `${output}.product`;
    return [
      { op: 'Transpose', inputs: [input], outputs: [last], attributes: { perm: ints([0, 2, 3, 1]) } },
      { op: 'MatMul', inputs: [last, column], outputs: [sum], attributes: {} },
      ...(bias === undefined
        ? []
        : [{ op: 'Add', inputs: [sum, bias], outputs: [`${output}.column`], attributes: {} }]),
      {
        op: 'Transpose',
        inputs: [`${output}.column`],
        outputs: [output],
        attributes: { perm: ints([0, 3, 1, 2]) },
      },
    ];
  });
}

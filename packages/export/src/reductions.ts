/**
 * PLAM's means and maxima over channels, in forms that onnxruntime computes faster; only the order of sums
 * changes. Reducing the second of four axes strides through memory: 9 ms of one core for 64 channels of 224 x
 * 224, over nine times its arithmetic.
 */
import { channelsFirst, channelsIn, channelsLast } from './channels.js';
import { floats, int, integers, ints, type OnnxGraph, type OnnxNode } from './onnx-graph.js';
import { convolution, isPlain } from './phases.js';

/** For elementwise maxima; more parts mean more copies. */
const PARTS = 8;

interface Reduction {
  readonly node: OnnxNode;
  readonly input: string;
  readonly output: string;
  readonly channels: number;
  readonly keepsAxis: boolean;
}

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
 * Means as 1x1 convolutions with weights 1/C, for float32: a reduction would leave onnxruntime's blocked
 * layout of convolutions.
 */
export function meansAsConvolutions(graph: OnnxGraph): void {
  replace(graph, 'ReduceMean', ({ input, output, channels, keepsAxis }) => {
    const weight = `scales_mean_${channels}`;
    graph.constants.set(weight, floats(new Float32Array(channels).fill(1 / channels), [1, channels, 1, 1]));
    const mean = keepsAxis ? output : `${output}.map`;
    const attributes = convolution([1, 1], [0, 0, 0, 0]);
    const averaging = { op: 'Conv', inputs: [input, weight], outputs: [mean], attributes };
    if (keepsAxis) return [averaging];
    graph.constants.set('list_1', integers([1]));
    const squeeze = { op: 'Squeeze', inputs: [mean, 'list_1'], outputs: [output], attributes: {} };
    return [averaging, squeeze];
  });
}

/** Elementwise maxima of eighths of the channels, then the last eighth's maximum; for float32. */
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
 * Reductions over the last axis of the transposed map, for int8: onnxruntime keeps quantised convolutions
 * with channels last, so transpositions cancel.
 */
export function reduceChannelsLast(graph: OnnxGraph): void {
  replace(graph, null, ({ node, input, output, keepsAxis }) => {
    if (keepsAxis) return [node];
    const last = `${output}.last`;
    return [
      channelsLast(input, last),
      { ...node, inputs: [last], outputs: [output], attributes: { ...node.attributes, axes: ints([3]) } },
    ];
  });
}

/**
 * 1x1 convolutions to one channel (the logits) as products over the transposed map's last axis, for int8: the
 * same float32 sums in the layout of quantised convolutions.
 */
export function projectChannelsLast(graph: OnnxGraph): void {
  graph.nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    const [input = '', weight = '', bias] = node.inputs;
    const [output = ''] = node.outputs;
    const constant = graph.constants.get(weight);
    const [O, C = 0] = constant?.shape ?? [];
    if (node.op !== 'Conv' || !constant || O !== 1 || !isPlain(node, 1)) return [node];
    const [last, column, sum] = [`${output}.last`, `${weight}.column`, `${output}.sum`];
    graph.constants.set(column, { ...constant, shape: [C, 1] });
    const product = bias === undefined ? sum : `${output}.product`;
    return [
      channelsLast(input, last),
      { op: 'MatMul', inputs: [last, column], outputs: [product], attributes: {} },
      ...(bias === undefined ? [] : [{ op: 'Add', inputs: [product, bias], outputs: [sum], attributes: {} }]),
      channelsFirst(sum, output),
    ];
  });
}

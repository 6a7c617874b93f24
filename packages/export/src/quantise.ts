/**
 * Static int8 quantisation in ONNX's QDQ form: x becomes q = round(x / scale) + zero and back, and runtimes
 * compute convolutions between such pairs in 8 bits. Activations are uint8 with one scale each, weights int8
 * with a scale per output channel and no zero point, biases int32.
 *
 * Weights take 7 bits: processors with AVX2 but no VNNI add pairs of products in 16 bits, which 8 would
 * overflow.
 *
 * In float stay the first convolution (reads the image), the last (makes the logits), attention's products
 * and softmaxes, PLAM's small maps, and the layers of `float-layers.ts`.
 */
import type { Range } from './calibrate.js';
import { channelsFirst, channelsLast } from './channels.js';
import { dropUnread, makersOf } from './fold.js';
import {
  bytesOf,
  elements,
  float32Of,
  floats,
  int,
  integers,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  readersOf,
} from './onnx-graph.js';
import { isDoubling } from './phases.js';
import { type Size, sizesIn } from './sizes.js';

const WEIGHT_LIMIT = 63;
const LEAST_INPUTS = 16;
const PASSING = new Set(['MaxPool', 'Resize']);

export interface ActivationScale {
  readonly scale: number;
  /** 0 to 255. */
  readonly zero: number;
}

/** Its 256 steps cover the range and hold 0 exactly. */
export function activationScale({ low, high }: Range): ActivationScale {
  const least = Math.min(low, 0);
  const most = Math.max(high, 0);
  const scale = Math.fround(Math.max(most - least, 1e-6) / 255);
  return { scale, zero: Math.min(255, Math.max(0, Math.round(-least / scale))) };
}

export interface Layer {
  readonly weight: string;
  readonly node: OnnxNode;
  readonly input: string;
  /** After a ReLU that alone reads it. */
  readonly output: string;
}

/** Convolutions and products with constant weights, except the first, the last and very small ones. */
export function layersOf(graph: OnnxGraph): Layer[] {
  const readers = readersOf(graph);
  const inputs = new Set(graph.inputs.filter(({ shape }) => shape.length === 4).map(({ name }) => name));
  const layers: Layer[] = [];
  for (const node of graph.nodes) {
    const [input = '', weight = ''] = node.inputs;
    const constant = graph.constants.get(weight);
    if ((node.op !== 'Conv' && node.op !== 'MatMul') || !constant || constant.type !== 'float32') continue;
    const summed = node.op === 'Conv' ? elements(constant.shape.slice(1)) : (constant.shape[0] ?? 0);
    const made = node.op === 'Conv' ? (constant.shape[0] ?? 0) : (constant.shape.at(-1) ?? 0);
    if (node.op === 'MatMul' && constant.shape.length !== 2) continue;
    if (inputs.has(input) || made === 1 || summed < LEAST_INPUTS) continue;
    const [result = ''] = node.outputs;
    const [reader, ...others] = readers.get(result) ?? [];
    const output = reader?.op === 'Relu' && others.length === 0 ? (reader.outputs[0] ?? result) : result;
    layers.push({ weight, node, input, output });
  }
  return layers;
}

export function tensorsToCalibrate(graph: OnnxGraph, layers: readonly Layer[]): string[] {
  return [...plan(graph, layers).keys()];
}

/**
 * The quantised tensors, with the one whose scale each takes: layers' inputs, convolutions' outputs, and
 * inputs of pooling, upsampling and concatenation with quantised results.
 */
function plan(graph: OnnxGraph, layers: readonly Layer[]): Map<string, string> {
  const wanted = new Set(layers.map(({ input }) => input));
  for (const { node, output } of layers) if (node.op === 'Conv') wanted.add(output);
  const source = new Map<string, string>();
  for (const node of [...graph.nodes].reverse()) {
    const [output = ''] = node.outputs;
    const [input = ''] = node.inputs;
    if (!wanted.has(output)) continue;
    if (PASSING.has(node.op)) {
      wanted.add(input);
      source.set(output, input);
    } else if (node.op === 'Concat') node.inputs.forEach((name) => wanted.add(name));
  }
  const origin = (name: string): string => {
    const before = source.get(name);
    return before === undefined ? name : origin(before);
  };
  return new Map(
    [...wanted].filter((name) => !graph.constants.has(name)).map((name) => [name, origin(name)]),
  );
}

/**
 * @param ranges at least those of `tensorsToCalibrate`
 * @param shifts mean errors of output channels, by weight, which biases take back
 */
export function quantise(
  graph: OnnxGraph,
  layers: readonly Layer[],
  ranges: ReadonlyMap<string, Range>,
  shifts: ReadonlyMap<string, Float32Array> = new Map(),
): OnnxGraph {
  const makers = makersOf(graph);
  const sizes = doubledSizes(graph);
  const scales = new Map<string, ActivationScale>();
  for (const [name, origin] of plan(graph, layers)) {
    const range = ranges.get(origin);
    if (range) scales.set(name, activationScale(range));
  }
  for (const layer of layers) {
    const scale = scales.get(layer.input);
    if (scale) quantiseWeights(graph, layer, scale, shifts.get(layer.weight));
  }
  const nodes: OnnxNode[] = [];
  /** Makes later readers use the rounded tensor, from `bytes` if given. */
  const round = (name: string, bytes?: readonly OnnxNode[]): void => {
    const scale = scales.get(name);
    if (!scale) return;
    const parameters = [`${name}.scale`, `${name}.zero`];
    graph.constants.set(`${name}.scale`, floats([scale.scale], []));
    graph.constants.set(`${name}.zero`, { type: 'uint8', shape: [], data: Uint8Array.of(scale.zero) });
    const quantised = {
      op: 'QuantizeLinear',
      inputs: [name, ...parameters],
      outputs: [`${name}.q`],
      attributes: {},
    };
    nodes.push(...(bytes ?? [quantised]), {
      op: 'DequantizeLinear',
      inputs: [`${name}.q`, ...parameters],
      outputs: [`${name}.dq`],
      attributes: {},
    });
  };
  /**
   * Made by a float layer. It is pooled before rounding, which commutes with maximum: onnxruntime pools bytes
   * in float convolutions' layout twenty times as slowly.
   */
  const whole = new Set(layers.map(({ output }) => output));
  const isFloat = (name: string): boolean =>
    !whole.has(name) && ['Conv', 'Relu'].includes(makers.get(name)?.op ?? '');
  for (const { name } of graph.inputs) round(name);
  for (const node of graph.nodes) {
    const [small = ''] = node.inputs;
    const [large = ''] = node.outputs;
    const size = sizes.get(node);
    if (size && scales.has(small) && scales.has(large)) {
      round(large, doubledBytes(graph, `${small}.q`, `${large}.q`, size));
      continue;
    }
    const readsRounded =
      node.op !== 'DequantizeLinear' && !(node.op === 'MaxPool' && isFloat(node.inputs[0] ?? ''));
    if (readsRounded) node.inputs = node.inputs.map((name) => (scales.has(name) ? `${name}.dq` : name));
    nodes.push(node);
    for (const name of node.outputs) round(name);
  }
  graph.nodes = nodes;
  dropUnread(graph);
  return graph;
}

/** Nodes that double a map, with its size if known. */
function doubledSizes(graph: OnnxGraph): Map<OnnxNode, Size | null> {
  const sizeOf = sizesIn(graph);
  const doubling = graph.nodes.filter((node) => isDoubling(node, graph));
  return new Map(doubling.map((node) => [node, sizeOf(node.inputs[0] ?? '')]));
}

/**
 * Doubles bytes [B,C,H,W] to [B,C,2H,2W] by looking up columns and rows with channels last, onnxruntime's
 * layout of quantised maps: its `Resize` goes value by value and takes five times as long.
 */
function doubledBytes(graph: OnnxGraph, from: string, to: string, [H, W]: Size): OnnxNode[] {
  const twice = (length: number): string => {
    const name = `list_twice_${length}`;
    graph.constants.set(name, integers(Array.from({ length: 2 * length }, (_, i) => i >> 1)));
    return name;
  };
  const [last, wide, large] = [`${to}.last`, `${to}.wide`, `${to}.large`];
  return [
    channelsLast(from, last),
    { op: 'Gather', inputs: [last, twice(W)], outputs: [wide], attributes: { axis: int(2) } },
    { op: 'Gather', inputs: [wide, twice(H)], outputs: [large], attributes: { axis: int(1) } },
    channelsFirst(large, to),
  ];
}

function quantiseWeights(
  graph: OnnxGraph,
  { node, weight }: Layer,
  input: ActivationScale,
  shift: Float32Array | undefined,
): void {
  const tensor = graph.constants.get(weight);
  if (!tensor) return;
  const axis = node.op === 'Conv' ? 0 : 1;
  const biasName = node.inputs[2];
  const bias = biasName === undefined ? undefined : graph.constants.get(biasName);
  const quantised = quantiseChannels(tensor, axis, bias ? leastScales(bias, input) : null);
  const names = [`${weight}.q`, `${weight}.scale`, `${weight}.zero`];
  const channels = quantised.scales.length;
  graph.constants.set(names[0] ?? '', quantised.weight);
  graph.constants.set(names[1] ?? '', floats(quantised.scales, [channels]));
  graph.constants.set(names[2] ?? '', { type: 'int8', shape: [channels], data: new Uint8Array(channels) });
  const added = [dequantise(names, `${weight}.dq`, axis)];
  node.inputs = [node.inputs[0] ?? '', `${weight}.dq`];
  if (bias) {
    const factors = quantised.scales.map((scale) => Math.fround(scale * input.scale));
    const values = float32Of(bias).map((value, c) =>
      Math.round((value - (shift?.[c] ?? 0)) / (factors[c] ?? 1)),
    );
    graph.constants.set(`${weight}.bias.q`, {
      type: 'int32',
      shape: [channels],
      data: bytesOf(Int32Array.from(values)),
    });
    graph.constants.set(`${weight}.bias.scale`, floats(factors, [channels]));
    added.push(dequantise([`${weight}.bias.q`, `${weight}.bias.scale`], `${weight}.bias.dq`, 0));
    node.inputs.push(`${weight}.bias.dq`);
  }
  graph.nodes.splice(graph.nodes.indexOf(node), 0, ...added);
}

function dequantise(inputs: string[], output: string, axis: number): OnnxNode {
  return { op: 'DequantizeLinear', inputs, outputs: [output], attributes: { axis: int(axis) } };
}

/** Scales below which a channel's bias would exceed 32 bits. */
function leastScales(bias: OnnxTensor, { scale }: ActivationScale): Float32Array {
  return float32Of(bias).map((value) => Math.abs(value) / (scale * 2 ** 30));
}

/** int8 weights with a scale per index of `axis` (0, or 1 of a matrix). */
export function quantiseChannels(
  { shape, data, type }: OnnxTensor,
  axis: 0 | 1,
  least: Float32Array | null = null,
): { weight: OnnxTensor; scales: Float32Array } {
  const values = float32Of({ shape, data, type });
  const channels = shape[axis] ?? 0;
  const channelOf = axis === 0 ? channelOfRow(values.length / channels) : (i: number): number => i % channels;
  const scales = new Float32Array(channels);
  values.forEach((value, i) => {
    const c = channelOf(i);
    scales[c] = Math.max(scales[c] ?? 0, Math.abs(value));
  });
  for (let c = 0; c < channels; c++)
    scales[c] = Math.max((scales[c] ?? 0) / WEIGHT_LIMIT, least?.[c] ?? 0, 1e-12);
  const whole = Int8Array.from(values, (value, i) => {
    const scaled = Math.round(value / (scales[channelOf(i)] ?? 1));
    return Math.min(WEIGHT_LIMIT, Math.max(-WEIGHT_LIMIT, scaled));
  });
  return { weight: { type: 'int8', shape, data: bytesOf(whole) }, scales };
}

const channelOfRow =
  (size: number) =>
  (i: number): number =>
    Math.floor(i / size);

/**
 * How much each layer suffers from 8 bits, measured: beside every layer of the float graph runs its quantised twin on the same float input,
 * and the ratio of the squared error to the square of the output says what it adds, the mean error of each channel what its bias should take back.
 */
import type { CalibrationInputs, Range } from './calibrate.js';
import { encodeModel } from './onnx-model.js';
import { float32Of, floats, int, ints, type OnnxGraph, type OnnxNode } from './onnx-graph.js';
import { activationScale, type Layer, quantiseChannels } from './quantise.js';
import { openOnnx } from './session.js';

/** Error of a layer. */
export interface LayerError {
  readonly layer: Layer;
  /** Mean square of the error by the mean square of the output; 0.01 is a signal of 20 dB above the noise. */
  readonly noise: number;
  /** Mean error of each output channel of a convolution; empty of a product. */
  readonly shift: Float32Array;
}

/** @throws EXPORT_DIFFERS where onnxruntime fails. */
export async function measureLayers(
  graph: OnnxGraph,
  layers: readonly Layer[],
  ranges: ReadonlyMap<string, Range>,
  cases: readonly CalibrationInputs[],
): Promise<LayerError[]> {
  const twin: OnnxGraph = { ...graph, nodes: [...graph.nodes], constants: new Map(graph.constants) };
  const probes = layers.map((layer, i) => addTwin(twin, layer, i, ranges));
  const outputs = probes
    .flat()
    .filter((name) => name !== undefined)
    .map((name) => ({ name, type: 'float32' as const, shape: [] }));
  const session = await openOnnx(encodeModel({ ...twin, outputs }, 'layers', { shapes: false }), {
    optimise: false, // the twins must not be merged with the layers
  });
  const sums = layers.map(() => ({ error: 0, signal: 0, shift: new Float64Array() }));
  try {
    for (const inputs of cases) {
      const results = await session.run(inputs);
      probes.forEach(([error, signal, shift], i) => {
        const sum = sums[i];
        if (!sum) return;
        const shifts = results.get(shift ?? '') ?? new Float32Array();
        sum.shift = Float64Array.from(shifts, (value, c) => (sum.shift[c] ?? 0) + value / cases.length);
        sum.error += results.get(error)?.[0] ?? Number.NaN;
        sum.signal += results.get(signal)?.[0] ?? Number.NaN;
      });
    }
  } finally {
    await session.release();
  }
  return layers.map((layer, i) => {
    const { error, signal, shift } = sums[i] ?? { error: Number.NaN, signal: 1, shift: [] };
    return { layer, noise: signal === 0 ? 0 : error / signal, shift: Float32Array.from(shift) };
  });
}

/** Adds a layer's quantised twin; the names of its squared error, of the squared output and, of a convolution, of its channels' mean errors. */
function addTwin(
  graph: OnnxGraph,
  { node, weight, input }: Layer,
  index: number,
  ranges: ReadonlyMap<string, Range>,
): readonly [error: string, signal: string, shift?: string] {
  const at = `twin_${index}`;
  const constant = graph.constants.get(weight);
  const range = ranges.get(input);
  const [output = ''] = node.outputs;
  if (!constant || !range) return [`${at}.error`, `${at}.signal`];
  const axis = node.op === 'Conv' ? 0 : 1;
  const { weight: whole, scales } = quantiseChannels(constant, axis);
  const values = new Int8Array(whole.data.buffer, whole.data.byteOffset, whole.data.length);
  const per = constant.shape[axis] ?? 1;
  const rounded = float32Of(constant).map((_, i) => {
    const channel = axis === 0 ? Math.floor(i / (values.length / per)) : i % per;
    return (values[i] ?? 0) * (scales[channel] ?? 0);
  });
  const { scale, zero } = activationScale(range);
  graph.constants.set(`${at}.weight`, floats(rounded, constant.shape));
  graph.constants.set(`${at}.scale`, floats([scale], []));
  graph.constants.set(`${at}.zero`, { type: 'uint8', shape: [], data: Uint8Array.of(zero) });
  const add = (
    op: string,
    inputs: string[],
    name: string,
    attributes: OnnxNode['attributes'] = {},
  ): string => {
    graph.nodes.push({ op, inputs, outputs: [name], attributes });
    return name;
  };
  const q = add('QuantizeLinear', [input, `${at}.scale`, `${at}.zero`], `${at}.q`);
  const x = add('DequantizeLinear', [q, `${at}.scale`, `${at}.zero`], `${at}.x`);
  const y = add(node.op, [x, `${at}.weight`, ...node.inputs.slice(2)], `${at}.y`, node.attributes);
  const difference = add('Sub', [y, output], `${at}.difference`);
  const meanSquare = (of: string, name: string): string =>
    add('ReduceMean', [add('Mul', [of, of], `${name}.square`)], name, { keepdims: int(0) });
  const probes = [meanSquare(difference, `${at}.error`), meanSquare(output, `${at}.signal`)] as const;
  if (node.op !== 'Conv') return probes;
  const pixels = constant.shape.slice(2).map((_, i) => i + 2);
  const axes = ints([0, ...pixels]);
  return [...probes, add('ReduceMean', [difference], `${at}.shift`, { axes, keepdims: int(0) })];
}

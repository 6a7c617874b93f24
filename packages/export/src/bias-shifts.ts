/**
 * Measures how 8 bits shift each channel: every convolution runs next to its quantised twin on the same float
 * input; its bias takes back the mean difference.
 */
import type { CalibrationInputs, Range } from './calibrate.js';
import { encodeModel } from './onnx-model.js';
import { floats, int, ints, type OnnxGraph, type OnnxNode } from './onnx-graph.js';
import { activationScale, type Layer, quantiseChannels } from './quantise.js';
import { openOnnx } from './session.js';

/** Mean error of each output channel, by weight. @throws EXPORT_DIFFERS if onnxruntime fails. */
export async function measureShifts(
  graph: OnnxGraph,
  layers: readonly Layer[],
  ranges: ReadonlyMap<string, Range>,
  cases: readonly CalibrationInputs[],
): Promise<Map<string, Float32Array>> {
  const twin: OnnxGraph = { ...graph, nodes: [...graph.nodes], constants: new Map(graph.constants) };
  const probes = new Map<string, string>();
  for (const [i, layer] of layers.entries()) {
    const probe = layer.node.op === 'Conv' ? addTwin(twin, layer, i, ranges) : null;
    if (probe !== null) probes.set(layer.weight, probe);
  }
  const outputs = [...probes.values()].map((name) => ({ name, type: 'float32' as const, shape: [] }));
  const session = await openOnnx(encodeModel({ ...twin, outputs }, 'layers', { shapes: false }), {
    optimise: false, // or twins would be merged with the layers
  });
  const sums = new Map<string, Float64Array>();
  try {
    for (const inputs of cases) {
      const results = await session.run(inputs);
      for (const [weight, probe] of probes) {
        const before = sums.get(weight);
        const shifts = results.get(probe) ?? new Float32Array();
        sums.set(
          weight,
          Float64Array.from(shifts, (value, c) => (before?.[c] ?? 0) + value / cases.length),
        );
      }
    }
  } finally {
    await session.release();
  }
  return new Map([...sums].map(([weight, sum]) => [weight, Float32Array.from(sum)]));
}

/** Returns the name of the twin's mean errors by channel. */
function addTwin(
  graph: OnnxGraph,
  { node, weight, input }: Layer,
  index: number,
  ranges: ReadonlyMap<string, Range>,
): string | null {
  const at = `twin_${index}`;
  const constant = graph.constants.get(weight);
  const range = ranges.get(input);
  const [output = ''] = node.outputs;
  if (!constant || !range) return null;
  const { weight: whole, scales } = quantiseChannels(constant, 0);
  const values = new Int8Array(whole.data.buffer, whole.data.byteOffset, whole.data.length);
  const per = values.length / (constant.shape[0] ?? 1);
  const rounded = Float32Array.from(values, (value, i) => value * (scales[Math.floor(i / per)] ?? 0));
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
  const pixels = constant.shape.slice(2).map((_, i) => i + 2);
  const axes = ints([0, ...pixels]);
  return add('ReduceMean', [difference], `${at}.shift`, { axes, keepdims: int(0) });
}

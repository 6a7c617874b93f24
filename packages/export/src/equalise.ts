/**
 * Equalises channels before quantisation, as SmoothQuant and cross-layer equalisation do: one scale per
 * tensor wastes steps if channels differ in range. Multiplying a channel by r > 0 and dividing by r in its
 * readers changes nothing in float: ReLU, pooling, upsampling, concatenation and factors per pixel let r
 * pass. r_c = sqrt(max |w_c| / max |x_c|) shares the difficulty between activation and weights.
 */
import { float32Of, floats, type OnnxGraph, type OnnxNode, readersOf } from './onnx-graph.js';
import type { CalibrationInputs } from './calibrate.js';
import { channelsIn, isChannelAxis } from './channels.js';
import { encodeModel } from './onnx-model.js';
import { openOnnx } from './session.js';

/** A convolution that reads the channels from input `offset` on. */
interface Reader {
  readonly conv: OnnxNode;
  readonly offset: number;
}

/** A convolution with scalable channels. */
export interface Scalable {
  readonly conv: OnnxNode;
  /** After its ReLU. */
  readonly output: string;
  readonly channels: number;
  readonly readers: readonly Reader[];
}

/** Convolutions read only by convolutions, through operators that let r pass. */
export function scalableConvolutions(graph: OnnxGraph): Scalable[] {
  const readersByName = readersOf(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));

  const channels = channelsIn(graph);

  /** The channels' readers; null if one cannot divide. */
  const follow = (name: string, offset: number): Reader[] | null => {
    if (outputs.has(name)) return null;
    const found: Reader[] = [];
    for (const node of readersByName.get(name) ?? []) {
      const part = followNode(node, name, offset);
      if (!part) return null;
      found.push(...part);
    }
    return found;
  };
  const followNode = (node: OnnxNode, name: string, offset: number): Reader[] | null => {
    const [output = ''] = node.outputs;
    switch (node.op) {
      case 'Conv':
        return graph.constants.get(node.inputs[1] ?? '')?.type === 'float32'
          ? [{ conv: node, offset }]
          : null;
      case 'Relu':
      case 'MaxPool':
      case 'Resize':
        return follow(output, offset);
      case 'Mul':
        return node.inputs.some((input) => input !== name && channels.isPerPixel(input))
          ? follow(output, offset)
          : null;
      case 'Concat': {
        const before = node.inputs.slice(0, node.inputs.indexOf(name)).map(channels.of);
        if (before.includes(null) || !isChannelAxis(node)) return null;
        return follow(output, offset + before.reduce<number>((sum, count) => sum + (count ?? 0), 0));
      }
      default:
        return null;
    }
  };

  return graph.nodes.flatMap((conv): Scalable[] => {
    const weight = graph.constants.get(conv.inputs[1] ?? '');
    const group = conv.attributes['group'];
    if (conv.op !== 'Conv' || !weight || (group?.kind === 'int' && group.value !== 1)) return [];
    const [made = ''] = conv.outputs;
    const [next, ...others] = readersByName.get(made) ?? [];
    const output = next?.op === 'Relu' && others.length === 0 ? (next.outputs[0] ?? made) : made;
    const readers = follow(output, 0);
    const [channels = 0] = weight.shape;
    return readers && readers.length > 0 ? [{ conv, output, channels, readers }] : [];
  });
}

/** Scales channels in place by their ranges over the cases. @throws EXPORT_DIFFERS if onnxruntime fails. */
export async function equalise(
  graph: OnnxGraph,
  cases: readonly CalibrationInputs[],
  signal?: AbortSignal,
): Promise<void> {
  const scalable = scalableConvolutions(graph);
  if (scalable.length === 0) return; // nnU-Net: a norm of its own after every convolution
  const most = await channelRanges(graph, scalable, cases, signal);
  for (const one of scalable) {
    const ranges = most.get(one.output);
    if (ranges) scaleChannels(graph, one, ranges);
  }
}

async function channelRanges(
  graph: OnnxGraph,
  scalable: readonly Scalable[],
  cases: readonly CalibrationInputs[],
  signal: AbortSignal | undefined,
): Promise<Map<string, Float32Array>> {
  const outputs = scalable.map(({ output }) => ({ name: output, type: 'float32' as const, shape: [] }));
  const ranges = new Map(scalable.map(({ output, channels }) => [output, new Float32Array(channels)]));
  const session = await openOnnx(encodeModel({ ...graph, outputs }, 'channels', { shapes: false }));
  try {
    for (const inputs of cases) {
      signal?.throwIfAborted();
      for (const [name, values] of await session.run(inputs)) {
        const most = ranges.get(name);
        if (!most) continue;
        const size = values.length / most.length; // one case, so channels are consecutive
        for (let c = 0; c < most.length; c++) {
          let largest = most[c] ?? 0;
          for (let i = c * size; i < (c + 1) * size; i++) {
            const value = Math.abs(values[i] as number);
            if (value > largest) largest = value;
          }
          most[c] = largest;
        }
      }
    }
  } finally {
    await session.release();
  }
  return ranges;
}

export function scaleChannels(
  { constants }: OnnxGraph,
  { conv, channels, readers }: Scalable,
  ranges: Float32Array,
): void {
  const weightOf = (
    node: OnnxNode,
  ): { name: string; shape: readonly number[]; values: Float32Array } | null => {
    const name = node.inputs[1] ?? '';
    const tensor = constants.get(name);
    return tensor ? { name, shape: tensor.shape, values: float32Of(tensor).slice() } : null;
  };
  const eachOf = (shape: readonly number[], offset: number, visit: (i: number, c: number) => void): void => {
    const [outputs = 0, inputs = 0, ...kernel] = shape;
    const size = kernel.reduce((product, length) => product * length, 1);
    for (let o = 0; o < outputs; o++)
      for (let c = 0; c < channels; c++)
        for (let k = 0; k < size; k++) visit((o * inputs + offset + c) * size + k, c);
  };
  const read = readers.map((reader) => ({ reader, weight: weightOf(reader.conv) }));
  const made = weightOf(conv);
  if (!made || read.some(({ weight }) => weight === null)) return;

  const largest = new Float32Array(channels);
  for (const { reader, weight } of read) {
    if (weight)
      eachOf(weight.shape, reader.offset, (i, c) => {
        largest[c] = Math.max(largest[c] ?? 0, Math.abs(weight.values[i] ?? 0));
      });
  }
  // Skips dead and unweighted channels; at most a thousandfold, for float32's sake.
  const factors = largest.map((weight, c) => {
    const range = ranges[c] ?? 0;
    return weight > 0 && range > 0 ? Math.min(1e3, Math.max(1e-3, Math.sqrt(weight / range))) : 1;
  });
  const each = made.values.length / channels;
  constants.set(
    made.name,
    floats(
      made.values.map((value, i) => value * (factors[Math.floor(i / each)] ?? 1)),
      made.shape,
    ),
  );
  const biasName = conv.inputs[2];
  const bias = biasName === undefined ? undefined : constants.get(biasName);
  if (biasName !== undefined && bias)
    constants.set(
      biasName,
      floats(
        float32Of(bias).map((value, c) => value * (factors[c] ?? 1)),
        bias.shape,
      ),
    );
  for (const { reader, weight } of read) {
    if (!weight) continue;
    eachOf(weight.shape, reader.offset, (i, c) => {
      weight.values[i] = (weight.values[i] ?? 0) / (factors[c] ?? 1);
    });
    constants.set(weight.name, floats(weight.values, weight.shape));
  }
}

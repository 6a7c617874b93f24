/**
 * Folds batch normalisation into convolutions, drops identities and unused parts. (Recording has computed
 * what depends on no input.)
 */
import { floats, float32Of, readersOf, type OnnxGraph, type OnnxNode } from './onnx-graph.js';

export function fold(graph: OnnxGraph): OnnxGraph {
  dropIdentities(graph);
  foldBatchNorm(graph);
  dropUnused(graph);
  return graph;
}

/**
 * Folds batch normalisation with running statistics into the convolution before: with s = weight /
 * sqrt(variance + eps), W' = s W and b' = s (b - mean) + bias; in float64, rounded once.
 */
export function foldBatchNorm(graph: OnnxGraph): void {
  const { constants } = graph;
  const makers = makersOf(graph);
  const readers = readersOf(graph);
  const folded = new Set<OnnxNode>();
  for (const node of graph.nodes) {
    if (node.op !== 'BatchNormalization') continue;
    const [input = '', ...names] = node.inputs;
    const conv = makers.get(input);
    const [gamma, beta, mean, variance] = names
      .map((name) => constants.get(name))
      .map((c) => c && float32Of(c));
    const weight = constants.get(conv?.inputs[1] ?? '');
    const bias = conv?.inputs[2] === undefined ? null : constants.get(conv.inputs[2]);
    if (conv?.op !== 'Conv' || !weight || bias === undefined || readers.get(input)?.length !== 1) continue;
    if (!gamma || !beta || !mean || !variance || isOutput(graph, input)) continue;

    const epsilon = node.attributes['epsilon'];
    const eps = epsilon?.kind === 'float' ? epsilon.value : 1e-5;
    const [channels = 0] = weight.shape;
    const before = float32Of(weight);
    const size = before.length / channels;
    const offsets = bias && float32Of(bias);
    const scaled = new Float32Array(before.length);
    const shifted = new Float32Array(channels);
    for (let c = 0; c < channels; c++) {
      const s = (gamma[c] ?? 0) / Math.sqrt((variance[c] ?? 0) + eps);
      for (let i = c * size; i < (c + 1) * size; i++) scaled[i] = s * (before[i] ?? 0);
      shifted[c] = s * ((offsets?.[c] ?? 0) - (mean[c] ?? 0)) + (beta[c] ?? 0);
    }
    const weightName = `${conv.inputs[1] ?? ''}.folded`;
    const biasName = `${weightName}.bias`;
    constants.set(weightName, floats(scaled, weight.shape));
    constants.set(biasName, floats(shifted, [channels]));
    conv.inputs = [conv.inputs[0] ?? '', weightName, biasName];
    conv.outputs = node.outputs;
    folded.add(node);
  }
  graph.nodes = graph.nodes.filter((node) => !folded.has(node));
}

/** Renames the inputs of those at outputs. */
export function dropIdentities(graph: OnnxGraph): void {
  const makers = makersOf(graph);
  const renamed = new Map<string, string>();
  const kept: OnnxNode[] = [];
  for (const node of graph.nodes) {
    node.inputs = node.inputs.map((name) => renamed.get(name) ?? name);
    const [from = ''] = node.inputs;
    const [to = ''] = node.outputs;
    const maker = makers.get(from);
    if (node.op !== 'Identity') kept.push(node);
    else if (!isOutput(graph, to)) renamed.set(to, from);
    else if (maker && !isOutput(graph, from)) {
      maker.outputs = maker.outputs.map((name) => (name === from ? to : name));
      renamed.set(from, to);
      for (const other of kept) other.inputs = other.inputs.map((name) => (name === from ? to : name));
    } else kept.push(node);
  }
  graph.nodes = kept;
}

export function dropUnused(graph: OnnxGraph): void {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const kept: OnnxNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    node.inputs.forEach((name) => needed.add(name));
    kept.unshift(node);
  }
  graph.nodes = kept;
  dropUnread(graph);
}

export function dropUnread({ nodes, constants }: OnnxGraph): void {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  for (const name of [...constants.keys()]) if (!read.has(name)) constants.delete(name);
}

/** Gives each node its own constants. */
export function separateConstants({ nodes, constants }: OnnxGraph): void {
  const taken = new Set<string>();
  for (const node of nodes) {
    node.inputs = node.inputs.map((name) => {
      const constant = constants.get(name);
      if (!constant || !taken.has(name)) {
        taken.add(name);
        return name;
      }
      const own = `${name}.of.${node.outputs[0] ?? ''}`;
      constants.set(own, constant);
      return own;
    });
  }
}

export function makersOf(graph: OnnxGraph): Map<string, OnnxNode> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
}

function isOutput(graph: OnnxGraph, name: string): boolean {
  return graph.outputs.some((output) => output.name === name);
}

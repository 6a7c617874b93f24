/**
 * Products with few outputs and their bias as one Gemm. onnxruntime adds a bias along a short last axis value by
 * value: over 224 x 224 pixels that takes 0.7 ms of one core, four times the product itself, and PLAM has two of
 * them at every level. Only the order of a sum's last addition changes.
 */
import { float32Of, int, integers, type OnnxGraph, type OnnxNode, readersOf } from './onnx-graph.js';

/** Rows of more outputs are added vector by vector. */
const MOST_OUTPUTS = 8;

/** For float32; [..., K] by [K, M] plus [M]. */
export function biasInProducts(graph: OnnxGraph): void {
  const readers = readersOf(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const merged = new Set<OnnxNode>();
  graph.nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    if (merged.has(node)) return [];
    const found = biasOf(graph, node, readers, outputs);
    if (found === null) return [node];
    merged.add(found.adding);
    return gemm(graph, node, found);
  });
}

interface Biased {
  readonly adding: OnnxNode;
  readonly bias: string;
  readonly inputs: number;
  readonly made: number;
}

function biasOf(
  graph: OnnxGraph,
  { op, inputs: [, weight = ''], outputs: [product = ''] }: OnnxNode,
  readers: ReadonlyMap<string, readonly OnnxNode[]>,
  outputs: ReadonlySet<string>,
): Biased | null {
  const constant = graph.constants.get(weight);
  const [inputs = 0, made = 0, ...more] = constant?.shape ?? [];
  if (op !== 'MatMul' || constant?.type !== 'float32' || more.length > 0) return null;
  if (made < 1 || made > MOST_OUTPUTS || outputs.has(product)) return null;
  const [adding, ...others] = readers.get(product) ?? [];
  if (adding?.op !== 'Add' || others.length > 0) return null;
  const bias = adding.inputs.find((name) => name !== product) ?? '';
  const added = graph.constants.get(bias);
  if (added?.type !== 'float32' || added.shape.join() !== String(made)) return null;
  return float32Of(added).length === made ? { adding, bias, inputs, made } : null;
}

function gemm(
  { constants }: OnnxGraph,
  { inputs: [input = '', weight = ''] }: OnnxNode,
  { adding, bias, inputs, made }: Biased,
): OnnxNode[] {
  const [output = ''] = adding.outputs;
  const [shape, leading, target, rows, sums] = ['shape', 'leading', 'target', 'rows', 'sums'].map(
    (part) => `${output}.${part}`,
  ) as [string, string, string, string, string];
  const list = (...values: readonly number[]): string => {
    const name = `list_${values.join('_').replaceAll('-', 'm')}`;
    constants.set(name, integers(values));
    return name;
  };
  const op = (
    name: string,
    from: string[],
    to: string,
    attributes: OnnxNode['attributes'] = {},
  ): OnnxNode => ({
    op: name,
    inputs: from,
    outputs: [to],
    attributes,
  });
  return [
    op('Shape', [input], shape),
    op('Slice', [shape, list(0), list(-1)], leading),
    op('Concat', [leading, list(made)], target, { axis: int(0) }),
    op('Reshape', [input, list(-1, inputs)], rows), // [N,K]
    op('Gemm', [rows, weight, bias], sums), // [N,M]
    op('Reshape', [sums, target], output), // [...,M]
  ];
}

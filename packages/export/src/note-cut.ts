/**
 * Where a graph's note enters: the tensors that go from the nodes that see the image alone to those that see the note.
 * Runtimes compute what lies ahead of them once for an image, and the rest for every note (core's `onnx-parts.ts`).
 *
 * All that does not depend on the note lies ahead, even where fewer bytes would cross elsewhere: a note is asked often.
 */
import { type Cut, type GraphFeature, ReclmisError } from '@reclmis/core';
import { dropUnused, makersOf } from './fold.js';
import { typesOf } from './half.js';
import { copyOf, type OnnxGraph } from './onnx-graph.js';
import { encodeModel } from './onnx-model.js';
import { INTEREST, SEGMENTER_NAMES } from './segmenter-graph.js';
import { openOnnx } from './session.js';

/** Made after crossing: cheap, and four times as large as what they are made of. */
const ENLARGING = new Set(['DequantizeLinear', 'Resize']);
/** Batch sizes whose shapes are compared. */
const BATCHES = [1, 2] as const;

/**
 * The cut, with the features' types and shapes; null if nothing lies ahead of the note, because the graph reads none or
 * its note meets the image itself.
 * @throws EXPORT_DIFFERS if onnxruntime fails
 */
export async function noteCut(graph: OnnxGraph): Promise<Cut | null> {
  const names = featureNames(graph);
  if (names === null) return null;
  const types = typesOf(graph);
  const typed = names.map((name) => {
    const type = types.get(name);
    if (!type) throw new ReclmisError('INTERNAL', `${name}: its type is unknown`);
    return { name, type, shape: [] };
  });
  const shapes = await shapesOf(graph, typed);
  const features = typed.map((feature): GraphFeature | null => {
    const [one = [], two = []] = shapes.map((found) => found.get(feature.name) ?? []);
    const rest = one.slice(1).join() === two.slice(1).join() && one.length === two.length;
    return one.length > 0 && rest && two[0] === 2 * one[0]! ? { ...feature, shape: one } : null;
  });
  const known = features.filter((feature) => feature !== null);
  return known.length < features.length
    ? null
    : { ...SEGMENTER_NAMES, features: known, interest: interestOf(graph) };
}

/** The name of the output that says what the model is interested in; null of most models. */
export function interestOf({ outputs }: OnnxGraph): string | null {
  return outputs.some(({ name }) => name === INTEREST) ? INTEREST : null;
}

/** In the order in which they are read. */
export function featureNames(graph: OnnxGraph): string[] | null {
  const { image, note } = SEGMENTER_NAMES;
  if (!graph.inputs.some(({ name }) => name === note)) return null;
  const seesNote = reached(graph, note);
  const seesImage = reached(graph, image);
  const makers = makersOf(graph);
  const small = (name: string): string => {
    const maker = makers.get(name);
    return maker && ENLARGING.has(maker.op) ? small(maker.inputs[0] ?? name) : name;
  };
  const found = new Set<string>();
  for (const { inputs, outputs } of graph.nodes) {
    if (!outputs.some((name) => seesNote.has(name))) continue;
    for (const name of inputs) if (seesImage.has(name) && !seesNote.has(name)) found.add(small(name));
  }
  return found.size === 0 || found.has(image) ? null : [...found];
}

/** The names of all tensors that depend on one. */
function reached({ nodes }: OnnxGraph, from: string): Set<string> {
  const found = new Set([from]);
  for (const { inputs, outputs } of nodes)
    if (inputs.some((name) => found.has(name))) outputs.forEach((name) => found.add(name));
  return found;
}

/** By batch size, of a run of what lies ahead. */
async function shapesOf(
  graph: OnnxGraph,
  outputs: readonly GraphFeature[],
): Promise<ReadonlyMap<string, readonly number[]>[]> {
  const image = graph.inputs.find(({ name }) => name === SEGMENTER_NAMES.image);
  const sizes = (image?.shape ?? []).slice(1).map(Number); // [3,S,S]
  const part: OnnxGraph = { ...copyOf(graph), inputs: image ? [image] : [], outputs };
  dropUnused(part);
  const session = await openOnnx(encodeModel(part, 'features', { shapes: false }));
  try {
    const found: ReadonlyMap<string, readonly number[]>[] = [];
    for (const batch of BATCHES) {
      const shape = [batch, ...sizes];
      const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
      found.push(await session.shapes({ [SEGMENTER_NAMES.image]: { data, shape } }));
    }
    return found;
  } finally {
    await session.release();
  }
}

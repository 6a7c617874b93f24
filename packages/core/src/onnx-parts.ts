/**
 * Cuts a segmenter's graph where its note enters, into two that need nothing of each other but the features between:
 *
 *     image -> features              once for an image
 *     features, note -> probability  once for a note
 *
 * What some models say of their interest (`Cut.interest`) is a third part, from the features and the note, so that a mask
 * costs the same with it and without.
 *
 * The file stays one graph, so it holds every weight once; a part is the file's own bytes of the nodes and constants
 * that it needs.
 */
import { fieldBytes, fieldsOf, joinedBytes, textBytes, textOf } from './onnx-protobuf.js';
import { ONNX_TYPES, type OnnxType } from './onnx-types.js';

/** What goes from one part to the other. */
export interface GraphFeature {
  readonly name: string;
  readonly type: OnnxType;
  /** For one image; B images have B times the first size. */
  readonly shape: readonly number[];
}

export interface Cut {
  /** Names of the graph's inputs and output. */
  readonly image: string;
  readonly note: string;
  readonly probability: string;
  /** Empty: the parts that read the note read the image itself. */
  readonly features: readonly GraphFeature[];
  /** A second output that reads the note; default none. */
  readonly interest?: string | null;
}

/** Made on request: a part is a copy. */
export interface OnnxParts {
  /** ONNX: image -> features. */
  image(): Uint8Array<ArrayBuffer>;
  /** ONNX: features, note -> probability. */
  note(): Uint8Array<ArrayBuffer>;
  /** ONNX: features, note -> interest; null if the cut names none. */
  readonly interest: (() => Uint8Array<ArrayBuffer>) | null;
}

const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2 } as const;
const TENSOR_NAME = 8;
const VALUE_NAME = 1;

interface Node {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly whole: Uint8Array;
}

interface Graph {
  /** In the file's order, in which each comes after what it reads. */
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Uint8Array>;
  /** Inputs and outputs, as the graph declares them. */
  readonly values: ReadonlyMap<string, Uint8Array>;
  /** The model's fields besides its graph. */
  readonly around: readonly Uint8Array[];
}

/** @throws Error if the bytes are no ONNX model, or the features do not separate image and note */
export function splitOnnx(bytes: Uint8Array, cut: Cut): OnnxParts {
  const graph = readGraph(bytes);
  const { image, note, probability, features, interest = null } = cut;
  const declared = (name: string): Uint8Array => {
    const value = graph.values.get(name);
    if (!value) throw new Error(`it has no input or output ${JSON.stringify(name)}`);
    return value;
  };
  const names = features.map(({ name }) => name);
  const first = needed(graph, { from: [image], to: names });
  const seen = features.length === 0 ? [image] : names;
  const between = features.length === 0 ? [declared(image)] : features.map(valueOf);
  /** A part that reads the note. */
  const asked = (output: string): (() => Uint8Array<ArrayBuffer>) => {
    const part = needed(graph, { from: [...seen, note], to: [output] });
    const [inputs, outputs] = [[...between, declared(note)], [declared(output)]];
    return () => modelOf(graph, part, inputs, outputs, 'note');
  };
  const picture = declared(image);
  return {
    image: () => modelOf(graph, first, [picture], between, 'image'),
    note: asked(probability),
    interest: interest === null ? null : asked(interest),
  };
}

function readGraph(bytes: Uint8Array): Graph {
  const nodes: Node[] = [];
  const constants = new Map<string, Uint8Array>();
  const values = new Map<string, Uint8Array>();
  const around: Uint8Array[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number !== MODEL.graph || field.bytes === null) {
      around.push(field.whole);
      continue;
    }
    for (const { number, bytes: part, whole } of fieldsOf(field.bytes)) {
      if (part === null) continue;
      if (number === GRAPH.node) nodes.push({ ...endsOf(part), whole });
      if (number === GRAPH.initializer) constants.set(nameIn(part, TENSOR_NAME), whole);
      // The body alone: an input of the graph is no output of a part, nor the other way round.
      if (number === GRAPH.input || number === GRAPH.output) values.set(nameIn(part, VALUE_NAME), part);
    }
  }
  return { nodes, constants, values, around };
}

function endsOf(node: Uint8Array): Pick<Node, 'inputs' | 'outputs'> {
  const inputs: string[] = [];
  const outputs: string[] = [];
  for (const { number, bytes } of fieldsOf(node)) {
    if (bytes === null) continue;
    if (number === NODE.input) inputs.push(textOf(bytes));
    if (number === NODE.output) outputs.push(textOf(bytes));
  }
  return { inputs, outputs };
}

function nameIn(message: Uint8Array, number: number): string {
  for (const field of fieldsOf(message))
    if (field.number === number && field.bytes) return textOf(field.bytes);
  return '';
}

/** What leads from some tensors to others. */
function needed(
  { nodes, constants }: Graph,
  { from, to }: { readonly from: readonly string[]; readonly to: readonly string[] },
): Pick<Graph, 'nodes' | 'constants'> {
  const given = new Set(from);
  const wanted = new Set(to);
  const kept: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => wanted.has(name) && !given.has(name))) continue;
    kept.unshift(node);
    for (const name of node.inputs) if (name !== '') wanted.add(name);
  }
  const made = new Set(kept.flatMap(({ outputs }) => outputs));
  const missing = [...wanted].find((name) => !made.has(name) && !constants.has(name) && !given.has(name));
  if (missing !== undefined)
    throw new Error(`${JSON.stringify(missing)} does not come from ${[...given].join(', ')}`);
  return { nodes: kept, constants: new Map([...constants].filter(([name]) => wanted.has(name))) };
}

function modelOf(
  { around }: Graph,
  { nodes, constants }: Pick<Graph, 'nodes' | 'constants'>,
  inputs: readonly Uint8Array[],
  outputs: readonly Uint8Array[],
  name: string,
): Uint8Array<ArrayBuffer> {
  const graph = [
    ...nodes.map(({ whole }) => whole),
    ...textBytes(GRAPH.name, name),
    ...constants.values(),
    ...inputs.flatMap((value) => fieldBytes(GRAPH.input, [value])),
    ...outputs.flatMap((value) => fieldBytes(GRAPH.output, [value])),
  ];
  return joinedBytes([...around, ...fieldBytes(MODEL.graph, graph)]);
}

/** A ValueInfoProto whose first size is free. */
function valueOf({ name, type, shape }: GraphFeature): Uint8Array {
  const sizes = shape.flatMap((size, i) => fieldBytes(1, i === 0 ? textBytes(2, name) : fieldBytes(1, size)));
  const tensor = [...fieldBytes(1, ONNX_TYPES[type]), ...fieldBytes(2, sizes)];
  return joinedBytes([...textBytes(VALUE_NAME, name), ...fieldBytes(2, fieldBytes(1, tensor))]);
}

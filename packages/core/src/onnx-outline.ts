/**
 * Reads an ONNX file before onnxruntime does: shapes of inputs and outputs, and whether anything is in other
 * files, which onnxruntime would load unverified from the working folder. ONNX is protobuf
 * (https://protobuf.dev/programming-guides/encoding/, onnx.proto3 of opset 17 and later).
 */
import { fieldsOf, textOf } from './onnx-protobuf.js';

/** An input or output of a graph. */
export interface GraphValue {
  readonly name: string;
  /** By onnx.proto, perhaps of `ONNX_TYPES`; 0 if not stated. */
  readonly type: number;
  /** Null if not stated; a size is null if free or only named. */
  readonly shape: readonly (number | null)[] | null;
}

export interface GraphOutline {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Tensors with numbers in another file, and nodes that read one. */
  readonly elsewhere: readonly string[];
}

/** Nesting of messages, as in protobuf's own readers. */
const MOST_DEPTH = 100;

/** Messages that may hold a tensor, by field. */
const PARTS = {
  Model: { 7: 'Graph', 20: 'Training', 25: 'Function' },
  Training: { 1: 'Graph', 2: 'Graph' },
  Function: { 7: 'Node', 11: 'Attribute' },
  Graph: { 1: 'Node', 5: 'Tensor', 15: 'SparseTensor' },
  Node: { 5: 'Attribute' },
  Attribute: {
    5: 'Tensor',
    6: 'Graph',
    10: 'Tensor',
    11: 'Graph',
    22: 'SparseTensor',
    23: 'SparseTensor',
  },
  SparseTensor: { 1: 'Tensor', 2: 'Tensor' },
  Tensor: {},
} as const satisfies Record<string, Readonly<Record<number, string>>>;

type Kind = keyof typeof PARTS;

const GRAPH_OF_MODEL = 7;
const GRAPH = { input: 11, output: 12 } as const;
const NODE = { name: 3, type: 4 } as const;
const TENSOR = { name: 8, external: 13, location: 14 } as const;
/** Reads a file: a graph compiled for an accelerator. */
const COMPILED = 'EPContext';

/** @throws Error for bytes that are no ONNX model */
export function readOutline(bytes: Uint8Array): GraphOutline {
  const inputs: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  let graphs = 0;
  for (const field of fieldsOf(bytes)) {
    if (field.number !== GRAPH_OF_MODEL || field.bytes === null) continue;
    graphs += 1;
    for (const part of fieldsOf(field.bytes)) {
      if (part.bytes === null) continue;
      if (part.number === GRAPH.input) inputs.push(readValue(part.bytes));
      if (part.number === GRAPH.output) outputs.push(readValue(part.bytes));
    }
  }
  if (graphs !== 1) throw new Error(`expected one graph, found ${graphs}`);
  const elsewhere: string[] = [];
  findElsewhere(bytes, 'Model', 0, elsewhere);
  return { inputs, outputs, elsewhere };
}

function findElsewhere(bytes: Uint8Array, kind: Kind, depth: number, found: string[]): void {
  if (depth > MOST_DEPTH) throw new Error(`its messages are nested deeper than ${MOST_DEPTH}`);
  const parts: Readonly<Record<number, Kind>> = PARTS[kind];
  let name = '';
  let outside = false;
  for (const field of fieldsOf(bytes)) {
    if (kind === 'Tensor') {
      if (field.number === TENSOR.name && field.bytes) name = textOf(field.bytes);
      // Anything but the default counts: readers cut the number to 32 bits.
      if (field.number === TENSOR.external && field.bytes) outside = true;
      if (field.number === TENSOR.location && field.bytes === null && field.value !== 0) outside = true;
    } else if (kind === 'Node' && field.bytes) {
      if (field.number === NODE.name) name = textOf(field.bytes);
      if (field.number === NODE.type && textOf(field.bytes) === COMPILED) outside = true;
    }
    const part = parts[field.number];
    if (part !== undefined && field.bytes) findElsewhere(field.bytes, part, depth + 1, found);
  }
  if (outside) found.push(name);
}

function readValue(bytes: Uint8Array): GraphValue {
  let name = '';
  let type = 0;
  let shape: (number | null)[] | null = null;
  for (const field of fieldsOf(bytes)) {
    if (field.bytes === null) continue;
    if (field.number === 1) name = textOf(field.bytes);
    if (field.number !== 2) continue;
    for (const tensor of fieldsOf(field.bytes)) {
      if (tensor.number !== 1 || tensor.bytes === null) continue;
      for (const part of fieldsOf(tensor.bytes)) {
        if (part.number === 1 && part.bytes === null) type = part.value;
        if (part.number === 2 && part.bytes) shape = [...(shape ?? []), ...readShape(part.bytes)];
      }
    }
  }
  return { name, type, shape };
}

/** TensorShapeProto: Dimensions, whose field 1 is a number. */
function readShape(bytes: Uint8Array): (number | null)[] {
  const sizes: (number | null)[] = [];
  for (const dimension of fieldsOf(bytes)) {
    if (dimension.number !== 1 || dimension.bytes === null) continue;
    let size: number | null = null;
    for (const part of fieldsOf(dimension.bytes)) {
      if (part.number === 1 && part.bytes === null) size = part.value;
      if (part.number === 2) size = null; // a name
    }
    sizes.push(size);
  }
  return sizes;
}

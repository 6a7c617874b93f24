/**
 * Writes ONNX files: the messages of onnx.proto in use, by field number.
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { ONNX_TYPES } from '@reclmis/core';
import { protobuf } from '@reclmis/files';
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from './onnx-graph.js';

const { bytes, float, integer, message, text } = protobuf;

/** The first version with LayerNormalization. */
export const OPSET = 17;
/** The file format for this opset. */
const IR_VERSION = 8;

const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, ints: 7 } as const;

/**
 * A ModelProto.
 * @param producer version of this software @param options `shapes: false` leaves outputs' shapes open
 */
export function encodeModel(
  graph: OnnxGraph,
  producer: string,
  { shapes = true }: { readonly shapes?: boolean } = {},
): Uint8Array {
  return Buffer.concat([
    integer(1, IR_VERSION),
    text(2, 'reclmis'),
    text(3, producer),
    message(7, encodeGraph(graph, shapes)),
    message(8, [text(1, ''), integer(2, OPSET)]),
  ]);
}

function encodeGraph(graph: OnnxGraph, shapes: boolean): Buffer[] {
  return [
    ...graph.nodes.map((node, i) => message(1, encodeNode(node, `${node.op}_${i}`))),
    text(2, graph.name),
    ...[...graph.constants].map(([name, tensor]) => message(5, encodeTensor(tensor, name))),
    ...graph.inputs.map((value) => message(11, encodeValue(value))),
    ...graph.outputs.map((value) => message(12, encodeValue(value, shapes))),
  ];
}

function encodeNode({ op, inputs, outputs, attributes }: OnnxNode, name: string): Buffer[] {
  return [
    ...inputs.map((input) => text(1, input)),
    ...outputs.map((output) => text(2, output)),
    text(3, name),
    text(4, op),
    ...Object.entries(attributes).map(([key, value]) => message(5, encodeAttribute(key, value))),
  ];
}

function encodeAttribute(name: string, attribute: OnnxAttribute): Buffer[] {
  const type = integer(20, ATTRIBUTE_TYPES[attribute.kind]);
  switch (attribute.kind) {
    case 'float':
      return [text(1, name), float(2, attribute.value), type];
    case 'int':
      return [text(1, name), integer(3, attribute.value), type];
    case 'string':
      return [text(1, name), text(4, attribute.value), type];
    case 'ints':
      return [text(1, name), ...attribute.value.map((value) => integer(8, value)), type];
  }
}

function encodeTensor({ type, shape, data }: OnnxTensor, name: string): Buffer[] {
  return [
    ...shape.map((size) => integer(1, size)),
    integer(2, ONNX_TYPES[type]),
    text(8, name),
    bytes(9, data),
  ];
}

/** ValueInfoProto with TypeProto and, if known, TensorShapeProto. */
function encodeValue({ name, type, shape }: OnnxValue, withShape = true): Buffer[] {
  const dimensions = shape.map((size) =>
    message(1, [typeof size === 'number' ? integer(1, size) : text(2, size)]),
  );
  const tensor = [integer(1, ONNX_TYPES[type]), ...(withShape ? [message(2, dimensions)] : [])];
  return [text(1, name), message(2, [message(1, tensor)])];
}

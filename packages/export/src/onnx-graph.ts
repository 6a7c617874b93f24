/** An ONNX graph in memory: what the translation makes, the passes change and `onnx-model.ts` writes. */
import type { OnnxType } from '@reclmis/core';

/** A tensor with its data, row-major and little-endian. */
export interface OnnxTensor {
  readonly type: OnnxType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export type OnnxAttribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] };

export interface OnnxNode {
  /** Operator, e.g. `Conv`. */
  readonly op: string;
  /** Names of tensors; an empty name is an input that is left out. */
  inputs: string[];
  outputs: string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** What goes in or comes out. A dimension that is a text is free and bears that name. */
export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

/** Changed in place by the passes. Nodes stand in an order in which each comes after what it reads. */
export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  nodes: OnnxNode[];
  readonly constants: Map<string, OnnxTensor>;
}

/** A copy that can be changed without the graph; constants' data are shared. */
export function copyOf(graph: OnnxGraph): OnnxGraph {
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: [...node.inputs],
    outputs: [...node.outputs],
  }));
  return { ...graph, nodes, constants: new Map(graph.constants) };
}

export const int = (value: number): OnnxAttribute => ({ kind: 'int', value });
export const float = (value: number): OnnxAttribute => ({ kind: 'float', value });
export const string = (value: string): OnnxAttribute => ({ kind: 'string', value });
export const ints = (value: readonly number[]): OnnxAttribute => ({ kind: 'ints', value });

/** The bytes of a typed array, without copying. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** float32 from numbers. */
export function floats(values: Float32Array | readonly number[], shape: readonly number[]): OnnxTensor {
  const array = values instanceof Float32Array ? values : Float32Array.from(values);
  return { type: 'float32', shape, data: bytesOf(array) };
}

/** int64 from whole numbers; a list unless `shape` says otherwise. */
export function integers(values: readonly number[], shape: readonly number[] = [values.length]): OnnxTensor {
  return { type: 'int64', shape, data: bytesOf(BigInt64Array.from(values, (value) => BigInt(value))) };
}

/** The elements of a float32 constant, a view. */
export function float32Of(tensor: OnnxTensor): Float32Array {
  if (tensor.type !== 'float32') throw new TypeError(`expected a float32 constant, got ${tensor.type}`);
  const { data } = tensor;
  if (data.byteOffset % 4 !== 0) return new Float32Array(data.slice().buffer);
  return new Float32Array(data.buffer, data.byteOffset, data.length / 4);
}

/** The numbers of an int64 constant. */
export function integersOf({ type, data }: OnnxTensor): number[] {
  if (type !== 'int64') throw new TypeError(`expected an int64 constant, got ${type}`);
  return Array.from(new BigInt64Array(data.slice().buffer), Number);
}

/** Elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Which nodes read each tensor. */
export function readersOf(graph: OnnxGraph): Map<string, OnnxNode[]> {
  const readers = new Map<string, OnnxNode[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  return readers;
}

/** What names of the builder's own constants begin with; every other constant is a weight, or computed of weights. */
export const HELPER = /^(list|index|scalar|scales)_/;

/** Scalars of the weights. */
export function countParameters(graph: OnnxGraph): number {
  let count = 0;
  for (const [name, { shape }] of graph.constants) {
    if (!HELPER.test(name)) count += elements(shape);
  }
  return count;
}

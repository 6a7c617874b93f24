import type { OnnxType } from '@reclmis/core';

/** Row-major, little-endian. */
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
  readonly op: string;
  /** Tensors; '' is an omitted input. */
  inputs: string[];
  outputs: string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** An input or output. A string dimension is free. */
export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

/** Changed in place by passes; nodes come after what they read. */
export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  nodes: OnnxNode[];
  readonly constants: Map<string, OnnxTensor>;
}

/** Shares the data of constants. */
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

export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export function floats(values: Float32Array | readonly number[], shape: readonly number[]): OnnxTensor {
  const array = values instanceof Float32Array ? values : Float32Array.from(values);
  return { type: 'float32', shape, data: bytesOf(array) };
}

/** int64; a list unless `shape` is given. */
export function integers(values: readonly number[], shape: readonly number[] = [values.length]): OnnxTensor {
  return { type: 'int64', shape, data: bytesOf(BigInt64Array.from(values, (value) => BigInt(value))) };
}

/** A view. */
export function float32Of(tensor: OnnxTensor): Float32Array {
  if (tensor.type !== 'float32') throw new TypeError(`expected a float32 constant, got ${tensor.type}`);
  const { data } = tensor;
  if (data.byteOffset % 4 !== 0) return new Float32Array(data.slice().buffer);
  return new Float32Array(data.buffer, data.byteOffset, data.length / 4);
}

export function integersOf({ type, data }: OnnxTensor): number[] {
  if (type !== 'int64') throw new TypeError(`expected an int64 constant, got ${type}`);
  return Array.from(new BigInt64Array(data.slice().buffer), Number);
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function readersOf(graph: OnnxGraph): Map<string, OnnxNode[]> {
  const readers = new Map<string, OnnxNode[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  return readers;
}

/** The builder's own constants; all others are weights. */
export const HELPER = /^(list|index|scalar|scales)_/;

export function countParameters(graph: OnnxGraph): number {
  let count = 0;
  for (const [name, { shape }] of graph.constants) {
    if (!HELPER.test(name)) count += elements(shape);
  }
  return count;
}

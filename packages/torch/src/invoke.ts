/** Calls operators of libtorch's dispatcher; the generated files stand on these few functions. */
import { ReclmisError } from '@reclmis/core';
import { native } from './native.js';
import type { Tensor } from './tensor.js';

/** Element types, with libtorch's own numbers for them. */
const DTYPES = {
  uint8: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float16: 5,
  float32: 6,
  float64: 7,
  bool: 11,
  bfloat16: 15,
} as const;

/** Element type of a tensor. */
export type DType = keyof typeof DTYPES;

/** Bytes of one element. */
export const DTYPE_BYTES: Readonly<Record<DType, number>> = {
  uint8: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
  bool: 1,
  bfloat16: 2,
};

const MEMORY_FORMATS = { contiguous: 0, preserve: 1, channelsLast: 2 } as const;

/** Order of a tensor's elements in memory: `contiguous` is [B,C,H,W], `channelsLast` [B,H,W,C] under the same shape. */
export type MemoryFormat = keyof typeof MEMORY_FORMATS;

const DTYPE_NAMES = new Map(Object.entries(DTYPES).map(([name, code]) => [code as number, name as DType]));

/** libtorch's number for a dtype; nothing stays nothing, so that the schema's default holds. */
export function dtypeCode(dtype: DType | null | undefined): number | null | undefined {
  return dtype === null || dtype === undefined ? dtype : DTYPES[dtype];
}

/** The dtype of libtorch's number. @throws TENSOR_DTYPE for complex and quantised types. */
export function dtypeName(code: number): DType {
  const name = DTYPE_NAMES.get(code);
  if (name === undefined)
    throw new ReclmisError('TENSOR_DTYPE', `libtorch's element type ${code} is not supported`);
  return name;
}

/** libtorch's number for a memory format. */
export function memoryFormatCode(format: MemoryFormat | null | undefined): number | null | undefined {
  return format === null || format === undefined ? format : MEMORY_FORMATS[format];
}

/** One operator, found in the dispatcher at its first call. */
export interface Operator {
  readonly name: string;
  readonly overload: string;
  index: number;
}

/** Names an operator; nothing is looked up yet. */
export function operator(name: string, overload: string): Operator {
  return { name, overload, index: -1 };
}

/** Every call of an operator in order, for the exporter and the counter of operations; null when nobody listens. */
export type CallListener = (operator: Operator, values: readonly unknown[], result: unknown) => void;
let listener: CallListener | null = null;

/** Sets who is told of every operator call, and returns who was told before. */
export function listen(next: CallListener | null): CallListener | null {
  const before = listener;
  listener = next;
  return before;
}

let recording = false;

/** Whether the calls are recorded for other programs, which know libtorch's operators and none of ours. */
export function isRecording(): boolean {
  return recording;
}

/** Says whether calls are recorded from here on, and returns whether they were. */
export function setRecording(next: boolean): boolean {
  const before = recording;
  recording = next;
  return before;
}

/**
 * Calls an operator. Results: a tensor's number, a number, a boolean, an array of these, or undefined for in-place ones.
 *
 * @throws OPERATOR_FAILED with the operator's name, the shapes that went in and libtorch's own words.
 */
export function invoke(op: Operator, values: readonly unknown[]): unknown {
  const addon = native();
  let result: unknown;
  try {
    if (op.index < 0) op.index = addon.operator(op.name, op.overload);
    result = addon.call(op.index, values);
  } catch (cause) {
    throw failure(op, values, cause as Error);
  }
  if (listener !== null) listener(op, values, result);
  return result;
}

function failure(op: Operator, values: readonly unknown[], cause: Error): ReclmisError {
  const name = op.name.replace('aten::', '') + (op.overload ? `.${op.overload}` : '');
  if (op.index < 0)
    return new ReclmisError('OPERATOR_UNKNOWN', `libtorch has no operator ${name}`, { cause });
  const schema = native().schema(op.name, op.overload) ?? '';
  const parts = schema
    .slice(schema.indexOf('(') + 1)
    .split(', ')
    .filter((part) => part !== '*');
  const described = values
    .map((value, i) => describeValue(value, parts[i] ?? ''))
    .filter((text) => text !== '');
  const words = cause.message.split('\n')[0] ?? '';
  return new ReclmisError('OPERATOR_FAILED', `${name}(${described.join(', ')}): ${words}`, { cause });
}

function describeValue(value: unknown, parameter: string): string {
  if (value === undefined) return '';
  const name = /(\w+)(=.*)?\)?( ->.*)?$/.exec(parameter)?.[1] ?? '';
  if (value === null) return `${name} null`;
  if (parameter.startsWith('Tensor') && typeof value === 'number') return `${name} ${describeTensor(value)}`;
  if (parameter.startsWith('Tensor') && Array.isArray(value)) {
    const shown = value.slice(0, 4).map((id) => (typeof id === 'number' ? describeTensor(id) : 'null'));
    return `${name} [${shown.join(', ')}${value.length > 4 ? `, ... ${value.length} in all` : ''}]`;
  }
  return `${name} ${JSON.stringify(value)}`;
}

function describeTensor(id: number): string {
  try {
    const { shape, dtype, device } = native().describe(id);
    return `${dtypeName(dtype)}[${shape.join(',')}]${device === 'cpu' ? '' : ` on ${device}`}`;
  } catch {
    return 'a tensor that was already disposed'; // only ever part of another error's message
  }
}

/** The numbers of tensors. */
export function ids(tensors: readonly Tensor[]): number[] {
  return tensors.map((tensor) => tensor.id);
}

/** The number of a tensor that may be absent. */
export function idOrNull(tensor: Tensor | null | undefined): number | null | undefined {
  return tensor === null || tensor === undefined ? tensor : tensor.id;
}

/** Wraps each number of a result. */
export function adoptMany(result: unknown, adopt: (id: number) => Tensor): Tensor[] {
  return (result as number[]).map(adopt);
}

export const isScalar = (value: unknown): value is number | boolean =>
  typeof value === 'number' || typeof value === 'boolean';

export const isNumbers = (value: unknown): value is number | readonly number[] =>
  typeof value === 'number' || Array.isArray(value);

/** An options object: an object that is neither a list nor a tensor. */
export const isOptions = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('isDisposed' in value);

/** The error for arguments that fit no overload. */
export function noOverload(name: string, values: readonly unknown[]): ReclmisError {
  const kinds = values.map((value) => {
    if (typeof value === 'object' && value !== null && 'isDisposed' in value) return 'Tensor';
    return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  });
  while (kinds.at(-1) === 'undefined') kinds.pop();
  return new ReclmisError(
    'OPERATOR_FAILED',
    `${name}(${kinds.join(', ')}): no overload accepts these arguments`,
  );
}

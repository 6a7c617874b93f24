/** Calls operators of libtorch's dispatcher, for the generated files. */
import { ReclmisError } from '@reclmis/core';
import { native } from './native.js';
import type { Tensor } from './tensor.js';

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

/** Order in memory: `contiguous` is [B,C,H,W], `channelsLast` [B,H,W,C] under the same shape. */
export type MemoryFormat = keyof typeof MEMORY_FORMATS;

const DTYPE_NAMES = new Map(Object.entries(DTYPES).map(([name, code]) => [code as number, name as DType]));

/** libtorch's number for a dtype; null and undefined pass, for the schema's default. */
export function dtypeCode(dtype: DType | null | undefined): number | null | undefined {
  return dtype === null || dtype === undefined ? dtype : DTYPES[dtype];
}

/** The dtype with this number. @throws TENSOR_DTYPE for complex and quantised types. */
export function dtypeName(code: number): DType {
  const name = DTYPE_NAMES.get(code);
  if (name === undefined)
    throw new ReclmisError('TENSOR_DTYPE', `libtorch's element type ${code} is not supported`);
  return name;
}

export function memoryFormatCode(format: MemoryFormat | null | undefined): number | null | undefined {
  return format === null || format === undefined ? format : MEMORY_FORMATS[format];
}

/** An operator, looked up at its first call. */
export interface Operator {
  readonly name: string;
  readonly overload: string;
  index: number;
}

export function operator(name: string, overload: string): Operator {
  return { name, overload, index: -1 };
}

/** Hears every operator call in order. */
export type CallListener = (operator: Operator, values: readonly unknown[], result: unknown) => void;
let listener: CallListener | null = null;

/** Sets the listener (null for none) and returns the one before. */
export function listen(next: CallListener | null): CallListener | null {
  const before = listener;
  listener = next;
  return before;
}

let recording = false;

/** Whether calls are being recorded for programs that know libtorch's operators only. */
export function isRecording(): boolean {
  return recording;
}

/** Switches recording and returns whether it was on. */
export function setRecording(next: boolean): boolean {
  const before = recording;
  recording = next;
  return before;
}

/**
 * Calls an operator. Returns a tensor's number, a number, a boolean, an array of these, or undefined if in
 * place.
 * @throws OPERATOR_FAILED with the operator's name, the input shapes and libtorch's message.
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
    return 'a tensor that was already disposed'; // for a message only
  }
}

export function ids(tensors: readonly Tensor[]): number[] {
  return tensors.map((tensor) => tensor.id);
}

export function idOrNull(tensor: Tensor | null | undefined): number | null | undefined {
  return tensor === null || tensor === undefined ? tensor : tensor.id;
}

export function adoptMany(result: unknown, adopt: (id: number) => Tensor): Tensor[] {
  return (result as number[]).map(adopt);
}

export const isScalar = (value: unknown): value is number | boolean =>
  typeof value === 'number' || typeof value === 'boolean';

export const isNumbers = (value: unknown): value is number | readonly number[] =>
  typeof value === 'number' || Array.isArray(value);

/** Neither list nor tensor. */
export const isOptions = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('isDisposed' in value);

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

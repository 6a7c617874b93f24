/**
 * Tensors of the Open Inference Protocol v2: in JSON, flat or nested (row-major), or after it as binary data:
 * little-endian numbers; BYTES elements follow a 4-byte length.
 */
import { ReclmisError } from '@reclmis/core';
import {
  asArray,
  asCount,
  asString,
  flagOf,
  type Json,
  type JsonObject,
  optional,
  own,
  parametersOf,
} from '../json.js';

export type Datatype = 'FP32' | 'INT64' | 'BYTES';

/** -1: any number of cases. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}

interface TensorData {
  readonly FP32: Float32Array;
  readonly INT64: BigInt64Array;
  readonly BYTES: readonly string[];
}

export interface Tensor<D extends Datatype = Datatype> {
  readonly spec: TensorSpec;
  readonly count: number;
  readonly data: TensorData[D];
}

/** The rest of the body, in the inputs' order. */
export class BinaryReader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  take(length: number, where: string): Uint8Array {
    const left = this.bytes.length - this.at;
    if (length > left)
      throw new ReclmisError(
        'REQUEST_INVALID',
        `${where}: binary_data_size is ${length}, but ${left} bytes are left`,
      );
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  finish(): void {
    if (this.at !== this.bytes.length)
      throw new ReclmisError(
        'REQUEST_INVALID',
        `${this.bytes.length - this.at} bytes follow the last tensor`,
      );
  }
}

const invalid = (where: string, why: string): ReclmisError =>
  new ReclmisError('REQUEST_INVALID', `${where}: ${why}`);

/** Reads an input tensor. @throws REQUEST_INVALID */
export function readTensor(
  json: JsonObject,
  spec: TensorSpec,
  binary: BinaryReader,
  maxCount: number,
): Tensor {
  const where = `input ${spec.name}`;
  const datatype = asString(own(json, 'datatype'), `${where}.datatype`);
  if (datatype !== spec.datatype) throw invalid(where, `expected datatype ${spec.datatype}, got another`);
  const shape = asArray(own(json, 'shape'), `${where}.shape`).map((size) => asCount(size, `${where}.shape`));
  const fits =
    shape.length === spec.shape.length && spec.shape.every((size, i) => size === -1 || size === shape[i]);
  if (!fits)
    throw invalid(where, `expected shape [${spec.shape.join(',')}], got [${shape.slice(0, 8).join(',')}]`);
  const count = shape[0] ?? 0;
  if (count < 1 || count > maxCount) throw invalid(where, `expected 1 to ${maxCount} cases, got ${count}`);
  const length = shape.reduce((product, size) => product * size, 1);
  const data = optional(json, 'data');
  const size = optional(parametersOf(json, where), 'binary_data_size');
  if ((data === undefined) === (size === undefined))
    throw invalid(where, 'expected either data or parameters.binary_data_size');
  if (size !== undefined) {
    const bytes = binary.take(asCount(size, `${where}.parameters.binary_data_size`), where);
    return { spec, count, data: fromBinary(bytes, spec.datatype, length, where) };
  }
  const flat = flatten(asArray(data, `${where}.data`), shape, where);
  return { spec, count, data: fromJson(flat, spec.datatype, where) };
}

function fromBinary(
  bytes: Uint8Array,
  datatype: Datatype,
  length: number,
  where: string,
): TensorData[Datatype] {
  if (datatype === 'BYTES') return stringsOf(bytes, length, where);
  const size = datatype === 'FP32' ? 4 : 8;
  if (bytes.length !== length * size)
    throw invalid(where, `expected ${length * size} binary bytes, got ${bytes.length}`);
  const { buffer } = new Uint8Array(bytes); // aligned (a Buffer's own slice would be a view)
  if (datatype === 'INT64') return new BigInt64Array(buffer);
  const values = new Float32Array(buffer);
  for (const value of values) if (!Number.isFinite(value)) throw invalid(where, 'expected finite numbers');
  return values;
}

function stringsOf(bytes: Uint8Array, length: number, where: string): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (out.length === length || at + 4 > bytes.length)
      throw invalid(where, `expected ${length} elements of BYTES`);
    const size = view.getUint32(at, true);
    at += 4;
    if (size > bytes.length - at)
      throw invalid(where, `an element states ${size} bytes, ${bytes.length - at} are left`);
    out.push(textOf(bytes.subarray(at, at + size), where));
    at += size;
  }
  if (out.length !== length) throw invalid(where, `expected ${length} elements of BYTES, got ${out.length}`);
  return out;
}

function textOf(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ReclmisError('NOTE_INVALID', `${where}: an element is not UTF-8`, { cause });
  }
}

/** Flat, or nested by the shape. */
function flatten(data: readonly Json[], shape: readonly number[], where: string): readonly Json[] {
  const length = shape.reduce((product, size) => product * size, 1);
  if (!Array.isArray(data[0])) {
    if (data.length !== length) throw invalid(where, `expected ${length} values, got ${data.length}`);
    return data;
  }
  const out: Json[] = [];
  const walk = (level: readonly Json[], axis: number): void => {
    if (level.length !== shape[axis])
      throw invalid(where, `expected ${shape[axis]} entries along axis ${axis}, got ${level.length}`);
    if (axis === shape.length - 1) for (const value of level) out.push(value);
    else for (const next of level) walk(asArray(next, `${where}.data`), axis + 1);
  };
  walk(data, 0);
  return out;
}

function fromJson(values: readonly Json[], datatype: Datatype, where: string): TensorData[Datatype] {
  switch (datatype) {
    case 'FP32': {
      const out = new Float32Array(values.length);
      for (const [i, value] of values.entries()) {
        if (typeof value !== 'number' || !Number.isFinite(Math.fround(value)))
          throw invalid(where, 'expected numbers within the range of FP32');
        out[i] = value;
      }
      return out;
    }
    case 'INT64': {
      const out = new BigInt64Array(values.length);
      for (const [i, value] of values.entries()) {
        if (typeof value !== 'number' || !Number.isSafeInteger(value))
          throw invalid(where, 'expected whole numbers');
        out[i] = BigInt(value);
      }
      return out;
    }
    case 'BYTES':
      return values.map((value) => asString(value, `${where}.data`));
  }
}

export const isType = <D extends Datatype>(tensor: Tensor, datatype: D): tensor is Tensor<D> =>
  tensor.spec.datatype === datatype;

/** @throws REQUEST_INVALID */
export function wantsBinary(request: JsonObject, output: string): boolean {
  const byDefault = flagOf(parametersOf(request, 'request'), 'binary_data_output', 'request');
  const outputs = optional(request, 'outputs');
  if (outputs === undefined) return byDefault;
  let binary = byDefault;
  const wanted = asArray(outputs, 'outputs');
  if (wanted.length > 1) throw invalid('outputs', `expected ${output} once, got ${wanted.length} entries`);
  for (const entry of wanted) {
    const object = entry as JsonObject | null;
    const name = asString(
      typeof object === 'object' && object !== null ? own(object, 'name') : undefined,
      'outputs.name',
    );
    if (name !== output || object === null) throw invalid('outputs', `expected ${output}, got another name`);
    const parameters = parametersOf(object, 'outputs');
    if (optional(parameters, 'classification') !== undefined)
      throw invalid('outputs', 'classification is not supported');
    if (optional(parameters, 'binary_data') !== undefined)
      binary = flagOf(parameters, 'binary_data', 'outputs');
  }
  return binary;
}

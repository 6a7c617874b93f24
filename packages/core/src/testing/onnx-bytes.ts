/** Protobuf by hand, for tests, and ONNX models in it. */

import { utf8 } from '../onnx-protobuf.js';

export function field(number: number, value: number | Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? utf8(value) : value;
  if (typeof bytes === 'number') return concat(varint(number * 8), varint(bytes));
  return concat(varint(number * 8 + 2), varint(bytes.length), bytes);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

/** A ValueInfoProto; a size may be a name, or null (free). */
export function value(name: string, type: number, sizes: readonly (number | string | null)[]): Uint8Array {
  const dimensions = sizes.map((size) =>
    field(1, size === null ? new Uint8Array(0) : field(typeof size === 'number' ? 1 : 2, size)),
  );
  const tensor = concat(field(1, type), field(2, concat(...dimensions)));
  return concat(field(1, name), field(2, field(1, tensor)));
}

export function modelBytes(
  inputs: readonly Uint8Array[],
  outputs: readonly Uint8Array[],
  ...more: readonly Uint8Array[]
): Uint8Array {
  const graph = concat(
    ...inputs.map((one) => field(11, one)),
    ...outputs.map((one) => field(12, one)),
    ...more,
  );
  return concat(field(1, 8), field(7, graph));
}

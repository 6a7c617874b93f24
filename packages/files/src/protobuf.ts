/** Writes protobuf's wire format. https://protobuf.dev/programming-guides/encoding/ */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Seven bits a byte, lowest first; negative numbers as int64, in two's complement. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const key = (field: number, wire: number): Buffer => varint(field * 8 + wire);

/** int32, int64, enum or bool. */
export const integer = (field: number, value: number): Buffer =>
  Buffer.concat([key(field, VARINT), varint(value)]);

export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, FIXED64), bytes]);
}

export function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, FIXED32), bytes]);
}

export const bytes = (field: number, data: Uint8Array): Buffer =>
  Buffer.concat([key(field, BYTES), varint(data.length), data]);

/** A message of already encoded fields. */
export const message = (field: number, fields: readonly Buffer[]): Buffer =>
  bytes(field, Buffer.concat(fields));

export const text = (field: number, value: string): Buffer => bytes(field, Buffer.from(value));

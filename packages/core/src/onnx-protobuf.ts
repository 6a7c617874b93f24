/** Protobuf as ONNX files use it, read and written (https://protobuf.dev/programming-guides/encoding/). */

const PERCENT = 0x25;

/** UTF-8, by what every JavaScript has. @throws URIError for other bytes */
export function textOf(bytes: Uint8Array): string {
  let escaped = '';
  for (const byte of bytes)
    escaped +=
      byte < 0x80 && byte !== PERCENT ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`;
  return decodeURIComponent(escaped);
}

/** Bytes: a text, a message, or packed numbers. `whole` is all of it, number and length included. */
export type Field = { readonly number: number; readonly whole: Uint8Array } & (
  { readonly value: number; readonly bytes: null } | { readonly value: 0; readonly bytes: Uint8Array }
);

/** A message's fields in order. @throws Error if the bytes are no protobuf */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    throw new Error('it is truncated or not a protobuf');
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new Error('it is truncated or not a protobuf');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const from = at;
    const key = varint();
    const number = Math.floor(key / 8);
    if (key >= 2 ** 32 || number === 0) throw new Error('it is not a protobuf');
    switch (key % 8) {
      case 0: {
        const value = varint();
        yield { number, value, bytes: null, whole: bytes.subarray(from, at) };
        break;
      }
      case 1:
        take(8);
        break;
      case 2: {
        const part = take(varint());
        yield { number, value: 0, bytes: part, whole: bytes.subarray(from, at) };
        break;
      }
      case 5:
        take(4);
        break;
      default:
        throw new Error('it is not a protobuf'); // groups, absent from proto3
    }
  }
}

/** A message's field: a number, or bytes in parts. */
export function fieldBytes(number: number, value: number | readonly Uint8Array[]): Uint8Array[] {
  if (typeof value === 'number') return [varintBytes(number * 8), varintBytes(value)];
  const length = value.reduce((sum, part) => sum + part.length, 0);
  return [varintBytes(number * 8 + 2), varintBytes(length), ...value];
}

export const textBytes = (number: number, text: string): Uint8Array[] => fieldBytes(number, [utf8(text)]);

export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const part of encodeURIComponent(text).match(/%..|[^]/g) ?? [])
    bytes.push(part.length === 1 ? part.charCodeAt(0) : Number.parseInt(part.slice(1), 16));
  return Uint8Array.from(bytes);
}

export function joinedBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function varintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

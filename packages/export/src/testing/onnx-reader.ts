/** Reads ONNX files by protobuf's wire format, independently of the writer. */

/** By field number: numbers for varints, bytes for the rest, in order. */
type Fields = Map<number, (bigint | Uint8Array)[]>;

export interface ReadTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  readonly bytes: number;
}

export interface ReadModel {
  readonly irVersion: number;
  readonly opset: number;
  readonly nodes: readonly { readonly op: string; readonly inputs: string[]; readonly outputs: string[] }[];
  readonly constants: readonly ReadTensor[];
  readonly inputs: readonly { readonly name: string; readonly shape: (number | string)[] }[];
  readonly outputs: readonly { readonly name: string; readonly shape: (number | string)[] }[];
}

/** @throws RangeError for invalid protobuf */
export function readOnnx(file: Uint8Array): ReadModel {
  const model = fieldsOf(file);
  const graph = fieldsOf(bytesAt(model, 7));
  return {
    irVersion: numberAt(model, 1),
    opset: numberAt(fieldsOf(bytesAt(model, 8)), 2),
    nodes: messages(graph, 1).map((node) => ({
      op: textAt(node, 4),
      inputs: texts(node, 1),
      outputs: texts(node, 2),
    })),
    constants: messages(graph, 5).map((tensor) => ({
      name: textAt(tensor, 8),
      shape: (tensor.get(1) ?? []).map(Number),
      type: numberAt(tensor, 2),
      bytes: bytesAt(tensor, 9).length,
    })),
    inputs: messages(graph, 11).map(valueOf),
    outputs: messages(graph, 12).map(valueOf),
  };
}

function valueOf(value: Fields): { name: string; shape: (number | string)[] } {
  const tensor = fieldsOf(bytesAt(fieldsOf(bytesAt(value, 2)), 1));
  const shape = messages(fieldsOf(bytesAt(tensor, 2)), 1).map((size) =>
    size.has(2) ? textAt(size, 2) : numberAt(size, 1),
  );
  return { name: textAt(value, 1), shape };
}

function fieldsOf(data: Uint8Array): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++];
      if (byte === undefined) throw new RangeError('a varint is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (count: number): Uint8Array => {
    if (at + count > data.length) throw new RangeError('a field is cut off');
    at += count;
    return data.subarray(at - count, at);
  };
  while (at < data.length) {
    const key = Number(varint());
    const wire = key & 7;
    if (![0, 1, 2, 5].includes(wire)) throw new RangeError(`wire type ${wire}`);
    const value = wire === 0 ? varint() : take(wire === 1 ? 8 : wire === 5 ? 4 : Number(varint()));
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}

const bytesAt = (fields: Fields, field: number): Uint8Array => {
  const [value] = fields.get(field) ?? [];
  return value instanceof Uint8Array ? value : new Uint8Array();
};
const numberAt = (fields: Fields, field: number): number => Number(fields.get(field)?.[0] ?? 0);
const messages = (fields: Fields, field: number): Fields[] =>
  (fields.get(field) ?? []).map((value) => fieldsOf(value as Uint8Array));
const texts = (fields: Fields, field: number): string[] =>
  (fields.get(field) ?? []).map((value) => Buffer.from(value as Uint8Array).toString('utf8'));
const textAt = (fields: Fields, field: number): string =>
  Buffer.from(bytesAt(fields, field)).toString('utf8');

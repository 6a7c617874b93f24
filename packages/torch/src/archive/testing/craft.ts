/** Pickles and zip archives made by hand for the tests: valid ones, and ones that no proper writer would make. */
import { crc32 } from 'node:zlib';
import { OP } from '../pickle-opcodes.js';

/** A pickle, opcode by opcode; each call returns the bytes of one value. */
export const P: {
  readonly op: (...bytes: number[]) => Buffer;
  readonly text: (text: string) => Buffer;
  readonly int: (value: number) => Buffer;
  readonly global: (module: string, name: string) => Buffer;
  readonly tuple: (...items: Buffer[]) => Buffer;
  readonly list: (...items: Buffer[]) => Buffer;
  /** Keys and values in turn. */
  readonly dict: (...items: Buffer[]) => Buffer;
  readonly call: (callee: Buffer, ...args: Buffer[]) => Buffer;
  readonly storage: (key?: string, numel?: number, type?: string) => Buffer;
  readonly tensor: (shape: number[], stride: number[], offset?: number, storage?: Buffer) => Buffer;
  /** The whole pickle of a value. */
  readonly whole: (...value: Buffer[]) => Buffer;
} = {
  op: (...bytes: number[]): Buffer => Buffer.from(bytes),
  text: (text: string): Buffer => {
    const bytes = Buffer.from(text);
    const head = Buffer.alloc(5, OP.BINUNICODE);
    head.writeUInt32LE(bytes.length, 1);
    return Buffer.concat([head, bytes]);
  },
  int: (value: number): Buffer => {
    if (Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31) {
      const bytes = Buffer.alloc(5, OP.BININT);
      bytes.writeInt32LE(value, 1);
      return bytes;
    }
    const bytes = Buffer.alloc(10, OP.LONG1);
    bytes[1] = 8;
    bytes.writeBigInt64LE(BigInt(value), 2);
    return bytes;
  },
  global: (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`),
  tuple: (...items: Buffer[]): Buffer => Buffer.concat([P.op(OP.MARK), ...items, P.op(OP.TUPLE)]),
  list: (...items: Buffer[]): Buffer =>
    Buffer.concat([P.op(OP.EMPTY_LIST, OP.MARK), ...items, P.op(OP.APPENDS)]),
  dict: (...items: Buffer[]): Buffer =>
    Buffer.concat([P.op(OP.EMPTY_DICT, OP.MARK), ...items, P.op(OP.SETITEMS)]),
  call: (callee: Buffer, ...args: Buffer[]): Buffer =>
    Buffer.concat([callee, P.tuple(...args), P.op(OP.REDUCE)]),
  storage: (key = '0', numel = 4, type = 'FloatStorage'): Buffer =>
    Buffer.concat([
      P.tuple(P.text('storage'), P.global('torch', type), P.text(key), P.text('cpu'), P.int(numel)),
      P.op(OP.BINPERSID),
    ]),
  tensor: (shape: number[], stride: number[], offset = 0, storage = P.storage()): Buffer =>
    P.call(
      P.global('torch._utils', '_rebuild_tensor_v2'),
      storage,
      P.int(offset),
      P.tuple(...shape.map(P.int)),
      P.tuple(...stride.map(P.int)),
      P.op(OP.NEWFALSE),
      P.call(P.global('collections', 'OrderedDict')),
    ),
  whole: (...value: Buffer[]): Buffer => Buffer.concat([P.op(OP.PROTO, 2), ...value, P.op(OP.STOP)]),
};

/** An entry of a crafted archive. What is stated may differ from what is there. */
export interface CraftedEntry {
  readonly name: string;
  readonly data: Buffer;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  /** The size that the central directory states. */
  readonly size?: number;
  /** The name in the local header. */
  readonly localName?: string;
  /** The central directory names the place of the entry with this index instead. */
  readonly placeOf?: number;
}

/** A zip archive without ZIP64, its entries one after the other. `count` is what the end record states. */
export function craftZip(
  entries: readonly CraftedEntry[],
  options: { readonly count?: number } = {},
): Buffer {
  const parts: Buffer[] = [];
  const offsets: number[] = [];
  let position = 0;
  const put = (bytes: Buffer): void => {
    parts.push(bytes);
    position += bytes.length;
  };
  const common = (header: Buffer, at: number, entry: CraftedEntry, name: Buffer, size: number): void => {
    header.writeUInt16LE(entry.flags ?? 0, at);
    header.writeUInt16LE(entry.method ?? 0, at + 2);
    header.writeUInt32LE(entry.crc ?? crc32(entry.data), at + 8);
    header.writeUInt32LE(entry.method === undefined ? size : entry.data.length, at + 12);
    header.writeUInt32LE(size, at + 16);
    header.writeUInt16LE(name.length, at + 20);
  };
  for (const entry of entries) {
    offsets.push(position);
    const name = Buffer.from(entry.localName ?? entry.name, 'latin1');
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    common(header, 6, entry, name, entry.size ?? entry.data.length);
    put(header);
    put(name);
    put(entry.data);
  }
  const begin = position;
  entries.forEach((entry, i) => {
    const name = Buffer.from(entry.name, 'latin1');
    const header = Buffer.alloc(46);
    header.writeUInt32LE(0x02014b50, 0);
    common(header, 8, entry, name, entry.size ?? entry.data.length);
    header.writeUInt32LE(offsets[entry.placeOf ?? i]!, 42);
    put(header);
    put(name);
  });
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(options.count ?? entries.length, 8);
  end.writeUInt16LE(options.count ?? entries.length, 10);
  end.writeUInt32LE(position - begin, 12);
  end.writeUInt32LE(begin, 16);
  put(end);
  return Buffer.concat(parts);
}

/** The entries of an archive of PyTorch with this pickle and one storage "0" of four float32. */
export function torchEntries(pickle: Buffer, storage = Buffer.alloc(16, 1)): CraftedEntry[] {
  return [
    { name: 'archive/data.pkl', data: pickle },
    { name: 'archive/data/0', data: storage },
    { name: 'archive/version', data: Buffer.from('3\n') },
  ];
}

/** A `.npy` entry of float32 numbers. What its header states may differ from what is there. */
export function craftNpy(
  numbers: readonly number[],
  shape: readonly number[],
  options: {
    readonly descr?: string;
    readonly fortran?: boolean;
    readonly version?: number;
    readonly header?: string;
    readonly headerBytes?: number;
    readonly data?: Buffer;
  } = {},
): Buffer {
  const {
    descr = '<f4',
    fortran = false,
    version = 1,
    data = Buffer.from(new Float32Array(numbers).buffer),
  } = options;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const stated =
    options.header ??
    `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${sizes}), }`;
  const begin = version === 1 ? 10 : 12;
  const header = Buffer.from(
    `${stated.padEnd(Math.ceil((stated.length + 1 + begin) / 64) * 64 - begin - 1)}\n`,
  );
  const head = Buffer.alloc(begin);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(options.headerBytes ?? header.length, 8);
  else head.writeUInt32LE(options.headerBytes ?? header.length, 8);
  return Buffer.concat([head, header, data]);
}

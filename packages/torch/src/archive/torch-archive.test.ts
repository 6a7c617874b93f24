/** Our writer through our reader, bit for bit; the zip format beyond 32 bits; state dictionaries; the older format. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ReclmisError } from '@reclmis/core';
import type { DType } from '../invoke.js';
import { scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import { ArchiveFile } from './archive-file.js';
import { OP } from './pickle-opcodes.js';
import { readPickle } from './pickle-reader.js';
import { P, craftZip, torchEntries } from './testing/craft.js';
import { TorchArchive, TorchTensor, stateDictOf } from './torch-archive.js';
import { writeTorchArchive } from './torch-archive-writer.js';
import { TorchStorage, gather } from './torch-values.js';
import { readZipEntries, readZipEntry } from './zip-reader.js';
import { ZipWriter } from './zip-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-archive-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'a.pt');

function failure(run: () => unknown): ReclmisError {
  try {
    run();
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** The tensors' bytes, shapes and dtypes after writing and reading. */
function roundTrip(tensors: ReadonlyMap<string, Tensor>): Map<string, [DType, readonly number[], Buffer]> {
  writeTorchArchive(path, tensors);
  using archive = TorchArchive.open(path);
  const read = [...stateDictOf(archive)].map(([name, tensor]) => {
    const bytes = scope(() => Buffer.from(archive.read(tensor).toBytes()));
    return [name, [tensor.dtype, tensor.shape, bytes]] as const;
  });
  return new Map(read.map(([name, value]) => [name, [...value]]));
}

describe('round trip', () => {
  test.each<[DType, number]>([
    ['float64', 8],
    ['float32', 4],
    ['float16', 2],
    ['bfloat16', 2],
    ['int64', 8],
    ['int32', 4],
    ['int16', 2],
    ['int8', 1],
    ['uint8', 1],
    ['bool', 1],
  ])('%s comes back to the bit, NaN payloads included', (dtype, bytes) => {
    const raw = Uint8Array.from({ length: 6 * bytes }, (_, i) =>
      dtype === 'bool' ? i % 2 : 255 - ((i * 37) % 256),
    );
    const read = scope(() => roundTrip(new Map([['w', Tensor.fromBytes(raw, dtype, [2, 3])]])));
    expect(read).toEqual(new Map([['w', [dtype, [2, 3], Buffer.from(raw)]]]));
  });

  test('tensors without dimensions, without elements and of another layout', () => {
    scope(() => {
      const base = Tensor.fromFloat32([1, 2, 3, 4, 5, 6], [2, 3]);
      const read = roundTrip(
        new Map([
          ['scalar', Tensor.fromInt64([5], [])],
          ['empty', Tensor.fromFloat32([], [0, 3])],
          ['turned', base.t()],
        ]),
      );
      expect(read.get('scalar')).toEqual(['int64', [], Buffer.from([5, 0, 0, 0, 0, 0, 0, 0])]);
      expect(read.get('empty')).toEqual(['float32', [0, 3], Buffer.alloc(0)]);
      const turned = read.get('turned')!;
      expect(turned[1]).toEqual([3, 2]);
      expect([...new Float32Array(Uint8Array.from(turned[2]).buffer)]).toEqual([1, 4, 2, 5, 3, 6]);
    });
  });

  test('names are kept, whatever they are, and in their order', () => {
    const names = ['z', 'module.a.weight', '', '__proto__', 'ünïcode 🫁', 'a'];
    const read = scope(() => roundTrip(new Map(names.map((name) => [name, Tensor.fromFloat32([1])]))));
    expect([...read.keys()]).toEqual(names);
  });

  test('members beside the state dictionary come back with their types', () => {
    const meta = {
      epoch: 3,
      loss: 0.25,
      big: 2 ** 40,
      negative: -70000,
      zero: -0,
      model: 'RecLMIS',
      best: true,
      none: null,
    };
    scope(() => {
      const tensors = new Map([['w', Tensor.fromFloat32([1])]]);
      writeTorchArchive(path, tensors, { wrap: { key: 'model_state_dict', meta }, archiveName: 'run-1.pth' });
    });
    using archive = TorchArchive.open(path);
    const root = archive.root as ReadonlyMap<string, unknown>;
    expect([...root].slice(0, -1)).toEqual(Object.entries(meta));
    expect(Object.is(root.get('zero'), -0)).toBe(true);
    expect([...stateDictOf(archive).keys()]).toEqual(['w']);
  });

  test('one tensor under two names is stored once', () => {
    scope(() => {
      const tied = Tensor.fromFloat32([1, 2]);
      writeTorchArchive(
        path,
        new Map([
          ['a', tied],
          ['b', tied],
        ]),
        { wrap: null },
      );
    });
    using archive = TorchArchive.open(path);
    expect([...stateDictOf(archive).values()].map(({ storageKey }) => storageKey)).toEqual(['0', '0']);
    scope(() => {
      for (const tensor of stateDictOf(archive).values()) {
        expect([...archive.read(tensor).toFloat32Array()]).toEqual([1, 2]);
      }
    });
  });

  test('storages begin at multiples of 64, as PyTorch aligns them, and equal contents make equal files', () => {
    const write = (): Buffer => {
      scope(() =>
        writeTorchArchive(
          path,
          new Map(['a', 'b', 'c'].map((name, i) => [name, Tensor.fromUint8([i, 1, 2])])),
        ),
      );
      return readFileSync(path);
    };
    const bytes = write();
    const file = ArchiveFile.open(path);
    const entries = [...readZipEntries(file).values()];
    file.close();
    expect(entries.map(({ name }) => name)).toEqual([
      'archive/data.pkl',
      'archive/byteorder',
      'archive/data/0',
      'archive/data/1',
      'archive/data/2',
      'archive/version',
    ]);
    expect(entries.map(({ dataOffset }) => dataOffset % 64)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(write().equals(bytes)).toBe(true);
  });
});

describe('a write that cannot be', () => {
  test('leaves nothing behind', () => {
    scope(() => {
      const tensors = new Map([['w', Tensor.fromFloat32([1])]]);
      const nowhere = join(folder, 'missing', 'a.pt');
      expect(failure(() => writeTorchArchive(nowhere, tensors)).code).toBe('OUTPUT_UNWRITABLE');
      const clash = { wrap: { key: 'state_dict', meta: { state_dict: 1 } } };
      expect(failure(() => writeTorchArchive(join(folder, 'b.pt'), tensors, clash)).code).toBe(
        'OUTPUT_UNWRITABLE',
      );
      const name = { archiveName: '../x' };
      expect(failure(() => writeTorchArchive(join(folder, 'b.pt'), tensors, name)).code).toBe(
        'OUTPUT_UNWRITABLE',
      );
    });
    expect(readdirSync(folder).filter((name) => name !== 'a.pt')).toEqual([]);
  });
});

describe('the state dictionary', () => {
  const tensors = P.dict(P.text('module.w'), P.tensor([4], [1]));
  const open = (...value: Buffer[]): TorchArchive => {
    writeFileSync(path, craftZip(torchEntries(P.whole(...value))));
    return TorchArchive.open(path);
  };

  test.each(['state_dict', 'model_state_dict', 'model'])('is found as the member %s', (key) => {
    using archive = open(P.dict(P.text('epoch'), P.int(1), P.text(key), tensors));
    expect([...stateDictOf(archive).keys()]).toEqual(['module.w']);
  });

  test('is found beside a name of the model', () => {
    using archive = open(P.dict(P.text('model'), P.text('RecLMIS'), P.text('state_dict'), tensors));
    expect([...stateDictOf(archive).keys()]).toEqual(['module.w']);
  });

  test.each<[string, Buffer, RegExp]>([
    ['a number', P.int(1), /it has no dictionary/],
    ['an empty dictionary', P.dict(), /no state dictionary/],
    ['a tensor', P.tensor([4], [1]), /no state dictionary/],
    [
      'tensors among other things',
      P.dict(P.text('w'), P.tensor([4], [1]), P.text('n'), P.int(1)),
      /has "w", "n"$/,
    ],
    ['tensors by number', P.dict(P.int(0), P.tensor([4], [1])), /no state dictionary/],
  ])('is missed in %s', (_, value, words) => {
    using archive = open(value);
    const error = failure(() => stateDictOf(archive));
    expect([error.code, words.test(error.message)]).toEqual(['ARCHIVE_INVALID', true]);
  });
});

describe('views of one storage', () => {
  test('parts, turned and strided ones hold the right values', () => {
    const storage = Buffer.alloc(48);
    for (let i = 0; i < 12; i++) storage.writeFloatLE(i, 4 * i);
    const whole = P.storage('0', 12);
    const pickle = P.list(
      P.tensor([2, 2], [2, 1], 3, whole),
      P.tensor([3, 4], [1, 3], 0, whole),
      P.tensor([2, 3], [6, 2], 1, whole),
      P.tensor([2, 1, 2], [1, 99, 4], 5, whole),
      P.tensor([0], [1], 12, whole),
      P.tensor([], [], 11, whole),
    );
    writeFileSync(path, craftZip(torchEntries(P.whole(pickle), storage)));
    using archive = TorchArchive.open(path);
    const values = scope(() =>
      (archive.root as readonly TorchTensor[]).map((tensor) => [...archive.read(tensor).toFloat32Array()]),
    );
    expect(values).toEqual([
      [3, 4, 5, 6],
      [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11],
      [1, 3, 5, 7, 9, 11],
      [5, 9, 6, 10],
      [],
      [11],
    ]);
  });

  test('a part of a storage is refused as well when the storage fails its CRC', () => {
    const entries = torchEntries(P.whole(P.dict(P.text('w'), P.tensor([2], [1], 1))));
    writeFileSync(path, craftZip(entries.map((entry, i) => (i === 1 ? { ...entry, crc: 5 } : entry))));
    using archive = TorchArchive.open(path);
    expect(failure(() => archive.read(stateDictOf(archive).get('w')!)).message).toMatch(/CRC-32/);
  });

  test('a tensor of another archive, or made up, is refused', () => {
    writeFileSync(path, craftZip(torchEntries(P.whole(P.dict(P.text('w'), P.tensor([4], [1]))))));
    using archive = TorchArchive.open(path);
    for (const made of [
      new TorchTensor('float32', [4], [1], 0, '1'),
      new TorchTensor('float64', [2], [1], 0, '0'),
      new TorchTensor('float32', [4], [1], 1, '0'),
    ]) {
      expect(failure(() => archive.read(made)).code).toBe('ARCHIVE_INVALID');
    }
  });

  test.each([1, 2, 4, 8])('elements of %d bytes are gathered whole', (bytes) => {
    const source = Uint8Array.from({ length: 6 * bytes }, (_, i) => i);
    const target = new Uint8Array(6 * bytes);
    gather(source, target, { shape: [3, 2], stride: [1, 3] }, bytes);
    const element = (i: number): number[] => Array.from({ length: bytes }, (_, k) => i * bytes + k);
    expect([...target]).toEqual([0, 3, 1, 4, 2, 5].flatMap(element));
  });
});

describe('zip', () => {
  test('sizes and offsets of 64 bits are written and read', () => {
    const parts: Uint8Array[] = [];
    const zip = new ZipWriter((bytes) => parts.push(bytes), 10);
    const contents = ['short', 'longer than ten bytes', ''].map((text) => Buffer.from(text));
    contents.forEach((bytes, i) => zip.add(`a/${i}`, bytes));
    zip.finish();
    writeFileSync(path, Buffer.concat(parts));
    const file = ArchiveFile.open(path);
    const read = [...readZipEntries(file).values()].map((entry) => readZipEntry(file, entry, 100).toString());
    file.close();
    expect(read).toEqual(contents.map(String));
  });

  test('an entry beyond 4 GiB is found (the file has a hole, and takes no room)', () => {
    // A whole archive, whose parts are then said to lie 5 GiB further on, where they are written.
    const far = 5 * 2 ** 30;
    const parts: Buffer[] = [];
    const moved = new ZipWriter((bytes) => parts.push(Buffer.from(bytes)), 0);
    moved.add('a/far', Buffer.from('far'));
    moved.finish();
    const bytes = Buffer.concat(parts);
    const central = bytes.indexOf(Buffer.from('PK\x01\x02'));
    const end64 = bytes.indexOf(Buffer.from('PK\x06\x06'));
    const locator = bytes.indexOf(Buffer.from('PK\x06\x07'));
    const offsetAt = central + 46 + 'a/far'.length + 4 + 16;
    for (const at of [offsetAt, end64 + 48, locator + 8]) {
      bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + BigInt(far), at);
    }
    const fd = openSync(path, 'w');
    writeSync(fd, bytes, 0, bytes.length, far);
    closeSync(fd);
    const file = ArchiveFile.open(path);
    const [entry] = [...readZipEntries(file).values()];
    expect(entry?.dataOffset).toBe(far + 64);
    expect(readZipEntry(file, entry!, 10).toString()).toBe('far');
    file.close();
    rmSync(path);
  });
});

describe('pickle', () => {
  const host = {
    path: 'x',
    torchScript: false,
    storage: (): TorchStorage => new TorchStorage('0', 'float32', 0),
  };
  const read = (...value: Buffer[]): unknown => readPickle(P.whole(...value), host).value;

  test.each<[string, Buffer, unknown]>([
    ['None', P.op(OP.NONE), null],
    ['a negative LONG1', P.op(OP.LONG1, 1, 0xff), -1],
    ['an empty LONG1', P.op(OP.LONG1, 0), 0],
    ['a LONG1 beyond 2^53', P.op(OP.LONG1, 8, 0, 0, 0, 0, 0, 0, 0, 0x40), 2n ** 62n],
    ['a BINFLOAT', P.op(OP.BINFLOAT, 0x3f, 0xd0, 0, 0, 0, 0, 0, 0), 0.25],
    ['bytes', P.op(OP.SHORT_BINBYTES, 2, 1, 255), Uint8Array.of(1, 255)],
    [
      'bytes of protocol 2',
      P.call(P.global('_codecs', 'encode'), P.text('a\xff'), P.text('latin1')),
      Uint8Array.of(97, 255),
    ],
    ['a set', Buffer.concat([P.op(OP.EMPTY_SET, OP.MARK), P.int(1), P.int(2), P.op(OP.ADDITEMS)]), [1, 2]],
    ['a set of protocol 2', P.call(P.global('__builtin__', 'set'), P.list(P.int(1))), [1]],
    ['a frozenset', Buffer.concat([P.op(OP.MARK), P.int(1), P.op(OP.FROZENSET)]), [1]],
    ['a torch.Size', P.call(P.global('torch', 'Size'), P.tuple(P.int(2), P.int(3))), [2, 3]],
    ['a dtype', P.global('torch', 'float16'), 'torch.float16'],
    ['a device', P.call(P.global('torch', 'device'), P.text('cuda'), P.int(1)), 'cuda:1'],
    [
      'an OrderedDict of Python 2',
      P.call(P.global('collections', 'OrderedDict'), P.list(P.list(P.text('a'), P.int(1)))),
      new Map([['a', 1]]),
    ],
    [
      'a defaultdict',
      P.call(P.global('collections', 'defaultdict'), P.global('builtins', 'dict')),
      new Map(),
    ],
    [
      'a Counter',
      P.call(P.global('collections', 'Counter'), P.dict(P.int(30), P.int(1))),
      new Map([[30, 1]]),
    ],
    ['the replacement character', P.text('\ufffd'), '\ufffd'],
  ])('%s', (_, bytes, expected) => {
    expect(read(bytes)).toEqual(expected);
  });

  test('a frame and values recalled from the memo are read (protocol 4)', () => {
    const frame = P.op(OP.FRAME, 9, 0, 0, 0, 0, 0, 0, 0);
    const value = P.op(OP.SHORT_BINUNICODE, 1, 0x61, OP.MEMOIZE, OP.BINGET, 0, OP.TUPLE2);
    expect(read(frame, value)).toEqual(['a', 'a']);
  });
});

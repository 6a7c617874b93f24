import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import type * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { ReclmisError } from '@reclmis/core';
import { memory } from '../runtime.js';
import {
  isSealed,
  readSafetensors,
  readSafetensorsHeader,
  verifySafetensors,
  writeSafetensors,
} from './safetensors.js';
import { scope } from '../scope.js';
import { Tensor, type DType } from '../tensor.js';

/** Successful writeSync calls left before the disk is "full"; null: no limit. */
const disk = vi.hoisted(() => ({ room: null as number | null, code: 'ENOSPC' }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const writeSync = (...args: Parameters<typeof fs.writeSync>): number => {
    if (disk.room !== null && disk.room-- <= 0) {
      throw Object.assign(new Error('no space left on device'), { code: disk.code });
    }
    return real.writeSync(...args);
  };
  return { ...real, writeSync };
});

const folder = mkdtempSync(join(tmpdir(), 'reclmis-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const fresh = (): string => join(folder, `${files++}.safetensors`);

/** Writes a header as text, a stated length that may lie, and `data` bytes. */
function craft(header: string | Buffer, data = 0, length?: bigint): string {
  const path = fresh();
  const text = typeof header === 'string' ? Buffer.from(header) : header;
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(length ?? BigInt(text.length));
  writeFileSync(path, Buffer.concat([head, text, Buffer.alloc(data, 1)]));
  return path;
}

function failure(run: () => unknown): ReclmisError {
  try {
    run();
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a sealed file', () => {
  const sealed = (): string => {
    const path = fresh();
    scope(() => {
      const tensors = new Map([
        ['b', Tensor.fromUint8([7, 8, 9])],
        ['a', Tensor.fromFloat32([-2, 0.5, 3], [3, 1])],
        ['nothing', Tensor.fromFloat32([], [0])],
      ]);
      writeSafetensors(path, tensors, { info: '{"step":15}', about: 'test' }, { seal: true });
    });
    return path;
  };

  test('holds the SHA-256 of metadata, descriptions and bytes', () => {
    const { metadata } = readSafetensorsHeader(sealed());
    expect(isSealed(metadata)).toBe(true);
    const told = JSON.stringify([
      [
        ['about', 'test'],
        ['info', '{"step":15}'],
      ],
      [
        ['a', 'F32', [3, 1]],
        ['b', 'U8', [3]],
        ['nothing', 'F32', [0]],
      ],
    ]);
    const bytes = Buffer.from('000000c0' + '0000003f' + '00004040' + '070809', 'hex');
    const expected = createHash('sha256').update(told).update(bytes).digest('hex');
    expect(metadata['reclmis.sha256']).toBe(expected);
  });

  test('reads, in whole and in part', () => {
    const path = sealed();
    verifySafetensors(path);
    scope(() => {
      expect([...readSafetensors(path).tensors.keys()].sort()).toEqual(['a', 'b', 'nothing']);
      const { tensors } = readSafetensors(path, { select: (name) => name === 'b' });
      expect([...tensors.keys()]).toEqual(['b']);
      expect(tensors.get('b')?.toBytes()).toEqual(Uint8Array.of(7, 8, 9));
    });
  });

  test('is refused with any bit flipped, in whole and in part', () => {
    const path = sealed();
    const intact = readFileSync(path);
    const silent: number[] = [];
    for (let at = 0; at < intact.length; at++) {
      const damaged = Buffer.from(intact);
      damaged[at]! ^= 1 << (at % 8);
      writeFileSync(path, damaged);
      const read = [
        () => verifySafetensors(path),
        () => scope(() => void readSafetensors(path, { select: (name) => name === 'b' })),
      ][at % 2]!;
      try {
        read();
        silent.push(at);
      } catch (error) {
        expect(error).toMatchObject({ code: 'SAFETENSORS_INVALID' });
      }
    }
    // What is left is the seal's own key, without which the file counts as unsealed.
    const name = intact.indexOf('reclmis.sha256');
    expect(silent.filter((at) => at < name || at >= name + 'reclmis.sha256'.length)).toEqual([]);
  });

  test('may be laid out differently by another program', () => {
    const path = sealed();
    const { metadata } = readSafetensorsHeader(path);
    scope(() => writeSafetensors(path, readSafetensors(path).tensors, { z: 'late', ...metadata }));
    expect(() => verifySafetensors(path)).toThrow(/content has changed since it was written/); // it now says something else
    scope(() => {
      const tensors = new Map([...readSafetensors(sealed()).tensors].reverse());
      const [first, ...rest] = Object.entries(metadata);
      writeSafetensors(path, tensors, Object.fromEntries([...rest, first!]));
    });
    verifySafetensors(path);
  });

  test('still reads without a seal', () => {
    const path = fresh();
    scope(() => writeSafetensors(path, new Map([['x', Tensor.fromUint8([1])]]), { a: 'b' }));
    verifySafetensors(path);
    expect(isSealed(readSafetensorsHeader(path).metadata)).toBe(false);
  });
});

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
  ])('%s comes back byte for byte, NaNs and extremes included', (dtype, width) => {
    const path = fresh();
    // Every byte value occurs; booleans may only be 0 and 1.
    const bytes = Uint8Array.from({ length: 256 * width }, (_, i) =>
      dtype === 'bool' ? i & 1 : (i * 37) & 255,
    );
    scope(() => {
      writeSafetensors(path, new Map([['x', Tensor.fromBytes(bytes, dtype, [4, 64])]]));
      const back = readSafetensors(path).tensors.get('x');
      expect(back?.dtype).toBe(dtype);
      expect(back?.shape).toEqual([4, 64]);
      expect(back?.toBytes()).toEqual(bytes);
    });
  });

  test('writes the format’s bytes, wide dtypes first, data aligned to 8', () => {
    const path = fresh();
    scope(() => {
      const tensors = new Map([
        ['b', Tensor.fromUint8([7, 8, 9])],
        ['z', Tensor.fromFloat32([1.5], [])],
        ['a', Tensor.fromFloat32([-2], [1, 1])],
      ]);
      writeSafetensors(path, tensors, { format: 'pt' });
    });
    const file = readFileSync(path);
    const length = Number(file.readBigUInt64LE());
    const text = file.subarray(8, 8 + length).toString();
    expect(text.trimEnd()).toBe(
      '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},' +
        '"z":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}',
    );
    expect(length % 8).toBe(0);
    expect(text.slice(text.trimEnd().length)).toMatch(/^ {0,7}$/);
    expect(file.subarray(8 + length).toString('hex')).toBe('000000c0' + '0000c03f' + '070809');
  });

  test('views, empty tensors, no tensors, metadata and odd names', () => {
    const path = fresh();
    scope(() => {
      const matrix = Tensor.fromInt64([1, 2, 3, 4, 5, 6], [2, 3]);
      const tensors = new Map([
        ['turned', matrix.t()],
        ['empty', Tensor.fromFloat32([], [0, 5])],
        ['__proto__', Tensor.fromInt64([42], [])],
        ['schön "quoted" \u{1f600}', Tensor.fromInt64([-1])],
      ]);
      writeSafetensors(path, tensors, { note: 'ä\n"', ['__proto__']: 'plain' });
      const { tensors: back, metadata } = readSafetensors(path);
      expect([...back.keys()].sort()).toEqual([...tensors.keys()].sort());
      expect(back.get('turned')?.toInt64Array()).toEqual([1, 4, 2, 5, 3, 6]);
      expect(back.get('empty')?.shape).toEqual([0, 5]);
      expect(back.get('__proto__')?.item()).toBe(42);
      expect(metadata['note']).toBe('ä\n"');
      expect(Object.keys(metadata)).toEqual(['note', '__proto__']);
      writeSafetensors(path, new Map());
      expect(readSafetensors(path).tensors.size).toBe(0);
    });
  });

  test('the header alone, and a selection', () => {
    const path = fresh();
    scope(() => {
      writeSafetensors(
        path,
        new Map([
          ['a', Tensor.fromFloat32([1, 2])],
          ['b', Tensor.fromInt64([3])],
        ]),
        { k: 'v' },
      );
      const { entries, metadata, dataStart } = readSafetensorsHeader(path);
      expect([...entries]).toEqual([
        ['b', { dtype: 'int64', shape: [1], begin: 0, end: 8 }],
        ['a', { dtype: 'float32', shape: [2], begin: 8, end: 16 }],
      ]);
      expect({ ...metadata }).toEqual({ k: 'v' });
      expect(dataStart).toBe(readFileSync(path).length - 16);
      const { tensors } = readSafetensors(path, { select: (name) => name === 'a' });
      expect([...tensors.keys()]).toEqual(['a']);
      expect([...(tensors.get('a')?.toFloat32Array() ?? [])]).toEqual([1, 2]);
    });
  });
});

const entry = (dtype: string, shape: string, offsets: string): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

describe('hostile files', () => {
  const u8 = (begin: number, end: number): string => entry('U8', `[${end - begin}]`, `[${begin},${end}]`);
  const cases: [string, () => string, RegExp][] = [
    [
      'overlap',
      () => craft(`{"a":${u8(0, 4)},"b":${u8(2, 6)}}`, 6),
      /"b" overlaps .* begins at 2, expected 4/,
    ],
    ['the same bytes twice', () => craft(`{"a":${u8(0, 4)},"b":${u8(0, 4)}}`, 4), /overlaps/],
    ['hole', () => craft(`{"a":${u8(0, 4)},"b":${u8(5, 6)}}`, 6), /"b" leaves a hole .* at 5, expected 4/],
    ['hole at the start', () => craft(`{"a":${u8(1, 4)}}`, 4), /"a" leaves a hole/],
    ['data beyond the tensors', () => craft(`{"a":${u8(0, 4)}}`, 5), /take 4 bytes, the file has 5/],
    ['data cut short', () => craft(`{"a":${u8(0, 4)}}`, 3), /take 4 bytes, the file has 3/],
    ['no data', () => craft(`{"a":${u8(0, 4_000_000_000)}}`), /take 4000000000 bytes, the file has 0/],
    ['no length', () => fresh0(Buffer.from([1, 2, 3])), /has 3 bytes, expected at least 8/],
    ['empty file', () => fresh0(Buffer.alloc(0)), /has 0 bytes/],
    [
      'header longer than the file',
      () => craft('{}', 0, 100n),
      /header of 100 bytes, but the file has only 10 bytes/,
    ],
    ['header above the limit', () => craft('{}', 0, 100_000_001n), /the limit is 100000000/],
    [
      'header of 2^64 - 1 bytes',
      () => craft('{}', 0, 2n ** 64n - 1n),
      /header of 18446744073709551615 bytes/,
    ],
    [
      'negative offset',
      () => craft(`{"a":${entry('U8', '[4]', '[-4,0]')}}`, 4),
      /\[-4,0\] are not two offsets/,
    ],
    ['offsets reversed', () => craft(`{"a":${entry('U8', '[4]', '[4,0]')}}`, 4), /offsets span -4/],
    ['negative size', () => craft(`{"a":${entry('U8', '[-1,-4]', '[0,4]')}}`, 4), /not a list of sizes/],
    ['fractional size', () => craft(`{"a":${entry('U8', '[1.5]', '[0,4]')}}`, 4), /not a list of sizes/],
    [
      'sizes that overflow',
      () => craft(`{"a":${entry('F64', '[4294967296,4294967296]', '[0,0]')}}`),
      /too large/,
    ],
    [
      'sizes that overflow beside a 0',
      () => craft(`{"a":${entry('F32', '[4294967296,4294967296,0]', '[0,0]')}}`),
      /too large/,
    ],
    ['size beyond 2^53', () => craft(`{"a":${entry('U8', '[1e300]', '[0,1]')}}`, 1), /not a list of sizes/],
    [
      'size and bytes differ',
      () => craft(`{"a":${entry('F32', '[2]', '[0,4]')}}`, 4),
      /takes 8 bytes.* span 4/,
    ],
    ['three offsets', () => craft(`{"a":${entry('U8', '[4]', '[0,4,4]')}}`, 4), /not two offsets/],
    [
      'unknown dtype',
      () => craft(`{"a":${entry('F8_E4M3', '[4]', '[0,4]')}}`, 4),
      /"F8_E4M3" is not one of F64/,
    ],
    [
      'inherited name as dtype',
      () => craft(`{"a":${entry('constructor', '[4]', '[0,4]')}}`, 4),
      /is not one of/,
    ],
    ['missing field', () => craft('{"a":{"dtype":"U8","shape":[0]}}'), /expected exactly dtype, shape/],
    ['more fields', () => craft(`{"a":{"x":1,${u8(0, 4).slice(1)}}`, 4), /expected exactly dtype, shape/],
    ['null', () => craft('{"a":null}'), /expected exactly/],
    ['duplicate tensor', () => craft(`{"a":${u8(0, 4)},"a":${u8(0, 4)}}`, 4), /the key "a" twice/],
    [
      'duplicate field',
      () => craft('{"a":{"dtype":"F32","dtype":"U8","shape":[4],"data_offsets":[0,4]}}', 4),
      /"dtype" twice/,
    ],
    ['duplicate by escape', () => craft(`{"a":${u8(0, 4)},"\\u0061":${u8(4, 8)}}`, 8), /the key "a" twice/],
    ['duplicate metadata', () => craft('{"__metadata__":{"k":"1","k":"2"}}'), /the key "k" twice/],
    ['metadata that is no text', () => craft('{"__metadata__":{"k":1}}'), /value of "k" is not a string/],
    ['metadata that is no object', () => craft('{"__metadata__":["k"]}'), /__metadata__ is not an object/],
    [
      '__proto__ for dtype and shape',
      () => craft('{"a":{"__proto__":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}}', 4),
      /expected exactly/,
    ],
    ['array', () => craft('[]'), /does not begin with \{/],
    ['spaces before the header', () => craft(' {}'), /does not begin with \{/],
    ['no JSON', () => craft('{"a":'), /not JSON in UTF-8/],
    ['bytes after the object', () => craft('{}x'), /not JSON in UTF-8/],
    ['no UTF-8', () => craft(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), /not JSON in UTF-8/],
    ['nested without end', () => craft('{"a":'.repeat(200_000)), /not JSON in UTF-8/],
    ['missing file', () => join(folder, 'nothing'), /cannot be opened: ENOENT/],
    ['folder', () => folder, /is not a regular file/],
  ];

  function fresh0(bytes: Buffer): string {
    const path = fresh();
    writeFileSync(path, bytes);
    return path;
  }

  test.each(cases)('%s', (_, make, message) => {
    const path = make();
    const before = memory();
    const error = failure(() => readSafetensors(path));
    expect(error.code).toBe('SAFETENSORS_INVALID');
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
    expect(error.message).not.toContain('\n');
    expect(memory().handles).toBe(before.handles);
    expect(memory().liveBytes).toBe(before.liveBytes);
  });

  test('names from the file reach no prototype', () => {
    const path = craft(
      `{"__metadata__":{"__proto__":"x","constructor":"y"},"__proto__":${u8(0, 1)},"toString":${u8(1, 2)}}`,
      2,
    );
    scope(() => {
      const { tensors, metadata } = readSafetensors(path);
      expect([...tensors.keys()]).toEqual(['__proto__', 'toString']);
      expect(metadata['constructor']).toBe('y');
    });
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['dtype']).toBeUndefined();
  });

  test('padded headers are read', () => {
    expect(readSafetensorsHeader(craft(`{"a":${u8(0, 4)}}   `, 4)).entries.get('a')?.shape).toEqual([4]);
  });
});

describe('writing', () => {
  const tensors = (): Map<string, Tensor> =>
    new Map([
      ['a', Tensor.fromFloat32([1])],
      ['b', Tensor.fromUint8([2])],
    ]);

  test.each(['ENOSPC', 'EDQUOT'])('a full disk (%s) leaves the old file and nothing else', (code) => {
    const place = join(folder, `full-${code}`);
    mkdirSync(place);
    const path = join(place, 'model.safetensors');
    scope(() => {
      writeSafetensors(path, tensors());
      const before = readFileSync(path);
      for (const room of [0, 1, 2]) {
        disk.room = room;
        disk.code = code;
        try {
          const error = failure(() =>
            writeSafetensors(path, new Map([...tensors(), ['c', Tensor.fromUint8([3])]])),
          );
          expect(error.code).toBe('DISK_FULL');
          expect(error.message).toContain(path);
        } finally {
          disk.room = null;
        }
        expect(readFileSync(path)).toEqual(before);
        expect(readdirSync(place)).toEqual(['model.safetensors']);
      }
    });
  });

  test('an unwritable place, a forbidden name, a disposed tensor', () => {
    scope(() => {
      const nowhere = join(folder, 'no', 'such', 'folder.safetensors');
      expect(failure(() => writeSafetensors(nowhere, tensors())).code).toBe('OUTPUT_UNWRITABLE');
      const path = fresh();
      writeFileSync(path, 'a file, not a folder');
      expect(failure(() => writeSafetensors(join(path, 'a.safetensors'), tensors())).code).toBe(
        'OUTPUT_UNWRITABLE',
      );
      rmSync(path);
      const reserved = new Map([['__metadata__', Tensor.fromUint8([1])]]);
      expect(failure(() => writeSafetensors(path, reserved)).message).toContain('__metadata__');
      const gone = tensors();
      gone.get('b')?.dispose();
      expect(failure(() => writeSafetensors(path, gone)).code).toBe('TENSOR_DISPOSED');
      expect(existsSync(path)).toBe(false);
    });
  });
});

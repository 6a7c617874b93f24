import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { type ErrorCode, ReclmisError } from '@reclmis/core';
import { afterAll, describe, expect, it } from 'vitest';
import { scope } from '../scope.js';
import { openTensorSource } from './tensor-source.js';
import { type CraftedEntry, craftNpy, craftZip } from './testing/craft.js';
import { NpzArchive } from './npz-archive.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-npz-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'weights.npz');
const hasNumPy = spawnSync('python3', ['-c', 'import numpy'], { cwd: folder }).status === 0;

/** Shape and values of every array of a file, by name. */
function read(bytes: Buffer): Record<string, [readonly number[], number[]]> {
  writeFileSync(path, bytes);
  const source = openTensorSource(path);
  try {
    return scope(() =>
      Object.fromEntries(
        [...source.tensors.keys()].map((name) => {
          const tensor = source.read(name);
          return [name, [tensor.shape, [...tensor.to({ dtype: 'float32' }).toFloat32Array()]]];
        }),
      ),
    );
  } finally {
    source.close();
  }
}

const npz = (...entries: CraftedEntry[]): Buffer => craftZip(entries);
const one = (data: Buffer): Buffer => npz({ name: 'a.npy', data });

describe('an archive of arrays', () => {
  it('is recognised by its content and read by name', () => {
    const bytes = npz(
      { name: 'Transformer/encoder_norm/scale.npy', data: craftNpy([1, 2], [2]) },
      { name: 'kernel.npy', data: craftNpy([1, 2, 3, 4, 5, 6], [2, 3]) },
      { name: 'scalar.npy', data: craftNpy([7], []) },
      { name: 'none.npy', data: craftNpy([], [0, 4]) },
    );
    expect(read(bytes)).toEqual({
      'Transformer/encoder_norm/scale': [[2], [1, 2]],
      kernel: [
        [2, 3],
        [1, 2, 3, 4, 5, 6],
      ],
      scalar: [[], [7]],
      none: [[0, 4], []],
    });
  });

  it('may have its first axis fastest', () => {
    const { a } = read(one(craftNpy([1, 4, 2, 5, 3, 6], [2, 3], { fortran: true })));
    expect(a).toEqual([
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ]);
  });

  it.each([
    ['<f2', Buffer.from(new Uint16Array([0x3c00, 0xc000]).buffer), [1, -2]],
    ['<f8', Buffer.from(new Float64Array([1.5, -2]).buffer), [1.5, -2]],
    ['<i8', Buffer.from(new BigInt64Array([3n, -4n]).buffer), [3, -4]],
    ['<i4', Buffer.from(new Int32Array([3, -4]).buffer), [3, -4]],
    ['<i2', Buffer.from(new Int16Array([3, -4]).buffer), [3, -4]],
    ['|i1', Buffer.from([3, 0xfc]), [3, -4]],
    ['|u1', Buffer.from([3, 0xfc]), [3, 252]],
    ['|b1', Buffer.from([1, 0]), [1, 0]],
  ])('holds numbers of type %s', (descr, data, values) => {
    expect(read(one(craftNpy([], [2], { descr, data })))['a']).toEqual([[2], values]);
  });

  it.each([2, 3])('has headers of version %i', (version) => {
    expect(read(one(craftNpy([1], [1], { version })))['a']).toEqual([[1], [1]]);
  });

  it.skipIf(!hasNumPy)('reads what NumPy writes (needs NumPy)', () => {
    const script =
      'import numpy as n; a = n.arange(6, dtype=n.float32).reshape(2, 3)\n' +
      `n.savez(${JSON.stringify(path)}, **{"block1/unit1/kernel": a, "t": n.asfortranarray(a), "h": a[0].astype(n.float16), "s": n.float64(4)})`;
    expect(spawnSync('python3', ['-c', script], { cwd: folder }).status).toBe(0);
    expect(read(readFileSync(path))).toEqual({
      'block1/unit1/kernel': [
        [2, 3],
        [0, 1, 2, 3, 4, 5],
      ],
      t: [
        [2, 3],
        [0, 1, 2, 3, 4, 5],
      ],
      h: [[3], [0, 1, 2]],
      s: [[], [4]],
    });
  });
});

function failure(bytes: Buffer): ReclmisError {
  try {
    read(bytes);
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const INVALID: ErrorCode = 'ARCHIVE_INVALID';
const four = craftNpy([1, 2, 3, 4], [4]);
const header = (text: string): Buffer => one(craftNpy([1, 2, 3, 4], [4], { header: text }));
const shaped = (sizes: string): Buffer =>
  header(`{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`);

describe('a hostile or damaged archive', () => {
  it.each<[string, ErrorCode, RegExp, () => Buffer]>([
    [
      'Python objects',
      'ARCHIVE_REFUSED',
      /Python objects/,
      () => one(craftNpy([1, 2], [1], { descr: '|O' })),
    ],
    ['an expression for a shape', INVALID, /does not write/, () => shaped("__import__('os').system('true')")],
    ['an expression for a header', INVALID, /does not write/, () => header("print('x')")],
    [
      'records',
      INVALID,
      /does not write/,
      () => header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }"),
    ],
    [
      'text after the header',
      INVALID,
      /does not write/,
      () => header("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), } + x"),
    ],
    ['the other byte order', INVALID, /type ">f4"/, () => one(craftNpy([1], [1], { descr: '>f4' }))],
    ['strings', INVALID, /type "<U8"/, () => one(craftNpy([1, 2, 3, 4, 5, 6, 7, 8], [1], { descr: '<U8' }))],
    ['more numbers than there are', INVALID, /16 bytes, expected 20/, () => shaped('5,')],
    ['fewer numbers than there are', INVALID, /16 bytes, expected 12/, () => shaped('3,')],
    ['2^60 numbers', INVALID, /shape/, () => shaped('1073741824, 1073741824')],
    ['an empty shape with huge sides', INVALID, /shape/, () => shaped('0, 9007199254740993')],
    ['a side of 17 digits', INVALID, /shape/, () => shaped('10000000000000000,')],
    ['commas for a shape', INVALID, /shape/, () => shaped(',,,,')],
    ['65 dimensions', INVALID, /65 dimensions/, () => shaped(Array(65).fill('1').join(', '))],
    ['a long row of digits', INVALID, /shape/, () => shaped('1'.repeat(30_000))],
    ['a header beyond its entry', INVALID, /beyond/, () => one(craftNpy([1], [1], { headerBytes: 5000 }))],
    [
      'a header of 4 GiB',
      INVALID,
      /limit/,
      () => one(craftNpy([1], [1], { version: 2, headerBytes: 0xffffffff })),
    ],
    ['version 9', INVALID, /version 9/, () => one(craftNpy([1], [1], { version: 9 }))],
    ['another beginning', INVALID, /begin/, () => one(Buffer.alloc(100))],
    ['an empty entry', INVALID, /too few/, () => one(Buffer.alloc(0))],
    [
      'a boolean that is 2',
      INVALID,
      /booleans/,
      () => one(craftNpy([], [1], { descr: '|b1', data: Buffer.from([2]) })),
    ],
    ['a wrong CRC', INVALID, /CRC-32/, () => npz({ name: 'a.npy', data: four, crc: 1 })],
    [
      'a compressed entry',
      INVALID,
      /savez_compressed/,
      () => npz({ name: 'a.npy', data: deflateRawSync(four), method: 8, size: four.length }),
    ],
    ['an encrypted entry', INVALID, /encrypted/, () => npz({ name: 'a.npy', data: four, flags: 1 })],
    [
      'an entry twice',
      INVALID,
      /twice/,
      () => npz({ name: 'a.npy', data: four }, { name: 'a.npy', data: four }),
    ],
    ['a path', INVALID, /not a relative path/, () => npz({ name: '../a.npy', data: four })],
    ['an array without a name', INVALID, /not an array/, () => npz({ name: '.npy', data: four })],
    [
      'a pickle next to the arrays',
      INVALID,
      /PyTorch/,
      () => npz({ name: 'a.npy', data: four }, { name: 'b.pkl', data: four }),
    ],
  ])('with %s is refused', (_, code, words, make) => {
    const error = failure(make());
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(words)]);
  });

  it('is refused wherever it is cut short', () => {
    const bytes = npz({ name: 'a.npy', data: four }, { name: 'b.npy', data: four });
    for (let i = 1; i < 40; i++) {
      const cut = bytes.subarray(0, Math.floor((bytes.length * i) / 40));
      expect(failure(cut).code).toMatch(/^ARCHIVE_/);
    }
  });

  it('gives a coded error or whole arrays with any byte changed', () => {
    const bytes = npz({ name: 'a.npy', data: four }, { name: 'b.npy', data: four });
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << (at % 8);
      try {
        for (const [shape, values] of Object.values(read(changed))) {
          expect(values).toHaveLength(shape.reduce((product, size) => product * size, 1));
        }
      } catch (error) {
        if (!(error instanceof ReclmisError)) throw error;
        expect(error.code).toMatch(/^ARCHIVE_|^SAFETENSORS_INVALID$/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(bytes.length / 2);
  });

  it('writes nothing, and closes twice', () => {
    writeFileSync(path, one(four));
    const archive = NpzArchive.open(path);
    archive.close();
    archive.close();
    expect(existsSync(join(folder, 'a.npy'))).toBe(false);
  });
});

import { ReclmisError } from '@reclmis/core';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { niftiFile, type NiftiParts } from '../testing/nifti-file.js';
import { isNifti, readNifti } from './read-nifti.js';

const gzipSync = (bytes: Uint8Array): Uint8Array => new Uint8Array(zlib.gzipSync(bytes));
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof ReclmisError) return error.code;
    throw error;
  }
  return 'none';
};
const grey = async (
  file: Uint8Array,
  slice = 0,
  window?: { centre: number; width: number },
): Promise<number[]> => {
  const image = await readNifti(file, window && { window });
  const { data } = await image.frame(slice);
  return Array.from({ length: data.length / 3 }, (_, i) => data[3 * i]!);
};
/** Levels equal values: 255 levels over 255 units. */
const ONE_TO_ONE = { centre: 127.5, width: 255 };

describe('isNifti', () => {
  it('knows both versions in both byte orders, compressed or not, and pairs', () => {
    for (const version of [1, 2] as const)
      for (const littleEndian of [true, false]) {
        const file = niftiFile({ version, littleEndian });
        expect(isNifti(file)).toBe(true);
        expect(isNifti(gzipSync(file))).toBe(true);
        expect(isNifti(gzipSync(file).subarray(0, 100)) || version === 1).toBe(true);
      }
    expect(isNifti(niftiFile({ magic: 'ni1\0' }))).toBe(true);
  });

  it('knows that other files are none', () => {
    expect(isNifti(new Uint8Array(0))).toBe(false);
    expect(isNifti(new Uint8Array(1000))).toBe(false);
    expect(isNifti(niftiFile({ magic: 'xyz\0' }))).toBe(false);
    expect(isNifti(gzipSync(new Uint8Array(1000)))).toBe(false);
    expect(isNifti(Uint8Array.of(0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9))).toBe(false);
    expect(isNifti(niftiFile().subarray(0, 347))).toBe(false);
  });
});

describe('readNifti', () => {
  it('gives slices row by row, as stored, in both versions and byte orders, compressed in members too', async () => {
    const voxels = Uint8Array.from({ length: 24 }, (_, i) => i);
    for (const version of [1, 2] as const)
      for (const littleEndian of [true, false]) {
        const swapped = voxels.slice();
        if (!littleEndian) for (let i = 0; i < 24; i += 2) swapped.subarray(i, i + 2).reverse();
        const values = new Uint16Array(voxels.buffer);
        const file = niftiFile({ version, littleEndian, datatype: 512, voxels: swapped });
        const half = 200;
        const members = [gzipSync(file.subarray(0, half)), gzipSync(file.subarray(half))];
        const joined = Uint8Array.from(members.flatMap((member) => [...member]));
        for (const bytes of [file, gzipSync(file), joined]) {
          const image = await readNifti(bytes, { window: { centre: 0, width: 1 } });
          expect(image).toMatchObject({ width: 2, height: 3, frames: 2, bits: 16, colour: false });
          expect(await grey(bytes, 1, { centre: values[0]! + 127.5 * 257, width: 255 * 257 })).toEqual(
            [...values.subarray(6)].map((v) => Math.round((v - values[0]!) / 257)),
          );
        }
      }
  });

  it('reads every type of grey level', async () => {
    const numbers = [0, 1, 2, 50, 100, 120];
    const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer);
    const types: readonly (readonly [number, Uint8Array])[] = [
      [2, Uint8Array.from(numbers)],
      [256, bytesOf(Int8Array.from(numbers))],
      [512, bytesOf(Uint16Array.from(numbers))],
      [4, bytesOf(Int16Array.from(numbers))],
      [768, bytesOf(Uint32Array.from(numbers))],
      [8, bytesOf(Int32Array.from(numbers))],
      [1280, bytesOf(BigUint64Array.from(numbers, BigInt))],
      [1024, bytesOf(BigInt64Array.from(numbers, BigInt))],
      [16, bytesOf(Float32Array.from(numbers))],
      [64, bytesOf(Float64Array.from(numbers))],
    ];
    for (const [datatype, voxels] of types)
      expect(await grey(niftiFile({ dims: [2, 2, 3], datatype, voxels }), 0, ONE_TO_ONE), `type ${datatype}`).toEqual(numbers); // prettier-ignore
    const negative = niftiFile({
      dims: [2, 2, 1],
      datatype: 4,
      voxels: bytesOf(Int16Array.of(-1024, -1000)),
    });
    expect(await grey(negative, 0, { centre: -896.5, width: 255 })).toEqual([0, 24]);
  });

  it('keeps RGB, and refuses what is no picture', async () => {
    const voxels = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const image = await readNifti(niftiFile({ dims: [2, 2, 1], datatype: 128, voxels, slope: 2 }));
    expect(image).toMatchObject({ colour: true, bits: 8, rendering: { window: null } });
    expect((await image.frame(0)).data).toEqual(voxels);
    for (const datatype of [1, 32, 1536, 1792, 2048, 2304])
      expect(await codeOf(readNifti(niftiFile({ datatype })))).toBe('IMAGE_UNSUPPORTED');
  });

  it('applies slope and intercept, and the percentiles of the volume to all slices', async () => {
    // 0..200 in one row: percentiles 0.5 and 99.5 are 1 and 199 exactly, as numpy.percentile says.
    const voxels = Uint8Array.from({ length: 201 }, (_, i) => i);
    const parts: NiftiParts = { dims: [3, 201, 1, 1], voxels, slope: 2, intercept: -10 };
    const { rendering } = await readNifti(niftiFile(parts));
    expect(rendering.window).toEqual({ centre: 190, width: 396 });
    expect(rendering.steps).toEqual([
      'scaled: slope 2, intercept -10',
      'window from the volume’s percentiles 0.5 and 99.5: -8 to 388',
    ]);
    const levels = await grey(niftiFile(parts));
    expect([levels[0], levels[1], levels[100], levels[199], levels[200]]).toEqual([0, 0, 128, 255, 255]);
    const inverse = await grey(niftiFile({ ...parts, slope: -2 }));
    expect([inverse[0], inverse[200]]).toEqual([255, 0]);
    // The same as floats, where values are selected, not counted; NaN and Infinity do not count and are black and white.
    const floats = Float32Array.from({ length: 204 }, (_, i) => (i < 201 ? i : [Number.NaN, Infinity, -Infinity][i - 201]!)); // prettier-ignore
    const wide = niftiFile({ dims: [2, 204, 1], datatype: 16, voxels: new Uint8Array(floats.buffer) });
    expect((await readNifti(wide)).rendering.window).toEqual({ centre: 100, width: 198 });
    expect((await grey(wide)).slice(201)).toEqual([0, 255, 0]);
  });

  it('selects percentiles of many floats as sorting does', async () => {
    const values = Float32Array.from({ length: 5000 }, (_, i) => ((i * 7919) % 5000) / 8);
    const file = niftiFile({ dims: [2, 5000, 1], datatype: 16, voxels: new Uint8Array(values.buffer) });
    // 0.005 * 4999 = 24.995 and 0.995 * 4999 = 4974.005, in eighths.
    const { window } = (await readNifti(file)).rendering;
    expect(window!.centre - window!.width / 2).toBeCloseTo(24.995 / 8, 6);
    expect(window!.centre + window!.width / 2).toBeCloseTo(4974.005 / 8, 4); // float32 selects
  });

  it('shows a constant volume black, without a division by zero', async () => {
    expect(await grey(niftiFile({ voxels: new Uint8Array(12).fill(7) }))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('counts further dimensions as slices, which lie where those of the first volume do', async () => {
    const image = await readNifti(niftiFile({ dims: [4, 1, 2, 3, 2], sform: [1, 0, 0, 5, 0, 1, 0, 6, 0, 0, 4, 7] })); // prettier-ignore
    expect(image.size).toEqual([1, 2, 6]);
    expect(image.geometryOf(1).plane!.position).toEqual([-5, -6, 11]);
    expect(image.geometryOf(4)).toEqual(image.geometryOf(1));
    expect(() => image.geometryOf(6)).toThrow(/0 to 5, got 6/u);
  });

  it('takes the sform, then the qform, and turns to DICOM’s coordinates', async () => {
    const sform = [-0.5, 0, 0, 90, 0, -0.7, 0, 80, 0, 0, 3, -20];
    const both = await readNifti(
      niftiFile({ sform, qformCode: 2, sformCode: 1, quaternion: [1, 0, 0], pixdim: [1, 9, 9, 9] }),
    );
    expect(both.affine.map((v) => Math.round(v * 1e6) / 1e6)).toEqual([...sform, 0, 0, 0, 1]);
    const { plane, pixel, directions } = both.geometryOf(1);
    expect(plane).toEqual({ position: [-90, -80, -17], right: [1, 0, 0], down: [0, 1, 0] });
    expect(pixel!.width).toBeCloseTo(0.5, 7); // float32
    expect(pixel!.height).toBeCloseTo(0.7, 7);
    expect([pixel!.at, directions]).toEqual(['patient', null]);
    // A half turn about z, written by a program whose squares add up to a little more than 1.
    const quaternion = [0, 0, Math.fround(1.0000001)];
    const half = await readNifti(
      niftiFile({ sformCode: 0, qformCode: 1, quaternion, offset: [1, 2, 3], pixdim: [-1, 2, 3, 4] }),
    );
    expect(half.affine.map((v) => Math.round(v * 1e6) / 1e6 + 0)).toEqual([-2, 0, 0, 1, 0, -3, 0, 2, 0, 0, -4, 3, 0, 0, 0, 1]); // prettier-ignore
  });

  it('converts metres and micrometres', async () => {
    const image = await readNifti(
      niftiFile({ units: 1, sform: [0.002, 0, 0, 0, 0, 0.003, 0, 0, 0, 0, 1, 0] }),
    );
    expect(image.geometryOf(0).pixel!.width).toBeCloseTo(2, 6);
    const small = await readNifti(niftiFile({ units: 3, sform: [250, 0, 0, 0, 0, 500, 0, 0, 0, 0, 1, 0] }));
    expect(small.geometryOf(0).pixel).toEqual({ width: 0.25, height: 0.5, at: 'patient' });
  });

  it('warns if neither form is set, and keeps the voxel sizes', async () => {
    const image = await readNifti(niftiFile({ sformCode: 0, pixdim: [1, 0.5, 0.25, 3] }));
    expect(image.warnings.map(({ code }) => code)).toEqual(['ORIENTATION_UNKNOWN']);
    expect(image.placed).toBe(false);
    // nibabel's: mirrored columns, the origin in the middle.
    expect(image.affine).toEqual([-0.5, 0, 0, 0.25, 0, 0.25, 0, -0.25, 0, 0, 3, -1.5, 0, 0, 0, 1]);
    expect(image.geometryOf(0)).toEqual({ plane: null, directions: null, pixel: { width: 0.5, height: 0.25, at: 'patient' } }); // prettier-ignore
    const bare = await readNifti(niftiFile({ sformCode: 0, pixdim: [0, 0, 0, 0] }));
    expect(bare.geometryOf(0).pixel).toBeNull();
    expect((await readNifti(niftiFile())).warnings).toEqual([]);
  });
});

describe('readNifti of damaged files', () => {
  const cases: readonly (readonly [string, NiftiParts, string])[] = [
    ['sizes below zero', { dims: [3, -2, 3, 2] }, 'IMAGE_UNREADABLE'],
    ['a size of zero', { dims: [3, 0, 3, 2] }, 'IMAGE_UNREADABLE'],
    ['no dimensions', { dims: [0, 2, 3, 2] }, 'IMAGE_UNREADABLE'],
    ['eight dimensions', { dims: [8, 2, 3, 2] }, 'IMAGE_UNREADABLE'],
    ['sizes of 32767', { dims: [3, 32_767, 32_767, 32_767] }, 'IMAGE_TOO_LARGE'],
    ['sizes of 10^9', { version: 2, dims: [3, 1e9, 1e9, 1e9] }, 'IMAGE_TOO_LARGE'],
    ['sizes of -10^9', { version: 2, dims: [3, -1e9, 3, 2] }, 'IMAGE_UNREADABLE'],
    ['an unknown type', { datatype: 77 }, 'IMAGE_UNREADABLE'],
    ['voxels at NaN', { voxOffset: Number.NaN }, 'IMAGE_UNREADABLE'],
    ['voxels within the header', { voxOffset: 348 }, 'IMAGE_UNREADABLE'],
    ['voxels before the file', { voxOffset: -352 }, 'IMAGE_UNREADABLE'],
    ['voxels past the end', { voxOffset: 400 }, 'IMAGE_UNREADABLE'],
    ['voxels at half a byte', { voxOffset: 352.5 }, 'IMAGE_UNREADABLE'],
    ['fewer voxels than stated', { dims: [3, 2, 3, 3] }, 'IMAGE_UNREADABLE'],
    ['a slope without an intercept', { slope: 2, intercept: Number.NaN }, 'IMAGE_UNREADABLE'],
    ['an affine of zeros', { sform: Array<number>(12).fill(0) }, 'IMAGE_UNREADABLE'],
    ['an affine of NaN', { sform: [Number.NaN, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0] }, 'IMAGE_UNREADABLE'],
    ['parallel axes', { sform: [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0] }, 'IMAGE_UNREADABLE'],
    ['a quaternion of NaN', { sformCode: 0, qformCode: 1, quaternion: [Number.NaN, 0, 0] }, 'IMAGE_UNREADABLE'], // prettier-ignore
    ['the header of a pair', { magic: 'ni1\0' }, 'IMAGE_UNSUPPORTED'],
  ];
  it.each(cases)('refuses %s', async (_, parts, code) => {
    expect(await codeOf(readNifti(niftiFile(parts)))).toBe(code);
    expect(await codeOf(readNifti(gzipSync(niftiFile(parts))))).toBe(code);
  });

  it('refuses truncated and altered gzip, wherever', async () => {
    const file = niftiFile({ dims: [3, 20, 20, 2], voxels: Uint8Array.from({ length: 800 }, (_, i) => (i * i) % 251) }); // prettier-ignore
    const packed = gzipSync(file);
    for (let length = 2; length < packed.length; length += 7)
      expect(await codeOf(readNifti(packed.subarray(0, length))), `${length} bytes`).toBe('IMAGE_UNREADABLE');
    for (let back = 1; back <= 9; back++)
      expect(await codeOf(readNifti(packed.subarray(0, packed.length - back)))).toBe('IMAGE_UNREADABLE');
    for (let at = 10; at < packed.length; at += 11) {
      const altered = packed.slice();
      altered[at]! ^= 0x10;
      expect(await codeOf(readNifti(altered)), `byte ${at}`).toMatch(/IMAGE_UNREADABLE|IMAGE_TOO_LARGE/u);
    }
    expect(await codeOf(readNifti(new Uint8Array(zlib.deflateSync(file))))).toBe('IMAGE_UNREADABLE');
  });

  it('refuses a bomb before it inflates, and one that hides behind a small volume', async () => {
    const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024));
    expect(await codeOf(readNifti(bomb))).toBe('IMAGE_UNREADABLE');
    const large = new Uint8Array(40 * 1024 * 1024);
    large.set(niftiFile());
    expect(await codeOf(readNifti(gzipSync(large)))).toBe('IMAGE_TOO_LARGE');
    const claims = niftiFile({ dims: [3, 1000, 1000, 400], voxels: new Uint8Array(1000) });
    expect(await codeOf(readNifti(gzipSync(claims)))).toBe('IMAGE_UNREADABLE');
    expect(await codeOf(readNifti(gzipSync(claims), { maxBytes: 1e8 }))).toBe('IMAGE_TOO_LARGE');
  });

  it('does not follow extensions that lead in circles', async () => {
    // Extension sizes of -16 and 16 send nifti-reader-js around for ever.
    const file = niftiFile({ voxOffset: 400, voxels: new Uint8Array(60) });
    const view = new DataView(file.buffer);
    view.setUint8(348, 1);
    view.setInt32(352, -16, true);
    view.setInt32(336, 16, true);
    expect((await readNifti(file)).frames).toBe(2);
  });

  it('refuses a window without a width', async () => {
    expect(await codeOf(readNifti(niftiFile(), { window: { centre: 40, width: 0 } }))).toBe('OPTION_INVALID');
  });
});

/** Volumes that nibabel writes, read here, and the other way around, in all orientations. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gridOfNifti } from '../grid.js';
import { standardDisplay } from '../orientation.js';
import { hasPython, python } from '../testing/python.js';
import type { Vector } from '../types.js';
import { readNifti } from './read-nifti.js';
import { writeNifti } from './write-nifti.js';

const INSTALLED = hasPython('nibabel', 'numpy');
const SIZE = [5, 4, 3] as const;

interface Expected {
  readonly name: string;
  readonly affine: readonly number[];
  /** Column by column within rows within slices. */
  readonly values: readonly number[];
  readonly axes: string;
}

/** 48 orientations as sform; 48 as qform alone, one oblique each; NIfTI-2, big endian, sheared, scaled, neither form. */
const WRITE = `
import sys, json, itertools, numpy as np, nibabel as nib
folder = sys.argv[1]
rng = np.random.default_rng(7)
values = rng.integers(-300, 1200, (5, 4, 3)).astype(np.int16)
found = []
def save(name, image, data):
    nib.save(image, folder + '/' + name)
    back = nib.load(folder + '/' + name)
    found.append({'name': name, 'affine': back.affine.ravel().tolist(),
                  'values': np.asarray(back.dataobj, float).ravel('F').tolist(),
                  'axes': ''.join(nib.aff2axcodes(back.affine))})
def spin(degrees):
    a = np.deg2rad(degrees)
    return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
n = 0
for perm in itertools.permutations(range(3)):
    for signs in itertools.product((1, -1), repeat=3):
        m = np.zeros((3, 3))
        for column, (axis, sign) in enumerate(zip(perm, signs)):
            m[axis, column] = sign
        for tilt in (0, 11):
            affine = np.eye(4)
            affine[:3, :3] = spin(tilt) @ m @ np.diag((0.7, 1.3, 2.5))
            affine[:3, 3] = (-31.5, 12.25, 7 + n)
            image = nib.Nifti1Image(values, affine)
            image.set_sform(affine, 1); image.set_qform(None, 0)
            save(f's{n}-{tilt}.nii', image, values)
            image = nib.Nifti1Image(values, affine)
            image.set_qform(affine, 1); image.set_sform(None, 0)
            save(f'q{n}-{tilt}.nii.gz', image, values)
        n += 1
sheared = np.array([[0.7, 0.1, 0.4, 1], [0.05, -1.2, 0.3, 2], [0, 0.2, 2.5, 3], [0, 0, 0, 1]])
save('sheared.nii', nib.Nifti1Image(values, sheared), values)
both = nib.Nifti1Image(values, sheared)
other = np.diag((-1.0, -2.0, 3.0, 1.0))
both.set_sform(sheared, 1); both.set_qform(other, 3)
save('both.nii', both, values)
two = nib.Nifti2Image(values, sheared); save('two.nii', two, values)
twoq = nib.Nifti2Image(values, other); twoq.set_qform(other, 1); twoq.set_sform(None, 0); save('twoq.nii.gz', twoq, values)
big = nib.Nifti1Image(values, sheared, nib.Nifti1Header(endianness='>')); save('big.nii', big, values)
scaled = nib.Nifti1Image(values, sheared); scaled.header.set_slope_inter(0.5, -100)
save('scaled.nii', scaled, values)
for kind in ('uint8', 'int8', 'uint16', 'uint32', 'int32', 'float32', 'float64', 'int64', 'uint64'):
    data = np.abs(values % 100).astype(kind)
    save(f'{kind}.nii', nib.Nifti1Image(data, sheared, dtype=kind), data)
bare = nib.Nifti1Image(values, None); bare.header.set_zooms((0.7, 1.3, 2.5))
bare.set_sform(None, 0); bare.set_qform(None, 0)
save('bare.nii', bare, values)
four = rng.integers(0, 255, (5, 4, 3, 2)).astype(np.uint8)
save('four.nii.gz', nib.Nifti1Image(four, sheared), four)
print(json.dumps(found))
`;
const READ = `
import sys, json, numpy as np, nibabel as nib
found = []
for path in sys.argv[1:]:
    image = nib.load(path)
    found.append({'name': path, 'affine': image.affine.ravel().tolist(),
                  'qform': image.get_qform().ravel().tolist() if image.header['qform_code'] > 0 else None,
                  'zooms': [float(z) for z in image.header.get_zooms()], 'dtype': str(image.get_data_dtype()),
                  'codes': [int(image.header['sform_code']), int(image.header['qform_code'])],
                  'values': np.asarray(image.dataobj, float).ravel('F').tolist()})
print(json.dumps(found))
`;

/** float32 holds these affines to seven digits; values up to 60. */
const NEAR = 1e-5;
/** Readers take a from b, c and d in float32: near half turns its error is the root of 1e-7, times 2.5 mm. */
const NEAR_AS_QUATERNION = 2e-3;
const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe.skipIf(!INSTALLED)('NIfTI against nibabel (needs python3-nibabel)', () => {
  let folder = '';
  let expected: readonly Expected[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'reclmis-nibabel-'));
    expected = python(WRITE, folder) as readonly Expected[];
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const read = (name: string, window?: { centre: number; width: number }): ReturnType<typeof readNifti> =>
    readNifti(readFileSync(join(folder, name)), window && { window });

  it('reads the affine of every file, in 48 orientations, straight and oblique, as sform and as qform', async () => {
    expect(expected).toHaveLength(48 * 4 + 17);
    for (const { name, affine } of expected)
      expect(distance((await read(name)).affine, affine), name).toBeLessThan(NEAR);
  });

  it('reads every voxel', async () => {
    for (const { name, values } of expected.filter(({ name: n }) => !/^[sq][1-9]/u.test(n))) {
      // A level is a unit up to 255: of each window, the levels that are not cut off must agree.
      const seen = new Set<number>();
      for (const low of [-400, -200, 0, 200, 400, 600, 800, 1000]) {
        const image = await read(name, { centre: low + 127.5, width: 255 });
        const { width, height } = image;
        for (let slice = 0, i = 0; slice < image.frames; slice++) {
          const { data } = await image.frame(slice);
          for (let pixel = 0; pixel < width * height; pixel++, i++) {
            const due = values[i]! - low;
            if (due <= 0 || due >= 255) continue;
            seen.add(i);
            if (data[3 * pixel] !== Math.floor(due + 0.5)) throw new Error(`${name}: voxel ${i}`);
          }
        }
      }
      expect(seen.size, name).toBe(values.length);
    }
  });

  it('brings slices of all orientations to the same display as nibabel’s axis codes say', async () => {
    for (const { name, axes } of expected.filter(({ name: n }) => /^s\d+-0/u.test(n))) {
      const { plane } = (await read(name)).geometryOf(0);
      const toLetter = (v: Vector): string => {
        const axis = [0, 1, 2].sort((a, b) => Math.abs(v[b]!) - Math.abs(v[a]!))[0]!;
        return ['RL', 'AP', 'FH'][axis]![v[axis]! > 0 ? 1 : 0]!; // LPS
      };
      const named = axes.replace('I', 'F').replace('S', 'H');
      expect(toLetter(plane!.right) + toLetter(plane!.down), name).toBe(named.slice(0, 2));
      expect(standardDisplay((await read(name)).geometryOf(0))).not.toBeNull();
    }
  });

  it('writes masks with the grid of the image, which nibabel reads back', async () => {
    const [w, h, d] = SIZE;
    const slices = Array.from({ length: d }, (_, z) => ({
      width: w,
      height: h,
      data: Uint8Array.from({ length: w * h }, (__, i) => (i * 7 + z * 3) % 5),
    }));
    const due = slices.flatMap(({ data }) => [...data]);
    const names: string[] = [];
    const sources = expected.filter(({ name }) => !name.startsWith('four'));
    for (const { name } of sources) {
      const image = await read(name);
      const path = join(folder, `mask-${name}`);
      writeFileSync(path, writeNifti(slices, gridOfNifti(image), { gzip: name.endsWith('.gz') }));
      names.push(path);
    }
    interface Back extends Expected {
      readonly qform: readonly number[] | null;
      readonly zooms: readonly number[];
      readonly dtype: string;
      readonly codes: readonly [number, number];
    }
    const back = python(READ, ...names) as readonly Back[];
    back.forEach((one, i) => {
      const { name, affine } = sources[i]!;
      expect(one.values, name).toEqual(due);
      expect(one.dtype).toBe('uint8');
      expect(distance(one.affine, affine), name).toBeLessThan(NEAR);
      if (name === 'bare.nii') expect(one.codes).toEqual([0, 0]);
      else expect(one.codes, name).toEqual([1, /^[sq]\d|twoq/u.test(name) ? 1 : 0]); // a qform cannot shear
      if (one.qform !== null) expect(distance(one.qform, affine), name).toBeLessThan(NEAR_AS_QUATERNION);
      expect(distance(one.zooms, [0, 1, 2].map((c) => Math.hypot(affine[c]!, affine[4 + c]!, affine[8 + c]!)))).toBeLessThan(NEAR); // prettier-ignore
    });
  });
});

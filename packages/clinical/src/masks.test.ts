/** Masks as NIfTI and SEG on the displayed image: in every order of voxels, and refused where they lie elsewhere. */
import { type Raster, ReclmisError } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { displayedFrame, type DisplayedFrame } from './display.js';
import { gridOfSlices } from './grid.js';
import { niftiLabels, segLabels } from './masks.js';
import { readNifti } from './nifti/read-nifti.js';
import { writeNifti } from './nifti/write-nifti.js';
import { orient } from './orientation.js';
import { readSeg } from './seg/read-seg.js';
import { writeSeg } from './seg/write-seg.js';
import { niftiFile } from './testing/nifti-file.js';
import { testMask, testProjection, testSlices } from './testing/sources.js';
import type { NiftiImage } from './types.js';

const [W, H] = [6, 4];
const MASK = testMask(W, H, 1);
const RISING = [0, 1, 2].map((i) => [-5, -6, 2 * i] as const);
const TO_THE_BACK = [0, 1, 2].map((i) => [-5, 2 * i - 6, 0] as const);
/** Coronal, stored with the patient's left on the left: its display is mirrored. */
const MIRRORED = [-1, 0, 0, 0, 0, -1];

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof ReclmisError) return error.code;
    throw error;
  }
  return 'none';
};

type Column = readonly [number, number, number];
interface Stored {
  readonly raster: Raster;
  /** Columns of the affine. */
  readonly x: Column;
  readonly y: Column;
  readonly z: Column;
  readonly origin: Column;
}

const plus = (a: Column, b: Column, times: number): Column => [
  a[0] + b[0] * times,
  a[1] + b[1] * times,
  a[2] + b[2] * times,
];
const minus = (a: Column): Column => [-a[0], -a[1], -a[2]];

const mirrored = ({ raster, x, origin, ...rest }: Stored): Stored => ({
  ...{ ...rest, raster: orient(raster, 2), x: minus(x), origin: plus(origin, x, raster.width - 1) },
});
const flipped = ({ raster, y, origin, ...rest }: Stored): Stored => ({
  ...{ ...rest, raster: orient(raster, 4), y: minus(y), origin: plus(origin, y, raster.height - 1) },
});
const transposed = ({ raster, x, y, ...rest }: Stored): Stored => ({ ...rest, raster: orient(raster, 5), x: y, y: x }); // prettier-ignore

function storedAs(image: DisplayedFrame, raster: Raster): Stored {
  const { affine } = gridOfSlices([image.source.geometryOf(image.frame)], W, H).grid;
  const column = (i: number): Column => [affine[i]!, affine[4 + i]!, affine[8 + i]!];
  return { raster, x: column(0), y: column(1), z: column(2), origin: column(3) };
}

function niftiOf({ raster, x, y, z, origin }: Stored, more: object = {}): Promise<NiftiImage> {
  const sform = [0, 1, 2].flatMap((i) => [x[i]!, y[i]!, z[i]!, origin[i]!]);
  const dims = [3, raster.width, raster.height, 1];
  return readNifti(niftiFile({ dims, sform, voxels: raster.data, ...more }));
}

async function slicesOf(orientation?: readonly number[], more?: Parameters<typeof testSlices>[4]) {
  const series = await testSlices(W, H, orientation === MIRRORED ? TO_THE_BACK : RISING, orientation, more);
  return { ...series, shown: series.images.map((image) => displayedFrame('x', image)) };
}

describe('a NIfTI mask', () => {
  it.each([undefined, MIRRORED])('lies on its image in every order of its voxels: %s', async (axes) => {
    const { shown } = await slicesOf(axes);
    const image = shown[1]!;
    const due = orient(MASK, image.orientation);
    expect(image.orientation).toBe(axes === undefined ? 1 : 2);
    for (const across of [false, true])
      for (const over of [false, true])
        for (const turned of [false, true]) {
          let stored = storedAs(image, MASK);
          if (across) stored = mirrored(stored);
          if (over) stored = flipped(stored);
          if (turned) stored = transposed(stored);
          const { width, height, data } = niftiLabels(await niftiOf(stored), image);
          expect({ width, height, data: [...data] }, `${across} ${over} ${turned}`).toEqual({
            ...due,
            data: [...due.data],
          });
        }
  });

  it('of a whole series gives the slice at the place of the image', async () => {
    const { shown, sources } = await slicesOf();
    const masks = [1, 2, 3].map((seed) => testMask(W, H, seed));
    const grid = gridOfSlices(
      sources.map(({ geometry }) => geometry),
      W,
      H,
    ).grid;
    const volume = await readNifti(writeNifti(masks, grid));
    for (const [i, image] of shown.entries())
      expect([...niftiLabels(volume, image).data]).toEqual([...masks[i]!.data]);
  });

  it('is refused elsewhere, mirrored by its affine alone, shifted, of another size and without a place', async () => {
    const { shown } = await slicesOf();
    const image = shown[1]!;
    const stored = storedAs(image, MASK);
    const wrong: readonly Stored[] = [
      storedAs(shown[1]!, testMask(W, H, 1)),
      { ...stored, x: minus(stored.x) },
      { ...stored, origin: plus(stored.origin, stored.x, 0.5) },
      { ...stored, origin: plus(stored.origin, stored.z, 0.5) },
      { ...stored, raster: testMask(W, H + 1, 1) },
      { ...stored, x: plus([0, 0, 0], stored.x, 1.5) },
    ];
    const codes = await Promise.all(
      wrong.map(async (one) => {
        const mask = await niftiOf(one);
        return codeOf(() => niftiLabels(mask, image));
      }),
    );
    expect(codes).toEqual(['none', ...new Array<string>(5).fill('MASK_SIZE_MISMATCH')]);
    const other = await niftiOf(stored);
    expect(codeOf(() => niftiLabels(other, shown[0]!))).toBe('MASK_SIZE_MISMATCH');
    const unplaced = await niftiOf(stored, { sformCode: 0 });
    expect(codeOf(() => niftiLabels(unplaced, image))).toBe('MASK_SIZE_MISMATCH');
  });

  it('of a radiograph has its order of pixels: without a place or with that of ITK, no other', async () => {
    const { images } = await testProjection(W, H, [[0x00200020, 'CS', 'R\\F']]);
    const image = displayedFrame('x', images[0]!);
    const due = [...orient(MASK, 2).data];
    const own = await readNifti(writeNifti([MASK], gridOfSlices([images[0]!.geometryOf(0)], W, H).grid));
    expect([...niftiLabels(own, image).data]).toEqual(due);
    const parts = { dims: [3, W, H, 1], voxels: MASK.data };
    const itk = await readNifti(niftiFile({ ...parts, sform: [-0.15, 0, 0, 0, 0, -0.2, 0, 0, 0, 0, 1, 0] }));
    expect([...niftiLabels(itk, image).data]).toEqual(due);
    const identity = await readNifti(niftiFile(parts));
    expect(codeOf(() => niftiLabels(identity, image))).toBe('MASK_SIZE_MISMATCH');
  });

  it('holds labels: probabilities, negative values and colours are refused', async () => {
    const scaled = (slope: number, intercept = 0): Promise<NiftiImage> =>
      readNifti(niftiFile({ dims: [3, 3, 2, 1], slope, intercept, voxels: Uint8Array.of(0, 1, 2, 3, 255, 0) })); // prettier-ignore
    // Shown with the patient's left on the right and the back below: turned by half.
    expect([...niftiLabels(await scaled(2), null).data]).toEqual([0, 510, 6, 4, 2, 0]);
    for (const wrong of [await scaled(1 / 255), await scaled(1, -1), await scaled(300)])
      expect(codeOf(() => niftiLabels(wrong, null))).toBe('IMAGE_UNSUPPORTED');
    const colours = await readNifti(niftiFile({ dims: [3, 2, 1, 1], datatype: 128, voxels: new Uint8Array(6) })); // prettier-ignore
    expect(codeOf(() => niftiLabels(colours, null))).toBe('IMAGE_UNSUPPORTED');
  });
});

describe('a SEG', () => {
  it('of a series gives the slice of its image, turned with it, and nothing where it has no frame', async () => {
    const { shown, sources } = await slicesOf(MIRRORED);
    const frames = [testMask(W, H, 1), null, testMask(W, H, 3)];
    const { bytes } = writeSeg({ sources, algorithm: 'model', segments: [{ label: 'Lesion', frames }] });
    const seg = readSeg(bytes);
    for (const [i, image] of shown.entries()) {
      const mask = frames[i] ?? { width: W, height: H, data: new Uint8Array(W * H) };
      expect([...segLabels(seg, image).data], String(i)).toEqual([...orient(mask, 2).data]);
    }
  });

  it('of other images, another place or another size is refused', async () => {
    const { sources } = await slicesOf();
    const frames = sources.map((_, i) => testMask(W, H, i));
    const seg = readSeg(writeSeg({ sources, algorithm: 'model', segments: [{ label: 'Lesion', frames }] }).bytes); // prettier-ignore
    const on = async (more: Parameters<typeof testSlices>[4], axes?: readonly number[]): Promise<string> => {
      const image = (await slicesOf(axes, more)).shown[0]!;
      return codeOf(() => segLabels(seg, image));
    };
    expect(await on([])).toBe('none');
    expect(await on([[0x00080018, 'UI', '1.2.3.77']])).toBe('SEG_INVALID'); // names other images
    expect(await on([[0x00200052, 'UI', '1.2.3.78']])).toBe('SEG_INVALID'); // another frame of reference
    expect(await on([[0x00200032, 'DS', '-5\\-6\\0.5']])).toBe('SEG_INVALID');
    expect(await on([], MIRRORED)).toBe('SEG_INVALID');
    const larger = displayedFrame('x', (await testSlices(W, H + 1, RISING)).images[0]!);
    expect(codeOf(() => segLabels(seg, larger))).toBe('MASK_SIZE_MISMATCH');
    const volume = displayedFrame('x', await readNifti(niftiFile({ dims: [3, W, H, 1], voxels: MASK.data })));
    expect(codeOf(() => segLabels(seg, volume))).toBe('SEG_INVALID');
  });
});

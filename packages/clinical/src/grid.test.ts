import { describe, expect, it } from 'vitest';
import { evenStep, gridOfSlices, stackSlices, voxelVolume } from './grid.js';
import type { FrameGeometry, Vector } from './types.js';

const slice = (
  position: Vector,
  more: { right?: Vector; down?: Vector; width?: number } = {},
): FrameGeometry => ({
  plane: { position, right: more.right ?? [1, 0, 0], down: more.down ?? [0, 1, 0] },
  directions: null,
  pixel: { width: more.width ?? 0.5, height: 0.75, at: 'patient' },
});
const irregular: unknown = expect.objectContaining({ code: 'SLICES_IRREGULAR' });

describe('gridOfSlices', () => {
  it('orders slices along the normal and turns to RAS', () => {
    const { grid, order } = gridOfSlices([slice([1, 2, 9]), slice([1, 2, 3]), slice([1, 2, 6])], 4, 5);
    expect(order).toEqual([1, 2, 0]);
    expect(grid).toEqual({
      size: [4, 5, 3],
      affine: [-0.5, 0, 0, -1, 0, -0.75, 0, -2, 0, 0, 3, 3, 0, 0, 0, 1],
      placed: true,
    });
    expect(voxelVolume(grid)).toBe(0.5 * 0.75 * 3);
  });

  it('follows the normal to the feet, and to the side', () => {
    const down = gridOfSlices([slice([0, 0, 1], { down: [0, -1, 0] }), slice([0, 0, 2], { down: [0, -1, 0] })], 2, 2); // prettier-ignore
    expect(down.order).toEqual([1, 0]);
    const axes = { right: [0, 1, 0], down: [0, 0, -1] } as const; // sagittal: the normal is to the patient's right
    const side = gridOfSlices([slice([5, 0, 0], axes), slice([7, 0, 0], axes)], 2, 2);
    expect(side.order).toEqual([1, 0]);
    // Voxels: columns to the back, rows to the feet, slices to the right.
    expect(side.grid.affine).toEqual([0, 0, 2, -7, -0.5, 0, 0, 0, 0, -0.75, 0, 0, 0, 0, 0, 1]);
  });

  it('keeps the shear of a tilted gantry, of which the volume is that along the normal', () => {
    const { grid } = gridOfSlices([slice([0, 0, 0]), slice([0, 1, 4]), slice([0, 2, 8])], 2, 2);
    expect(grid.affine.slice(4, 8)).toEqual([0, -0.75, -1, 0]);
    expect(voxelVolume(grid)).toBeCloseTo(0.5 * 0.75 * 4, 12);
  });

  it('takes rounded positions, and names the slice that is out of step', () => {
    const rounded = [0, 1.67, 3.33, 5].map((z) => slice([0, 0, z]));
    expect(evenStep(stackSlices(rounded))).toBeCloseTo(5 / 3, 12);
    expect(gridOfSlices(rounded, 2, 2).grid.size[2]).toBe(4);
    const gap = [0, 2, 6, 8].map((z) => slice([0, 0, z]));
    expect(evenStep(stackSlices(gap))).toBeNull();
    expect(() => gridOfSlices(gap, 2, 2)).toThrow(/number 2 of 4 is 0\.67 mm/u);
    expect(() => gridOfSlices(gap, 2, 2)).toThrow(irregular);
  });

  it('refuses what is no stack', () => {
    const flat: FrameGeometry = { plane: null, directions: null, pixel: null };
    for (const others of [
      [slice([0, 0, 0])], // twice at one position
      [slice([0, 0, 2], { right: [0.99, 0.14, 0], down: [-0.14, 0.99, 0] })],
      [slice([0, 0, 2], { width: 0.6 })],
      [flat],
    ])
      expect(() => gridOfSlices([slice([0, 0, 0]), ...others], 2, 2)).toThrow(irregular);
    expect(() => gridOfSlices([flat, flat], 2, 2)).toThrow(irregular);
    expect(() => gridOfSlices([{ ...slice([0, 0, 0]), pixel: null }], 2, 2)).toThrow(irregular);
  });

  it('has a grid for one slice, and for a projection without a place', () => {
    expect(gridOfSlices([slice([1, 2, 3])], 2, 2, 5).grid.affine).toEqual([-0.5, 0, 0, -1, 0, -0.75, 0, -2, 0, 0, 5, 3, 0, 0, 0, 1]); // prettier-ignore
    const pixel = { width: 0.2, height: 0.3, at: 'detector' } as const;
    const { grid } = gridOfSlices([{ plane: null, directions: null, pixel }], 2, 2);
    expect(grid.placed).toBe(false);
    expect(grid.affine.slice(0, 6).map(Math.abs)).toEqual([0.2, 0, 0, 0, 0, 0.3]);
  });
});

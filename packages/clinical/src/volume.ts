/** Slices as one volume, and the box of a label in it. */
import { ReclmisError, type Raster } from '@reclmis/core';

/** Masks compress no better at higher levels of fflate, and at level 1 four times as fast. */
export const GZIP_LEVEL = 1;

/** The slices' values one after the other. @throws MASK_SIZE_MISMATCH unless they fit the size */
export function evenSlices(
  slices: readonly Raster[],
  [width, height, depth]: readonly [number, number, number],
  operation: string,
): Uint8Array {
  if (slices.length !== depth)
    throw new ReclmisError(
      'MASK_SIZE_MISMATCH',
      `${operation}: expected ${depth} slices, got ${slices.length}`,
    );
  const voxels = new Uint8Array(width * height * depth);
  slices.forEach((slice, i) => {
    if (slice.width !== width || slice.height !== height || slice.data.length !== width * height)
      throw new ReclmisError(
        'MASK_SIZE_MISMATCH',
        `${operation}: slice ${i + 1} has ${slice.width} x ${slice.height} pixels and ${slice.data.length} values, expected ${width} x ${height} with one each`,
      );
    voxels.set(slice.data, i * width * height);
  });
  return voxels;
}

/** First and last column, row and slice of the voxels with a value; null if there is none. */
export function boxOf(
  voxels: Uint8Array,
  [width, height, depth]: readonly [number, number, number],
  value: number,
): readonly [number, number, number, number, number, number] | null {
  let [x0, x1, y0, y1, z0, z1] = [width, -1, height, -1, depth, -1];
  for (let z = 0, i = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, i++) {
        if (voxels[i] !== value) continue;
        if (x < x0) x0 = x;
        if (x > x1) x1 = x;
        if (y < y0) y0 = y;
        if (y > y1) y1 = y;
        if (z < z0) z0 = z;
        z1 = z;
      }
  return x1 < 0 ? null : [x0, x1, y0, y1, z0, z1];
}

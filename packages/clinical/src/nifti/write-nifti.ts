/**
 * Masks and label maps as NIfTI-1 in one file, uint8, on the grid of the image they belong to. A volume that the image
 * places gets an sform, and a qform too unless it is sheared; one that it does not place gets voxel sizes alone.
 * Source: nifti1.h.
 */
import { ReclmisError, type Raster } from '@reclmis/core';
import { gzipSync } from 'fflate';
import { evenSlices, GZIP_LEVEL } from '../volume.js';
import type { VolumeGrid } from '../grid.js';
import { isLength, qformOf, voxelSize } from '../affine.js';

const HEADER = 348;
const VOXELS_AT = 352;
/** Sizes are 16-bit in NIfTI-1. */
const LARGEST = 32_767;

/**
 * A NIfTI file of one value from 0 to 255 per voxel.
 * @param slices in the grid's order @param options.gzip default true (.nii.gz)
 * @throws MASK_SIZE_MISMATCH if slices do not fit the grid, IMAGE_TOO_LARGE above 32,767 voxels along an axis
 */
export function writeNifti(
  slices: readonly Raster[],
  grid: VolumeGrid,
  { gzip = true }: { readonly gzip?: boolean } = {},
): Uint8Array {
  const { size, affine, placed } = grid;
  const voxels = evenSlices(slices, size, 'writeNifti');
  if (size.some((n) => n > LARGEST))
    throw new ReclmisError(
      'IMAGE_TOO_LARGE',
      `a NIfTI-1 file has at most ${LARGEST} voxels along an axis, got ${size.join(' x ')}`,
      { remedy: 'Write another format, or crop the volume.' },
    );
  const file = new Uint8Array(VOXELS_AT + voxels.length);
  const view = new DataView(file.buffer);
  const float = (at: number, value: number): void => view.setFloat32(at, value, true);
  const short = (at: number, value: number): void => view.setInt16(at, value, true);
  view.setInt32(0, HEADER, true);
  [3, ...size, 1, 1, 1, 1].forEach((n, i) => short(40 + 2 * i, n));
  short(70, 2); // uint8
  short(72, 8);
  const qform = placed ? qformOf(affine) : null;
  const spacing = voxelSize(affine).map((side) => (isLength(side) ? side : 1));
  [qform?.qfac ?? 1, ...spacing].forEach((side, i) => float(76 + 4 * i, side));
  float(108, VOXELS_AT);
  float(112, 1); // scl_slope
  view.setUint8(123, 2); // millimetres
  if (qform !== null) {
    short(252, 1);
    qform.quaternion.forEach((value, i) => float(256 + 4 * i, value));
    [3, 7, 11].forEach((from, i) => float(268 + 4 * i, affine[from]!));
  }
  if (placed) {
    short(254, 1);
    affine.slice(0, 12).forEach((value, i) => float(280 + 4 * i, value));
  }
  file.set([0x6e, 0x2b, 0x31, 0], 344); // n+1
  file.set(voxels, VOXELS_AT);
  return gzip ? gzipSync(file, { mtime: 0, level: GZIP_LEVEL }) : file;
}

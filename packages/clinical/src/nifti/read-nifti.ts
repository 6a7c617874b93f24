/**
 * NIfTI volumes: .nii and .nii.gz, version 1 and 2, in either byte order. Slices are those of the third dimension, as
 * stored; further dimensions count as slices. Sources: nifti1.h, nifti2.h.
 */
import { ReclmisError, type Warning } from '@reclmis/core';
import type { FrameGeometry, NiftiImage } from '../types.js';
import { planeOf, voxelSize } from '../affine.js';
import { gunzip, gunzipStart, isGzip } from './gunzip.js';
import { extentOf, HEADER_BYTES, niftiKind, readHeader } from './header.js';
import { voxelsOf } from './voxels.js';

/** 512 x 512 x 1000 voxels of 16 bits. */
const MAX_BYTES = 512 * 1024 * 1024;

export interface NiftiOptions {
  /** Grey level window in the file's units (for CT, Hounsfield units); default: percentiles 0.5 and 99.5 of the volume. */
  readonly window?: { readonly centre: number; readonly width: number };
  /** Most bytes of voxels; default 512 MiB. */
  readonly maxBytes?: number;
}

/** Whether a file is a NIfTI volume, compressed or not, by its content: its first 16 KiB are enough. */
export function isNifti(bytes: Uint8Array): boolean {
  return niftiKind(isGzip(bytes) ? gunzipStart(bytes, HEADER_BYTES) : bytes) !== null;
}

/**
 * Reads a volume. An uncompressed file's bytes are kept, not copied.
 * @throws IMAGE_UNREADABLE for damage, IMAGE_UNSUPPORTED for pairs of .hdr and .img, complex numbers and the like,
 * IMAGE_TOO_LARGE, OPTION_INVALID for a window without a width
 */
export async function readNifti(file: Uint8Array, options: NiftiOptions = {}): Promise<NiftiImage> {
  const { window = null, maxBytes = MAX_BYTES } = options;
  if (
    window !== null &&
    !(Number.isFinite(window.centre) && Number.isFinite(window.width) && window.width > 0)
  )
    throw new ReclmisError(
      'OPTION_INVALID',
      `expected a grey level window of a centre and a width above 0, got ${window.centre} and ${window.width}`,
    );
  const bytes = isGzip(file)
    ? await gunzip(file, HEADER_BYTES, (start) => extentOf(start, maxBytes).end)
    : file;
  const header = readHeader(bytes, maxBytes);
  if (bytes.length < header.end)
    throw new ReclmisError(
      'IMAGE_UNREADABLE',
      `the NIfTI file is truncated: expected ${header.end} bytes, got ${bytes.length}`,
    );
  const voxels = voxelsOf(header, bytes, window);
  const { affine, placed, depth, size } = header;
  const [width, height, frames] = size;
  const at = 'patient';
  const pixel = placed
    ? { width: voxelSize(affine)[0], height: voxelSize(affine)[1], at } as const
    : header.pixel && { ...header.pixel, at } as const; // prettier-ignore
  const check = (frame: number): void => {
    if (!Number.isInteger(frame) || frame < 0 || frame >= frames)
      throw new ReclmisError('INTERNAL', `expected a slice from 0 to ${frames - 1}, got ${frame}`);
  };
  return {
    format: 'nifti',
    width,
    height,
    frames,
    size,
    affine,
    placed,
    colour: header.type === 'rgb24',
    bits: header.type === 'rgb24' ? 8 : header.bytesPerVoxel * 8,
    rendering: voxels.rendering,
    warnings: placed ? [] : [UNPLACED],
    geometryOf(frame): FrameGeometry {
      check(frame);
      return { plane: placed ? planeOf(affine, frame % depth) : null, directions: null, pixel };
    },
    frame(frame) {
      check(frame);
      return Promise.resolve(voxels.render(frame));
    },
    valuesOf(frame) {
      check(frame);
      return voxels.values(frame);
    },
  };
}

const UNPLACED: Warning = {
  code: 'ORIENTATION_UNKNOWN',
  message:
    'the NIfTI volume has neither sform nor qform, so it does not say where left and right are; slices are shown as stored',
};

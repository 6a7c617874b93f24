/**
 * Headers of NIfTI-1 and NIfTI-2 in either byte order. nifti-reader-js reads the fields; it checks none of them and
 * follows extensions without end, so it gets the fixed part alone, and what it finds is checked here.
 * Sources: nifti1.h, nifti2.h.
 */
import { ReclmisError } from '@reclmis/core';
import { NIFTI1, NIFTI2 } from 'nifti-reader-js';
import { type Affine, affineOf, isLength } from '../affine.js';

export const HEADER_BYTES = 348;
const HEADER2_BYTES = 540;
/** Most pixels of a slice: the limit of other images. */
const MOST_PIXELS = 64_000_000;

export type VoxelType =
  | 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'uint64' | 'int64' | 'float32' | 'float64' | 'rgb24'; // prettier-ignore

const TYPES: ReadonlyMap<number, readonly [VoxelType, bytes: number]> = new Map([
  [2, ['uint8', 1]],
  [256, ['int8', 1]],
  [512, ['uint16', 2]],
  [4, ['int16', 2]],
  [768, ['uint32', 4]],
  [8, ['int32', 4]],
  [1280, ['uint64', 8]],
  [1024, ['int64', 8]],
  [16, ['float32', 4]],
  [64, ['float64', 8]],
  [128, ['rgb24', 3]],
]);
const REFUSED: ReadonlyMap<number, string> = new Map([
  [1, 'single bits'],
  [32, 'complex numbers'],
  [1792, 'complex numbers'],
  [2048, 'complex numbers'],
  [1536, '128-bit numbers'],
  [2304, 'RGB with opacity'],
]);

export interface NiftiHeader {
  readonly littleEndian: boolean;
  readonly type: VoxelType;
  readonly bytesPerVoxel: number;
  /** Columns, rows, slices; further dimensions count as slices. */
  readonly size: readonly [number, number, number];
  /** Slices of one volume, after which the next begins. */
  readonly depth: number;
  readonly voxelsAt: number;
  /** Where the voxels end. */
  readonly end: number;
  /** Null: values are as stored. */
  readonly scaling: { readonly slope: number; readonly intercept: number } | null;
  readonly affine: Affine;
  /** False: the header does not say where the voxels are, and the affine is a guess. */
  readonly placed: boolean;
  /** Millimetres between columns and between rows, null if not stated. */
  readonly pixel: { readonly width: number; readonly height: number } | null;
}

/** What a file is by its first bytes (not compressed): `pair` for headers whose voxels are in another file. */
export function niftiKind(bytes: Uint8Array): 'nifti1' | 'nifti2' | 'pair' | null {
  if (bytes.length < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const size = [view.getInt32(0, true), view.getInt32(0, false)];
  const text = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (size.includes(HEADER_BYTES)) {
    const magic = text(344);
    if (magic === 'n+1\0') return 'nifti1';
    return magic === 'ni1\0' ? 'pair' : null;
  }
  if (!size.includes(HEADER2_BYTES)) return null;
  const magic = text(4);
  if (magic === 'n+2\0') return 'nifti2';
  return magic === 'ni2\0' ? 'pair' : null;
}

const unreadable = (why: string): ReclmisError =>
  new ReclmisError('IMAGE_UNREADABLE', `the NIfTI header is damaged: ${why}`);

/**
 * Where the voxels begin and end, from the first 348 bytes, and what else the file's memory depends on.
 * @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE above `maxBytes` of voxels
 */
export function extentOf(
  bytes: Uint8Array,
  maxBytes: number,
): Pick<NiftiHeader, 'type' | 'bytesPerVoxel' | 'size' | 'depth' | 'voxelsAt' | 'end'> {
  return extent(fieldsOf(bytes), maxBytes);
}

/** The whole header. @param bytes at least the header's. @throws as `extentOf` */
export function readHeader(bytes: Uint8Array, maxBytes: number): NiftiHeader {
  const fields = fieldsOf(bytes);
  const found = extent(fields, maxBytes);
  const [x = 0, y = 0] = fields.pixDims.slice(1, 3).map(Math.abs);
  const scale = { 1: 1000, 3: 0.001 }[fields.xyzt_units & 7] ?? 1; // metres, micrometres
  const row = (i: number): number[] => fields.affine[i]!.slice(0, 4);
  const { affine, placed } = affineOf(
    {
      sformCode: fields.sform_code,
      qformCode: fields.qform_code,
      sform: fields.ownRows ?? [...row(0), ...row(1), ...row(2)],
      quaternion: [fields.quatern_b, fields.quatern_c, fields.quatern_d],
      offset: [fields.qoffset_x, fields.qoffset_y, fields.qoffset_z],
      voxel: fields.pixDims.slice(1, 4).map(Math.abs),
      qfac: fields.pixDims[0] ?? 1,
      size: [found.size[0], found.size[1], found.depth],
    },
    scale,
  );
  const { littleEndian } = fields;
  const pixel = isLength(x) && isLength(y) ? { width: x * scale, height: y * scale } : null;
  return { ...found, littleEndian, scaling: scalingOf(fields, found.type), affine, placed, pixel };
}

type Fields = (NIFTI1 | NIFTI2) & {
  /** sform: the reader of NIfTI-1 replaces it in `affine` if the qform's code is larger. */
  readonly ownRows: readonly number[] | null;
  readonly firstVoxel: number;
};

function fieldsOf(bytes: Uint8Array): Fields {
  const kind = niftiKind(bytes);
  if (kind === 'pair')
    throw new ReclmisError(
      'IMAGE_UNSUPPORTED',
      'the file is the header of a NIfTI pair, whose voxels are in an .img file',
      { remedy: 'Convert the pair to one .nii or .nii.gz file, for example with nib-convert.' },
    );
  if (kind === null) throw unreadable('it is neither that of NIfTI-1 nor of NIfTI-2');
  const length = kind === 'nifti1' ? HEADER_BYTES : HEADER2_BYTES;
  const fixed = new Uint8Array(length); // exactly so long: then no extensions are looked for
  fixed.set(bytes.subarray(0, length));
  const fields = kind === 'nifti1' ? new NIFTI1() : new NIFTI2();
  fields.readHeader(fixed.buffer);
  const view = new DataView(fixed.buffer);
  const ownRows =
    kind === 'nifti1'
      ? Array.from({ length: 12 }, (_, i) => view.getFloat32(280 + i * 4, fields.littleEndian))
      : null;
  return Object.assign(fields, { ownRows, firstVoxel: length + 4 });
}

function extent(fields: Fields, maxBytes: number): ReturnType<typeof extentOf> {
  const refused = REFUSED.get(fields.datatypeCode);
  if (refused !== undefined)
    throw new ReclmisError(
      'IMAGE_UNSUPPORTED',
      `the NIfTI volume holds ${refused}, expected grey levels or RGB`,
      {
        remedy: 'Convert the volume to whole numbers, floats of 32 or 64 bits, or RGB24.',
      },
    );
  const known = TYPES.get(fields.datatypeCode);
  if (known === undefined) throw unreadable(`unknown data type ${fields.datatypeCode}`);
  const [type, bytesPerVoxel] = known;
  const rank = fields.dims[0] ?? 0;
  if (!Number.isInteger(rank) || rank < 1 || rank > 7)
    throw unreadable(`${rank} dimensions, expected 1 to 7`);
  const sizes = Array.from({ length: 7 }, (_, i) => (i < rank ? (fields.dims[i + 1] ?? 0) : 1));
  if (!sizes.every((n) => Number.isInteger(n) && n >= 1))
    throw unreadable(`sizes ${sizes.slice(0, rank).join(' x ')}, expected whole numbers from 1`);
  const [columns = 1, rows = 1, depth = 1, ...further] = sizes;
  const slices = further.reduce((product, n) => product * n, depth);
  const total = columns * rows * slices * bytesPerVoxel;
  if (columns * rows > MOST_PIXELS || total > maxBytes)
    throw new ReclmisError(
      'IMAGE_TOO_LARGE',
      `the volume has ${columns} x ${rows} x ${slices} voxels, ${total} bytes; the limit is ${maxBytes} bytes and ${MOST_PIXELS} voxels a slice`,
      { remedy: 'Crop or resample the volume, or split it.' },
    );
  const at = fields.vox_offset;
  if (!Number.isInteger(at) || at < fields.firstVoxel || at > MOST_HEADER)
    throw unreadable(`the voxels begin at byte ${at}, expected ${fields.firstVoxel} to ${MOST_HEADER}`);
  return { type, bytesPerVoxel, size: [columns, rows, slices], depth, voxelsAt: at, end: at + total };
}

/** Extensions, which hold anything, end below this. */
const MOST_HEADER = 64 * 1024 * 1024;

/** As nibabel: a slope of 0 or no number means none; a slope without an intercept is an error. */
function scalingOf({ scl_slope, scl_inter }: Fields, type: VoxelType): NiftiHeader['scaling'] {
  if (type === 'rgb24' || !Number.isFinite(scl_slope) || scl_slope === 0) return null;
  if (!Number.isFinite(scl_inter)) throw unreadable('scl_slope is a number and scl_inter is none');
  return scl_slope === 1 && scl_inter === 0 ? null : { slope: scl_slope, intercept: scl_inter };
}

/** Small NIfTI files for tests, field by field, of either version and byte order. */

export interface NiftiParts {
  readonly version?: 1 | 2;
  readonly littleEndian?: boolean;
  /** dim[0] and the sizes. */
  readonly dims?: readonly number[];
  readonly datatype?: number;
  readonly pixdim?: readonly number[];
  readonly voxOffset?: number;
  readonly slope?: number;
  readonly intercept?: number;
  readonly units?: number;
  readonly sformCode?: number;
  readonly qformCode?: number;
  readonly sform?: readonly number[];
  readonly quaternion?: readonly number[];
  readonly offset?: readonly number[];
  readonly magic?: string;
  /** Bytes of the voxels, in the file's byte order. */
  readonly voxels?: Uint8Array;
}

/** Defaults: 2 x 3 x 2 voxels of uint8 with values 0 to 11, placed by an sform without rotation. */
export function niftiFile(parts: NiftiParts = {}): Uint8Array {
  const {
    version = 1,
    littleEndian: little = true,
    dims = [3, 2, 3, 2],
    datatype = 2,
    pixdim = [1, 1, 1, 1],
    slope = 0,
    intercept = 0,
    units = 2,
    sformCode = 1,
    qformCode = 0,
    sform = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
    quaternion = [0, 0, 0],
    offset = [0, 0, 0],
    voxels = Uint8Array.from({ length: 12 }, (_, i) => i),
  } = parts;
  const first = version === 1;
  const voxelsAt = first ? 352 : 544;
  const { voxOffset = voxelsAt, magic = first ? 'n+1\0' : 'n+2\0' } = parts;
  const bytes = new Uint8Array(voxelsAt + voxels.length);
  const view = new DataView(bytes.buffer);
  const real = (at: number, value: number): void =>
    first ? view.setFloat32(at, value, little) : view.setFloat64(at, value, little);
  const long = (at: number, value: number): void =>
    first ? view.setInt16(at, value, little) : view.setBigInt64(at, BigInt(value), little);
  const step = first ? 4 : 8;
  view.setInt32(0, first ? 348 : 540, little);
  dims.forEach((n, i) => long(first ? 40 + 2 * i : 16 + 8 * i, n));
  view.setInt16(first ? 70 : 12, datatype, little);
  view.setInt16(first ? 72 : 14, 8, little);
  pixdim.forEach((side, i) => real((first ? 76 : 104) + step * i, side));
  if (first) real(108, voxOffset);
  else long(168, voxOffset);
  real(first ? 112 : 176, slope);
  real(first ? 116 : 184, intercept);
  if (first) view.setUint8(123, units);
  else view.setInt32(500, units, little);
  const code = (at: number, value: number): void =>
    first ? view.setInt16(at, value, little) : view.setInt32(at, value, little);
  code(first ? 252 : 344, qformCode);
  code(first ? 254 : 348, sformCode);
  quaternion.forEach((value, i) => real((first ? 256 : 352) + step * i, value));
  offset.forEach((value, i) => real((first ? 268 : 376) + step * i, value));
  sform.forEach((value, i) => real((first ? 280 : 400) + step * i, value));
  bytes.set(new TextEncoder().encode(magic), first ? 344 : 4);
  bytes.set(voxels, voxelsAt);
  return bytes;
}

/**
 * Label maps of NRRD files in one piece, 8 bits a voxel, raw or compressed: what `writeNrrd` writes, and others alike. Source:
 * NRRD0005 (teem.sourceforge.net).
 */
import { type Raster, ReclmisError } from '@reclmis/core';
import { gunzip } from '../nifti/gunzip.js';

export interface NrrdLabels {
  /** In the file's order. */
  readonly slices: readonly Raster[];
  /** Fields and keys of the header, by name as written. */
  readonly header: ReadonlyMap<string, string>;
}

const TYPES = new Set(['unsigned char', 'uchar', 'uint8', 'uint8_t']);
const MOST_HEADER = 1024 * 1024;
/** 512 x 512 x 1000 voxels. */
const MOST_BYTES = 512 * 1024 * 1024;

const damaged = (why: string): ReclmisError => new ReclmisError('IMAGE_UNREADABLE', `the NRRD file ${why}`);
const unsupported = (why: string): ReclmisError =>
  new ReclmisError('IMAGE_UNSUPPORTED', `the NRRD file ${why}`, {
    remedy: 'Save the labels as 8-bit voxels in one .nrrd file, raw or with gzip.',
  });

/** @throws IMAGE_UNREADABLE for damage, IMAGE_UNSUPPORTED for other types and encodings, IMAGE_TOO_LARGE */
export async function readNrrd(file: Uint8Array): Promise<NrrdLabels> {
  const end = headerEnd(file);
  const lines = new TextDecoder().decode(file.subarray(0, end)).split(/\r?\n/u);
  if (!/^NRRD000[1-5]$/u.test(lines[0] ?? '')) throw damaged('does not begin as one');
  const header = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const [, name, value] = /^([^#:][^:]*):=?\s?(.*)$/u.exec(line) ?? [];
    if (name !== undefined && value !== undefined) header.set(name, value);
  }
  const type = header.get('type') ?? '';
  if (!TYPES.has(type)) throw unsupported(`has voxels of the type ${JSON.stringify(type)}`);
  if (header.has('data file') || header.has('datafile')) throw unsupported('keeps its voxels in another file');
  const sizes = (header.get('sizes') ?? '').split(/\s+/u).map(Number);
  const [width = 0, height = 0, depth = 1] = sizes;
  if (sizes.length < 2 || sizes.length > 3 || sizes.some((n) => !Number.isSafeInteger(n) || n < 1))
    throw unsupported(`has the sizes ${JSON.stringify(header.get('sizes') ?? '')}`);
  const length = width * height * depth;
  if (length > MOST_BYTES)
    throw new ReclmisError('IMAGE_TOO_LARGE', `the NRRD file has ${length} voxels, the limit is ${MOST_BYTES}`);
  const voxels = await voxelsOf(file.subarray(end), header.get('encoding') ?? '', length);
  if (voxels.length < length)
    throw damaged(`is truncated: expected ${length} bytes of voxels, got ${voxels.length}`);
  return {
    header,
    slices: Array.from({ length: depth }, (_, z) => ({
      width,
      height,
      data: voxels.slice(z * width * height, (z + 1) * width * height),
    })),
  };
}

async function voxelsOf(bytes: Uint8Array, encoding: string, length: number): Promise<Uint8Array> {
  if (encoding === 'raw') return bytes;
  if (encoding === 'gzip' || encoding === 'gz') return gunzip(bytes, 1, () => length);
  throw unsupported(`has the encoding ${JSON.stringify(encoding)}`);
}

/** After the blank line. @throws IMAGE_UNREADABLE */
function headerEnd(file: Uint8Array): number {
  const most = Math.min(file.length, MOST_HEADER);
  for (let at = 0; at + 1 < most; at++) {
    if (file[at] !== 0x0a) continue;
    if (file[at + 1] === 0x0a) return at + 2;
    if (file[at + 1] === 0x0d && file[at + 2] === 0x0a) return at + 3;
  }
  throw damaged('has no end of its header');
}

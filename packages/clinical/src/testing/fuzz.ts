/** Files of every kind that is read, and ways to damage them, for the fuzz test. */
import { gzipSync } from 'fflate';
import { deflateRawSync } from 'node:zlib';
import type { Random } from '@reclmis/core';
import { joined } from '../joined.js';
import { dataSetBytes, dicomFile, imageAttributes, imageFile, type Attribute } from './dicom-file.js';
import { encodeFrame, phantomFrame, type Encoding } from './encode.js';
import { niftiFile } from './nifti-file.js';

export interface Seed {
  readonly name: string;
  readonly kind: 'dicom' | 'nifti';
  readonly bytes: Uint8Array;
}

const SYNTAX = '1.2.840.10008.1.2';
const JPEG = `${SYNTAX}.4`;
const SIDE = 24;

const COMPRESSED: readonly (readonly [string, Encoding, string, Record<string, unknown>])[] = [
  ['RLE', 'rle', `${SYNTAX}.5`, {}],
  ['JPEG baseline', 'jpeg', `${JPEG}.50`, { lossy: true, quality: 80 }],
  ['JPEG lossless', 'jpeg', `${JPEG}.70`, { lossy: false, predictor: 1, pointTransform: 0 }],
  ['JPEG-LS', 'jpegLs', `${JPEG}.80`, { lossy: false }],
  ['JPEG 2000', 'jpeg2000', `${JPEG}.90`, { lossy: false }],
  ['HTJ2K', 'htJpeg2000', `${JPEG}.201`, { lossy: false }],
];

/** Names and IDs in them contain "PLANTED". */
export async function seeds(): Promise<Seed[]> {
  const grey = phantomFrame(SIDE, SIDE, { stored: 12 });
  const pixels = [...grey.data];
  const plain = { width: SIDE, height: SIDE, stored: 12, pixels };
  const window: readonly Attribute[] = [
    [0x00281050, 'DS', '2000'],
    [0x00281051, 'DS', '3000'],
    [0x00281055, 'LO', 'PLANTED'],
    [0x00281052, 'DS', '-1024'],
    [0x00281053, 'DS', '1'],
  ];
  const lut: Attribute = [
    0x00283010,
    'SQ',
    { open: true, items: [[[0x00283002, 'US', [4, 0, 12]], [0x00283006, 'OW', [0, 100, 2000, 4095]]]] }, // prettier-ignore
  ];
  const palette = [0, 1, 2].flatMap((i): Attribute[] => [
    [0x00281101 + i, 'US', [6, 0, 16]],
    [0x00281221 + i, 'OW', [0, 2, 0, 25600, 1, 2, 51200, 2, 1, 0, 0]],
  ]);
  const place = (z: number): readonly Attribute[] => [
    [0x00209113, 'SQ', { items: [[[0x00200032, 'DS', `0\\0\\${z}`]]] }],
    [0x00289132, 'SQ', { open: true, items: [[...window.slice(0, 2)]] }],
  ];
  const enhanced: readonly Attribute[] = [
    [0x52009229, 'SQ', { items: [[[0x00289110, 'SQ', { items: [[[0x00280030, 'DS', '1\\1']]] }]]] }],
    [0x52009230, 'SQ', { open: true, items: [place(1), place(2)] }],
  ];
  const small = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => i % 6);
  const dicom: [string, Uint8Array][] = [
    ['explicit', imageFile({ ...plain, more: window })],
    ['implicit', imageFile({ ...plain, more: [lut] }, { syntax: SYNTAX })],
    ['big endian', imageFile({ ...plain, signed: true }, { syntax: `${SYNTAX}.2` })],
    ['without a header', imageFile(plain, { preamble: false, meta: false })],
    ['deflated', joined([dicomFile([], { syntax: `${SYNTAX}.1.99` }), deflateRawSync(dataSetBytes(imageAttributes(plain)))])], // prettier-ignore
    ['enhanced', imageFile({ ...plain, frames: 2, pixels: [...pixels, ...pixels], more: enhanced })],
    ['palette', imageFile({ width: SIDE, height: SIDE, allocated: 8, photometric: 'PALETTE COLOR', pixels: small, more: palette })], // prettier-ignore
    ['RGB', imageFile({ width: SIDE, height: SIDE, samples: 3, allocated: 8, planar: 1, pixels: Uint8Array.from(pixels.flatMap((v) => [v, v, v])) })], // prettier-ignore
    ['single bits', imageFile({ width: SIDE, height: SIDE, allocated: 1, frames: 3, pixels: new Uint8Array(216).fill(0x5a) })], // prettier-ignore
  ];
  for (const [name, encoding, syntax, parameters] of COMPRESSED) {
    const stored = syntax.endsWith('.50') ? 8 : 12;
    const frame = phantomFrame(SIDE, SIDE, { stored });
    const bytes = await encodeFrame(frame, encoding, parameters);
    const fragments = [Uint8Array.from([0, 0, 0, 0]), bytes];
    dicom.push([
      name,
      imageFile(
        { width: SIDE, height: SIDE, stored, allocated: stored > 8 ? 16 : 8, pixels: { fragments } },
        { syntax },
      ),
    ]);
  }
  const nifti: [string, Uint8Array][] = [
    ['NIfTI-1', niftiFile()],
    ['NIfTI-2, big endian', niftiFile({ version: 2, littleEndian: false })],
    ['NIfTI-1, int16, qform', niftiFile({ datatype: 4, sformCode: 0, qformCode: 1, voxels: new Uint8Array(24).fill(7) })], // prettier-ignore
    ['NIfTI-1, compressed', gzipSync(niftiFile())],
  ];
  return [
    ...dicom.map(([name, bytes]): Seed => ({ name, kind: 'dicom', bytes })),
    ...nifti.map(([name, bytes]): Seed => ({ name, kind: 'nifti', bytes })),
  ];
}

const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0xfe];

/** A copy with one to four faults: bytes, bits and lengths changed, parts cut, doubled, moved, or taken from another file. */
export function damaged(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let out: Uint8Array = bytes.slice();
  for (let fault = 1 + random.int(4); fault > 0; fault -= 1) out = withFault(out, other, random);
  return out;
}

function withFault(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  if (bytes.length < 8) return bytes;
  const at = random.int(bytes.length - 4);
  const length = 1 + random.int(Math.min(64, bytes.length - at));
  const from = random.int(Math.max(1, other.length - length));
  switch (random.int(8)) {
    case 0:
      bytes[at] = random.int(256);
      return bytes;
    case 1:
      bytes[at]! ^= 1 << random.int(8);
      return bytes;
    case 2: // a length or number of 16 bits
      bytes.fill(random.pick(EXTREMES), at, at + 2);
      return bytes;
    case 3: // of 32 bits
      bytes.fill(random.pick(EXTREMES), at, at + 4);
      return bytes;
    case 4:
      return bytes.slice(0, at);
    case 5:
      return joined([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 6:
      return joined([bytes.subarray(0, at + length), bytes.subarray(at)]);
    default:
      return joined([bytes.subarray(0, at), other.subarray(from, from + length), bytes.subarray(at)]);
  }
}

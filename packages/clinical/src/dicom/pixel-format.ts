/** The form of an object's pixels (PS3.3 C.7.6.3), checked against what is read here. */
import type { DataSet } from './data-set.js';
import { tooLarge, unreadable, unsupported } from './faults.js';
import { TAG } from './tags.js';

const PHOTOMETRIC = [
  'MONOCHROME1',
  'MONOCHROME2',
  'PALETTE COLOR',
  'RGB',
  'YBR_FULL',
  'YBR_FULL_422',
  'YBR_RCT',
  'YBR_ICT',
] as const;

export type Photometric = (typeof PHOTOMETRIC)[number];

export interface PixelFormat {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly samples: 1 | 3;
  readonly photometric: Photometric;
  /** Bits of a stored sample: 1, 8 or 16. */
  readonly allocated: number;
  /** Bits of it in use, up to `high`. */
  readonly stored: number;
  readonly high: number;
  readonly signed: boolean;
  /** Planes of red, green and blue rather than pixels. */
  readonly planar: boolean;
}

const MAX_FRAMES = 1_000_000;
const CONVERT = 'Convert the image to 8 or 16 bits, MONOCHROME2 or RGB.';

/** @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE */
export function pixelFormatOf(dataSet: DataSet, maxPixels: number): PixelFormat {
  const width = required(dataSet, TAG.columns, 'Columns');
  const height = required(dataSet, TAG.rows, 'Rows');
  if (width === 0 || height === 0) throw unreadable(`the image has ${width} columns and ${height} rows`);
  if (width * height > maxPixels)
    throw tooLarge(`${width} x ${height} pixels, the limit is ${maxPixels} in all`);
  const frames = dataSet.has(TAG.frames) ? (dataSet.decimal(TAG.frames) ?? Number.NaN) : 1;
  if (!Number.isInteger(frames) || frames < 1) throw unreadable('Number of Frames is no whole number from 1');
  if (frames > MAX_FRAMES) throw tooLarge(`${frames} frames, the limit is ${MAX_FRAMES}`);

  const samples = required(dataSet, TAG.samplesPerPixel, 'Samples per Pixel');
  const photometric = photometricOf(dataSet);
  const expected = photometric.startsWith('MONOCHROME') || photometric === 'PALETTE COLOR' ? 1 : 3;
  if (samples !== expected)
    throw unreadable(`${photometric} has ${expected} samples a pixel, the file states ${samples}`);
  const allocated = required(dataSet, TAG.bitsAllocated, 'Bits Allocated');
  if (allocated !== 8 && allocated !== 16 && !(allocated === 1 && samples === 1))
    throw unsupported(`pixels of ${allocated} bits allocated are not supported`, CONVERT);
  const stored = dataSet.word(TAG.bitsStored) ?? allocated;
  const high = dataSet.word(TAG.highBit) ?? stored - 1;
  if (stored < 1 || stored > allocated || high < stored - 1 || high >= allocated)
    throw unreadable(`Bits Stored ${stored} and High Bit ${high} do not fit ${allocated} bits allocated`);
  const representation = dataSet.word(TAG.pixelRepresentation) ?? 0;
  if (representation > 1) throw unreadable(`Pixel Representation is ${representation}, expected 0 or 1`);
  if (samples === 3 && representation === 1) throw unreadable('colours are stated to be signed');
  return {
    width,
    height,
    frames,
    samples: expected,
    photometric,
    allocated,
    stored,
    high,
    signed: representation === 1,
    planar: samples === 3 && dataSet.word(TAG.planar) === 1,
  };
}

function required(dataSet: DataSet, tag: number, keyword: string): number {
  const value = dataSet.word(tag);
  if (value === null) throw unreadable(`the image does not state its ${keyword}`);
  return value;
}

function photometricOf(dataSet: DataSet): Photometric {
  const text = dataSet.code(TAG.photometric);
  if (text === '') throw unreadable('the image does not state its Photometric Interpretation');
  const known = PHOTOMETRIC.find((name) => name === text);
  if (known !== undefined) return known;
  throw unsupported('its Photometric Interpretation is not supported', CONVERT);
}

/** Bytes of one uncompressed frame; of 1-bit images a fraction. */
export function frameBytes({ width, height, samples, allocated, photometric }: PixelFormat): number {
  if (photometric === 'YBR_FULL_422') return width * height * 2 * (allocated / 8); // two of Y share Cb and Cr
  return (width * height * samples * allocated) / 8;
}

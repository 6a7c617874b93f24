/** Measures images with their masks: figures and hashes. */
import { createHash } from 'node:crypto';
import {
  components,
  type Mask,
  type MaskValues,
  MIN_AREA,
  ReclmisError,
  resizeMask,
  type Sides,
  sidesOfCase,
} from '@reclmis/core';
import { mapLimit, readImageWithHeader, type ReadImage, type ReadMask } from '@reclmis/files';
import { imageOptions, readOf } from '../image-options.js';
import { problemOf, sizeMismatch } from '../dataset.js';
import type { Problem } from '../layouts/layout.js';
import { readCaseMask } from '../masks.js';
import { isGrey } from '../sample.js';
import type { Case, Split } from '../types.js';
import { edgesAround } from './edges.js';
import { LEVELS, momentsOf, SHARE_BINS, shareBin } from './histogram.js';
import { thumbnail } from './thumbnail.js';

const LANES = 2;
/** A larger hostile mask could have more components than fit into memory. */
const COUNTED_SIDE = 2048;

export interface MeasureJob {
  readonly dir: string;
  readonly split: Split;
  readonly cases: readonly Case[];
}

export interface CaseMeasure {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly grey: boolean;
  /** SHA-256 of size and pixels, whatever the format. */
  readonly hash: string;
  /** Share of the pixels, 0 to 1. */
  readonly foreground: number;
  readonly areas: number;
  /** Areas of at least a thousandth of the image. */
  readonly largeAreas: number;
  /** 0 to 255. */
  readonly grey8: { readonly min: number; readonly max: number; readonly mean: number; readonly sd: number };
  /** Orientation tags, 1: none. */
  readonly orientations: readonly [image: number, mask: number];
  /** Share of the image's border, 0 to 1. */
  readonly border: number;
  readonly values: Pick<MaskValues, 'rule' | 'distinct' | 'threshold' | 'between' | 'middle' | 'areasBetween' | 'areasLost'>; // prettier-ignore
  readonly maskHash: string;
  /** Whose left and right fits the note; null unless it names one side. */
  readonly sides: Sides | null;
  /** [32, 32] of the image in grey, and of the mask (255: a box full of foreground). */
  readonly picture: Uint8Array;
  readonly shape: Uint8Array;
  /** See `edges.ts`; null for too short an outline. */
  readonly edges: Float32Array | null;
}

export interface MeasureResult {
  readonly cases: readonly CaseMeasure[];
  readonly problems: readonly Problem[];
  /** [3, 256]: counts by level, in red, green and blue. */
  readonly levels: Float64Array;
  /** By share of the image (`histogram.ts`). */
  readonly areaShares: Float64Array;
}

/** Unreadable cases become problems in the result. */
export async function measureCases(job: MeasureJob): Promise<MeasureResult> {
  const levels = new Float64Array(3 * LEVELS);
  const areaShares = new Float64Array(SHARE_BINS);
  const problems = new Map<Case, Problem[]>(job.cases.map((one) => [one, []]));
  const measured = await mapLimit(job.cases, LANES, async (one): Promise<CaseMeasure | null> => {
    const own = problems.get(one) as Problem[];
    const read = async <T>(path: string, decode: (path: string) => Promise<T>): Promise<T | null> => {
      try {
        return await decode(path);
      } catch (error) {
        if (!(error instanceof ReclmisError)) throw error;
        own.push(problemOf(job, path, error));
        return null;
      }
    };
    const image = await read(one.imagePath, (path) =>
      readOf(one, () => readImageWithHeader(path, imageOptions(one))),
    );
    const mask = await read(one.maskPath, () => readOf(one, () => readCaseMask(one)));
    if (image === null || mask === null) return null;
    if (image.header.width !== mask.header.width || image.header.height !== mask.header.height) {
      own.push(sizeMismatch(job, one.maskPath, mask.header, image.header));
      return null;
    }
    return measurePair(one, image, mask, levels, areaShares);
  });
  return {
    cases: measured.filter((one) => one !== null),
    problems: [...problems.values()].flat(),
    levels,
    areaShares,
  };
}

/** Adds to the histograms. The sizes are equal. */
export function measurePair(
  { id, note }: Pick<Case, 'id' | 'note'>,
  image: ReadImage,
  mask: ReadMask,
  levels = new Float64Array(3 * LEVELS),
  areaShares = new Float64Array(SHARE_BINS),
): CaseMeasure {
  const { luma, ...ofImage } = measureImage(image, levels);
  return {
    id,
    bits: image.header.bits,
    orientations: [image.header.orientation, mask.header.orientation],
    ...ofImage,
    edges: edgesAround(luma, mask.mask),
    ...measureMask(mask, areaShares),
    sides: sidesOfCase(note, mask.mask),
  };
}

function measureImage(
  { image }: ReadImage,
  levels: Float64Array,
): Pick<CaseMeasure, 'width' | 'height' | 'grey' | 'hash' | 'grey8' | 'picture'> & { luma: Uint8Array } {
  const { width, height, data } = image;
  const luma = new Uint8Array(width * height);
  const counts = new Float64Array(LEVELS);
  for (let i = 0, p = 0; i < data.length; i += 3, p++) {
    const [red, green, blue] = [data[i] as number, data[i + 1] as number, data[i + 2] as number];
    levels[red] = (levels[red] as number) + 1;
    levels[LEVELS + green] = (levels[LEVELS + green] as number) + 1;
    levels[2 * LEVELS + blue] = (levels[2 * LEVELS + blue] as number) + 1;
    const level = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
    luma[p] = level;
    counts[level] = (counts[level] as number) + 1;
  }
  const hash = createHash('sha256').update(`${width}x${height}\0`).update(data).digest('hex');
  return {
    width,
    height,
    grey: isGrey(image),
    hash,
    luma,
    grey8: {
      min: counts.findIndex((count) => count > 0),
      max: counts.findLastIndex((count) => count > 0),
      ...momentsOf(counts),
    },
    picture: thumbnail(width, height, (p) => luma[p] as number),
  };
}

function measureMask(
  { mask, values }: ReadMask,
  areaShares: Float64Array,
): Omit<
  CaseMeasure,
  'id' | 'bits' | 'sides' | 'orientations' | 'edges' | keyof ReturnType<typeof measureImage>
> {
  const { width, height, data } = mask;
  let foreground = 0;
  for (const value of data) foreground += value;
  const scale = Math.min(1, COUNTED_SIDE / Math.max(width, height));
  const side = (n: number): number => Math.max(1, Math.round(n * scale));
  const counted = scale < 1 ? resizeMask(mask, side(width), side(height)) : mask;
  const found = components(counted);
  let largeAreas = 0;
  for (const { area } of found) {
    const share = area / counted.data.length;
    if (share >= MIN_AREA) largeAreas++;
    const bin = shareBin(share);
    areaShares[bin] = (areaShares[bin] as number) + 1;
  }
  const { rule, distinct, threshold, between, middle, areasBetween, areasLost } = values;
  return {
    foreground: foreground / data.length,
    areas: found.length,
    largeAreas,
    border: borderShare(mask),
    values: { rule, distinct, threshold, between, middle, areasBetween, areasLost },
    maskHash: createHash('sha256').update(data).digest('hex'),
    shape: thumbnail(width, height, (p) => 255 * (data[p] as number)),
  };
}

function borderShare({ width, height, data }: Mask): number {
  let [set, all] = [0, 0];
  for (let y = 0; y < height; y++) {
    const step = y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1);
    for (let x = 0; x < width; x += step) {
      all++;
      set += data[y * width + x] as number;
    }
  }
  return set / all;
}

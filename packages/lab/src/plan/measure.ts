/**
 * What is measured of one image with its mask, and of a handful of them together. Runs in worker threads; of the pixels nothing goes back but
 * figures and a hash.
 */
import { createHash } from 'node:crypto';
import {
  components,
  type Mask,
  ReclmisError,
  resizeMask,
  type RgbImage,
  type Sides,
  sidesOfCase,
} from '@reclmis/core';
import { mapLimit, readImageWithHeader, readMaskWithValues } from '@reclmis/files';
import { problemOf, sizeMismatch } from '../data/dataset.js';
import type { Problem } from '../data/folders.js';
import { isGrey } from '../data/sample.js';
import type { Case, Split } from '../data/types.js';
import { LEVELS, SHARE_BINS, shareBin } from './histogram.js';

/** Files decoded at a time by one thread. */
const LANES = 2;
/** Components are counted at no more than this side, so that a hostile mask cannot have more of them than memory holds. */
const COUNTED_SIDE = 2048;

/** Some cases of one split. */
export interface MeasureJob {
  readonly dir: string;
  readonly split: Split;
  readonly cases: readonly Case[];
}

/** One case. */
export interface CaseMeasure {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  /** Whether red, green and blue are equal everywhere. */
  readonly grey: boolean;
  /** SHA-256 of size and pixels: the same for the same picture, however its file is written. */
  readonly hash: string;
  /** Share of the pixels, 0 to 1. */
  readonly foreground: number;
  /** Connected areas of the mask. */
  readonly areas: number;
  /** The convention of left and right that fits the note; null where it names no side alone. */
  readonly sides: Sides | null;
}

/** What a job found. */
export interface MeasureResult {
  readonly cases: readonly CaseMeasure[];
  readonly problems: readonly Problem[];
  /** [3, 256]: how often each level occurs in red, green and blue. */
  readonly levels: Float64Array;
  /** Of connected areas by their share of the image (`histogram.ts`). */
  readonly areaShares: Float64Array;
}

/** Reads the cases of a job; what cannot be read is a problem in the result. */
export async function measureCases(job: MeasureJob): Promise<MeasureResult> {
  const levels = new Float64Array(3 * LEVELS);
  const areaShares = new Float64Array(SHARE_BINS);
  const problems: Problem[] = [];
  const measured = await mapLimit(job.cases, LANES, async (one): Promise<CaseMeasure | null> => {
    const read = async <T>(path: string, decode: (path: string) => Promise<T>): Promise<T | null> => {
      try {
        return await decode(path);
      } catch (error) {
        if (!(error instanceof ReclmisError)) throw error;
        problems.push(problemOf(job, path, error));
        return null;
      }
    };
    const image = await read(one.imagePath, readImageWithHeader);
    const label = await read(one.maskPath, readMaskWithValues);
    if (image === null || label === null) return null;
    const { mask, header } = label;
    if (image.header.width !== header.width || image.header.height !== header.height) {
      problems.push(sizeMismatch(job, one.maskPath, header, image.header));
      return null;
    }
    const { bits } = image.header;
    return {
      id: one.id,
      bits,
      ...measureImage(image.image, levels),
      ...measureMask(mask, areaShares),
      sides: sidesOfCase(one.note, mask),
    };
  });
  return { cases: measured.filter((one) => one !== null), problems, levels, areaShares };
}

function measureImage(
  image: RgbImage,
  levels: Float64Array,
): Pick<CaseMeasure, 'width' | 'height' | 'grey' | 'hash'> {
  const { width, height, data } = image;
  for (let i = 0; i < data.length; i += 3) {
    for (let c = 0; c < 3; c++) {
      const at = c * LEVELS + (data[i + c] as number);
      levels[at] = (levels[at] as number) + 1;
    }
  }
  const hash = createHash('sha256').update(`${width}x${height}\0`).update(data).digest('hex');
  return { width, height, grey: isGrey(image), hash };
}

function measureMask(mask: Mask, areaShares: Float64Array): Pick<CaseMeasure, 'foreground' | 'areas'> {
  let foreground = 0;
  for (const value of mask.data) foreground += value;
  const scale = Math.min(1, COUNTED_SIDE / Math.max(mask.width, mask.height));
  const side = (n: number): number => Math.max(1, Math.round(n * scale));
  const counted = scale < 1 ? resizeMask(mask, side(mask.width), side(mask.height)) : mask;
  const found = components(counted);
  for (const { area } of found) {
    const bin = shareBin(area / counted.data.length);
    areaShares[bin] = (areaShares[bin] as number) + 1;
  }
  return { foreground: foreground / mask.data.length, areas: found.length };
}

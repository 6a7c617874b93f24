/**
 * Decides which pixels of a stored mask are foreground, by one rule for every file type:
 *
 * 1. A pixel's level is its brightest channel, darkened by transparency; if all opaque pixels have one
 *    colour, opacity is the level.
 * 2. One level: empty if it is 0, else all foreground.
 * 3. Two levels: the higher one is foreground.
 * 4. More, none above `LARGEST_LABEL`: labels; all above the lowest are foreground.
 * 5. More, all close together: one level with noise, all foreground.
 * 6. More: foreground is at least halfway from the lowest to the highest level.
 * 7. Labels (4) scattered as if by chance are refused: black with noise is not a mask.
 */
import { ReclmisError } from '../errors.js';
import type { Mask } from '../images/raster.js';

export const LARGEST_LABEL = 31;
/** Levels this near the highest, as a share, are one level with JPEG noise. */
const NOISE = 1 / 8;

/**
 * Differing neighbours, relative to random places: noise has 1.0, MoNuSeg's dense nuclei 0.14 to 0.48, and
 * 0.81 when scaled to 112 x 112.
 */
const STREWN = 0.9;
/** Fewer differing pairs may be marked points. */
const LEAST_DIFFERENCE = 0.1;
const LEAST_PIXELS = 96 * 96;

export interface MaskPixels {
  readonly width: number;
  readonly height: number;
  /** Values per pixel: 1 grey, 2 grey and opacity, 3 RGB, 4 RGB and opacity. */
  readonly channels: number;
  /** Whether colours are premultiplied. */
  readonly premultiplied?: boolean;
  readonly data: Uint8Array | Uint16Array;
}

/** See the file header. */
export type MaskRule = 'one value' | 'two values' | 'labels' | 'half';

export interface MaskValues {
  readonly rule: MaskRule;
  readonly distinct: number;
  readonly lowest: number;
  readonly highest: number;
  /** Least level of the foreground. */
  readonly threshold: number;
  readonly foreground: number;
  /** Pixels between the lowest and the highest level. */
  readonly between: number;
  /** Pixels in the middle third of the range, where the rule decides, not the file. */
  readonly middle: number;
  /**
   * Intermediate pixels with eight neighbours of their level: few at resized or compressed edges, many in
   * areas of labels.
   */
  readonly areasBetween: number;
  /** Those that the half rule drops though above the lowest level by more than an eighth of the range. */
  readonly areasLost: number;
}

/** @throws IMAGE_UNSUPPORTED if colours differ but none is brighter, or values are scattered like noise */
export function maskOf(pixels: MaskPixels, name: string): { mask: Mask; values: MaskValues } {
  const { width, height } = pixels;
  const levels = levelsOf(pixels);
  const counts = new Uint32Array(levels instanceof Uint8Array ? 256 : 65536);
  for (let p = 0; p < levels.length; p++) counts[levels[p] as number]! += 1;
  let [distinct, lowest, highest] = [0, -1, 0];
  for (const [level, count] of counts.entries()) {
    if (count === 0) continue;
    distinct += 1;
    if (lowest < 0) lowest = level;
    highest = level;
  }
  if (highest - lowest <= highest * NOISE) refuseColours(pixels, name, highest);
  const { rule, threshold } = ruleFor(distinct, lowest, highest);
  const data = new Uint8Array(width * height);
  let [foreground, middle] = [0, 0];
  const third = (highest - lowest) / 3;
  for (let p = 0; p < levels.length; p++) {
    const level = levels[p] as number;
    if (level >= threshold) {
      data[p] = 1;
      foreground += 1;
    }
    if (distinct > 2 && level > lowest + third && level < highest - third) middle += 1;
  }
  if (rule === 'labels') refuseNoise(levels, counts, width, name);
  const between =
    distinct <= 2 ? 0 : levels.length - (counts[lowest] as number) - (counts[highest] as number);
  const areas = (from: number, to: number): number =>
    between === 0 ? 0 : countAreas(levels, width, height, from, to);
  const areasBetween = areas(lowest, highest);
  const areasLost = rule === 'half' ? areas(lowest + (highest - lowest) * NOISE, threshold) : 0;
  const values = { rule, distinct, lowest, highest, threshold, foreground, between, middle, areasBetween, areasLost }; // prettier-ignore
  return { mask: { width, height, data }, values };
}

function ruleFor(distinct: number, lowest: number, highest: number): { rule: MaskRule; threshold: number } {
  if (distinct === 1) return { rule: 'one value', threshold: 1 };
  if (distinct === 2) return { rule: 'two values', threshold: highest };
  if (highest <= LARGEST_LABEL) return { rule: 'labels', threshold: lowest + 1 };
  if (highest - lowest <= highest * NOISE) return { rule: 'one value', threshold: lowest };
  return { rule: 'half', threshold: (lowest + highest) / 2 };
}

function levelsOf({ channels, premultiplied, data }: MaskPixels): Uint8Array | Uint16Array {
  if (channels === 1) return data;
  const hasAlpha = channels === 2 || channels === 4;
  const colours = channels - (hasAlpha ? 1 : 0);
  const full = data instanceof Uint8Array ? 255 : 65535;
  const count = data.length / channels;
  const levels = data instanceof Uint8Array ? new Uint8Array(count) : new Uint16Array(count);
  const opacity = hasAlpha ? opacityOf(data, channels) : 'constant';
  for (let p = 0, i = 0; p < count; p += 1, i += channels) {
    let level = data[i] as number;
    for (let c = 1; c < colours; c += 1) level = Math.max(level, data[i + c] as number);
    if (opacity === 'alone') level = data[i + colours] as number;
    else if (opacity === 'varies' && premultiplied !== true)
      level = Math.round((level * (data[i + colours] as number)) / full);
    levels[p] = level;
  }
  return levels;
}

function opacityOf(data: Uint8Array | Uint16Array, channels: number): 'constant' | 'alone' | 'varies' {
  const at = channels - 1;
  let [least, most] = [data[at] as number, 0];
  for (let i = at; i < data.length; i += channels) {
    least = Math.min(least, data[i] as number);
    most = Math.max(most, data[i] as number);
  }
  if (most === 0) return 'alone';
  if (least === most) return 'constant';
  let first = -1;
  for (let i = 0; i < data.length; i += channels) {
    if (data[i + at] !== most) continue;
    if (first < 0) first = i;
    for (let c = 0; c < at; c += 1) if (data[i + c] !== data[first + c]) return 'varies';
  }
  return 'alone';
}

function countAreas(
  levels: Uint8Array | Uint16Array,
  width: number,
  height: number,
  above: number,
  below: number,
): number {
  let found = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let p = y * width + 1; p < (y + 1) * width - 1; p += 1) {
      const level = levels[p];
      if (level === undefined || level <= above || level >= below) continue;
      let same = true;
      for (let row = p - width; same && row <= p + width; row += width)
        same = levels[row - 1] === level && levels[row] === level && levels[row + 1] === level;
      if (same) found += 1;
    }
  }
  return found;
}

function refuseNoise(
  levels: Uint8Array | Uint16Array,
  counts: Uint32Array,
  width: number,
  name: string,
): void {
  const { length } = levels;
  if (length < LEAST_PIXELS) return;
  let [pairs, differ] = [0, 0];
  for (const [p, level] of levels.entries()) {
    if ((p + 1) % width !== 0) {
      pairs += 1;
      if (levels[p + 1] !== level) differ += 1;
    }
    if (p + width < length) {
      pairs += 1;
      if (levels[p + width] !== level) differ += 1;
    }
  }
  const byChance = 1 - counts.reduce((sum, count) => sum + (count / length) ** 2, 0);
  const share = differ / pairs;
  if (share < LEAST_DIFFERENCE || share < STREWN * byChance) return;
  const percent = (value: number): string => `${Math.round(100 * value)} %`;
  throw new ReclmisError(
    'IMAGE_UNSUPPORTED',
    `${name}: the mask contains small values scattered like noise: ${percent(share)} of neighbouring pixels differ, by chance it would be ${percent(byChance)}`,
    {
      remedy:
        'Save the mask as PNG with 0 for background and 255 for foreground; use 0 everywhere if nothing is marked.',
    },
  );
}

function refuseColours({ channels, data }: MaskPixels, name: string, highest: number): void {
  if (channels < 3 || highest === 0) return;
  for (let c = 0; c < 3; c += 1) {
    let [least, most] = [Infinity, 0];
    for (let i = 0; i < data.length; i += channels) {
      if (channels === 4 && data[i + 3] === 0) continue;
      least = Math.min(least, data[i + c] as number);
      most = Math.max(most, data[i + c] as number);
    }
    if (most - least <= highest / 4) continue;
    throw new ReclmisError(
      'IMAGE_UNSUPPORTED',
      `${name}: the mask has equally bright colours, so none can be the background; expected a black background`,
      { remedy: 'Save the mask in grey: 0 for background, 255 for foreground.' },
    );
  }
}

/**
 * Tells whether an image resembles a model's training images, by Gaussians (`gaussian.ts`) of brightness in 8
 * x 8 cells (layout), of details of 2 to 32 pixels, contrast and colour (texture), and of tones
 * (`image-tones.ts`), after the model's preprocessing.
 *
 * Unusual is what is further from the mean than nearly all training images (each measured from the half it
 * was not in), or much likelier inverted, turned or flipped (docs/measurements/warnings.md). It knows nothing
 * of medicine. S side of the planes.
 */
import { distanceFrom, fitGaussian, type Gaussian } from './gaussian.js';
import { toneFigures, TONES } from './image-tones.js';
import { quantileOfSorted, selectInPlace } from '../quantile.js';
import type { Warning } from '../warnings.js';

/** Fewer say too little about what is usual. */
export const LEAST_IMAGES = 20;
const CELLS = 8;
/** Axes of the layout at most; one per ten images. */
const AXES = 16;
/** Scales of details: 2, 4, 8, 16 and 32 pixels. */
const SCALES = 5;
/** Scales with details by direction. */
const DIRECTED = 3;
export const TEXTURE_FIGURES = 3 * DIRECTED + SCALES + 2;
const LAYOUT_FLOOR = 1e-3;
const TEXTURE_FLOOR = 0.03 ** 2;
const TONES_FLOOR = 1e-3;
const FLAT = 0.02;
const WITHIN = { layout: 0.998, texture: 0.995, turned: 0.99 } as const;
/** For other sources: another device gives another texture. */
const MARGIN = { layout: 1.2, texture: 4 / 3, turned: 1 } as const;
/** In standard deviations: steadier than a quantile of few images. */
const TONES_DEVIATIONS = 3.25;
/** A factor of e^0.4 in distance. */
const LEAST_ADVANTAGE = 0.4;

/** The training images' statistics, as plain data. */
export interface ImageLikeness {
  readonly images: number;
  /** Brightness of cells, row by row, standardised per image. */
  readonly layout: Gaussian & { readonly limit: number };
  /** Logarithms: details at each scale, contrast, colour. */
  readonly texture: Gaussian & { readonly limit: number };
  /** Absent in older versions. */
  readonly tones?: (Gaussian & { readonly limit: number }) | undefined;
  /** Least advantage of an altered image, in log distance. */
  readonly turned: number;
}

export interface ImageFeatures {
  readonly layout: readonly number[];
  readonly texture: readonly number[];
  readonly tones: readonly number[];
}

/** @param planes [3,S,S], values 0 to 1. */
export function imageFeatures(planes: Float32Array, size: number): ImageFeatures {
  const n = size * size;
  const grey = new Float32Array(n); // [S,S]
  let [sum, squares, colour] = [0, 0, 0];
  for (let p = 0; p < n; p++) {
    const r = planes[p]!;
    const g = planes[n + p]!;
    const b = planes[2 * n + p]!;
    const value = (r + g + b) / 3;
    grey[p] = value;
    sum += value;
    squares += value * value;
    if (r !== g || g !== b) colour += Math.max(r, g, b) - Math.min(r, g, b);
  }
  const mean = sum / n;
  const contrast = Math.sqrt(Math.max(0, squares / n - mean * mean));
  const cells = new Float64Array(CELLS * CELLS);
  const counts = new Float64Array(CELLS * CELLS);
  const columns = Int32Array.from({ length: size }, (_, x) => Math.floor((x * CELLS) / size));
  for (let y = 0; y < size; y++) {
    const row = columns[y]! * CELLS;
    for (let x = 0; x < size; x++) {
      const cell = row + columns[x]!;
      cells[cell] = cells[cell]! + grey[y * size + x]!;
      counts[cell] = counts[cell]! + 1;
    }
  }
  const layout = Array.from(cells, (total, i) => total / Math.max(1, counts[i]!));
  const middle = layout.reduce((a, b) => a + b, 0) / layout.length;
  const spread = Math.sqrt(layout.reduce((a, b) => a + (b - middle) ** 2, 0) / layout.length);
  return {
    layout: layout.map((value) => (value - middle) / Math.max(spread, FLAT)),
    texture: [...details(grey, size), Math.log(contrast + 0.01), Math.log(colour / n + 0.05)],
    tones: toneFigures(grey),
  };
}

/** By Haar wavelets: logarithms of mean details by direction at fine scales, median at each. */
function details(grey: Float32Array, size: number): number[] {
  const strengths: number[] = [];
  let side = size;
  let plane = grey;
  for (let scale = 0; scale < SCALES; scale++) {
    const half = side >> 1;
    const next = new Float32Array(half * half);
    const steep = new Float32Array(half * half);
    let [across, down, diagonal] = [0, 0, 0];
    for (let y = 0; y < half; y++) {
      for (let x = 0; x < half; x++) {
        const at = 2 * y * side + 2 * x;
        const a = plane[at]!;
        const b = plane[at + 1]!;
        const c = plane[at + side]!;
        const d = plane[at + side + 1]!;
        next[y * half + x] = (a + b + c + d) / 4;
        const x1 = a - b + c - d;
        const y1 = a + b - c - d;
        steep[y * half + x] = x1 * x1 + y1 * y1;
        across += Math.abs(x1);
        down += Math.abs(y1);
        diagonal += Math.abs(a - b - c + d);
      }
    }
    const all = Math.max(1, half * half) * 4;
    if (scale < DIRECTED)
      for (const total of [across, down, diagonal]) strengths.push(Math.log(total / all + 5e-4));
    const middle = steep.length === 0 ? 0 : selectInPlace(steep, steep.length >> 1);
    strengths.push(Math.log(Math.sqrt(middle) / 4 + 5e-4));
    plane = next;
    side = half;
  }
  return strengths;
}

/** Summarises images; null for fewer than `LEAST_IMAGES`. */
export function fitLikeness(features: readonly ImageFeatures[]): ImageLikeness | null {
  const n = features.length;
  if (n < LEAST_IMAGES) return null;
  const halves = [0, 1].map((rest) => features.filter((_, i) => i % 2 === rest));
  const seen: Record<keyof typeof WITHIN | 'tones', number>[] = [];
  for (const [own, other] of [
    [halves[0]!, halves[1]!],
    [halves[1]!, halves[0]!],
  ] as const) {
    const { layout, texture, tones } = gaussians(own);
    for (const one of other) {
      seen.push({
        layout: distanceFrom(layout, one.layout),
        texture: distanceFrom(texture, one.texture),
        tones: distanceFrom(tones, one.tones),
        turned: likelierForm(layout, one.layout).advantage,
      });
    }
  }
  const limit = (key: keyof typeof WITHIN): number => {
    const sorted = Float64Array.from(seen, (one) => one[key]).sort();
    return Number((MARGIN[key] * quantileOfSorted(sorted, WITHIN[key])).toPrecision(4));
  };
  const { layout, texture, tones } = gaussians(features);
  return {
    images: n,
    layout: { ...layout, limit: limit('layout') },
    texture: { ...texture, limit: limit('texture') },
    tones: { ...tones, limit: Number(outlying(seen.map((one) => one.tones)).toPrecision(4)) },
    turned: Math.max(LEAST_ADVANTAGE, limit('turned')),
  };
}

/** Distances are nearly lognormal. */
function outlying(distances: readonly number[]): number {
  const logs = distances.map((one) => Math.log(one + 1e-9));
  const mean = logs.reduce((a, b) => a + b, 0) / logs.length;
  const deviation = Math.sqrt(logs.reduce((a, b) => a + (b - mean) ** 2, 0) / logs.length);
  return Math.exp(mean + TONES_DEVIATIONS * deviation);
}

function gaussians(features: readonly ImageFeatures[]): Record<'layout' | 'texture' | 'tones', Gaussian> {
  const axes = Math.min(AXES, Math.floor(features.length / 10));
  return {
    layout: fitGaussian(
      features.map(({ layout }) => layout),
      axes,
      LAYOUT_FLOOR,
    ),
    texture: fitGaussian(
      features.map(({ texture }) => texture),
      TEXTURE_FIGURES,
      TEXTURE_FLOOR,
    ),
    tones: fitGaussian(
      features.map(({ tones }) => tones),
      TONES,
      TONES_FLOOR,
    ),
  };
}

/** @param planes [3,S,S], values 0 to 1. */
export function imageWarnings(planes: Float32Array, size: number, likeness: ImageLikeness): Warning[] {
  const why = unlikeness(imageFeatures(planes, size), likeness);
  if (why === null) return [];
  const of = `the ${likeness.images} training images that were measured`;
  return [{ code: 'IMAGE_UNUSUAL', message: `the image is unlike ${of}: ${why}` }];
}

/** How an image differs from the training images, or null. */
export function unlikeness(
  { layout, texture, tones }: ImageFeatures,
  likeness: ImageLikeness,
): string | null {
  const form = likelierForm(likeness.layout, layout);
  if (form.advantage > likeness.turned) return `it looks ${form.name}`;
  const far = distanceFrom(likeness.layout, layout);
  if (far > likeness.layout.limit)
    return `bright and dark areas are elsewhere (distance ${figure(far)}, usual up to ${figure(likeness.layout.limit)})`;
  const coarse = distanceFrom(likeness.texture, texture);
  if (coarse > likeness.texture.limit)
    return `detail, contrast or colour differ (distance ${figure(coarse)}, usual up to ${figure(likeness.texture.limit)})`;
  const odd = likeness.tones ? distanceFrom(likeness.tones, tones) : 0;
  if (likeness.tones && odd > likeness.tones.limit)
    return `it has other tones, as drawings have (distance ${figure(odd)}, usual up to ${figure(likeness.tones.limit)})`;
  return null;
}

const FORMS: readonly { readonly name: string; readonly of: (cells: readonly number[]) => number[] }[] = [
  { name: 'inverted, with dark and bright swapped', of: (cells) => cells.map((value) => -value) },
  { name: 'turned by 90 degrees', of: (cells) => moved(cells, (x, y) => [y, CELLS - 1 - x]) },
  { name: 'turned by 90 degrees', of: (cells) => moved(cells, (x, y) => [CELLS - 1 - y, x]) },
  { name: 'upside down', of: (cells) => moved(cells, (x, y) => [CELLS - 1 - x, CELLS - 1 - y]) },
  { name: 'upside down', of: (cells) => moved(cells, (x, y) => [x, CELLS - 1 - y]) },
];

function likelierForm(layout: Gaussian, cells: readonly number[]): { name: string; advantage: number } {
  const own = Math.log(1 + distanceFrom(layout, cells));
  let best = { name: '', advantage: Number.NEGATIVE_INFINITY };
  for (const { name, of } of FORMS) {
    const advantage = own - Math.log(1 + distanceFrom(layout, of(cells)));
    if (advantage > best.advantage) best = { name, advantage };
  }
  return best;
}

function moved(cells: readonly number[], from: (x: number, y: number) => [x: number, y: number]): number[] {
  return Array.from(cells, (_, i) => {
    const [x, y] = from(i % CELLS, Math.floor(i / CELLS));
    return cells[y * CELLS + x]!;
  });
}

const figure = (value: number): string => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3));

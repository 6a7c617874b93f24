/**
 * A colour map with evenly growing lightness, in order also in grey and with any colour blindness: ten
 * colours of matplotlib's `viridis` (S. van der Walt and N. Smith, 2015, public domain), interpolated in
 * sRGB.
 */
import { ReclmisError } from '../errors.js';
import type { Rgb } from './overlay.js';
import { checkImage, type RgbImage } from './raster.js';

const VIRIDIS: readonly Rgb[] = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 73, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [110, 206, 88],
  [181, 222, 43],
  [253, 231, 37],
];

/** Colour of a value from 0 (dark violet) to 1 (yellow); values outside are clamped, NaN is 0. */
export function heatColour(value: number): Rgb {
  const at = Math.min(1, Math.max(0, Number.isNaN(value) ? 0 : value)) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const part = at - low;
  const [a, b] = [VIRIDIS[low] as Rgb, VIRIDIS[low + 1] as Rgb];
  const mix = (c: 0 | 1 | 2): number => Math.round(a[c] * (1 - part) + b[c] * part);
  return [mix(0), mix(1), mix(2)];
}

export interface HeatOptions {
  /** Value at the end of the colour map. Default: the plane's largest. 0 or less draws nothing. */
  readonly max?: number;
  /** Opacity, 0 to 1. Default 0.6. */
  readonly opacity?: number;
}

/**
 * Draws a plane, 0 to `max`, over a copy of the image.
 * @param plane width x height values, row by row. @throws IMAGE_UNREADABLE unless the sizes are equal.
 */
export function heatOver(
  image: RgbImage,
  plane: ArrayLike<number>,
  { max = largest(plane), opacity = 0.6 }: HeatOptions = {},
): RgbImage {
  checkImage(image, 'heatOver');
  const { width, height } = image;
  if (plane.length !== width * height) {
    throw new ReclmisError(
      'IMAGE_UNREADABLE',
      `heatOver: expected ${width} x ${height} values, got ${plane.length}`,
    );
  }
  if (!(max > 0)) return { width, height, data: image.data.slice() };
  const data = new Uint8Array(image.data.length);
  for (let i = 0, p = 0; i < plane.length; i++) {
    const colour = heatColour((plane[i] as number) / max);
    for (let c = 0; c < 3; c++, p++) {
      data[p] = (image.data[p] as number) * (1 - opacity) + (colour[c] as number) * opacity + 0.5;
    }
  }
  return { width, height, data };
}

/** Expands `columns` x `rows` numbers: each pixel takes the cell of its centre. */
export function spreadGrid(
  grid: ArrayLike<number>,
  columns: number,
  rows: number,
  width: number,
  height: number,
): Float32Array {
  const plane = new Float32Array(width * height);
  for (let y = 0, p = 0; y < height; y++) {
    const row = Math.min(rows - 1, Math.floor(((y + 0.5) * rows) / height)) * columns;
    for (let x = 0; x < width; x++, p++) {
      const column = Math.min(columns - 1, Math.floor(((x + 0.5) * columns) / width));
      plane[p] = grid[row + column] as number;
    }
  }
  return plane;
}

function largest(values: ArrayLike<number>): number {
  let max = 0;
  for (let i = 0; i < values.length; i++) max = Math.max(max, values[i] as number);
  return max;
}

/**
 * Draws a mask over its image: a translucent fill and an opaque contour, in Okabe and Ito's colours ("Color
 * Universal Design", 2008), distinguishable with any colour blindness on radiographs and stained tissue.
 */
import { ReclmisError } from '../errors.js';
import { checkImage, checkMask, type Mask, type RgbImage } from './raster.js';

/** A colour: red, green, blue, 0..255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Okabe-Ito colours that stand out from grey. */
export const COLOURS = {
  orange: [230, 159, 0],
  skyBlue: [86, 180, 233],
  green: [0, 158, 115],
  yellow: [240, 228, 66],
  blue: [0, 114, 178],
  vermilion: [213, 94, 0],
  purple: [204, 121, 167],
} as const satisfies Record<string, Rgb>;

export interface OverlayOptions {
  /** Default orange; sky blue for the truth next to it. */
  readonly colour?: Rgb;
  /** Opacity of the fill, 0 (none) to 1. Default 0.35. */
  readonly fill?: number;
  /** In pixels, inside the mask; 0 for none. Default: 1 per 224 pixels of the shorter side, at least 1. */
  readonly contour?: number;
}

/** Draws over a copy of the image. @throws MASK_SIZE_MISMATCH unless the sizes are equal. */
export function overlay(image: RgbImage, mask: Mask, options: OverlayOptions = {}): RgbImage {
  checkImage(image, 'overlay');
  checkMask(mask, 'overlay');
  const { width, height } = image;
  if (mask.width !== width || mask.height !== height) {
    throw new ReclmisError(
      'MASK_SIZE_MISMATCH',
      `overlay: the image is ${width} x ${height}, the mask ${mask.width} x ${mask.height}`,
      { remedy: 'Resize the mask to the image’s size first.' },
    );
  }
  const [red, green, blue] = options.colour ?? COLOURS.orange;
  const fill = Math.min(1, Math.max(0, options.fill ?? 0.35));
  const edge = contour(mask, options.contour ?? Math.max(1, Math.round(Math.min(width, height) / 224)));
  const data = image.data.slice();
  for (let i = 0, p = 0; i < mask.data.length; i++, p += 3) {
    if (mask.data[i] === 0) continue;
    const a = edge.data[i] === 1 ? 1 : fill;
    data[p] = (data[p] as number) * (1 - a) + red * a + 0.5;
    data[p + 1] = (data[p + 1] as number) * (1 - a) + green * a + 0.5;
    data[p + 2] = (data[p + 2] as number) * (1 - a) + blue * a + 0.5;
  }
  return { width, height, data };
}

/**
 * The mask's pixels within `thickness` (the larger of the distances along x and y) of the background or the
 * image's border.
 */
export function contour(mask: Mask, thickness = 1): Mask {
  checkMask(mask, 'contour');
  const { width, height, data } = mask;
  const reach = Math.max(0, Math.round(thickness));
  const across = new Uint8Array(data.length); // 1 where 2 * reach + 1 pixels along x are foreground
  for (let y = 0; y < height; y++) erodeLine(data, across, y * width, 1, width, reach);
  const inner = new Uint8Array(data.length);
  for (let x = 0; x < width; x++) erodeLine(across, inner, x, width, height, reach);
  const edge = new Uint8Array(data.length);
  for (let i = 0; i < edge.length; i++) edge[i] = data[i] !== 0 && inner[i] === 0 ? 1 : 0;
  return { width, height, data: edge };
}

function erodeLine(
  from: Uint8Array,
  to: Uint8Array,
  start: number,
  step: number,
  length: number,
  reach: number,
): void {
  let run = 0; // run of foreground so far
  const window = 2 * reach + 1;
  for (let i = 0; i < length; i++) {
    run = from[start + i * step] === 0 ? 0 : run + 1;
    if (run >= window) to[start + (i - reach) * step] = 1;
  }
}

/**
 * How images and masks come to a model's size, S x S, in training, evaluation and serving alike. Both rules stretch.
 *
 *   area      images by a triangle filter widened when shrinking, masks by area: foreground if at least half of it was
 *   upstream  both bilinearly without antialiasing, as LViT's loader (OpenCV) does; a mask's pixel is foreground if its
 *             value, 0 to 255, rounds above 0. Published figures come from it. Thin things and edges grow.
 */
import { resizeBilinear } from './bilinear.js';
import { checkSize, resizeImage, resizeMask } from './image.js';
import { checkImage, checkMask, type Mask, type RgbImage } from './raster.js';

export const RESIZE_RULES = ['area', 'upstream'] as const;
export type ResizeRule = (typeof RESIZE_RULES)[number];

/** What runs and models used that state no rule. */
export const USUAL_RESIZE: ResizeRule = 'area';

const LEVELS = Float32Array.from({ length: 256 }, (_, level) => level / 255);

/** An image at the model's size; the same object if nothing changes. */
export function imageForModel(image: RgbImage, size: number, rule: ResizeRule): RgbImage {
  if (rule === 'area') return resizeImage(image, size);
  checkImage(image, 'imageForModel');
  checkSize(size, size, 'imageForModel');
  const { width, height, data } = image;
  if (width === size && height === size) return image;
  return { width: size, height: size, data: resizeBilinear(data, [width, height], [size, size], 3) };
}

/** A true mask at the model's size; the same object if nothing changes. */
export function maskForModel(mask: Mask, size: number, rule: ResizeRule): Mask {
  if (rule === 'area') return resizeMask(mask, size);
  checkMask(mask, 'maskForModel');
  checkSize(size, size, 'maskForModel');
  const { width, height, data } = mask;
  if (width === size && height === size) return mask;
  const levels = Uint8Array.from(data, (value) => 255 * value);
  const resized = resizeBilinear(levels, [width, height], [size, size], 1);
  return { width: size, height: size, data: resized.map((level) => Number(level > 0)) };
}

/**
 * CHW [3, S, S], red, green, blue, in [0, 1], rounded to 8 bits, so it does not matter whether `imageForModel` came
 * first.
 * @param planes where they are written and returned, 3 x S x S values; default: new ones
 */
export function imageToPlanes(
  image: RgbImage,
  size: number,
  rule: ResizeRule,
  planes: Float32Array = new Float32Array(3 * size * size), // [3, S, S]
): Float32Array {
  const { data } = imageForModel(image, size, rule);
  const n = size * size;
  for (let i = 0, from = 0; i < n; i++, from += 3) {
    planes[i] = LEVELS[data[from] as number] as number;
    planes[n + i] = LEVELS[data[from + 1] as number] as number;
    planes[2 * n + i] = LEVELS[data[from + 2] as number] as number;
  }
  return planes;
}

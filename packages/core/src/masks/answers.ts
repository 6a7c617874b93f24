/** From images to masks, for any engine. B images, S side of the model's input. */
import { ReclmisError } from '../errors.js';
import { resizePlane, threshold } from '../images/image.js';
import { imageToPlanes, type ResizeRule } from '../images/resize-rule.js';
import type { Mask, RgbImage } from '../images/raster.js';
import { whyNoProbabilities } from './probabilities.js';

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Resizes to S x S: [B,3,S,S], red, green, blue, in [0, 1]. */
export function imagesToPlanes(images: readonly RgbImage[], size: number, rule: ResizeRule): Float32Array {
  const length = 3 * size * size;
  const planes = new Float32Array(images.length * length); // [B,3,S,S]
  images.forEach((image, i) =>
    imageToPlanes(image, size, rule, planes.subarray(i * length, (i + 1) * length)),
  );
  return planes;
}

/** One image's answer, [H,W] at its own size, or what is wrong, to follow "the model gave". */
export type Answer = { readonly probability: Float32Array } | { readonly wrong: string };

/** The answer for image `index` of a batch. @param probabilities [B,1,S,S] */
export function answerOf(
  probabilities: Float32Array,
  index: number,
  size: number,
  { width, height }: ImageSize,
): Answer {
  const plane = probabilities.subarray(index * size * size, (index + 1) * size * size); // [1,S,S]
  if (plane.length !== size * size) return { wrong: 'too few probabilities' };
  const wrong = whyNoProbabilities(plane);
  return wrong === null ? { probability: resizePlane(plane, size, size, width, height) } : { wrong };
}

/** Probability and mask of image `index` of a batch. @throws INFERENCE_FAILED for an invalid answer */
export function segmented(
  probabilities: Float32Array,
  index: number,
  size: number,
  image: ImageSize,
  least?: number,
): { readonly probability: Float32Array; readonly mask: Mask } {
  const answer = answerOf(probabilities, index, size, image);
  if ('wrong' in answer) throw new ReclmisError('INFERENCE_FAILED', `the model gave ${answer.wrong}`);
  const { probability } = answer;
  return { probability, mask: threshold(probability, image.width, image.height, least) };
}

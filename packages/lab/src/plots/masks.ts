/** Draws a predicted mask against the true one: what was found, what was marked in error and what was missed, each in its colour. */
import { COLOURS, type Mask, overlay, resizeImage, resizeMask, type Rgb, type RgbImage } from '@reclmis/core';

export const AGREEMENT: readonly { readonly colour: Rgb; readonly meaning: string }[] = [
  { colour: COLOURS.green, meaning: 'found (true positive)' },
  { colour: COLOURS.vermilion, meaning: 'marked in error (false positive)' },
  { colour: COLOURS.skyBlue, meaning: 'missed (false negative)' },
];

const FILL = 0.6;
/** Longer side of pictures in pixels: 512 on 320 are 154 per inch in a column of two. */
const RASTER = 512;

/** The image at its size in figures. */
export function displayImage(image: RgbImage, longest = RASTER): RgbImage {
  const scale = longest / Math.max(image.width, image.height);
  const at = (length: number): number => Math.max(1, Math.round(length * scale));
  return resizeImage(image, at(image.width), at(image.height));
}

/** The true mask alone, in the colour of what is still to be found. */
export function drawTruth(image: RgbImage, truth: Mask): RgbImage {
  return area(image, truth, COLOURS.skyBlue);
}

/** @param truth null if unknown: then the prediction is orange, as in all pictures without a truth. */
export function drawAgreement(image: RgbImage, truth: Mask | null, prediction: Mask): RgbImage {
  if (truth === null) return area(image, prediction, COLOURS.orange);
  const { width, height } = image;
  const [wanted, marked] = [truth, prediction].map((mask) => resizeMask(mask, width, height).data) as [
    Uint8Array,
    Uint8Array,
  ];
  const where = (want: number, mark: number): Mask => ({
    ...{ width, height },
    data: wanted.map((value, p) => Number(value === want && marked[p] === mark)),
  });
  const parts = [where(1, 1), where(0, 1), where(1, 0)]; // as AGREEMENT
  return parts.reduce((drawn, mask, i) => area(drawn, mask, AGREEMENT[i]?.colour ?? COLOURS.orange), image);
}

function area(image: RgbImage, mask: Mask, colour: Rgb): RgbImage {
  return overlay(image, resizeMask(mask, image.width, image.height), { colour, fill: FILL, contour: 0 });
}

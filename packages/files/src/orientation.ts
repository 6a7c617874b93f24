/**
 * Orientation tags (EXIF, TIFF): how viewers turn an image. We apply them; drawing tools often do not, so
 * suspect a tag if a mask does not fit.
 */

/** By tag, 1 to 8. */
const TURNS: readonly string[] = [
  'none',
  'upright',
  'mirrored',
  'turned upside down',
  'flipped upside down',
  'mirrored and turned a quarter counter-clockwise',
  'turned a quarter clockwise',
  'mirrored and turned a quarter clockwise',
  'turned a quarter counter-clockwise',
];

/** What a tag does to the stored pixels: "turned a quarter clockwise" for 6. */
export function turnOf(orientation: number): string {
  return TURNS[orientation] ?? 'unknown';
}

/** Pixels after the orientation tag, and the tag if known. */
export interface OrientedSize {
  readonly width: number;
  readonly height: number;
  readonly orientation?: number;
}

/** Part of a sentence: a mask's size differs from its image's, and which tag explains it. */
export function differentSizes(mask: OrientedSize, image: OrientedSize): string {
  const sizes = `the mask has ${mask.width} x ${mask.height} pixels, expected its image's ${image.width} x ${image.height}`;
  const [ofImage, ofMask] = [image.orientation ?? 1, mask.orientation ?? 1];
  const turned = mask.width === image.height && mask.height === image.width;
  if (!turned || ofImage === ofMask) return sizes;
  const tag = (what: string, orientation: number): string =>
    orientation === 1
      ? `the ${what} has no orientation tag`
      : `the ${what} has the orientation tag ${orientation} (${turnOf(orientation)}), which is applied`;
  return `${sizes}: ${tag('image', ofImage)}, and ${tag('mask', ofMask)}; turn the mask to match the image as viewers show it, or save both without a tag`;
}

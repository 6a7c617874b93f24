/**
 * DICOM SEG and NIfTI as masks of one displayed frame. A mask says itself where it lies, so it is compared with the
 * place of its image: what lies elsewhere is refused, what is only stored in another order is turned.
 */
import { ReclmisError } from '@reclmis/core';
import { displayedFrame, type DisplayedFrame } from './display.js';
import { orient, orientPlane, type Orientation, swapsSides } from './orientation.js';
import { segLabelMaps } from './seg/label-maps.js';
import type { SegObject } from './seg/read-seg.js';
import { segSourceOf } from './seg/source.js';
import type { DicomImage, FrameGeometry, NiftiImage, PixelSize, SlicePlane, Vector } from './types.js';

/** Labels of a frame as displayed, 0 where nothing is. */
export interface DisplayedLabels {
  readonly width: number;
  readonly height: number;
  /** [height, width], 0 to 65,535. */
  readonly data: Uint16Array;
  /** What turned the mask's stored pixels. */
  readonly orientation: Orientation;
}

/** Corners of two grids may lie this far apart, in pixels: files round positions. */
const NEAR = 0.25;
/** Values times a slope of 32 bits, and direction cosines. */
const ROUNDED = 1e-3;
const MOST = 65_535;

const mismatch = (why: string, remedy: string): ReclmisError =>
  new ReclmisError('MASK_SIZE_MISMATCH', why, { remedy });
const invalid = (why: string, remedy: string): ReclmisError =>
  new ReclmisError('SEG_INVALID', why, { remedy });

/**
 * A NIfTI volume's labels of an image: its slice at the image's place, in the image's display.
 * @param image null: as the volume itself is displayed. @param frame the volume's slice without an image, from 0
 * @throws MASK_SIZE_MISMATCH if no slice has the image's pixels, IMAGE_UNSUPPORTED for values that are no labels or
 * several slices without an image, OPTION_INVALID
 */
export function niftiLabels(mask: NiftiImage, image: DisplayedFrame | null, frame?: number): DisplayedLabels {
  if (image === null) {
    const own = displayedFrame('the mask', mask, frame);
    return labelsOf(mask, own.frame, [own.orientation]);
  }
  const at = placeOn(mask, image);
  return labelsOf(mask, at.frame, [at.turn, image.orientation]);
}

/** @param turns applied one after the other */
function labelsOf(mask: NiftiImage, frame: number, turns: readonly Orientation[]): DisplayedLabels {
  const values = mask.valuesOf(frame);
  if (values === null)
    throw new ReclmisError('IMAGE_UNSUPPORTED', 'expected labels, got a NIfTI volume of colours', {
      remedy: 'Save the mask as whole numbers, 0 where nothing is.',
    });
  let { width, height } = mask;
  let data = Uint16Array.from(values, (value) => {
    const label = Math.round(value);
    if (!(Math.abs(value - label) <= ROUNDED) || label < 0 || label > MOST)
      throw new ReclmisError('IMAGE_UNSUPPORTED', `expected labels from 0 to ${MOST}, got ${value}`, {
        remedy:
          'Save the mask as whole numbers, 0 where nothing is: apply a threshold to probabilities first.',
      });
    return label;
  });
  for (const turn of turns) {
    data = orientPlane(data, width, height, turn);
    if (swapsSides(turn)) [width, height] = [height, width];
  }
  return { width, height, data, orientation: turns.at(-1) ?? 1 };
}

/** The volume's slice that holds an image's pixels, and how to turn it to the image as stored. @throws MASK_SIZE_MISMATCH */
function placeOn(mask: NiftiImage, image: DisplayedFrame): { frame: number; turn: Orientation } {
  const { source, frame } = image;
  const geometry = source.geometryOf(frame);
  if (geometry.plane === null) return withoutPlace(mask, image);
  if (!mask.placed)
    throw mismatch(
      'the NIfTI mask does not say where it lies in the patient, its image does',
      'Write the mask with the affine of its image.',
    );
  const due = cornersOf(geometry, source);
  if (due === null || geometry.pixel === null)
    throw mismatch('the image does not say how large its pixels are', 'Save the mask as PNG.');
  const near = NEAR * Math.min(geometry.pixel.width, geometry.pixel.height);
  const found = Array.from({ length: mask.frames }, (_, at) => ({
    frame: at,
    turn: turnOnto(mask, at, due, source, near),
  })).flatMap(({ frame: at, turn }) => (turn === null ? [] : [{ frame: at, turn }]));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1)
    throw mismatch(
      `${found.length} slices of the NIfTI mask lie where its image lies`,
      'Keep one volume, without further dimensions.',
    );
  const sizes = `slices of ${mask.width} x ${mask.height}, image of ${source.width} x ${source.height} pixels`;
  throw mismatch(
    `no slice of the NIfTI mask has the place of its image in the patient (${sizes})`,
    'Resample the mask to the grid of its image; mirrored or shifted masks need the affine of the image.',
  );
}

/**
 * Without a place, only the order of pixels can be trusted. ITK states its own axes for images that have none: such
 * masks count as in the order of their image, all others contradict it.
 */
function withoutPlace(
  mask: NiftiImage,
  { source, frame }: DisplayedFrame,
): { frame: number; turn: Orientation } {
  if (mask.width !== source.width || mask.height !== source.height)
    throw mismatch(
      `the NIfTI mask has ${mask.width} x ${mask.height} pixels, its image ${source.width} x ${source.height} as stored`,
      'Export the mask again, with the pixels of its image as stored.',
    );
  if (mask.frames !== 1 && mask.frames !== source.frames)
    throw mismatch(
      `the NIfTI mask has ${mask.frames} slices, its image ${source.frames}`,
      'Export the mask again, with as many slices as the image.',
    );
  const { plane } = mask.geometryOf(0);
  if (plane !== null && !isDefault(plane))
    throw mismatch(
      'the NIfTI mask has a place in the patient, its image has none to compare with',
      'Save the mask as PNG with the pixels of its image as stored.',
    );
  return { frame: mask.frames === 1 ? 0 : frame, turn: 1 };
}

function isDefault({ position, right, down }: SlicePlane): boolean {
  const same = (a: Vector, b: Vector): boolean => distance(a, b) <= ROUNDED;
  return same(position, [0, 0, 0]) && same(right, [1, 0, 0]) && same(down, [0, 1, 0]);
}

type Corners = readonly [topLeft: Vector, topRight: Vector, bottomLeft: Vector];
/** As stored: right or left, bottom or top. */
type Corner = readonly [x: 0 | 1, y: 0 | 1];

/** The stored corners that come to the top left, top right and bottom left. */
const CORNERS: Readonly<Record<Orientation, readonly [Corner, Corner, Corner]>> = {
  1: [[0, 0], [1, 0], [0, 1]],
  2: [[1, 0], [0, 0], [1, 1]],
  3: [[1, 1], [0, 1], [1, 0]],
  4: [[0, 1], [1, 1], [0, 0]],
  5: [[0, 0], [0, 1], [1, 0]],
  6: [[0, 1], [0, 0], [1, 1]],
  7: [[1, 1], [1, 0], [0, 1]],
  8: [[1, 0], [1, 1], [0, 0]],
}; // prettier-ignore
const ORIENTATIONS: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Centres of the corner pixels, in millimetres, turned; null if something is not known. */
function cornersOf({ plane, pixel }: FrameGeometry, size: Size, turn: Orientation = 1): Corners | null {
  if (plane === null || pixel === null) return null;
  const [a, b, c] = CORNERS[turn];
  return [cornerOf(plane, pixel, size, a), cornerOf(plane, pixel, size, b), cornerOf(plane, pixel, size, c)];
}

function cornerOf(
  { position, right, down }: SlicePlane,
  pixel: PixelSize,
  size: Size,
  [x, y]: Corner,
): Vector {
  const along = x * (size.width - 1) * pixel.width;
  const below = y * (size.height - 1) * pixel.height;
  const at = (i: 0 | 1 | 2): number => position[i] + right[i] * along + down[i] * below;
  return [at(0), at(1), at(2)];
}

const distance = (a: Vector, b: Vector): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** What turns a slice of the mask to the image's stored grid; null if it lies elsewhere. */
function turnOnto(
  mask: NiftiImage,
  frame: number,
  due: Corners,
  image: Size,
  near: number,
): Orientation | null {
  const geometry = mask.geometryOf(frame);
  const turn = ORIENTATIONS.find((one) => {
    const [width, height] = swapsSides(one) ? [mask.height, mask.width] : [mask.width, mask.height];
    if (width !== image.width || height !== image.height) return false;
    const corners = cornersOf(geometry, mask, one);
    return corners?.every((corner, i) => distance(corner, due[i]!) <= near) === true;
  });
  return turn ?? null;
}

/**
 * A SEG's segments on the image they were drawn on, in its display; a SEG of a whole series gives the image's frame, and
 * nothing where the series' SEG leaves the image out.
 * @param labelOf the value of a segment, 1 to 255, or 0 to leave it out; default its number
 * @throws SEG_INVALID if it belongs to other images or lies elsewhere, MASK_SIZE_MISMATCH
 */
export function segLabels(
  seg: SegObject,
  { source, frame, orientation }: DisplayedFrame,
  labelOf?: (segment: number) => number,
): DisplayedLabels {
  if (source.format !== 'dicom')
    throw invalid('the SEG belongs to DICOM images, its image is a NIfTI volume', 'Give the DICOM image.');
  assertSamePatientSpace(seg, source);
  const map = isLeftOut(seg, source)
    ? { width: source.width, height: source.height, data: new Uint8Array(source.width * source.height) }
    : segLabelMaps(
        seg,
        Array.from({ length: source.frames }, (_, at) => segSourceOf(source, at)),
        source,
        { others: 'ignore', ...(labelOf && { labelOf }) },
      )[frame]!; // one for each frame
  const { width, height, data } = orient(map, orientation);
  return { width, height, data: Uint16Array.from(data), orientation };
}

/** Frames that name no image are found by their place, which says nothing between two patients. @throws SEG_INVALID */
function assertSamePatientSpace(seg: SegObject, { source }: DicomImage): void {
  const [own, other] = [source.frameOfReference, seg.frameOfReference];
  if (own !== null && other !== null && own !== other)
    throw invalid(
      'the SEG has another frame of reference than its image',
      'Give the SEG that was drawn on this image.',
    );
  if (seg.frames.some(({ sources }) => sources.length === 0) && (own === null || other === null))
    throw invalid(
      'frames of the SEG do not say which image they belong to',
      'Export the SEG with references to its images.',
    );
}

/** SEGs leave out empty slices: the image is among those of the SEG, and all frames name others. */
function isLeftOut(seg: SegObject, { source, width, height }: DicomImage): boolean {
  const { sopInstance } = source;
  return (
    seg.width === width &&
    seg.height === height &&
    seg.images.includes(sopInstance) &&
    seg.frames.every(
      ({ sources }) => sources.length > 0 && sources.every((one) => one.sopInstance !== sopInstance),
    )
  );
}

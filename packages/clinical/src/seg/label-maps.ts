/**
 * A SEG's frames on the images that they were drawn on. A frame belongs to the image that it names, or, if it names
 * none, to the one at its place in the patient. What fits no image, lies otherwise in the patient or contradicts itself
 * is refused: a mask on the wrong image would be a silent error.
 */
import { type Raster, ReclmisError } from '@reclmis/core';
import type { SlicePlane, Vector } from '../types.js';
import type { ReadSegFrame, SegObject } from './read-seg.js';
import type { SegSource } from './types.js';

export interface LabelMapOptions {
  /** The value of a segment in the label maps, 1 to 255; 0 leaves it out. Default: its number. */
  readonly labelOf?: (segment: number) => number;
  /** Probabilities above it count as the segment; default 0.5. Without meaning for binary SEGs. */
  readonly threshold?: number;
  /** Frames of images that are not among the sources: `refuse` (default) or `ignore`. */
  readonly others?: 'refuse' | 'ignore';
}

/** Cosine above which axes count as the same, and millimetres between positions. */
const PARALLEL = 0.9999;
const NEAR = 0.05;

const invalid = (why: string, remedy?: string): ReclmisError =>
  new ReclmisError('SEG_INVALID', why, remedy === undefined ? {} : { remedy });

/**
 * A label map for each source, 0 where nothing is. Images without a frame are empty: SEGs leave out empty slices.
 * @param size of the images @throws SEG_INVALID, MASK_SIZE_MISMATCH, OPTION_INVALID for values above 255
 */
export function segLabelMaps(
  seg: SegObject,
  sources: readonly SegSource[],
  size: { readonly width: number; readonly height: number },
  { labelOf = (segment) => segment, threshold = 0.5, others = 'refuse' }: LabelMapOptions = {},
): Raster[] {
  const { width, height } = seg;
  if (size.width !== width || size.height !== height)
    throw new ReclmisError(
      'MASK_SIZE_MISMATCH',
      `the SEG has ${width} x ${height} pixels, its images ${size.width} x ${size.height}`,
      { remedy: 'Export the SEG on the grid of its images.' },
    );
  const maps = sources.map((): Raster => ({ width, height, data: new Uint8Array(width * height) }));
  const seen = new Set<string>();
  const cut = seg.kind === 'binary' ? 0 : threshold * 255;
  let placed = 0;
  seg.frames.forEach((frame, f) => {
    const value = labelOf(frame.segment);
    if (!Number.isInteger(value) || value < 0 || value > 255)
      throw new ReclmisError(
        'OPTION_INVALID',
        `segment ${frame.segment} has the value ${value}, expected 0 to 255`,
      );
    const at = sourceOf(frame, f, sources);
    if (at === null && others === 'ignore') return;
    if (at === null)
      throw invalid(
        `frame ${f + 1} of the SEG belongs to none of the ${sources.length} images`,
        'Give all images of the series that the SEG was drawn on.',
      );
    placed++;
    const key = `${frame.segment} ${at}`;
    if (seen.has(key)) throw invalid(`the SEG has two frames of segment ${frame.segment} for one image`);
    seen.add(key);
    if (value > 0) draw(maps[at]!.data, seg.pixels(f).data, value, cut, f);
  });
  if (placed === 0) throw invalid('no frame of the SEG belongs to these images');
  return maps;
}

function draw(map: Uint8Array, pixels: Uint8Array, value: number, cut: number, frame: number): void {
  for (let i = 0; i < pixels.length; i++) {
    if (pixels[i]! <= cut) continue;
    if (map[i] !== 0 && map[i] !== value)
      throw invalid(
        `segments of the SEG overlap, in frame ${frame + 1} and an earlier one`,
        'Read the segments one by one, or leave one of them out.',
      );
    map[i] = value;
  }
}

/** Index of the image that a frame belongs to, null if there is none. @throws SEG_INVALID */
function sourceOf(frame: ReadSegFrame, index: number, sources: readonly SegSource[]): number | null {
  const named = sources.flatMap((source, at) => (names(frame, source) ? [at] : []));
  const byPlace = frame.plane === null ? [] : sources.flatMap(({ geometry }, at) => (samePlace(frame.plane!, geometry.plane) ? [at] : [])); // prettier-ignore
  // A frame may name all images that contributed to it: then its place decides.
  const found = named.length === 1 ? named : (frame.sources.length === 0 ? byPlace : named.filter((at) => byPlace.includes(at))); // prettier-ignore
  if (found.length > 1 || (named.length > 1 && found.length === 0))
    throw invalid(`frame ${index + 1} of the SEG belongs to several images`);
  const [at] = found;
  if (at === undefined) return null;
  const { plane } = sources[at]!.geometry;
  if (frame.plane !== null && plane !== null && !samePlace(frame.plane, plane))
    throw invalid(
      `frame ${index + 1} of the SEG lies otherwise in the patient than the image that it names`,
      'Export the SEG on the grid of its images, without turning or mirroring it.',
    );
  return at;
}

const names = (frame: ReadSegFrame, { source, frame: index }: SegSource): boolean =>
  frame.sources.some(
    ({ sopInstance, frames }) =>
      sopInstance === source.sopInstance && (frames.length === 0 || frames.includes(index + 1)),
  );

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function samePlace(a: SlicePlane, b: SlicePlane | null): boolean {
  if (b === null || dot(a.right, b.right) < PARALLEL || dot(a.down, b.down) < PARALLEL) return false;
  return Math.hypot(...a.position.map((value, i) => value - b.position[i]!)) <= NEAR;
}

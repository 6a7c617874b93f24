/**
 * A series to be segmented: each image of each file as it is displayed, and the SEGs of their masks. Volumes and
 * equal projections become one SEG; images of another size or frame of reference get their own.
 */
import type { Mask, RgbImage, Warning } from '@reclmis/core';
import type { ReadDicom, ReadDicomOptions } from './dicom/read-dicom.js';
import { displayedFrame, displayedPixels, displayedSize } from './display.js';
import { inverseOrientation, orient, type Orientation } from './orientation.js';
import { segSourceOf } from './seg/source.js';
import type { SegOptions, SegSegment, SegSource, WrittenSeg } from './seg/types.js';
import { writeSeg } from './seg/write-seg.js';
import type { DicomImage } from './types.js';

export interface SeriesFrame extends SegSource {
  /** As displayed. */
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  readonly warnings: readonly Warning[];
  /** As displayed: a frontal image has the patient's left on its right. @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED */
  image(): Promise<RgbImage>;
}

/**
 * The frames of DICOM files in the order of instance numbers; pixels are decoded when asked for.
 * @param read `readDicom` of this platform @throws as `read`
 */
export async function seriesFrames(
  files: readonly Uint8Array[],
  read: ReadDicom,
  options: ReadDicomOptions = {},
): Promise<SeriesFrame[]> {
  const images: DicomImage[] = [];
  for (const [i, bytes] of files.entries())
    images.push(await read(bytes, { ...options, name: `image ${i + 1} of ${files.length}` }));
  images.sort((a, b) => numberOf(a) - numberOf(b));
  return images.flatMap((image) => Array.from({ length: image.frames }, (_, at) => frameOf(image, at)));
}

const numberOf = ({ source }: DicomImage): number => source.instanceNumber ?? Number.MAX_SAFE_INTEGER;

function frameOf(image: DicomImage, frame: number): SeriesFrame {
  const displayed = displayedFrame('', image, frame);
  const { orientation, warnings } = displayed;
  return {
    ...segSourceOf(image, frame),
    ...displayedSize(displayed),
    orientation,
    warnings,
    image: () => displayedPixels(displayed),
  };
}

export interface SeriesSeg extends WrittenSeg {
  /** Indices of the frames that it holds. */
  readonly frames: readonly number[];
  /** As it was written, for a report of it. */
  readonly options: SegOptions;
}

/**
 * The SEGs of masks.
 * @param masks as displayed, one for each frame
 * @param segment what they show
 * @throws as `writeSeg`
 */
export function writeSeriesSegs(
  frames: readonly SeriesFrame[],
  masks: readonly Mask[],
  segment: Omit<SegSegment, 'frames'>,
  options: Omit<SegOptions, 'sources' | 'segments' | 'kind'>,
): SeriesSeg[] {
  const stored = frames.map(({ orientation }, i) => orient(masks[i]!, inverseOrientation(orientation)));
  return writeSegs({ ...options, sources: frames, segments: [{ ...segment, frames: stored }] });
}

/**
 * The SEGs of a series' masks: one, or one for each size and frame of reference, all in one series.
 * @throws as `writeSeg`
 */
export function writeSegs(options: SegOptions): SeriesSeg[] {
  const { sources, segments } = options;
  const groups = new Map<string, number[]>();
  const unsegmented: number[] = [];
  sources.forEach((source, i) => {
    const frame = segments.map(({ frames }) => frames[i]).find((one) => one !== null);
    if (!frame) unsegmented.push(i);
    else {
      const key = `${frame.width} x ${frame.height} ${spaceOf(source)}`;
      groups.set(key, [...(groups.get(key) ?? []), i]);
    }
  });
  // Nothing says their size: the first SEG of their frame of reference names them.
  for (const i of unsegmented) {
    const key = [...groups.keys()].find((one) => one.endsWith(` ${spaceOf(sources[i]!)}`));
    if (key !== undefined)
      groups.set(
        key,
        [...groups.get(key)!, i].sort((a, b) => a - b),
      );
  }
  if (groups.size === 0) return [{ ...writeSeg(options), frames: [], options }]; // refused, as nothing was segmented
  let series = options.series;
  return [...groups.values()].map((group, number) => {
    const own: SegOptions = {
      instanceNumber: number + 1,
      ...options,
      ...(series === undefined ? {} : { series }),
      sources: group.map((i) => sources[i]!),
      segments: segments.map((segment) => ({ ...segment, frames: group.map((i) => segment.frames[i]!) })),
    };
    const seg = writeSeg(own);
    series = seg.series;
    return { ...seg, frames: group, options: own };
  });
}

const spaceOf = ({ source, geometry }: SegSource): string =>
  `${source.frameOfReference ?? ''} ${geometry.plane === null ? 'projection' : 'slice'}`;

/**
 * Writes masks as a DICOM Segmentation (SEG): PS3.3 A.51, C.8.20. Frames go by segment, then along the slices' normal
 * or, for projections, in the order of the sources. Slices have positions in the patient; projections refer to their
 * image alone, which the standard allows because each frame names it (Derivation Image).
 *
 * An empty mask is a frame of zeros: a SEG has at least one frame, and "nothing found" is a result too.
 */
import { COLOURS, crc32, ReclmisError, type Rgb, VERSION } from '@reclmis/core';
import { dicomLab } from '../encode/colour.js';
import { codeItem, derivedFrom } from '../encode/derived.js';
import { ATTRIBUTES, type Keyword } from '../encode/dictionary.js';
import { type Attributes, dicomFile } from '../encode/encode.js';
import { randomUids, seededUids, type UidMaker } from '../encode/uid.js';
import { evenStep, type SliceStack, stackSlices } from '../grid.js';
import { packedLength, packFrame } from './bits.js';
import { checkSeg } from './check.js';
import { SEG_SERIES } from './names.js';
import { type Code, SEG_STORAGE, SEGMENT_CODES, type SegOptions, type SegSegment, type SegSource, type WrittenSeg } from './types.js'; // prettier-ignore

const SEGMENTATION: Code = { value: '113076', scheme: 'DCM', meaning: 'Segmentation' };
const SOURCE_IMAGE: Code = {
  value: '121322',
  scheme: 'DCM',
  meaning: 'Source image for image processing operation',
};
/** Series numbers of derived objects are high by custom, so that images come first. */
const SERIES_NUMBER = 9000;
/** For segments without a colour. */
const PALETTE: readonly Rgb[] = Object.values(COLOURS);
const MOST_PIXEL_BYTES = 2 ** 31 - 2;

/** A frame of the SEG. */
interface Frame {
  readonly segment: number;
  /** Index of the source. */
  readonly at: number;
  /** From 1, along the stack. */
  readonly place: number;
}

/**
 * A SEG of the sources' masks.
 * @throws OPTION_INVALID, MASK_SIZE_MISMATCH, IMAGE_UNSUPPORTED for sources without UIDs, SLICES_IRREGULAR for slices in
 * several directions or two at one position (gaps may differ), IMAGE_TOO_LARGE above 2 GB
 */
export function writeSeg(options: SegOptions): WrittenSeg {
  const { width, height } = checkSeg(options);
  const { sources, segments, kind = 'binary', time = new Date() } = options;
  const stack = isSpatial(sources) ? stackSlices(sources.map(({ geometry }) => geometry)) : null;
  const order = stack?.order ?? sources.map((_, i) => i);
  const frames = segments.flatMap((segment, s) =>
    order.flatMap((at, i): Frame[] =>
      segment.frames[at] === null ? [] : [{ segment: s, at, place: i + 1 }],
    ),
  );
  const pixels = pixelsOf(frames, segments, width * height, kind);
  const uid = uidsOf(options, pixels, width, height);
  const sopInstance = uid('instance');
  const series = options.series ?? uid('series');
  const first = sources[0]!.source; // checkSeg refuses none
  const stacked = stack === null && sources.length > 1;
  const organization = uid('dimensions');
  const bytes = dicomFile({
    ...derivedFrom(first, time),
    ImageType: ['DERIVED', 'PRIMARY'],
    SOPClassUID: SEG_STORAGE,
    SOPInstanceUID: sopInstance,
    Modality: 'SEG',
    ReferencedSeriesSequence: referencedSeries(sources),
    SeriesInstanceUID: series,
    SeriesNumber: options.seriesNumber ?? SERIES_NUMBER,
    InstanceNumber: options.instanceNumber ?? 1,
    SeriesDescription: options.seriesDescription ?? SEG_SERIES,
    ...(stack === null
      ? { PatientOrientation: orientationOf(sources), PositionReferenceIndicator: undefined }
      : {
          FrameOfReferenceUID: first.frameOfReference!, // isSpatial
          PositionReferenceIndicator: first.inherited['PositionReferenceIndicator'] ?? '',
        }),
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: organization }],
    ...(isRegular(stack, segments) ? { DimensionOrganizationType: '3D' } : {}),
    DimensionIndexSequence: dimensions(organization, stack !== null, stacked),
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    NumberOfFrames: frames.length,
    Rows: height,
    Columns: width,
    ...(kind === 'binary'
      ? { BitsAllocated: 1, BitsStored: 1, HighBit: 0 }
      : { BitsAllocated: 8, BitsStored: 8, HighBit: 7 }),
    PixelRepresentation: 0,
    LossyImageCompression: '00',
    SegmentationType: kind === 'binary' ? 'BINARY' : 'FRACTIONAL',
    ...(kind === 'binary' ? {} : { SegmentationFractionalType: 'PROBABILITY', MaximumFractionalValue: 255 }),
    SegmentsOverlap: overlap(options),
    SegmentSequence: segments.map((segment, s) => segmentItem(segment, s + 1, options.algorithm)),
    ContentLabel: options.contentLabel ?? 'SEGMENTATION',
    ContentDescription: options.contentDescription ?? '',
    ContentCreatorName: '',
    SharedFunctionalGroupsSequence: [stack === null ? {} : sharedGroups(sources, stack)],
    PerFrameFunctionalGroupsSequence: frames.map((frame) =>
      frameGroups(frame, sources[frame.at]!, stack !== null, stacked),
    ),
    PixelData: pixels,
  });
  const numbers = segments.map(() => sources.map((): number | null => null));
  frames.forEach(({ segment, at }, i) => (numbers[segment]![at] = i + 1));
  return { bytes, sopInstance, series, frameNumbers: numbers };
}

/** Slices with all that a place in the patient takes. */
function isSpatial(sources: readonly SegSource[]): boolean {
  const frameOfReference = sources[0]!.source.frameOfReference;
  const spatial = sources.every(
    ({ source, geometry: { plane, pixel } }) =>
      plane !== null && pixel !== null && source.frameOfReference !== null,
  );
  if (spatial && sources.some(({ source }) => source.frameOfReference !== frameOfReference))
    throw new ReclmisError('OPTION_INVALID', 'writeSeg: the sources have several frames of reference', {
      remedy: 'Segment each series for itself.',
    });
  return spatial;
}

/** Evenly spaced, and every segment on every slice. */
function isRegular(stack: SliceStack | null, segments: readonly SegSegment[]): boolean {
  if (stack === null || evenStep(stack) === null) return false;
  return segments.every(({ frames }) => frames.every((frame) => frame !== null));
}

function pixelsOf(
  frames: readonly Frame[],
  segments: readonly SegSegment[],
  pixels: number,
  kind: 'binary' | 'fractional',
): Uint8Array {
  const length = kind === 'binary' ? packedLength(frames.length, pixels) : frames.length * pixels;
  if (length > MOST_PIXEL_BYTES)
    throw new ReclmisError(
      'IMAGE_TOO_LARGE',
      `a SEG of ${frames.length} frames would hold ${length} bytes of pixels, the limit is ${MOST_PIXEL_BYTES}`,
      { remedy: 'Write the segments to several files, or a binary SEG instead of a fractional one.' },
    );
  const all = new Uint8Array(length);
  frames.forEach(({ segment, at }, i) => {
    const { data } = segments[segment]!.frames[at]!;
    if (kind === 'binary') packFrame(all, i, data);
    else all.set(data, i * pixels);
  });
  return all;
}

function uidsOf(options: SegOptions, pixels: Uint8Array, width: number, height: number): UidMaker {
  const { seed, sources, segments, algorithm, kind = 'binary' } = options;
  if (seed === undefined) return randomUids;
  return seededUids(
    'seg',
    seed,
    VERSION,
    algorithm,
    kind,
    width,
    height,
    crc32(pixels),
    pixels.length,
    JSON.stringify({
      ...options,
      seed: 0,
      time: 0,
      segments: segments.map((segment) => ({ ...segment, frames: segment.frames.map((f) => f !== null) })),
      sources: sources.map(({ source, frame }) => [source.study, source.series, source.sopInstance, frame]),
    }),
  );
}

function referencedSeries(sources: readonly SegSource[]): Attributes[] {
  const series = new Map<string, Map<string, string>>();
  for (const { source } of sources) {
    const instances = series.get(source.series) ?? new Map<string, string>();
    series.set(source.series, instances.set(source.sopInstance, source.sopClass));
  }
  return [...series].map(([uid, instances]) => ({
    SeriesInstanceUID: uid,
    ReferencedInstanceSequence: [...instances].map(([instance, sopClass]) => ({
      ReferencedSOPClassUID: sopClass,
      ReferencedSOPInstanceUID: instance,
    })),
  }));
}

function orientationOf(sources: readonly SegSource[]): string[] | '' {
  const { directions } = sources[0]!.geometry;
  return directions === null ? '' : [directions.right, directions.down];
}

function dimensions(organization: string, spatial: boolean, stacked: boolean): Attributes[] {
  const index = (pointer: Keyword, group: Keyword, label: string): Attributes => ({
    DimensionOrganizationUID: organization,
    DimensionIndexPointer: ATTRIBUTES[pointer][0],
    FunctionalGroupPointer: ATTRIBUTES[group][0],
    DimensionDescriptionLabel: label,
  });
  return [
    index('ReferencedSegmentNumber', 'SegmentIdentificationSequence', 'Segment'),
    ...(spatial ? [index('ImagePositionPatient', 'PlanePositionSequence', 'Position')] : []),
    ...(stacked ? [index('InStackPositionNumber', 'FrameContentSequence', 'Source frame')] : []),
  ];
}

function segmentItem(segment: SegSegment, number: number, algorithm: string): Attributes {
  const { label, description, colour, category, type, region } = segment;
  return {
    SegmentNumber: number,
    SegmentLabel: label,
    ...(description === undefined ? {} : { SegmentDescription: description }),
    SegmentAlgorithmType: 'AUTOMATIC',
    SegmentAlgorithmName: algorithm,
    SegmentedPropertyCategoryCodeSequence: [codeItem(category ?? SEGMENT_CODES.altered)],
    SegmentedPropertyTypeCodeSequence: [codeItem(type ?? SEGMENT_CODES.lesion)],
    ...(region === undefined ? {} : { AnatomicRegionSequence: [codeItem(region)] }),
    RecommendedDisplayCIELabValue: dicomLab(colour ?? PALETTE[(number - 1) % PALETTE.length]!),
  };
}

function sharedGroups(sources: readonly SegSource[], stack: SliceStack): Attributes {
  const { plane, pixel } = sources[0]!.geometry; // isSpatial: not null
  const step = evenStep(stack);
  return {
    PlaneOrientationSequence: [{ ImageOrientationPatient: [...plane!.right, ...plane!.down] }],
    PixelMeasuresSequence: [
      {
        PixelSpacing: [pixel!.height, pixel!.width],
        SliceThickness: step ?? thicknessOf(sources, stack),
        ...(step === null ? {} : { SpacingBetweenSlices: step }),
      },
    ],
  };
}

/** Slice thickness: as the file of a single slice says, else the smallest gap, since slices must not overlap. */
function thicknessOf(sources: readonly SegSource[], { offsets }: SliceStack): number {
  const gaps = offsets.slice(1).map((offset, i) => offset - offsets[i]!);
  return gaps.length > 0 ? Math.min(...gaps) : (sources[0]!.source.sliceThickness ?? 1);
}

function frameGroups(frame: Frame, from: SegSource, spatial: boolean, stacked: boolean): Attributes {
  const { source, geometry } = from;
  const number = frame.segment + 1;
  return {
    FrameContentSequence: [
      {
        DimensionIndexValues: spatial || stacked ? [number, frame.place] : [number],
        ...(stacked ? { StackID: '1', InStackPositionNumber: frame.place } : {}),
      },
    ],
    ...(spatial ? { PlanePositionSequence: [{ ImagePositionPatient: [...geometry.plane!.position] }] } : {}),
    SegmentIdentificationSequence: [{ ReferencedSegmentNumber: number }],
    DerivationImageSequence: [
      {
        DerivationCodeSequence: [codeItem(SEGMENTATION)],
        SourceImageSequence: [
          {
            ReferencedSOPClassUID: source.sopClass,
            ReferencedSOPInstanceUID: source.sopInstance,
            ...(from.frames > 1 ? { ReferencedFrameNumber: from.frame + 1 } : {}),
            PurposeOfReferenceCodeSequence: [codeItem(SOURCE_IMAGE)],
            SpatialLocationsPreserved: 'YES',
          },
        ],
      },
    ],
  };
}

/** Whether segments share pixels; not known of probabilities. */
function overlap({ segments, sources, kind }: SegOptions): 'YES' | 'NO' | 'UNDEFINED' {
  if (segments.length === 1) return 'NO';
  if (kind === 'fractional') return 'UNDEFINED';
  const shared = sources.some((_, at) => {
    const masks = segments.flatMap(({ frames }) => frames[at] ?? []);
    return masks.some((mask, i) =>
      masks.slice(i + 1).some(({ data }) => data.some((value, p) => value !== 0 && mask.data[p] !== 0)),
    );
  });
  return shared ? 'YES' : 'NO';
}

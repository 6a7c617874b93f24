/**
 * Writes measures of a SEG as a structured report: Measurement Report (PS3.16 TID 1500) in an Enhanced SR (PS3.3 A.35.2).
 * A group for each segment and frame where it is not empty (TID 1410: area, long and short axis of the largest component),
 * and one for each segment of a volume (TID 1411). Sizes at the detector are said to be such, in a comment.
 */
import { ReclmisError, VERSION } from '@reclmis/core';
import type { FrameGeometry } from '../types.js';
import { codeItem, derivedFrom } from '../encode/derived.js';
import { type Attributes, dicomFile } from '../encode/encode.js';
import { randomUids, seededUids } from '../encode/uid.js';
import { measure, type FrameMeasures, type SegmentMeasures } from '../outputs/measure.js';
import {
  SEG_STORAGE,
  SEGMENT_CODES,
  type SegOptions,
  type SegSource,
  type WrittenSeg,
} from '../seg/types.js';
import {
  code,
  container,
  contentOf,
  dcm,
  image,
  number,
  sct,
  templateOf,
  text,
  uidRef,
  UNITS,
} from './content.js';

/** Enhanced SR Storage. */
export const SR_STORAGE = '1.2.840.10008.5.1.4.1.1.88.22';
const SR_SERIES = 'RecLMIS measurements';
/** After that of SEGs. */
const SERIES_NUMBER = 9001;

const REPORT = dcm('126000', 'Imaging Measurement Report');
const MEASUREMENTS = dcm('126010', 'Imaging Measurements');
const GROUP = dcm('125007', 'Measurement Group');
const FINDING = dcm('121071', 'Finding');
const FINDING_SITE = sct('363698007', 'Finding Site');
const SEGMENT = dcm('121191', 'Referenced Segment');
const SOURCE = dcm('121233', 'Source image for segmentation');
const SOURCE_SERIES = dcm('121232', 'Source series for segmentation');
const COMMENT = dcm('121106', 'Comment');
const AREA = sct('42798000', 'Area');
const LONG_AXIS = sct('103339001', 'Long Axis');
const SHORT_AXIS = sct('103340004', 'Short Axis');
const VOLUME = sct('118565006', 'Volume');

export interface SrOptions {
  /** As the SEG was written; masks are measured. */
  readonly seg: SegOptions;
  /** What `writeSeg` returned for them. */
  readonly written: Pick<WrittenSeg, 'sopInstance' | 'series' | 'frameNumbers'>;
  /** By source, what sizes are measured by; default its own. */
  readonly geometry?: readonly FrameGeometry[];
  /** Said with every measurement, next to what `measure` remarks. */
  readonly remarks?: readonly string[];
  readonly instanceNumber?: number;
  /** An existing series of reports to add to; default a new one. */
  readonly series?: string;
  readonly time?: Date;
  /** Makes UIDs reproducible, as in `SegOptions`. */
  readonly seed?: string | number;
}

export interface WrittenSr {
  readonly bytes: Uint8Array;
  readonly sopInstance: string;
  readonly series: string;
}

/**
 * The report of a binary SEG. A segment that is empty has an area (or volume) of zero, so the report says that nothing was found.
 * @throws OPTION_INVALID for a fractional SEG, IMAGE_UNSUPPORTED if a frame's pixel size is not known
 */
export function writeSr(options: SrOptions): WrittenSr {
  const { seg, written, time = new Date() } = options;
  const { sources, segments } = seg;
  if (seg.kind === 'fractional')
    throw new ReclmisError(
      'OPTION_INVALID',
      'writeSr: expected a binary SEG, since probabilities have no area',
    );
  const geometry = options.geometry ?? sources.map((source) => source.geometry);
  if (geometry.some(({ pixel }) => pixel === null))
    throw new ReclmisError('IMAGE_UNSUPPORTED', 'the file states no pixel size, so there is nothing to report in millimetres', { remedy: 'Write measures as JSON or CSV, which count pixels.' }); // prettier-ignore
  const first = sources[0]!.source; // writeSeg refuses none
  const uid =
    options.seed === undefined ? randomUids : seededUids('sr', options.seed, VERSION, written.sopInstance);
  const measures = measure(
    geometry,
    segments.map(({ label, frames }, s) => ({ name: label, value: s + 1, masks: frames })),
  );
  const remarks = [...measures.remarks, ...(options.remarks ?? [])];
  const groups = measures.segments.flatMap((one, s) => groupsOf(one, s, options, remarks, uid));
  const sopInstance = uid('instance');
  const series = options.series ?? uid('series');
  const bytes = dicomFile({
    ...derivedFrom(first, time),
    SOPClassUID: SR_STORAGE,
    SOPInstanceUID: sopInstance,
    Modality: 'SR',
    SeriesInstanceUID: series,
    SeriesNumber: SERIES_NUMBER,
    SeriesDescription: SR_SERIES,
    InstanceNumber: options.instanceNumber ?? 1,
    ReferencedPerformedProcedureStepSequence: [],
    PerformedProcedureCodeSequence: [],
    CurrentRequestedProcedureEvidenceSequence: evidence(first.study, sources, written),
    CompletionFlag: 'COMPLETE',
    VerificationFlag: 'UNVERIFIED', // no person has looked at it
    ValueType: 'CONTAINER',
    ConceptNameCodeSequence: [codeItem(REPORT)],
    ...templateOf('1500'),
    ...contentOf([
      code('HAS CONCEPT MOD', dcm('121049', 'Language of Content Item and Descendants'), { value: 'en', scheme: 'RFC5646', meaning: 'English' }), // prettier-ignore
      code('HAS OBS CONTEXT', dcm('121005', 'Observer Type'), dcm('121007', 'Device')),
      uidRef('HAS OBS CONTEXT', dcm('121012', 'Device Observer UID'), seededUids('observer', seg.algorithm)('device')), // prettier-ignore
      text('HAS OBS CONTEXT', dcm('121013', 'Device Observer Name'), seg.algorithm),
      text('HAS OBS CONTEXT', dcm('121014', 'Device Observer Manufacturer'), 'RecLMIS'),
      text('HAS OBS CONTEXT', dcm('121015', 'Device Observer Model Name'), 'RecLMIS for TypeScript'),
      code('HAS CONCEPT MOD', dcm('121058', 'Procedure reported'), sct('363679005', 'Imaging procedure')),
      container(MEASUREMENTS, groups),
    ]),
  });
  return { bytes, sopInstance, series };
}

/** Groups of a segment: of the volume, and of each frame. */
function groupsOf(
  measures: SegmentMeasures,
  s: number,
  { seg, written }: SrOptions,
  remarks: readonly string[],
  uid: (purpose: string) => string,
): Attributes[] {
  const { label, type = SEGMENT_CODES.lesion, region } = seg.segments[s]!;
  const numbers = written.frameNumbers[s]!;
  const head = (what: string, frame = 0): Attributes[] => [
    text('HAS OBS CONTEXT', dcm('112039', 'Tracking Identifier'), `${label}${what}`),
    uidRef('HAS OBS CONTEXT', dcm('112040', 'Tracking Unique Identifier'), uid(`tracking ${s} ${frame}`)),
    code('CONTAINS', FINDING, type),
    ...(region === undefined ? [] : [code('HAS CONCEPT MOD', FINDING_SITE, region)]),
  ];
  const comments = remarks.map((remark) => text('CONTAINS', COMMENT, remark));
  const segOf = { sopClass: SEG_STORAGE, sopInstance: written.sopInstance };
  const { volumeMl } = measures;
  const volume =
    volumeMl === null
      ? []
      : [
          container(
            GROUP,
            [
              ...head(''),
              image(SEGMENT, { ...segOf, segment: s + 1 }),
              uidRef('CONTAINS', SOURCE_SERIES, seg.sources[0]!.source.series),
              number(VOLUME, volumeMl, UNITS.ml),
              ...comments,
            ],
            '1411',
          ),
        ];
  const planar = framesOf(measures, numbers).map(({ frame, areaMm2, longestMm, perpendicularMm }) => {
    const { source, frame: at, frames } = seg.sources[frame - 1]!;
    return container(
      GROUP,
      [
        ...head(`, image ${frames > 1 ? at + 1 : (source.instanceNumber ?? frame)}`, frame),
        image(SEGMENT, { ...segOf, frame: numbers[frame - 1]! }),
        image(SOURCE, { ...source, frame: frames > 1 ? at + 1 : undefined }),
        number(AREA, areaMm2 ?? 0, UNITS.mm2),
        ...(longestMm === null ? [] : [number(LONG_AXIS, longestMm, UNITS.mm)]),
        ...(perpendicularMm === null ? [] : [number(SHORT_AXIS, perpendicularMm, UNITS.mm)]),
        ...comments,
      ],
      '1410',
    );
  });
  return [...volume, ...planar];
}

type Planar = Pick<FrameMeasures, 'frame' | 'areaMm2' | 'longestMm' | 'perpendicularMm'>;

/** Frames that are not empty. Of an empty segment that has no volume, all frames: nothing was found there. */
function framesOf(
  { empty, volumeMl, frames }: SegmentMeasures,
  numbers: readonly (number | null)[],
): readonly Planar[] {
  if (!empty || volumeMl !== null) return frames;
  return numbers.flatMap((number, i) =>
    number === null ? [] : [{ frame: i + 1, areaMm2: 0, longestMm: null, perpendicularMm: null }],
  );
}

/** All that the content refers to. */
function evidence(study: string, sources: readonly SegSource[], written: SrOptions['written']): Attributes[] {
  const series = new Map<string, Map<string, string>>();
  for (const { source } of sources) {
    const instances = series.get(source.series) ?? new Map<string, string>();
    series.set(source.series, instances.set(source.sopInstance, source.sopClass));
  }
  series.set(written.series, new Map([[written.sopInstance, SEG_STORAGE]]));
  const items = [...series].map(([uid, instances]) => ({
    SeriesInstanceUID: uid,
    ReferencedSOPSequence: [...instances].map(([instance, sopClass]) => ({
      ReferencedSOPClassUID: sopClass,
      ReferencedSOPInstanceUID: instance,
    })),
  }));
  return [{ StudyInstanceUID: study, ReferencedSeriesSequence: items }];
}

/**
 * Reads DICOM Segmentations (SEG), our own and those of other software: binary and fractional, of several segments,
 * with or without references to their images. `label-maps.ts` puts their frames on images.
 */
import { type Raster, ReclmisError, type Rgb } from '@reclmis/core';
import type { DataSet } from '../dicom/data-set.js';
import { groupsOf } from '../dicom/groups.js';
import { openFile } from '../dicom/open-file.js';
import { rgbOfLab } from '../encode/colour.js';
import { ATTRIBUTES, type Keyword } from '../encode/dictionary.js';
import type { SlicePlane, Vector } from '../types.js';
import { packedLength, unpackFrame } from './bits.js';
import { type Code, SEG_STORAGE } from './types.js';

/** Most bytes of a deflated SEG. */
const MAX_INFLATED = 512 * 1024 * 1024;
const LABEL_MAP_STORAGE = '1.2.840.10008.5.1.4.1.1.66.7';

export interface ReadSegment {
  readonly number: number;
  readonly label: string;
  readonly category: Code | null;
  readonly type: Code | null;
  readonly colour: Rgb | null;
}

export interface ReadSegFrame {
  /** Its segment's number. */
  readonly segment: number;
  /** Images that it was made from, with their frames from 1 (empty: the whole object); none if the SEG does not say. */
  readonly sources: readonly { readonly sopInstance: string; readonly frames: readonly number[] }[];
  /** Null for projections. */
  readonly plane: SlicePlane | null;
}

export interface SegObject {
  readonly kind: 'binary' | 'fractional';
  readonly width: number;
  readonly height: number;
  readonly sopInstance: string;
  readonly series: string;
  readonly study: string;
  readonly frameOfReference: string | null;
  /** SOP Instance UIDs of the series that it was drawn on, also of images without a frame; empty if the SEG does not say. */
  readonly images: readonly string[];
  readonly segments: readonly ReadSegment[];
  readonly frames: readonly ReadSegFrame[];
  /** Values of a frame: 0 and 1 if binary, else 0 to 255 for 0 to 1. @param frame index into `frames` */
  pixels(frame: number): Raster;
}

const invalid = (why: string): ReclmisError => new ReclmisError('SEG_INVALID', why);
const tag = (keyword: Keyword): number => ATTRIBUTES[keyword][0];

/**
 * Reads a SEG; its pixels are copied when asked for.
 * @throws SEG_INVALID if it contradicts itself, IMAGE_UNSUPPORTED for other objects, label maps and compressed pixels,
 * IMAGE_UNREADABLE, IMAGE_TOO_LARGE
 */
export function readSeg(bytes: Uint8Array): SegObject {
  const { dataSet, syntax } = openFile(bytes, MAX_INFLATED);
  refuseOthers(dataSet);
  if (syntax.compression !== 'none')
    throw new ReclmisError('IMAGE_UNSUPPORTED', `the SEG’s pixels are compressed (${syntax.name})`, {
      remedy: 'Decompress the file first, for example with gdcmconv --raw.',
    });
  const kind = kindOf(dataSet);
  const width = dataSet.word(tag('Columns')) ?? 0;
  const height = dataSet.word(tag('Rows')) ?? 0;
  const count = dataSet.decimal(tag('NumberOfFrames')) ?? 1;
  if (width < 1 || height < 1 || !Number.isInteger(count) || count < 1)
    throw invalid(`the SEG states ${count} frames of ${width} x ${height} pixels`);
  const size = width * height;
  const values = pixelsOf(dataSet, kind, count, size, syntax.little);
  const segments = segmentsOf(dataSet);
  const frames = framesOf(dataSet, count, new Set(segments.map(({ number }) => number)));
  const maximum = kind === 'binary' ? 1 : (dataSet.word(tag('MaximumFractionalValue')) ?? 255);
  if (maximum < 1 || maximum > 255) throw invalid(`the SEG’s largest value is stated to be ${maximum}`);
  return {
    kind,
    width,
    height,
    sopInstance: dataSet.uid(tag('SOPInstanceUID')),
    series: dataSet.uid(tag('SeriesInstanceUID')),
    study: dataSet.uid(tag('StudyInstanceUID')),
    frameOfReference: dataSet.uid(tag('FrameOfReferenceUID')) || null,
    images: imagesOf(dataSet),
    segments,
    frames,
    pixels(frame) {
      if (!Number.isInteger(frame) || frame < 0 || frame >= count)
        throw new ReclmisError(
          'INTERNAL',
          `expected a frame of the SEG from 0 to ${count - 1}, got ${frame}`,
        );
      if (kind === 'binary') return { width, height, data: unpackFrame(values, frame, size) };
      const data = values.slice(frame * size, (frame + 1) * size);
      if (maximum < 255) scale(data, maximum);
      return { width, height, data };
    },
  };
}

function imagesOf(dataSet: DataSet): string[] {
  return dataSet
    .items(tag('ReferencedSeriesSequence'))
    .flatMap((series) => series.items(tag('ReferencedInstanceSequence')))
    .map((item) => item.uid(tag('ReferencedSOPInstanceUID')))
    .filter((instance) => instance !== '');
}

function refuseOthers(dataSet: DataSet): void {
  const sopClass = dataSet.uid(tag('SOPClassUID'));
  if (sopClass === SEG_STORAGE) return;
  const isMap = sopClass === LABEL_MAP_STORAGE;
  throw new ReclmisError(
    'IMAGE_UNSUPPORTED',
    isMap ? 'the object is a label map SEG, which is not read' : 'the DICOM object is no segmentation',
    {
      remedy: isMap ? 'Export it as a binary SEG.' : 'Give a DICOM SEG, a NIfTI mask, or a PNG of the mask.',
    },
  );
}

function kindOf(dataSet: DataSet): 'binary' | 'fractional' {
  const stated = dataSet.code(tag('SegmentationType'));
  const bits = dataSet.word(tag('BitsAllocated'));
  if (stated !== 'BINARY' && stated !== 'FRACTIONAL')
    throw invalid('the SEG is stated to be neither binary nor fractional');
  const due = stated === 'BINARY' ? 1 : 8;
  if (bits !== due)
    throw invalid(`a ${stated.toLowerCase()} SEG has ${due}-bit pixels, this one ${bits ?? 'no'} bits`);
  return stated === 'BINARY' ? 'binary' : 'fractional';
}

function pixelsOf(
  dataSet: DataSet,
  kind: 'binary' | 'fractional',
  frames: number,
  size: number,
  little: boolean,
): Uint8Array {
  const values = dataSet.value(tag('PixelData')) ?? new Uint8Array(0);
  const due = kind === 'binary' ? packedLength(frames, size) : frames * size;
  // A byte of padding is allowed. More means frames that are padded each for itself, which would shift them silently.
  if (values.length < due || values.length > due + 1)
    throw invalid(`the SEG holds ${values.length} bytes of pixels, expected ${due} for ${frames} frames`);
  if (little || dataSet.element(tag('PixelData'))?.vr !== 'OW') return values;
  const swapped = values.slice(); // words of big endian
  for (let i = 0; i + 1 < swapped.length; i += 2) swapped.subarray(i, i + 2).reverse();
  return swapped;
}

function scale(data: Uint8Array, maximum: number): void {
  for (let i = 0; i < data.length; i++) {
    if (data[i]! > maximum) throw invalid(`a pixel of the SEG is above its largest value, ${maximum}`);
    data[i] = Math.round((data[i]! * 255) / maximum);
  }
}

function segmentsOf(dataSet: DataSet): ReadSegment[] {
  const segments = dataSet.items(tag('SegmentSequence')).map((item): ReadSegment => {
    const lab = item.words(tag('RecommendedDisplayCIELabValue'));
    return {
      number: item.word(tag('SegmentNumber')) ?? 0,
      label: (item.text(tag('SegmentLabel')) ?? '').slice(0, 64),
      category: codeOf(item, 'SegmentedPropertyCategoryCodeSequence'),
      type: codeOf(item, 'SegmentedPropertyTypeCodeSequence'),
      colour: lab.length === 3 ? rgbOfLab([lab[0]!, lab[1]!, lab[2]!]) : null,
    };
  });
  const numbers = new Set(segments.map(({ number }) => number));
  if (segments.length === 0) throw invalid('the SEG describes no segments');
  if (numbers.size < segments.length || numbers.has(0))
    throw invalid('segments of the SEG lack a number, or have the same');
  return segments;
}

function codeOf(item: DataSet, keyword: Keyword): Code | null {
  const [code] = item.items(tag(keyword));
  const value = code?.code(tag('CodeValue')) ?? '';
  if (code === undefined || value === '') return null;
  const meaning = (code.text(tag('CodeMeaning')) ?? '').slice(0, 64);
  return { value, scheme: code.code(tag('CodingSchemeDesignator')), meaning };
}

function framesOf(dataSet: DataSet, count: number, known: ReadonlySet<number>): ReadSegFrame[] {
  const groups = groupsOf(dataSet);
  const described = dataSet.items(tag('PerFrameFunctionalGroupsSequence')).length;
  if (described !== count) throw invalid(`the SEG describes ${described} of ${count} frames`);
  return Array.from({ length: count }, (_, frame): ReadSegFrame => {
    const item = groups(frame, tag('SegmentIdentificationSequence'));
    const segment = item?.word(tag('ReferencedSegmentNumber')) ?? 0;
    if (!known.has(segment))
      throw invalid(
        `frame ${frame + 1} of the SEG belongs to segment ${segment}, which it does not describe`,
      );
    return {
      segment,
      sources: sourcesOf(groups(frame, tag('DerivationImageSequence'))),
      plane: planeOf(
        groups(frame, tag('PlanePositionSequence')),
        groups(frame, tag('PlaneOrientationSequence')),
      ),
    };
  });
}

function sourcesOf(derivation: DataSet | null): ReadSegFrame['sources'] {
  return (derivation?.items(tag('SourceImageSequence')) ?? []).flatMap((item) => {
    const sopInstance = item.uid(tag('ReferencedSOPInstanceUID'));
    const frames = item.decimals(tag('ReferencedFrameNumber')).filter(Number.isInteger);
    return sopInstance === '' ? [] : [{ sopInstance, frames }];
  });
}

function planeOf(position: DataSet | null, orientation: DataSet | null): SlicePlane | null {
  const at = position?.decimals(tag('ImagePositionPatient')) ?? [];
  const along = orientation?.decimals(tag('ImageOrientationPatient')) ?? [];
  if (at.length !== 3 || along.length !== 6 || ![...at, ...along].every(Number.isFinite)) return null;
  return {
    position: at as unknown as Vector,
    right: along.slice(0, 3) as unknown as Vector,
    down: along.slice(3) as unknown as Vector,
  };
}

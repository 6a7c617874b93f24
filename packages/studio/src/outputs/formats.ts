/** Each format of the export menu: what its file is called, why it may not work, how it is written and read back. */
import {
  algorithmName,
  gridOfSlices,
  niftiLabels,
  readNifti,
  readNrrd,
  readSeg,
  segLabels,
  segSourceOf,
  type SegSource,
  type VolumeGrid,
  writeNifti,
  writeNrrd,
  writeSeg,
} from '@reclmis/clinical';
import { DESCRIBED_REGION, type Mask, overlay, ReclmisError, type RgbImage } from '@reclmis/core';
import { withLetters } from './letters.js';
import { maskOfOutlines, outlinesOf } from './outlines.js';
import { maskPng, readMaskPng, readRgbPng, rgbPng } from './png.js';
import { readRecordMask, recordJson } from './record.js';
import { geometryOf, storedMask, type Subject } from './subject.js';

export const FORMATS = ['mask', 'overlay', 'seg', 'nifti', 'nrrd', 'geojson', 'record'] as const;
export type FormatName = (typeof FORMATS)[number];

/** Why a format does not work for a picture: a name of the table of texts. */
export type Obstacle = 'needsDicom' | 'needsIdentifiers';

export interface Format {
  /** Follows the picture's name. */
  readonly ending: string;
  readonly media: string;
  /** Null: it works. */
  readonly obstacle: (subject: Pick<Subject, 'clinical'>) => Obstacle | null;
  /** @throws the codes of its writer */
  readonly write: (subject: Subject) => Uint8Array;
  /** Reads a file back. @returns whether it holds the very pixels. @throws the codes of its reader */
  readonly isSame: (bytes: Uint8Array, subject: Subject) => Promise<boolean> | boolean;
}

const always = (): null => null;
const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);
const decoded = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/** Whether two rasters have the same pixels. */
export function isEqual(one: Pixels, other: Pixels): boolean {
  if (one.width !== other.width || one.height !== other.height || one.data.length !== other.data.length) return false; // prettier-ignore
  for (let p = 0; p < one.data.length; p++) if (one.data[p] !== other.data[p]) return false;
  return true;
}

const overlayOf = ({ image, mask, ends }: Subject): RgbImage => {
  const drawn = overlay(image, mask);
  return ends === null ? drawn : withLetters(drawn, ends);
};

function sourceOf({ clinical }: Pick<Subject, 'clinical'>): SegSource | null {
  if (clinical?.source.format !== 'dicom') return null;
  return segSourceOf(clinical.source, clinical.frame);
}

function segObstacle(subject: Pick<Subject, 'clinical'>): Obstacle | null {
  const source = sourceOf(subject)?.source;
  if (source === undefined) return 'needsDicom';
  const { sopClass, sopInstance, study, series } = source;
  return [sopClass, sopInstance, study, series].includes('') ? 'needsIdentifiers' : null;
}

function segOf(subject: Subject): Uint8Array {
  const source = sourceOf(subject);
  if (source === null) throw new ReclmisError('IMAGE_UNSUPPORTED', 'a SEG refers to DICOM images');
  return writeSeg({
    sources: [source],
    segments: [{ ...DESCRIBED_REGION, frames: [storedMask(subject)] }],
    algorithm: algorithmName(subject.model?.name ?? ''),
  }).bytes;
}

/** Without a pixel size a slice has no place either: its grid is in pixels. */
function gridOf(subject: Subject): VolumeGrid {
  const { width, height } = storedMask(subject);
  const geometry = geometryOf(subject);
  const placed = geometry.pixel === null ? { ...geometry, plane: null } : geometry;
  return gridOfSlices([placed], width, height, thicknessOf(subject)).grid;
}

/** Millimetres; 1 if the file does not say. */
function thicknessOf({ clinical }: Subject): number {
  const source = clinical?.source;
  if (source?.format === 'dicom') return source.source.sliceThickness ?? 1;
  if (source?.format !== 'nifti') return 1;
  const [x = 0, y = 0, z = 0] = [2, 6, 10].map((at) => source.affine[at]);
  const step = Math.hypot(x, y, z);
  return step > 0 && Number.isFinite(step) ? step : 1;
}

/** By its place in the patient where the picture has one, else by the order of pixels. */
async function isSameNifti(bytes: Uint8Array, subject: Subject): Promise<boolean> {
  const { clinical, mask } = subject;
  const nifti = await readNifti(bytes);
  if (clinical !== null && geometryOf(subject).pixel !== null)
    return isEqual(niftiLabels(nifti, clinical), mask);
  const { width, height, frames } = nifti;
  const data = nifti.valuesOf(0);
  return frames === 1 && data !== null && isEqual({ width, height, data }, storedMask(subject));
}

async function isSameNrrd(bytes: Uint8Array, subject: Subject): Promise<boolean> {
  const { slices } = await readNrrd(bytes);
  const [only] = slices;
  return only !== undefined && slices.length === 1 && isEqual(only, storedMask(subject));
}

const isStored = (found: Mask, subject: Subject): boolean => isEqual(found, storedMask(subject));

export const FORMAT: Readonly<Record<FormatName, Format>> = {
  mask: {
    ending: '_mask.png',
    media: 'image/png',
    obstacle: always,
    write: (subject) => maskPng(storedMask(subject)),
    isSame: (bytes, subject) => isStored(readMaskPng(bytes), subject),
  },
  overlay: {
    ending: '_overlay.png',
    media: 'image/png',
    obstacle: always,
    write: (subject) => rgbPng(overlayOf(subject)),
    isSame: (bytes, subject) => isEqual(readRgbPng(bytes), overlayOf(subject)),
  },
  seg: {
    ending: '_seg.dcm',
    media: 'application/dicom',
    obstacle: segObstacle,
    write: segOf,
    isSame: (bytes, { clinical, mask }) => clinical !== null && isEqual(segLabels(readSeg(bytes), clinical), mask),
  },
  nifti: {
    ending: '_seg.nii.gz',
    media: 'application/gzip',
    obstacle: always,
    write: (subject) => writeNifti([storedMask(subject)], gridOf(subject)),
    isSame: isSameNifti,
  },
  nrrd: {
    ending: '.seg.nrrd',
    media: 'application/octet-stream',
    obstacle: always,
    write: (subject) =>
      writeNrrd([storedMask(subject)], [{ name: DESCRIBED_REGION.label, value: 1, colour: DESCRIBED_REGION.colour }], gridOf(subject)),
    isSame: isSameNrrd,
  },
  geojson: {
    ending: '_contours.geojson',
    media: 'application/geo+json',
    obstacle: always,
    write: (subject) => encoded(outlinesOf(subject)),
    isSame: (bytes, subject) => {
      const { width, height } = storedMask(subject);
      return isStored(maskOfOutlines(decoded(bytes), width, height), subject);
    },
  },
  record: {
    ending: '_record.json',
    media: 'application/json',
    obstacle: always,
    write: (subject) => encoded(recordJson(subject)),
    isSame: (bytes, subject) =>
      decoded(bytes) === recordJson(subject) && isStored(readRecordMask(decoded(bytes)), subject),
  },
};

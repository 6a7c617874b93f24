/**
 * What DICOM objects and NIfTI volumes have in common: frames of pixels, where they lie in the patient, and how they
 * were rendered. Coordinates are DICOM's: millimetres, x towards the patient's left, y to the back, z to the head (LPS).
 */
import type { Laterality, RgbImage, Warning } from '@reclmis/core';

export type Vector = readonly [x: number, y: number, z: number];

/** A slice in the patient, from Image Position and Image Orientation, or an affine. */
export interface SlicePlane {
  /** Centre of the first pixel. */
  readonly position: Vector;
  /** Unit vector in which x (the column's number) grows. */
  readonly right: Vector;
  /** Unit vector in which y (the row's number) grows. */
  readonly down: Vector;
}

/** Towards what of the patient the image runs: letters of Patient Orientation, the main one first: "L", "F", "PF". */
export interface Directions {
  readonly right: string;
  readonly down: string;
}

/** Size of a pixel in millimetres. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
  /** `detector`: of a projection, larger than in the patient (Imager Pixel Spacing). */
  readonly at: 'patient' | 'detector';
}

export interface FrameGeometry {
  /** Null for projections and where the file does not say. */
  readonly plane: SlicePlane | null;
  /** Null if the file does not say. */
  readonly directions: Directions | null;
  /** A breast: hung by its side, whose nipple points away from the chest wall, and so displayed as stored. */
  readonly breast?: true;
  /** Null if the file does not say. */
  readonly pixel: PixelSize | null;
}

/** How stored values became 0 to 255, step by step, for the record: no value of it names a person. */
export interface Rendering {
  readonly steps: readonly string[];
  /** Grey level window in output units, if one was applied. */
  readonly window: { readonly centre: number; readonly width: number } | null;
  /** MONOCHROME1 or an inverse Presentation LUT Shape. */
  readonly inverted: boolean;
}

interface ClinicalRaster {
  /** Columns and rows as stored. */
  readonly width: number;
  readonly height: number;
  /** Frames of a DICOM object, slices of a volume. */
  readonly frames: number;
  readonly colour: boolean;
  /** Bits stored of a sample. */
  readonly bits: number;
  readonly rendering: Rendering;
  readonly warnings: readonly Warning[];
  geometryOf(frame: number): FrameGeometry;
  /**
   * One frame as stored (not turned), rendered to 0..255; grey is repeated.
   * @param frame from 0. @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE
   */
  frame(frame: number): Promise<RgbImage>;
}

export interface DicomImage extends ClinicalRaster {
  readonly format: 'dicom';
  readonly source: DicomSource;
  /**
   * How one frame is rendered. `rendering` says what is known without pixels, and of frame 0; this adds the window that
   * percentiles gave, and what enhanced objects state by frame.
   * @throws as `frame`
   */
  renderingOf(frame: number): Promise<Rendering>;
}

/** A DICOM object as those derived from it refer to it. Text is decoded. UIDs are empty if absent or invalid. Never logged. */
export interface DicomSource {
  readonly sopClass: string;
  readonly sopInstance: string;
  readonly study: string;
  readonly series: string;
  readonly frameOfReference: string | null;
  readonly transferSyntax: string;
  readonly modality: string;
  /** Image Laterality, or the series' Laterality. */
  readonly laterality: Laterality | null;
  readonly instanceNumber: number | null;
  readonly seriesDescription: string;
  /** Millimetres; null if the file does not say, and for projections. */
  readonly sliceThickness: number | null;
  /** Attributes of patient and study that a derived object repeats, by keyword (`PatientName`, `StudyDate`); absent if not in the file. */
  readonly inherited: Readonly<Record<string, string>>;
}

export interface NiftiImage extends ClinicalRaster {
  readonly format: 'nifti';
  /** Voxels: columns, rows, slices; further dimensions count as slices. */
  readonly size: readonly [number, number, number];
  /** Voxel indices to millimetres in NIfTI's coordinates (RAS), 4 x 4 row by row. */
  readonly affine: readonly number[];
  /** False: the file does not say where the voxels are, and the affine is a guess from the voxel sizes. */
  readonly placed: boolean;
  /**
   * A slice's values in the file's units, [height, width] as stored; null for colours.
   * @param frame from 0, as `frame`
   */
  valuesOf(frame: number): Float64Array | null;
}

export type ClinicalImage = DicomImage | NiftiImage;

/** What a DICOM Segmentation (SEG, PS3.3 A.51) is made of. */
import type { Raster, Rgb } from '@reclmis/core';
import type { Code } from '../encode/derived.js';
import type { DicomSource, FrameGeometry } from '../types.js';

export type { Code };

const sct = (value: string, meaning: string): Code => ({ value, scheme: 'SCT', meaning });

/** Codes of what segments usually are, from DICOM's context groups 7150 (categories), 7151, 7159 and others (types). */
export const SEGMENT_CODES = {
  altered: sct('49755003', 'Morphologically Altered Structure'),
  anatomy: sct('123037004', 'Anatomical Structure'),
  tissue: sct('85756007', 'Tissue'),
  lesion: sct('52988006', 'Lesion'),
  mass: sct('4147007', 'Mass'),
  nodule: sct('27925004', 'Nodule'),
  neoplasm: sct('108369006', 'Neoplasm'),
  edema: sct('79654002', 'Edema'),
  hemorrhage: sct('50960005', 'Hemorrhage'),
  lung: sct('39607008', 'Lung'),
  heart: sct('80891009', 'Heart'),
  liver: sct('10200004', 'Liver'),
  spleen: sct('78961009', 'Spleen'),
  kidney: sct('64033007', 'Kidney'),
  pancreas: sct('15776009', 'Pancreas'),
  brain: sct('12738006', 'Brain'),
  breast: sct('76752008', 'Breast'),
  prostate: sct('41216001', 'Prostate'),
} as const satisfies Record<string, Code>;

/** A frame that was segmented: a whole object, or a frame of one. */
export interface SegSource {
  readonly source: DicomSource;
  /** From 0, in its object. */
  readonly frame: number;
  /** Frames of the object. */
  readonly frames: number;
  readonly geometry: FrameGeometry;
}

export interface SegSegment {
  /** At most 64 characters. */
  readonly label: string;
  /** At most 1024 characters. A note may name the patient's findings: give it only if asked to. */
  readonly description?: string;
  /** For viewers; default one of core’s `COLOURS`, by place. */
  readonly colour?: Rgb;
  /** Default `SEGMENT_CODES.altered`. */
  readonly category?: Code;
  /** Default `SEGMENT_CODES.lesion`. */
  readonly type?: Code;
  /** Where it is, such as `SEGMENT_CODES.lung` for a lesion. */
  readonly region?: Code;
  /**
   * As many as sources, on their stored grid: masks of 0 and 1, or probabilities as 0 to 255 if fractional. Null: not
   * segmented there, so the SEG has no frame for it.
   */
  readonly frames: readonly (Raster | null)[];
}

export interface SegOptions {
  /** All from one study and frame of reference, in any order. */
  readonly sources: readonly SegSource[];
  readonly segments: readonly SegSegment[];
  /** Default `binary`. */
  readonly kind?: 'binary' | 'fractional';
  /** At most 64 characters: the model's name. */
  readonly algorithm: string;
  readonly seriesNumber?: number;
  /** At most 64 characters; default `RecLMIS segmentation`. */
  readonly seriesDescription?: string;
  readonly instanceNumber?: number;
  /** At most 16 capitals, digits, spaces and underscores; default `SEGMENTATION`. */
  readonly contentLabel?: string;
  readonly contentDescription?: string;
  /** An existing series of SEGs to add to; default a new one. */
  readonly series?: string;
  /** When it was made; default now. */
  readonly time?: Date;
  /**
   * Makes UIDs reproducible: the same seed, sources, algorithm, segments and pixels give the same UIDs, anything else
   * others. Give `time` too for identical files. Default: random UIDs.
   */
  readonly seed?: string | number;
}

export interface WrittenSeg {
  readonly bytes: Uint8Array;
  readonly sopInstance: string;
  readonly series: string;
  /** By segment and source: its frame in the SEG, from 1; null if it has none. */
  readonly frameNumbers: readonly (readonly (number | null)[])[];
}

export const SEG_STORAGE = '1.2.840.10008.5.1.4.1.1.66.4';

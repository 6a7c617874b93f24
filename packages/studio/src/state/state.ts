/**
 * The page's state: plain data that serialises. Pixels, probabilities and masks are too large for it; they are in
 * `rasters.ts`, and the state says which picture and result they belong to.
 */
import type { Confidence, Spacing, StatedSides, Warning } from '@reclmis/core';
import { type CasesState, NO_CASES } from './cases.js';
import type { History, Note } from './steps.js';

export type { History, Note, Sides, Step } from './steps.js';

/** A loaded model, as the page shows it. */
export interface ModelInfo {
  readonly name: string;
  readonly precision: string;
  /** All its files together. */
  readonly bytes: number;
  readonly device: string;
  /** WebGPU was not available, or gave wrong results. */
  readonly fellBack: boolean;
  readonly threshold: number;
  readonly sides: StatedSides;
  readonly readsNotes: boolean;
  /** It can say where it looks, and at which words. */
  readonly hasInterest: boolean;
  readonly trainedOn: { readonly name: string; readonly cases: number } | null;
  /** On the test split; null if there is none. */
  readonly score: { readonly data: string; readonly cases: number; readonly dice: number } | null;
  /** What its confidence was fitted on; null without. */
  readonly calibration: Calibration | null;
  readonly drawnOnly: boolean;
}

export interface Calibration {
  readonly data: string;
  readonly cases: number;
  /** Mean of |predicted - true Dice|. */
  readonly error: number;
  readonly threshold: number;
}

export type ModelState =
  | { readonly status: 'loading'; readonly loaded: number; readonly total: number }
  | { readonly status: 'ready'; readonly info: ModelInfo }
  | { readonly status: 'failed'; readonly code: string; readonly message: string };

export interface Picture {
  /** New for each opened picture. */
  readonly id: string;
  /** The file's name: data, never markup. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly format: 'png' | 'jpeg' | 'dicom' | 'nifti' | 'pixels';
  /** From 0, as displayed. */
  readonly frame: number;
  readonly frames: number;
  /** A pixel as displayed, mm; null if unknown. */
  readonly spacing: Spacing | null;
  readonly spacingFrom: 'file' | 'user' | null;
  /** Whether the file says how the patient lies in it. Other formats than DICOM and NIfTI never do. */
  readonly oriented: boolean;
}

/** A part of the note's text: [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A place that the note names. */
export interface NamedPlace {
  /** From 1, in the order of the text. */
  readonly number: number;
  /** Such as "Upper left". */
  readonly label: string;
  /** Bits of core's `ZoneSet`, in the note's convention of sides. */
  readonly zones: number;
  readonly spans: readonly Span[];
}

export interface UnknownWord extends Span {
  readonly word: string;
  readonly nearest: string | null;
  /** The model reads it as `nearest` already. */
  readonly mended: boolean;
}

/** How a note was understood. */
export interface Reading {
  /** What was read. */
  readonly text: string;
  readonly sides: StatedSides;
  readonly places: readonly NamedPlace[];
  readonly unknown: readonly UnknownWord[];
  /** Such as "Bilateral" and "2 areas". */
  readonly chips: readonly string[];
  /** What the model is given, if it differs from the text. */
  readonly sent: string | null;
  readonly warnings: readonly Warning[];
}

export interface Result {
  /** New for each computation. */
  readonly id: string;
  readonly picture: string;
  readonly note: Note;
  readonly reading: Reading;
  readonly threshold: number;
  /** Pixels of the mask. */
  readonly area: number;
  readonly areas: number;
  readonly warnings: readonly Warning[];
  /** Null if the model is not calibrated, or not for this threshold. */
  readonly confidence: Confidence | null;
  readonly measures: readonly MeasuredArea[];
  /** Null if it was not asked for. */
  readonly interest: ShownInterest | null;
  /** From the request to the mask, ms. */
  readonly milliseconds: number;
  /** Compared with the result before: pixels. */
  readonly gained: number;
  readonly lost: number;
}

/** Patches and words of interest; the image as displayed. */
export interface ShownInterest {
  /** Shares of the patches, row by row. */
  readonly map: readonly number[];
  /** Patches. */
  readonly width: number;
  readonly height: number;
  /** The largest share. */
  readonly most: number;
  /** The note that the model was given, of which the words are. */
  readonly sent: string;
  readonly words: readonly (Span & { readonly weight: number })[];
}

/** A row of the table. */
export interface MeasuredArea {
  /** The named place's number; null: outside them. */
  readonly place: number | null;
  readonly label: string;
  readonly pixels: number;
  /** Square millimetres; null without spacing. */
  readonly mm2: number | null;
  /** The largest area's longest diameter, in millimetres if spacing is known, else in pixels. */
  readonly longest: number | null;
  readonly perpendicular: number | null;
}

export type Tool = 'window' | 'pan' | 'brush' | 'eraser' | 'polygon';
export type Shown = 'difference' | 'a' | 'b' | 'both';

export interface View {
  readonly tool: Tool;
  /** Brush and eraser, image pixels. */
  readonly brush: number;
  /** 0 to 1. */
  readonly opacity: number;
  readonly style: 'fill' | 'outline';
  readonly hidden: boolean;
  readonly zones: boolean;
  readonly uncertainty: boolean;
  /** Patches and words of interest are shown. */
  readonly interest: boolean;
  /** The outline of the true mask, of cases that have one. */
  readonly truth: boolean;
  /** Grey values 0 to 255. */
  readonly window: { readonly width: number; readonly level: number };
  /** 1: fits the stage. */
  readonly zoom: number;
  /** Image pixels by which the image's centre is off the stage's. */
  readonly pan: { readonly x: number; readonly y: number };
  /** Place under the pointer or focus, on image, chip, text or table. */
  readonly marked: number | null;
}

export interface Compare {
  readonly a: Note;
  /** The result for note A when the comparison began. */
  readonly result: Result;
  readonly shown: Shown;
  /** Note A is shown as long as a key is held. */
  readonly held: boolean;
  /** Two models are compared, on the note as it is written: A is the first one. Else two notes. */
  readonly models: boolean;
  /** The second model's latest result. */
  readonly second: Result | null;
}

/** Strokes that a new note would lie under. */
export interface Strokes {
  /** What was typed; it waits for an answer. */
  readonly asking: Note | null;
  /** The strokes stay, whatever the note says, until the next stroke. */
  readonly kept: boolean;
  /** Corners of a polygon that is not closed yet, image pixels, each x, then y. */
  readonly polygon: readonly number[];
  /** Where the keyboard draws, image pixels; null: nowhere yet. */
  readonly cursor: { readonly x: number; readonly y: number; readonly down: boolean } | null;
}

/** A failure to tell the user about. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** The file that was read. */
  readonly file?: string;
}

/** An epoch of the run that is followed, as its log states it. */
export interface Epoch {
  /** From 1. */
  readonly epoch: number;
  readonly loss: number;
  /** On the validation cases, mean over images, 0 to 1. */
  readonly dice: number;
  readonly best: boolean;
}

export interface Studio {
  readonly model: ModelState;
  /** A second model to compare with; null: the page was served with one. Loaded when first compared. */
  readonly second: ModelState | null;
  /** Name of a file that is being read. */
  readonly reading: string | null;
  readonly picture: Picture | null;
  readonly note: Note;
  readonly noteReading: Reading | null;
  readonly threshold: number;
  readonly result: Result | null;
  readonly computing: boolean;
  readonly failure: Failure | null;
  readonly view: View;
  readonly compare: Compare | null;
  readonly history: History;
  readonly strokes: Strokes;
  readonly cases: CasesState;
  /** The session is kept in the browser. */
  readonly session: boolean;
  /** The last file that was saved, or why it was not. */
  readonly saved: { readonly text: string; readonly failed: boolean } | null;
  readonly panel: { readonly help: boolean; readonly drawer: boolean; readonly menu: string | null };
  /** Which hint of the tour is shown; null: none. */
  readonly tour: number | null;
  /** Those of the run that is followed; null: none is. */
  readonly epochs: readonly Epoch[] | null;
  readonly theme: 'dark' | 'light';
  /** Single keys work (WCAG 2.1.4 asks that they can be switched off). */
  readonly keys: boolean;
}

export const FIRST_VIEW: View = {
  tool: 'window',
  brush: 12,
  opacity: 0.35,
  style: 'fill',
  hidden: false,
  zones: true,
  uncertainty: false,
  interest: false,
  truth: true,
  window: { width: 255, level: 127.5 },
  zoom: 1,
  pan: { x: 0, y: 0 },
  marked: null,
};

export const NO_STROKES: Strokes = { asking: null, kept: false, polygon: [], cursor: null };

export const FIRST: Studio = {
  model: { status: 'loading', loaded: 0, total: 0 },
  second: null,
  reading: null,
  picture: null,
  note: { text: '', sides: null },
  noteReading: null,
  threshold: 0.5,
  result: null,
  computing: false,
  failure: null,
  view: FIRST_VIEW,
  compare: null,
  history: { steps: [], at: 0 },
  strokes: NO_STROKES,
  cases: NO_CASES,
  session: false,
  saved: null,
  panel: { help: false, drawer: false, menu: null },
  tour: null,
  epochs: null,
  theme: 'dark',
  keys: true,
};

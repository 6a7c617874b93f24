/** What `reclmis predict` takes, and what of it `run.json` records. */
import {
  parseSpacing,
  ReclmisError,
  type SegmentClass,
  type Spacing,
  type WindowChoice,
  windowText,
} from '@reclmis/core';
import type { CheckpointKind, Precision } from '@reclmis/lab';
import { type Outputs, type Part, parsePart, SERIES_FORMATS, type SeriesFormat } from '@reclmis/predict';
import { type Command, Option } from 'commander';
import type { HubFlags } from './models/place.js';
import type { NoteFlags } from './note-options.js';
import { numberOf, type OutputOptions, threadsOf } from './output.js';
import { windowOption } from './window-option.js';

export interface PredictFlags extends OutputOptions, NoteFlags, HubFlags {
  readonly image: string;
  readonly note?: string;
  readonly notes?: string;
  readonly classes?: string;
  readonly emptyNotes?: boolean;
  readonly out: string;
  readonly flips?: boolean;
  readonly overlay: boolean;
  readonly probability?: 'png16' | 'npy';
  readonly contours?: boolean;
  readonly format: readonly PredictFormat[];
  readonly spacing?: Spacing;
  readonly window?: WindowChoice;
  readonly part?: Part;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly checkpoint?: CheckpointKind;
  /** Default: the models' (`LoadedModels.batchSize`). */
  readonly batch?: number;
  readonly device?: string;
  readonly threads?: number;
  readonly precision?: Precision;
}

export const BATCH_FLAG = '--batch <n>';
export const BATCH_HELP = 'images at once (default: 2 on a CPU, 8 on a GPU)';

/** What is written for an image (`png` always, `geojson`) and for a series. */
export type PredictFormat = 'png' | 'geojson' | SeriesFormat;
const FORMATS: readonly PredictFormat[] = ['png', 'geojson', ...SERIES_FORMATS];

function formatsOf(text: string): readonly PredictFormat[] {
  return text.split(',').map((word) => {
    const format = FORMATS.find((one) => one === word.trim().toLowerCase());
    if (format !== undefined) return format;
    throw new ReclmisError('OPTION_INVALID', `--format: expected ${FORMATS.join(', ')}, got "${word.trim().slice(0, 40)}"`); // prettier-ignore
  });
}

/** What `--format` and its neighbours ask for. @throws OPTION_INVALID */
export function outputsAsked({ overlay, probability, contours = false, format }: PredictFlags): {
  readonly outputs: Outputs;
  readonly formats: readonly SeriesFormat[];
} {
  const fractional = format.includes('seg-fractional');
  if (fractional && probability === 'npy')
    throw new ReclmisError('OPTION_INVALID', '--format seg-fractional is made of 16-bit probabilities, so --probability npy cannot be used with it', { remedy: 'Use --probability png16, or leave it out.' }); // prettier-ignore
  if (format.includes('sr') && !format.includes('seg'))
    throw new ReclmisError('OPTION_INVALID', '--format sr refers to the SEG that it measures, so it needs seg too', { remedy: 'Use --format seg,sr.' }); // prettier-ignore
  return {
    outputs: {
      overlay,
      probability: probability ?? (fractional ? 'png16' : null),
      contours: contours || format.includes('geojson'),
    },
    formats: SERIES_FORMATS.filter((one) => format.includes(one)),
  };
}

export function withPredictionOptions(command: Command): Command {
  return command
    .requiredOption(
      '--image <path>',
      'image (PNG, JPEG, TIFF, DICOM, NIfTI), folder of images, or a pattern in quotes: "scans/**/*.png"',
    )
    .option('--note <text>', 'what to segment, for all images')
    .option(
      '--notes <file>',
      'notes by image: .xlsx or .csv with the columns Image and Description (and Spacing; Slices for parts of a volume), or .jsonl with image and note (and spacing, slices)',
    )
    .option(
      '--classes <file>',
      'classes by name with their notes, in YAML: gives a labelled mask and a mask of each (docs/guide/predict.md)',
    )
    .option('--empty-notes', 'give images without a note an empty one instead of refusing them')
    .requiredOption(
      '-o, --out <dir>',
      'folder for ID_mask.png (0 or 255), ID_overlay.png, statistics.json, run.json; with --classes for ID_labels.png, ID_mask-CLASS.png, ID_overview.png and statistics.csv too',
    )
    .option('--flips', 'average with the prediction for the mirrored image and note (left <-> right)')
    .option('--no-overlay', 'do not write overlays or overviews')
    .addOption(
      new Option('--probability <kind>', 'also write probabilities, as 16-bit PNG or float32 NumPy').choices([
        'png16',
        'npy',
      ]),
    )
    .option('--contours', 'also write outlines as GeoJSON, in pixels (as --format geojson)')
    .option(
      '--format <list>',
      'what to write next to PNG, separated by commas: for each image geojson; for each DICOM series or NIfTI volume seg (DICOM SEG), seg-fractional (probabilities), sr (a DICOM report of measurements; with seg), nifti, nrrd, measures (JSON and CSV)',
      formatsOf,
      ['png'],
    )
    .option(
      '--spacing <mm>',
      'pixel size in mm, 0.143 or 0.143x0.2 (width x height): also gives areas in mm2',
      (text) => parseSpacing(text, '--spacing'),
    )
    .addOption(windowOption('the model’s, else each file’s first'))
    .option('--part <i/n>', 'process the I-th of N parts; run the others elsewhere', parsePart)
    .option('--resume', 'continue an earlier run of this command; skips what is complete')
    .option('--overwrite', 'replace the results of an earlier run')
    .addOption(
      new Option('--checkpoint <which>', 'checkpoint of a run (default: best)').choices(['best', 'last']),
    )
    .option(BATCH_FLAG, BATCH_HELP, numberOf('--batch', { min: 1 }))
    .option('--device <name>', 'cpu, cuda or, for a run, cuda:N (default: the run’s, else cpu)')
    .option('--threads <n>', 'threads; 0: all cores', threadsOf)
    .addOption(
      new Option(
        '--precision <name>',
        'precision of a run’s matrix products and convolutions (default: the run’s on its kind of device, else fp32)',
      ).choices(['fp32', 'bf16', 'fp16']),
    );
}

/**
 * The classes of `--classes`; undefined without it.
 * @throws CLASSES_INVALID; OPTION_INVALID next to other notes, or for a model that reads none
 */
export async function classesAsked(
  { classes, note, notes, emptyNotes }: PredictFlags,
  readsNotes: boolean,
): Promise<readonly SegmentClass[] | undefined> {
  if (classes === undefined) return undefined;
  if (note !== undefined || notes !== undefined || emptyNotes === true)
    throw new ReclmisError('OPTION_INVALID', '--classes states what to segment in every image, so --note, --notes and --empty-notes cannot be used with it'); // prettier-ignore
  if (!readsNotes)
    throw new ReclmisError('OPTION_INVALID', '--classes: the model reads no notes, so it would give the same mask for every class', { remedy: 'Use a model that reads notes.' }); // prettier-ignore
  const { readClassesFile } = await import('@reclmis/data');
  return readClassesFile(classes);
}

/** For `run.json`. */
export function settingsOf(
  flags: PredictFlags,
  batch: number,
  threshold: number,
  window: WindowChoice | undefined,
): Readonly<Record<string, unknown>> {
  const { image, note, notes, classes, emptyNotes = false, spacing = null, flips = false } = flags;
  return {
    image,
    notes: notes ?? (classes !== undefined ? 'of classes' : note === undefined ? 'none' : 'one for all'),
    ...(classes === undefined ? {} : { classes }),
    emptyNotes,
    spacing,
    // applies to DICOM and NIfTI
    window: window === undefined ? 'of each file' : windowText(window),
    batch,
    threshold,
    flips,
    sides: flags.sides ?? 'as learnt',
    noteStyle: flags.noteStyle ?? 'as learnt',
    noteVocabulary: flags.noteVocabulary ?? 'as learnt',
  };
}

/** Evaluates a run on a data set: docs/method.md 10. Figures: docs/reference/measures.md. */
import {
  type ConfidenceCalibration,
  defined,
  describeCutNotes,
  describeUnknownWords,
  type NoteStyle,
  type ResizeRule,
  type ScoreSummary,
  type Sides,
  type Spacing,
  WarningCounts,
  warningLines,
} from '@reclmis/core';
import { writeFileAtomic } from '@reclmis/files';
import { derivedNotice, grouping, Loader, type Dataset } from '@reclmis/data';
import { type LoadedModel, type LoadOptions, openRun, runData, type RunData, startOf } from '../run/run.js';
import type { CheckpointKind } from '../run/checkpoint.js';
import { type EnsembleOptions, openEnsemble, type Opinion } from './ensemble.js';
import { csvField } from './csv-field.js';
import { type CaseMeasure, Measurer, type ProbabilityMeasures, spacingsOf } from './measure.js';
import { type NoteVariant, noteVariant } from './note-variants.js';
import { type NoteWording, noteWording } from './note-wording.js';
import { type EvaluatedData, openEvaluated } from './open.js';
import { type Resizing, resizeNotice, resizingOf } from './resizing.js';
import { scoreCases, type ScoreOptions } from './score-cases.js';
import { inSidesOfRun, type NoteSides } from './sides.js';

export interface EvaluateOptions extends EvaluatedData, LoadOptions, ScoreOptions, EnsembleOptions {
  /** Default `right`; `noteTransform` overrides it. */
  readonly notes?: NoteVariant;
  /** Default `as-is`. `free`: put into the model's words where it is understood, after `notes`. */
  readonly noteStyle?: NoteStyle;
  /** Default: for its own data the run's, else as the masks lie. */
  readonly sides?: Sides;
  /** For `shuffled` and rewordings; default: the run's. */
  readonly seed?: number;
  /**
   * Tells patients: a regular expression with one capture group; default: the run's, or known names
   * (`data/groups.ts`).
   */
  readonly group?: string;
  /** For images whose notes give none. */
  readonly spacing?: Spacing;
  /** How images and masks come to the model's size; default: as in training. */
  readonly resize?: ResizeRule;
  /** Default: the run's. */
  readonly batchSize?: number;
  /** Before the first case: notes longer than the model reads, or a precision slow on this processor. */
  readonly onNotice?: (line: string) => void;
  /** Called at the end, with the model still loaded. */
  readonly afterwards?: (at: EvaluatedModel) => Promise<void>;
}

export interface EvaluatedModel {
  readonly model: LoadedModel;
  /** May be an ensemble. */
  readonly opinion: Opinion;
  readonly dataset: Dataset;
  readonly evaluation: Evaluation;
  readonly noteTransform: (note: string, id: string) => string;
  /** Part of `noteTransform`. */
  readonly wording: NoteWording;
  readonly batchSize: number;
}

export interface Evaluation {
  readonly run: string;
  readonly checkpoint: { readonly kind: CheckpointKind; readonly epoch: number; readonly step: number };
  /** `from scratch`, or a file of first weights and its family. */
  readonly start: string;
  /** Members of the ensemble; absent for one run. */
  readonly ensemble?: {
    readonly flips: boolean;
    readonly members: readonly { readonly run: string; readonly epoch: number }[];
  };
  readonly data: RunData & Pick<Dataset, 'dir' | 'split' | 'fold'>;
  readonly notes: NoteVariant | 'transformed';
  readonly noteStyle: NoteStyle;
  /** Whose left and right the notes mean, and the run has learnt. */
  readonly sides: NoteSides;
  /** Pixels; masks were compared at this side. */
  readonly size: number;
  /** How images and true masks came to it. */
  readonly resize: Resizing;
  /** Per image, in the order of ids. */
  readonly rows: readonly CaseMeasure[];
  readonly summary: ScoreSummary;
  /** Patients, by file names. */
  readonly groups: {
    readonly pattern: string;
    /** An image whose name tells no patient counts as one. */
    readonly count: number;
    /** Images whose names tell the patient. */
    readonly named: number;
  };
  /** Over all images. */
  readonly probabilities: ProbabilityMeasures;
  /** By which Dice was predicted; null if the run is not calibrated, for an ensemble, flips, or another way of resizing. */
  readonly confidence: ConfidenceCalibration | null;
}

/**
 * Scores a run's checkpoint on a split.
 * @throws RUN_MISSING, RUN_INVALID, CHECKPOINT_MISSING, CHECKPOINT_CORRUPT, CHECKPOINT_MISMATCH, and the
 * codes of the data
 */
export async function evaluateRun(runDir: string, options: EvaluateOptions = {}): Promise<Evaluation> {
  const run = openRun(runDir);
  const { notes = 'right', seed = run.config.seed, batchSize = run.config.train.batchSize } = options;
  const sided = await inSidesOfRun(run, await openEvaluated(run, options), options.sides, options.noteStyle);
  const { dataset } = sided;
  const wording = noteWording(options.noteStyle ?? 'as-is', [
    run.habits,
    ...(options.ensemble ?? []).map((other) => openRun(other).habits),
  ]);
  const varied =
    options.noteTransform ??
    noteVariant(notes, dataset.cases, seed, {
      vocabulary: run.habits.vocabulary,
      worded: wording.of,
    });
  const transform = (note: string, id: string): string => wording.of(varied(note, id));
  const model = run.loadModel(options);
  const ensemble = orDispose(model, () => openEnsemble(model, options, run.habits));
  for (const line of model.notices) options.onNotice?.(line);
  if (model.model.readsNotes) for (const line of sided.lines) options.onNotice?.(line);
  const derived = derivedNotice(dataset.cases);
  if (derived !== null) options.onNotice?.(derived);
  const { resize: rule = model.resize } = options;
  const loader = new Loader({
    cases: dataset.cases,
    batchSize,
    size: model.size,
    resize: rule,
    workers: run.config.data.workers,
    cacheBytes: 0,
  });
  try {
    const resize = await resizingOf(dataset.cases, model.size, { rule, trained: model.resize });
    const otherRule = resizeNotice(resize);
    if (otherRule !== null) options.onNotice?.(otherRule);
    const { window: trained } = run.config.data;
    const otherWindow = options.window !== undefined && options.window !== trained;
    if (otherWindow)
      options.onNotice?.(
        `DICOM and NIfTI are shown in the window ${options.window}, but the run was trained in ${trained === '' ? 'each file’s first' : trained}: these scores do not compare with its validation scores`,
      );
    const written = model.model.readsNotes ? dataset.cases.map(({ id, note }) => varied(note, id)) : [];
    const given = written.map((note) => wording.of(note));
    for (const line of [
      wording.describe(written),
      describeCutNotes(model.encoder, given),
      describeUnknownWords(model.encoder, given),
    ])
      if (line !== null) options.onNotice?.(line);
    const { pattern, groupOf, fits } = grouping(options.group ?? run.config.data.group);
    const spacings = await spacingsOf(dataset.cases, model.size, options.spacing);
    const warned = new WarningCounts();
    const groups = new Map(dataset.cases.map((one) => [one.id, groupOf(one)]));
    // A calibration holds for the model's own answers to images resized and shown as it learnt.
    const isUsual = ensemble.opinion === model && rule === model.resize && !otherWindow;
    const confidence = isUsual ? model.confidence : null;
    if (confidence === null && model.confidence !== null && rule !== model.resize)
      options.onNotice?.(
        `The calibration was fitted on images resized by the run’s own rule (${model.resize}), not ${rule}: no predicted Dice.`,
      );
    const classes = new Map(dataset.cases.map((one) => [one.id, one.class]));
    const measurer = new Measurer(
      (id) => groups.get(id) ?? id,
      spacings,
      confidence,
      (id) => classes.get(id),
    );
    const { summary } = await scoreCases(ensemble.opinion, loader.batches(0), {
      ...options,
      noteTransform: transform,
      onCase: (one) => {
        measurer.add(one);
        warned.add(one.score.id, model.checks.mask(one.prediction, one.note, 'unknown'));
        options.onCase?.(one);
      },
    });
    const { rows } = measurer;
    for (const line of warningLines(warned.byCode, rows.length, 'mask')) options.onNotice?.(line);
    const { kind, epoch, step } = model.checkpoint;
    const { dir, split, fold } = dataset;
    const evaluation: Evaluation = {
      run: runDir,
      checkpoint: { kind, epoch, step },
      start: startOf(run.info),
      ...(options.flips || ensemble.members.length > 0
        ? { ensemble: { flips: options.flips ?? false, members: ensemble.members } }
        : {}),
      data: { ...runData(dataset), dir, split, ...defined({ fold }) },
      notes: options.noteTransform ? 'transformed' : notes,
      noteStyle: wording.style,
      sides: sided.sides,
      size: model.size,
      resize,
      rows,
      summary,
      groups: {
        pattern,
        count: new Set(rows.map(({ group }) => group)).size,
        named: dataset.cases.filter(fits).length,
      },
      probabilities: measurer.probabilities,
      confidence,
    };
    await options.afterwards?.({
      model,
      opinion: ensemble.opinion,
      dataset,
      evaluation,
      noteTransform: transform,
      wording,
      batchSize,
    });
    return evaluation;
  } finally {
    ensemble.dispose();
    model.dispose();
    await loader.close();
  }
}

/** Frees the model if `body` throws. */
function orDispose<T>(model: LoadedModel, body: () => T): T {
  try {
    return body();
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Ids and groups may contain commas, so they come first: simple readers can count from the end. */
const COLUMNS = [
  ['id', 'group', 'dice', 'iou', 'precision', 'recall', 'predicted', 'truth', 'intersection'],
  ['hd95', 'assd', 'hd95Mm', 'assdMm', 'predictedDice', 'presence'],
].flat() as (keyof CaseMeasure)[];

/**
 * CSV (RFC 4180): measures in [0, 1]; areas and distances in pixels of the model's size, distances also in
 * mm; predicted Dice and presence in [0, 1]; empty if undefined. The column `class` only if a row has one.
 */
export function scoresToCsv(rows: readonly CaseMeasure[]): string {
  const classed = rows.some((row) => row.class !== undefined);
  const [id = 'id', group = 'group', ...numbers] = COLUMNS;
  const columns = classed ? [id, group, 'class' as const, ...numbers] : COLUMNS;
  return (
    [columns.join(','), ...rows.map((row) => columns.map((name) => csvField(row[name])).join(','))].join(
      '\r\n',
    ) + '\r\n'
  );
}

/** JSON with rows, without notes. */
export function evaluationToJson(evaluation: Evaluation): string {
  return `${JSON.stringify(evaluation, null, 2)}\n`;
}

/** @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeEvaluation(
  evaluation: Evaluation,
  files: { csv?: string; json?: string },
): Promise<void> {
  if (files.csv) await writeFileAtomic(files.csv, scoresToCsv(evaluation.rows));
  if (files.json) await writeFileAtomic(files.json, evaluationToJson(evaluation));
}

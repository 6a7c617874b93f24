/**
 * The runs of a study, one per cell and seed, in DIR/runs/CELL/seed-N, and their states.
 *
 * A run is done when it ended by itself, has the requested configuration, and has its test figures. Other
 * settings or data are refused.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FILE_FORMATS, type Measures, readFormat, ReclmisError, versionIn } from '@reclmis/core';
import { writeFileAtomic, readTextSync } from '@reclmis/files';
import { type Config, withAbsolutePaths } from '../config/config.js';
import { scoresToCsv } from '../evaluate/evaluate.js';
import type { Evaluation } from '../evaluate/evaluate.js';
import { readInfo, readStoredConfig, refuseTaken, type RunData, runFiles, type RunInfo } from '../run/run.js';
import type { Resizing } from '../evaluate/resizing.js';
import { isHeld } from '../run/run-lock.js';
import { settleNotes } from '../train/train.js';
import { type Cell, firstDifference, type Study } from './study.js';

export interface Task {
  readonly cell: Cell;
  readonly seed: number;
  readonly dir: string;
  /** With the seed. */
  readonly config: Config;
}

/**
 * `begun`: ended early; `running`: a process trains into it; `failed`: ended by an error; `trained`: not
 * evaluated; `done`: with its figures.
 */
export type TaskState = 'absent' | 'begun' | 'running' | 'failed' | 'trained' | 'done';

const FORMAT = 'reclmis-ablation-score/1';

/** Figures on the test split. */
export interface TaskScore {
  readonly format: typeof FORMAT;
  readonly checkpoint: Evaluation['checkpoint'];
  readonly data: RunData;
  /** Pixels; masks were compared at this side. */
  readonly size: number;
  /** How images came to it; absent in older studies. */
  readonly resize?: Pick<Resizing, 'rule' | 'resized'>;
  readonly images: number;
  /** Over images, in [0, 1], as in the paper's tables. */
  readonly mean: Measures;
  /** Over all pixels, in [0, 1]. */
  readonly pooled: Measures;
  /** Absent in older studies. */
  readonly perImage?: {
    readonly ids: readonly string[];
    /** The patient of each image. */
    readonly groups: readonly string[];
    /** In [0, 1]. */
    readonly dice: readonly number[];
    readonly iou: readonly number[];
    /** Pixels, of which pooled figures are made; absent in older studies. */
    readonly areas?: readonly {
      readonly predicted: number;
      readonly truth: number;
      readonly intersection: number;
    }[];
  };
}

/** @param flips of the figures averaged with the mirrored image and note, which only a campaign takes */
export const scoreFiles = (dir: string, flips = false): Record<'rows' | 'score', string> => ({
  rows: join(dir, 'evaluation', `ablation-test${flips ? '-flips' : ''}.csv`),
  score: join(dir, 'evaluation', `ablation-test${flips ? '-flips' : ''}.json`),
});

export interface TaskChoice {
  /** Default: the study's. */
  readonly seeds?: readonly number[];
  /** Default: all. */
  readonly cells?: readonly string[] | null;
  /** A run's folder; default DIR/runs/CELL/seed-N. */
  readonly place?: (config: Config, usual: string) => string;
}

/** Cell by cell. @param out DIR. @throws OPTION_INVALID for unknown cells */
export function studyTasks(
  study: Study,
  out: string,
  { seeds = study.seeds, cells = null, place = (_, usual) => usual }: TaskChoice = {},
): Task[] {
  const unknown = cells?.find((asked) => !study.cells.some(({ name }) => name === asked));
  if (unknown !== undefined) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `--cells: expected names among ${study.cells.map(({ name }) => name).join(', ')}, got ${unknown}`,
    );
  }
  return study.cells
    .filter(({ name }) => cells?.includes(name) ?? true)
    .flatMap((cell) =>
      seeds.map((seed) => {
        const config = { ...cell.config, seed };
        return { cell, seed, config, dir: place(config, join(out, 'runs', cell.name, `seed-${seed}`)) };
      }),
    );
}

export interface TaskView {
  readonly state: TaskState;
  /** Null while it is absent. */
  readonly info: RunInfo | null;
  /** Null unless it is done. */
  readonly score: TaskScore | null;
}

/** Changes nothing. @throws OUTPUT_EXISTS for anything else or other settings; RUN_INVALID if damaged */
export function viewTask({ dir, config }: Task): TaskView {
  const files = runFiles(dir);
  if (!existsSync(files.config)) {
    refuseTaken(dir);
    return { state: 'absent', info: null, score: null };
  }
  requireSameSettings(dir, readStoredConfig(files.config), config);
  const info = existsSync(files.info) ? readInfo(files.info) : null;
  if (isHeld(dir)) return { state: 'running', info, score: null };
  if (info?.status === 'failed') return { state: 'failed', info, score: null };
  if (info === null || (info.status !== 'finished' && info.status !== 'exhausted'))
    return { state: 'begun', info, score: null };
  const score = readScore(dir, info);
  return { state: score ? 'done' : 'trained', info, score };
}

function requireSameSettings(dir: string, stored: Config, asked: Config): void {
  const settled = settleNotes(asked);
  const note = settled.note.sides === 'auto' ? stored.note : settled.note; // what the training masks said
  const difference = firstDifference(stored, { ...withAbsolutePaths(settled), note });
  if (!difference) return;
  const { path, stored: found, asked: wanted } = difference;
  throw new ReclmisError(
    'OUTPUT_EXISTS',
    `${dir}: holds a run with ${path} ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`,
    {
      remedy: 'Choose another folder for the study, use the original settings, or remove the run.',
    },
  );
}

/** @throws OUTPUT_EXISTS for a run on other cases. */
export function requireSameData(
  { dir }: Task,
  info: RunInfo | null,
  { train, val }: Record<'train' | 'val', RunData>,
): void {
  if (!info?.data) return;
  for (const [split, found, wanted] of [
    ['training', info.data.train, train],
    ['validation', info.data.val, val],
  ] as const) {
    if (found.fingerprint === wanted.fingerprint) continue;
    throw new ReclmisError(
      'OUTPUT_EXISTS',
      `${dir}: holds a run of other ${split} cases (${found.cases} of ${found.name}), expected the ${wanted.cases} of ${wanted.name}`,
      { remedy: 'Choose another folder for the study, use the original data, or remove the run.' },
    );
  }
}

/** Figures of the current best checkpoint, else null. @throws RUN_INVALID */
export function readScore(dir: string, info: RunInfo, flips = false): TaskScore | null {
  const file = scoreFiles(dir, flips).score;
  if (!existsSync(file)) return null;
  let score: Partial<TaskScore>;
  try {
    score = JSON.parse(readTextSync(file)) as Partial<TaskScore>;
  } catch (cause) {
    throw new ReclmisError('RUN_INVALID', `${file}: not JSON`, {
      cause,
      remedy: 'Remove the file; the run is then evaluated again.',
    });
  }
  if ((versionIn('ablation-score', score.format) ?? 0) > Math.max(...FILE_FORMATS['ablation-score']))
    readFormat('ablation-score', score.format, { where: file, code: 'RUN_INVALID' });
  const current = score.format === FORMAT && score.checkpoint?.epoch === info.best?.epoch;
  return current ? (score as TaskScore) : null;
}

/** The file that means `done` comes last. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeScore(
  { dir }: Pick<Task, 'dir'>,
  { checkpoint, data, size, resize, rows, summary, ensemble }: Evaluation,
): Promise<TaskScore> {
  const { name, cases, fingerprint } = data;
  const score: TaskScore = {
    format: FORMAT,
    checkpoint,
    data: { name, cases, fingerprint },
    size,
    resize: { rule: resize.rule, resized: resize.resized },
    images: summary.count,
    mean: summary.mean,
    pooled: summary.pooled,
    perImage: {
      ids: rows.map(({ id }) => id),
      groups: rows.map(({ group }) => group),
      dice: rows.map(({ dice }) => dice),
      iou: rows.map(({ iou }) => iou),
      areas: rows.map(({ predicted, truth, intersection }) => ({ predicted, truth, intersection })),
    },
  };
  const files = scoreFiles(dir, ensemble?.flips);
  await writeFileAtomic(files.rows, scoresToCsv(rows));
  await writeFileAtomic(files.score, `${JSON.stringify(score, null, 2)}\n`);
  return score;
}

/** Collects a campaign's figures from its runs; `campaign.json`. */
import { relative } from 'node:path';
import {
  collectResults,
  type PaperFigures,
  readScore,
  type StudyResult,
  type TaskState,
  viewTask,
} from '@reclmis/lab';
import {
  type Campaign,
  type CampaignStudy,
  placesOf,
  type Step,
  studyFolder,
  tasksOf,
} from './campaign-file.js';
import { type CellDifference, type CellFigures, cellFigures, differencesTo } from './figures.js';
import type { CampaignSession, Journal } from './journal.js';

export interface CampaignRun {
  readonly seed: number;
  /** Below the campaign's folder; other studies may name the same. */
  readonly dir: string;
  readonly state: TaskState;
  readonly epochs: number;
  /** The epoch whose checkpoint was scored. */
  readonly bestEpoch: number | null;
  readonly testImages: number | null;
  /** As `reclmis evaluate` gives them; null unless done. */
  readonly figures: CellFigures | null;
  readonly flips: CellFigures | null;
  readonly trainSeconds: number;
  /** Null if another session took them and was killed then. */
  readonly testSeconds: number | null;
  readonly flipsSeconds: number | null;
}

export interface CampaignCell {
  readonly name: string;
  readonly label: string;
  /** Percent. */
  readonly paper: PaperFigures | null;
  /** Means over seeds. */
  readonly figures: CellFigures | null;
  readonly flips: CellFigures | null;
  /** To the study's best cell; null for that cell itself. */
  readonly difference: CellDifference | null;
  readonly flipsDifference: CellDifference | null;
  readonly runs: readonly CampaignRun[];
}

export interface StudyFigures {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly best: string | null;
  /** Why the paper's figures are not given, a sentence, or null. */
  readonly withoutPaper: string | null;
  readonly seeds: readonly number[];
  readonly cells: readonly CampaignCell[];
}

export interface Left {
  readonly id: string;
  /** Null unless a time limit needed it. */
  readonly seconds: number | null;
}

export interface Failure {
  readonly id: string;
  readonly code: string;
  readonly message: string;
}

export interface CampaignResult {
  readonly format: 'reclmis-campaign-figures/1';
  readonly title: string;
  readonly studies: readonly StudyFigures[];
  readonly left: readonly Left[];
  readonly failures: readonly Failure[];
  readonly sessions: readonly CampaignSession[];
}

/** @throws RUN_INVALID, OUTPUT_EXISTS as `viewTask` */
export function campaignResult(
  { title, studies }: Campaign,
  out: string,
  journal: Journal,
  { left, failures }: Pick<CampaignResult, 'left' | 'failures'>,
  steps: readonly Step[],
): CampaignResult {
  const place = placesOf(studies, out);
  return {
    format: 'reclmis-campaign-figures/1',
    title,
    studies: studies.map((one) => figuresOfStudy(one, out, place, journal, steps)),
    left,
    failures,
    sessions: journal.sessions,
  };
}

function figuresOfStudy(
  one: CampaignStudy,
  out: string,
  place: ReturnType<typeof placesOf>,
  journal: Journal,
  steps: readonly Step[],
): StudyFigures {
  const { name, title, source, best, cells } = one.study;
  const told = ablationResult(one, out, place);
  const views = tasksOf(one, out, place).map((task) => {
    const { state, info, score } = viewTask(task);
    return { task, state, info, score, flips: info && score ? readScore(task.dir, info, true) : null };
  });
  const scoresOf = (cell: string, form: 'score' | 'flips') =>
    views.flatMap(({ task, ...view }) => (task.cell.name === cell ? (view[form] ?? []) : []));
  const others = cells.filter((cell) => cell.name !== best).map((cell) => cell.name);
  const against = (form: 'score' | 'flips'): (CellDifference | null)[] =>
    best === null
      ? others.map(() => null)
      : differencesTo(
          scoresOf(best, form),
          others.map((other) => scoresOf(other, form)),
        );
  const [plain, flipped] = [against('score'), against('flips')];
  const secondsOf = (dir: string, kind: Step['kind']): number | null => {
    const step = steps.find((candidate) => candidate.task.dir === dir && candidate.kind === kind);
    return (step && journal.timeOf(step.id)?.seconds) ?? null;
  };
  return {
    name,
    title,
    source,
    best,
    withoutPaper: told.withoutPaper,
    seeds: one.seeds,
    cells: cells.map((cell) => ({
      name: cell.name,
      label: cell.label,
      paper: told.cells.find((other) => other.name === cell.name)?.paper ?? null,
      figures: cellFigures(scoresOf(cell.name, 'score')),
      flips: cellFigures(scoresOf(cell.name, 'flips')),
      difference: plain[others.indexOf(cell.name)] ?? null,
      flipsDifference: flipped[others.indexOf(cell.name)] ?? null,
      runs: views
        .filter(({ task }) => task.cell.name === cell.name)
        .map(({ task: { seed, dir }, state, info, score, flips }) => ({
          seed,
          dir: relative(out, dir),
          state,
          epochs: info?.epochs ?? 0,
          bestEpoch: score?.checkpoint.epoch ?? null,
          testImages: score?.images ?? null,
          figures: score && cellFigures([score], seed),
          flips: flips && cellFigures([flips], seed),
          trainSeconds: info?.seconds ?? 0,
          testSeconds: secondsOf(dir, 'run'),
          flipsSeconds: secondsOf(dir, 'flips'),
        })),
    })),
  };
}

/** The study as `reclmis ablate` tells it, with runs that other studies trained. */
export function ablationResult(
  { study, seeds }: CampaignStudy,
  out: string,
  place: ReturnType<typeof placesOf>,
): StudyResult {
  const result = collectResults(study, studyFolder(out, study), { seeds, place });
  return {
    ...result,
    cells: result.cells.map((cell) => ({
      ...cell,
      runs: cell.runs.map((run) => ({ ...run, dir: relative(out, run.dir) })),
    })),
  };
}

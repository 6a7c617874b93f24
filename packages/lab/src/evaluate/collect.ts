/** Collects a run's report: evaluation with intervals, parts, overlaps with training data, example cases. */
import { ReclmisError } from '@reclmis/core';
import { derivedNotice } from '@reclmis/data';
import { openRun, type RunData } from '../run/run.js';
import { type EvaluatedModel, type EvaluateOptions, type Evaluation, evaluateRun } from './evaluate.js';
import { type ConfidenceReport, confidenceReport } from './confidence.js';
import { drawExamples, type Example } from './examples.js';
import { overlapWarnings, overlapWithRun, type OverlapReport } from './overlap.js';
import { resizeNotice } from './resizing.js';
import { type ScoresByClass, scoresByClass } from './by-class.js';
import { type Stratum, strataOf } from './strata.js';
import { type MeasureDistribution, distributionsOf, type Figure, figuresOf } from './summary.js';

export interface CollectOptions extends EvaluateOptions {
  /** Worst, median and best cases to draw; default 10. */
  readonly examples?: number;
  /** Default 2000. */
  readonly resamples?: number;
}

export interface FitData {
  /** Null in imported runs. */
  readonly train: RunData | null;
  readonly val: RunData | null;
}

export interface RunReport extends ScoresByClass {
  readonly evaluation: Evaluation;
  readonly fit: FitData;
  readonly figures: readonly Figure[];
  readonly distributions: readonly MeasureDistribution[];
  /** Null if no Dice was predicted. */
  readonly confidence: ConfidenceReport | null;
  readonly strata: readonly Stratum[];
  readonly overlap: OverlapReport;
  /** What a reader must know before trusting the figures. */
  readonly warnings: readonly string[];
  readonly examples: readonly Example[];
}

/** @throws as `evaluateRun` */
export async function collectReport(runDir: string, options: CollectOptions = {}): Promise<RunReport> {
  const run = openRun(runDir);
  const { config, info } = run;
  const bootstrap = { seed: config.seed, ...(options.resamples ? { resamples: options.resamples } : {}) };
  const parts: Pick<RunReport, keyof ScoresByClass | 'strata' | 'overlap' | 'warnings' | 'examples'>[] = [];
  const afterwards = async (at: EvaluatedModel): Promise<void> => {
    const { opinion, dataset, evaluation, noteTransform } = at;
    const { rows, size } = evaluation;
    const notes = new Map(dataset.cases.map(({ id, note }) => [id, note]));
    const overlap = await overlapWithRun(dataset, run, options.group);
    parts.push({
      ...scoresByClass(rows, dataset.cases, bootstrap),
      strata: strataOf(rows, notes, size, { ...bootstrap, vocabulary: run.habits.vocabulary }),
      overlap,
      warnings: [
        derivedNotice(dataset.cases) ?? [],
        resizeNotice(evaluation.resize) ?? [],
        overlapWarnings(overlap, dataset.cases.length),
        fewCases(dataset.cases.length),
      ].flat(),
      examples: await drawExamples(
        opinion,
        dataset.cases,
        rows,
        { noteOf: noteTransform, resize: evaluation.resize.rule },
        options.examples,
      ),
    });
    await options.afterwards?.(at);
  };
  const evaluation = await evaluateRun(runDir, { ...options, afterwards });
  const [part] = parts;
  if (part === undefined)
    throw new ReclmisError('INTERNAL', 'collectReport: the evaluation ended before its report');
  return {
    evaluation,
    fit: { train: info.data?.train ?? null, val: info.data?.val ?? null },
    figures: figuresOf(evaluation.rows, bootstrap),
    distributions: distributionsOf(evaluation.rows),
    confidence: confidenceReport(evaluation.rows, evaluation.confidence, bootstrap),
    ...part,
  };
}

/** Too few patients to say how they differ. */
const FEW_CASES = 10;

function fewCases(count: number): string[] {
  if (count >= FEW_CASES) return [];
  const images = count === 1 ? 'one image is' : `${count} images are`;
  return [`${images} too few for the intervals and p-values: they come out too narrow and too small`];
}

/** How far a run has come, in memory and in its folder: `run.json`, `metrics.jsonl`, `progress.png`. */
import { type Score, ScoreSummary } from '@reclmis/core';
import { writeProgress } from '../plots/progress.js';
import { runFiles, type RunInfo, type RunStatus, writeRunInfo } from '../run.js';
import { LOSS_NAMES, type LossName } from './losses.js';
import { type EpochLosses, type EpochRecord, type EpochScores, writeEpochs } from './metrics-log.js';
import type { StepLosses } from './step.js';

/** A run's course. */
export class Progress {
  /** Optimiser steps that were done. */
  step = 0;
  readonly records: EpochRecord[] = [];
  private readonly begun = performance.now();

  constructor(
    readonly dir: string,
    private current: RunInfo,
  ) {}

  get info(): RunInfo {
    return this.current;
  }

  /** Since the run began. */
  get seconds(): number {
    return (performance.now() - this.begun) / 1000;
  }

  /** Takes in a completed epoch. */
  completed(record: EpochRecord): void {
    this.records.push(record);
    this.current = {
      ...this.current,
      epochs: record.epoch,
      steps: this.step,
      seconds: this.seconds,
      best: record.best ? { epoch: record.epoch, dice: record.validation.dice } : this.current.best,
    };
  }

  /** Brings the folder up to date after an epoch. */
  async write(): Promise<void> {
    const files = runFiles(this.dir);
    await writeEpochs(files.metrics, this.records);
    await writeProgress(files.progress, this.records);
    await writeRunInfo(this.dir, this.current);
  }

  /** Writes how the run ended. */
  async end(status: RunStatus, error?: { readonly code: string; readonly message: string }): Promise<void> {
    this.current = {
      ...this.current,
      status,
      steps: this.step,
      seconds: this.seconds,
      ...(error ? { error } : {}),
    };
    await writeRunInfo(this.dir, this.current);
  }
}

/** Means of losses over cases, each step weighted by its number of cases. */
export class MeanLosses {
  private readonly sums = new Map<LossName | 'total', number>();
  private cases = 0;

  add(losses: StepLosses, count: number): void {
    this.cases += count;
    for (const name of [...LOSS_NAMES, 'total'] as const) {
      const value = losses[name];
      if (value !== undefined) this.sums.set(name, (this.sums.get(name) ?? 0) + value * count);
    }
  }

  /** Cases that were taken in. */
  get count(): number {
    return this.cases;
  }

  /** The means; terms that never occurred are absent. */
  get losses(): EpochLosses {
    const mean = (name: LossName | 'total'): number => (this.sums.get(name) ?? Number.NaN) / this.cases;
    const optional = (['ccl', 'clr', 'cvr'] as const).filter((name) => this.sums.has(name));
    return {
      total: mean('total'),
      dice: mean('dice'),
      bce: mean('bce'),
      ...Object.fromEntries(optional.map((name) => [name, mean(name)])),
    };
  }
}

/** Both forms of Dice and IoU over scored images. */
export function epochScores(rows: Iterable<Score>): EpochScores {
  const { count, mean, pooled } = new ScoreSummary(rows);
  return { images: count, dice: mean.dice, iou: mean.iou, pooledDice: pooled.dice, pooledIou: pooled.iou };
}

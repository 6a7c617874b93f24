/** How far a run has come, in memory and in its folder: `run.json`, `metrics.jsonl`, `progress.png`. */
import { type Score, ScoreSummary } from '@reclmis/core';
import { writeProgress } from '../plots/progress.js';
import { runFiles, type RunInfo, type RunStatus, writeRunInfo } from '../run/run.js';
import { TensorBoardLog } from '../watch/tensorboard.js';
import { type EpochRecord, type EpochScores, writeEpochs } from '../run/metrics-log.js';

/** What a run came to before this session. */
export interface Earlier {
  readonly step: number;
  readonly records: readonly EpochRecord[];
  readonly seconds: number;
}

export interface ProgressOptions {
  /** Default: nothing, a run that begins. */
  readonly earlier?: Earlier;
  /** False in all processes of a run but one; default true. */
  readonly writes?: boolean;
  /** Whether to write event files besides; default false. */
  readonly tensorboard?: boolean;
}

const NOTHING: Earlier = { step: 0, records: [], seconds: 0 };

/** A run's course. */
export class Progress {
  /** Optimiser steps that were done. */
  step: number;
  readonly records: EpochRecord[];
  private readonly begun = performance.now();
  private readonly earlier: Earlier;
  private readonly writes: boolean;
  private readonly tensorBoard: TensorBoardLog | null;

  constructor(
    readonly dir: string,
    private current: RunInfo,
    { earlier = NOTHING, writes = true, tensorboard = false }: ProgressOptions = {},
  ) {
    this.earlier = earlier;
    this.writes = writes;
    this.step = earlier.step;
    this.records = [...earlier.records];
    this.tensorBoard = tensorboard ? new TensorBoardLog(dir, earlier.records) : null;
  }

  get info(): RunInfo {
    return this.current;
  }

  /** That the run has taken, over all its sessions. */
  get seconds(): number {
    return this.earlier.seconds + this.sessionSeconds;
  }

  /** Since this session began. */
  get sessionSeconds(): number {
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

  /** Brings the folder up to date after an epoch. @throws OUTPUT_UNWRITABLE (also where the folder was deleted), DISK_FULL */
  async write(): Promise<void> {
    if (!this.writes) return;
    const files = runFiles(this.dir);
    writeEpochs(files.metrics, this.records);
    const last = this.records.at(-1);
    if (last && this.records.length > this.earlier.records.length)
      this.tensorBoard?.write(last, this.records.at(-2)?.seconds ?? 0);
    if (this.records.length > 0) await writeProgress(files.progress, this.records);
    writeRunInfo(this.dir, this.current);
  }

  /** Writes how the run ended. */
  end(status: RunStatus, error?: { readonly code: string; readonly message: string }): void {
    const { error: _, ...current } = this.current;
    this.current = {
      ...current,
      status,
      steps: this.step,
      seconds: this.seconds,
      ...(error ? { error } : {}),
    };
    if (this.writes) writeRunInfo(this.dir, this.current);
  }
}

/** Both forms of Dice and IoU over scored images. */
export function epochScores(rows: Iterable<Score>): EpochScores {
  const { count, mean, pooled } = new ScoreSummary(rows);
  return { images: count, dice: mean.dice, iou: mean.iou, pooledDice: pooled.dice, pooledIou: pooled.iou };
}

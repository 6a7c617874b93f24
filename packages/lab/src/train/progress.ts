import { type Score, ScoreSummary } from '@reclmis/core';
import { writeProgress } from '../plots/progress.js';
import { runFiles, type RunInfo, type RunStatus, writeRunInfo } from '../run/run.js';
import { TensorBoardLog } from '../watch/tensorboard.js';
import { type EpochRecord, type EpochScores, writeEpochs } from '../run/metrics-log.js';

/** From earlier sessions. */
export interface Earlier {
  readonly step: number;
  readonly records: readonly EpochRecord[];
  readonly seconds: number;
}

export interface ProgressOptions {
  readonly earlier?: Earlier;
  /** True in one process of a run; default true. */
  readonly writes?: boolean;
  readonly tensorboard?: boolean;
}

const NOTHING: Earlier = { step: 0, records: [], seconds: 0 };

/** Writes `run.json`, `metrics.jsonl`, `progress.png`. */
export class Progress {
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

  /** Over all sessions. */
  get seconds(): number {
    return this.earlier.seconds + this.sessionSeconds;
  }

  get sessionSeconds(): number {
    return (performance.now() - this.begun) / 1000;
  }

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

  /** After an epoch. @throws OUTPUT_UNWRITABLE (also for a deleted folder), DISK_FULL */
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

export function epochScores(rows: Iterable<Score>): EpochScores {
  const { count, mean, pooled } = new ScoreSummary(rows);
  return { images: count, dice: mean.dice, iou: mean.iou, pooledDice: pooled.dice, pooledIou: pooled.iou };
}

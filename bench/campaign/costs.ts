/**
 * How long a step will take: from the same configuration's epochs in this campaign, else from a few measured
 * steps on the data.
 */
import { existsSync } from 'node:fs';
import { openDataset, readAs } from '@reclmis/data';
import { benchTrain, type Config, openFitted, runFiles, viewTask } from '@reclmis/lab';
import type { Step } from './campaign-file.js';
import type { Journal } from './journal.js';

/** Forward only: a third of a training step's arithmetic (docs/measurements/performance.md). */
const FORWARD = 1 / 3;
/** Reading, checkpoints, charts, and steps that were measured in a quiet moment. */
const SLACK = 1.15;
const TIMED_BATCH = 8;

interface Cost {
  /** An epoch with its validation. */
  readonly epoch: number;
  /** One test image, without flips. */
  readonly tested: number;
}

export class Costs {
  private readonly measured = new Map<string, Cost>();
  private readonly counts = new Map<string, Promise<readonly [train: number, val: number, test: number]>>();

  constructor(
    private readonly steps: readonly Step[],
    private readonly journal: Journal,
  ) {}

  /** Seconds that are left of it. */
  async secondsOf(step: Step): Promise<number> {
    const { config } = step.task;
    const [, , images] = await this.casesOf(config);
    const { epoch, tested } = await this.costOf(step);
    if (step.kind === 'flips') return SLACK * 2 * images * tested;
    const { state, info } = viewTask(step.task);
    const todo = state === 'trained' ? 0 : Math.max(0, config.train.epochs - (info?.epochs ?? 0));
    return SLACK * (todo * epoch + images * tested);
  }

  private async costOf({ task: { config } }: Step): Promise<Cost> {
    const key = keyOf(config);
    const alike = this.steps.filter((other) => keyOf(other.task.config) === key);
    const epoch = alike.flatMap(({ kind, task }) => {
      if (kind !== 'run' || !existsSync(runFiles(task.dir).info)) return [];
      const { info } = viewTask(task);
      return info && info.epochs > 0 ? [info.seconds / info.epochs] : [];
    });
    const tested = alike.flatMap(({ id, kind }) => {
      const known = this.journal.timeOf(id);
      return known && known.images > 0 ? [known.seconds / known.images / (kind === 'flips' ? 2 : 1)] : [];
    });
    const slowest = epoch.length > 0 && tested.length > 0 ? null : await this.measure(config, key);
    return {
      epoch: epoch.length > 0 ? Math.max(...epoch) : (slowest?.epoch ?? Number.NaN),
      tested: tested.length > 0 ? Math.max(...tested) : (slowest?.tested ?? Number.NaN),
    };
  }

  /** Times a few training steps. */
  private async measure(config: Config, key: string): Promise<Cost> {
    const known = this.measured.get(key);
    if (known) return known;
    const [train, val] = await this.casesOf(config);
    const batchSize = Math.min(TIMED_BATCH, config.train.batchSize, train);
    const { secondsPerImage } = await benchTrain(
      { ...config, train: { ...config.train, batchSize } },
      { steps: 3, warmup: 1, peak: false },
    );
    const image = secondsPerImage.median;
    const cost = { epoch: image * (train + FORWARD * val), tested: FORWARD * image };
    this.measured.set(key, cost);
    return cost;
  }

  /** Opens each selection of cases once. */
  private casesOf({ data }: Config): Promise<readonly [train: number, val: number, test: number]> {
    const key = JSON.stringify(data);
    const counted =
      this.counts.get(key) ??
      (async () => {
        const { train, val } = await openFitted(data);
        const test = await openDataset(data.dir, 'test', readAs(data));
        return [train.cases.length, val.cases.length, test.cases.length] as const;
      })();
    this.counts.set(key, counted);
    return counted;
  }
}

/** Seeds cost the same. */
const keyOf = (config: Config): string => JSON.stringify({ ...config, seed: 0 });

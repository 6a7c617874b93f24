/** Runs of four epochs, to be interrupted and resumed. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Config, Overrides } from '../../config/config.js';
import { checkpointPath } from '../../run/checkpoint.js';
import { type EpochRecord, readEpochs } from '../../run/metrics-log.js';
import { openRun } from '../../run/run.js';
import { tensorHashes } from '../../testing/tensor-hashes.js';
import { tinyConfig } from '../../testing/tiny-run.js';
import type { TrainListeners } from '../train.js';

/** Configurations on `root`/data, and folders for runs below `root`. */
export function fourEpochs(root: string) {
  let serial = 0;
  return {
    /** Four epochs of three steps; dropout, masks and augmentation all draw. */
    tiny: (overrides: Overrides = {}): Config =>
      tinyConfig(join(root, 'data'), { 'train.epochs': 4, ...overrides }),
    place: (): string => join(root, `run-${++serial}`),
  };
}

export function stopAfter(at: number): TrainListeners {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    onStep: ({ step }) => {
      if (step === at) controller.abort();
    },
  };
}

function figures(records: readonly EpochRecord[]): unknown[] {
  return records.map(({ epoch, step, losses, gradients, validation, best, lr }) => ({
    epoch,
    step,
    losses,
    gradients,
    validation,
    best,
    lr,
  }));
}

/** Expects the weights, figures and state of a run in those of another. */
export function expectSame(dir: string, whole: string): void {
  expect(tensorHashes(checkpointPath(dir, 'last'))).toEqual(tensorHashes(checkpointPath(whole, 'last')));
  expect(tensorHashes(checkpointPath(dir, 'best'))).toEqual(tensorHashes(checkpointPath(whole, 'best')));
  const [own, other] = [dir, whole].map((run) => figures(readEpochs(join(run, 'metrics.jsonl'))));
  expect(own).toEqual(other);
  const [a, b] = [openRun(dir).info, openRun(whole).info];
  expect([a.status, a.epochs, a.steps, a.best]).toEqual([b.status, b.epochs, b.steps, b.best]);
}

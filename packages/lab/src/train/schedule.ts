/**
 * The learning rate of each optimiser step (docs/method.md 9). Upstream changes it once an epoch; here it changes every
 * step, so even short runs anneal smoothly to the end.
 */
import { ReclmisError } from '@reclmis/core';
import { optim } from '@reclmis/torch';
import type { TrainConfig } from '../config/config.js';

/**
 * @param stepsPerEpoch Optimiser steps of an epoch, at least 1.
 * @returns The learning rate of step 0, 1, ...
 * @throws CONFIG_INVALID, e.g. where minLr lies above lr or the warm-up is longer than the run.
 */
export function learningRate(train: TrainConfig, stepsPerEpoch: number): optim.Schedule {
  const { lr, minLr: min, warmupSteps: warmup } = train;
  switch (train.schedule) {
    case 'constant':
      return optim.constant({ lr, warmup });
    case 'cosine': {
      const steps = train.epochs * stepsPerEpoch;
      if (warmup >= steps) {
        throw new ReclmisError(
          'CONFIG_INVALID',
          `train.warmupSteps: expected fewer than the run's ${steps} steps (train.epochs ${train.epochs}, ${stepsPerEpoch} steps each), got ${warmup}`,
        );
      }
      return optim.cosine({ lr, min, warmup, steps });
    }
    case 'cosine-warm-restarts':
      return optim.cosineWarmRestarts({ lr, min, warmup, period: train.restartEpochs * stepsPerEpoch });
    case 'exponential':
      return optim.exponential({ lr, min, warmup, gamma: train.decay ** (1 / stepsPerEpoch) });
  }
}

/**
 * The learning rate of each optimiser step (docs/method.md 9). Upstream changes it once an epoch; here it
 * changes every step, so even short runs anneal smoothly to the end.
 */
import { ReclmisError } from '@reclmis/core';
import { optim } from '@reclmis/torch';
import type { TrainConfig } from '../config/config.js';

/**
 * @param stepsPerEpoch of the optimiser, at least 1.
 * @returns the rate of step 0, 1, ... @throws CONFIG_INVALID, e.g. for minLr above lr or a warm-up longer
 * than the run.
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
    case 'one-cycle': {
      if (warmup > 0)
        throw new ReclmisError(
          'CONFIG_INVALID',
          `train.warmupSteps: expected 0 with the one-cycle schedule, which rises by itself (train.rise), got ${warmup}`,
        );
      return optim.oneCycle({ lr, min, rise: train.rise, steps: train.epochs * stepsPerEpoch });
    }
    case 'exponential':
      return optim.exponential({ lr, min, warmup, gamma: train.decay ** (1 / stepsPerEpoch) });
  }
}

/**
 * A moving average of the weights (Polyak and Juditsky 1992), `train.ema`: validated, kept as the best checkpoint and used
 * later in place of the trained weights, which the optimiser goes on with.
 *
 *   a = a + (1 - d) (w - a)      d = min(decay, (1 + t) / (10 + t)) after step t
 *
 * The rule for d is TensorFlow's: the first steps' weights are soon forgotten, so that short runs gain too. Batch
 * normalisation's running statistics are averaged like the weights to which they belong, as in timm.
 */
import { noGrad, optim, scope, type Tensor } from '@reclmis/torch';
import type { SegmentationModel } from '../model/segmentation-model.js';

/** d after step t. @param decay in [0, 1). @param step from 1 */
export function averageDecay(decay: number, step: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}

export class WeightAverage {
  /** @param model of the same configuration, owned: holds the averages */
  constructor(
    readonly model: SegmentationModel,
    private readonly decay: number,
  ) {}

  /** From these weights on. */
  begin(trained: SegmentationModel): void {
    this.model.loadStateDict(trained.stateDict());
  }

  /** After an update. @param step from 1 */
  update(trained: SegmentationModel, step: number): void {
    noGrad(() =>
      scope(() => {
        const own: Tensor[] = [];
        const theirs: Tensor[] = [];
        const state = trained.stateDict();
        for (const [key, average] of this.model.stateDict()) {
          const current = state.get(key);
          if (!current) continue;
          if (average.dtype !== 'float32') average.copy_(current);
          else {
            own.push(average.detach());
            theirs.push(current.detach());
          }
        }
        optim.moveAverages(own, theirs, 1 - averageDecay(this.decay, step));
      }),
    );
  }

  dispose(): void {
    this.model.dispose();
  }
}

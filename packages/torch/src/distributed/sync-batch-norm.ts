/**
 * Batch normalisation over the batch of all processes, as PyTorch's SyncBatchNorm: mean and variance are those of the joined batch, in the
 * forward pass by sums over the ranks, in the backward pass by the sums of their gradients.
 *
 * Two passes, mean first and then the squares of the deviations: the difference of E[x^2] and E[x]^2 would lose the digits that the
 * gradients of one process with the whole batch have. What comes in 16 bits under autocast is widened first and goes out as it came, as with
 * libtorch's own: sums of bfloat16 keep 8 bits, those of float16 overflow, and gloo adds up no bfloat16.
 */
import { float32 } from '../precision/autocast.js';
import { noGrad, scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import type { BatchStatistics } from '../nn/norm.js';
import type { Group } from './group.js';

/** What this process brings to the batch. */
export interface BatchShare {
  /** False where it has no case of this batch and only runs along: its values then count nothing. */
  readonly counts: boolean;
}

/** Statistics for `nn.withBatchStatistics`: of every batch normalisation in training, over the group. */
export function batchStatisticsOver(group: Group, share: BatchShare): BatchStatistics {
  return (input, layer) => {
    const x = float32(input);
    const [, C = 0] = x.shape;
    const dims = x.shape.map((_, i) => i).filter((i) => i !== 1);
    const perChannel = x.shape.map((_, i) => (i === 1 ? C : 1)); // [1,C,1,..]
    const own = share.counts ? 1 : 0;
    const values = scope(() => {
      const count = Tensor.fromFloat64(Float64Array.of((own * x.numel) / C), [1]);
      group.allReduce(count);
      return count.item();
    });
    const mean = group.sum(x.sum(dims).mul(own)).div(values); // [C]
    const centred = x.sub(mean.view(perChannel));
    const variance = group.sum(centred.square().sum(dims).mul(own)).div(values); // [C], biased
    noGrad(() =>
      scope(() => {
        const { runningMean, runningVar, momentum } = layer;
        runningMean.mul_(1 - momentum).add_(mean.mul(momentum));
        runningVar.mul_(1 - momentum).add_(variance.mul((momentum * values) / (values - 1)));
      }),
    );
    const scale = variance.add(layer.eps).rsqrt().mul(layer.weight); // [C]
    const result = centred.mul(scale.view(perChannel)).add(layer.bias.view(perChannel));
    return x === input ? result : result.to({ dtype: input.dtype });
  };
}

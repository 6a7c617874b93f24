/** Stochastic depth (Huang et al. 2016), as Swin Transformer uses it: a residual branch is left out for some samples of a batch. */
import { dropout, nn, ones, type Tensor } from '@reclmis/torch';

/**
 * In training, leaves out each sample's branch with probability `p` and divides the others by 1 - p; the identity in evaluation. Draws from libtorch's
 * generator.
 */
export class DropPath extends nn.Module {
  constructor(readonly p: number) {
    super();
  }

  /** @param branch [B,...], what is added to its input. */
  forward(branch: Tensor): Tensor {
    if (!this.training || this.p === 0) return branch;
    const { shape, dtype, device } = branch;
    const each = ones([shape[0] ?? 1, ...Array<number>(shape.length - 1).fill(1)], { dtype, device });
    return branch.mul(dropout(each, this.p, true)); // [B,1,..] broadcast
  }
}

/** The rates of stages with so many blocks: from 0 at the first block to `last` at the last, in equal steps. */
export function dropPathRates(last: number, depths: readonly number[]): number[][] {
  const steps = Math.max(1, depths.reduce((sum, depth) => sum + depth, 0) - 1);
  let block = 0;
  return depths.map((depth) => Array.from({ length: depth }, () => (last * block++) / steps));
}

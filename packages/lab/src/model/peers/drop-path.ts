/** Stochastic depth (Huang et al. 2016). */
import { dropout, nn, ones, type Tensor } from '@reclmis/torch';

/** Leaves out a sample's branch with probability `p`, divides others by 1 - p; the identity in evaluation. */
export class DropPath extends nn.Module {
  constructor(readonly p: number) {
    super();
  }

  /** @param branch [B,...], to be added to its input */
  forward(branch: Tensor): Tensor {
    if (!this.training || this.p === 0) return branch;
    const { shape, dtype, device } = branch;
    const each = ones([shape[0] ?? 1, ...Array<number>(shape.length - 1).fill(1)], { dtype, device });
    return branch.mul(dropout(each, this.p, true)); // [B,1,..] broadcast
  }
}

/** Rates from 0 at the first block to `last`, in equal steps. */
export function dropPathRates(last: number, depths: readonly number[]): number[][] {
  const steps = Math.max(1, depths.reduce((sum, depth) => sum + depth, 0) - 1);
  let block = 0;
  return depths.map((depth) => Array.from({ length: depth }, () => (last * block++) / steps));
}

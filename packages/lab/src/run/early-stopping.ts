/** Early stopping and the best epoch, by the validation's per-image Dice (docs/method.md 9). */

export interface EarlyStoppingState {
  /** From 1; 0 before the first. */
  readonly bestEpoch: number;
  /** In [0, 1]; -1 before the first. */
  readonly bestScore: number;
  readonly waited: number;
}

/** A tie is not better, so the earlier epoch stays the best. */
export class EarlyStopping {
  private state: EarlyStoppingState = { bestEpoch: 0, bestScore: -1, waited: 0 };

  /** @param patience in epochs; 0: never stop */
  constructor(private readonly patience: number) {}

  get current(): EarlyStoppingState {
    return this.state;
  }

  /** Returns whether the score is the best so far. */
  update(epoch: number, score: number): boolean {
    const better = score > this.state.bestScore;
    this.state = better
      ? { bestEpoch: epoch, bestScore: score, waited: 0 }
      : { ...this.state, waited: this.state.waited + 1 };
    return better;
  }

  get exhausted(): boolean {
    return this.patience > 0 && this.state.waited >= this.patience;
  }

  restore(state: EarlyStoppingState): void {
    this.state = { ...state };
  }
}

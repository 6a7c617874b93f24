/** An epoch's sums of losses and time, held by resume points. */
import { defined } from '@reclmis/core';
import { FURTHER_LOSSES, LOSS_NAMES, type LossName } from '../model/losses.js';
import { AUXILIARY_LOSSES } from '../model/segmentation-model.js';
import type { EpochGradients, EpochLosses } from './metrics-log.js';

type Term = LossName | 'total';

/** Plain JSON; doubles survive it exactly. */
export interface EpochCourseState {
  /** From 1. */
  readonly epoch: number;
  readonly cases: number;
  /** Losses times cases. */
  readonly sums: Readonly<Partial<Record<Term, number>>>;
  readonly spentMs: number;
  readonly waitedMs: number;
  /** With clipping: steps, their gradients' norms added up, and how many were clipped. */
  readonly norms?: { readonly steps: number; readonly sum: number; readonly clipped: number } | undefined;
}

export class EpochCourse {
  /** Waiting for data included. */
  spentMs: number;
  waitedMs: number;
  private readonly sums: Map<Term, number>;
  private cases: number;
  private norms: EpochCourseState['norms'];

  private constructor(
    readonly epoch: number,
    from: Omit<EpochCourseState, 'epoch'>,
  ) {
    this.cases = from.cases;
    this.sums = new Map(Object.entries(from.sums) as [Term, number][]);
    this.spentMs = from.spentMs;
    this.waitedMs = from.waitedMs;
    this.norms = from.norms;
  }

  static begin(epoch: number): EpochCourse {
    return new EpochCourse(epoch, { cases: 0, sums: {}, spentMs: 0, waitedMs: 0 });
  }

  static resume({ epoch, ...from }: EpochCourseState): EpochCourse {
    return new EpochCourse(epoch, from);
  }

  add(losses: Readonly<Partial<Record<Term, number>>>, count: number): void {
    this.cases += count;
    for (const name of [...LOSS_NAMES, 'total'] as const) {
      const value = losses[name];
      if (value !== undefined) this.sums.set(name, (this.sums.get(name) ?? 0) + value * count);
    }
  }

  /** @param norm of a step's gradients, before they were clipped to `bound` */
  clipped(norm: number, bound: number): void {
    const { steps, sum, clipped } = this.norms ?? { steps: 0, sum: 0, clipped: 0 };
    this.norms = { steps: steps + 1, sum: sum + norm, clipped: clipped + (norm > bound ? 1 : 0) };
  }

  get state(): EpochCourseState {
    const { epoch, cases, spentMs, waitedMs, norms } = this;
    return {
      epoch,
      cases,
      sums: Object.fromEntries(this.sums),
      spentMs,
      waitedMs,
      ...defined({ norms }),
    };
  }

  /** Means over steps; undefined without clipping. */
  get gradients(): EpochGradients | undefined {
    const { norms } = this;
    return norms && { norm: norms.sum / norms.steps, clipped: norms.clipped / norms.steps };
  }

  /** Means over cases. */
  get losses(): EpochLosses {
    const mean = (name: Term): number => (this.sums.get(name) ?? Number.NaN) / this.cases;
    const optional = [...FURTHER_LOSSES, ...AUXILIARY_LOSSES].filter((name) => this.sums.has(name));
    return {
      total: mean('total'),
      dice: mean('dice'),
      bce: mean('bce'),
      ...Object.fromEntries(optional.map((name) => [name, mean(name)])),
    };
  }

  get secondsPerImage(): number {
    return this.spentMs / 1000 / this.cases;
  }

  /** For data, in [0, 1]. */
  get waitShare(): number {
    return Math.min(1, this.waitedMs / this.spentMs);
  }
}

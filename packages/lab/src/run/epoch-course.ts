/** An epoch's sums of losses and time, held by resume points. */
import { LOSS_NAMES, type LossName } from '../model/losses.js';
import { AUXILIARY_LOSSES } from '../model/segmentation-model.js';
import type { EpochLosses } from './metrics-log.js';

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
}

export class EpochCourse {
  /** Waiting for data included. */
  spentMs: number;
  waitedMs: number;
  private readonly sums: Map<Term, number>;
  private cases: number;

  private constructor(
    readonly epoch: number,
    from: Omit<EpochCourseState, 'epoch'>,
  ) {
    this.cases = from.cases;
    this.sums = new Map(Object.entries(from.sums) as [Term, number][]);
    this.spentMs = from.spentMs;
    this.waitedMs = from.waitedMs;
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

  get state(): EpochCourseState {
    const { epoch, cases, spentMs, waitedMs } = this;
    return { epoch, cases, sums: Object.fromEntries(this.sums), spentMs, waitedMs };
  }

  /** Means over cases. */
  get losses(): EpochLosses {
    const mean = (name: Term): number => (this.sums.get(name) ?? Number.NaN) / this.cases;
    const optional = AUXILIARY_LOSSES.filter((name) => this.sums.has(name));
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

/** Counts cases as they end, for the summary. */
import { type CountsByCode, type ErrorCode, WarningCounts } from '@reclmis/core';
import type { FailedEntry } from './journal.js';
import type { WrittenSeries } from './series.js';

/** Listed in the summary and `run.json`; all are counted. */
const LISTED_FAILURES = 100;

/** The result, also in `run.json`. */
export interface PredictionSummary {
  /** `incomplete`: some cases failed; `interrupted`: by the signal. */
  readonly status: 'finished' | 'incomplete' | 'interrupted';
  /** Counts of this part. `done`: segmented now; `skipped`: already complete. */
  readonly counts: {
    readonly cases: number;
    readonly done: number;
    readonly skipped: number;
    readonly failed: number;
  };
  readonly codes: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Cases with warnings, including skipped ones. */
  readonly warned: number;
  readonly warnings: CountsByCode;
  readonly failures: readonly FailedEntry[];
  readonly startedAt: string;
  readonly seconds: number;
  /** Files written: this part's and, with all parts there, those of all. None if interrupted. */
  readonly statistics: readonly string[];
  /** Files of series, if `formats` asks for them; written once all parts are there. */
  readonly series?: readonly WrittenSeries[];
}

export class Tally {
  done = 0;
  skipped = 0;
  failed = 0;
  private readonly codes: Partial<Record<ErrorCode, number>> = {};
  private readonly failures: FailedEntry[] = [];
  readonly warnings = new WarningCounts();

  constructor(readonly cases: number) {}

  get seen(): number {
    return this.done + this.skipped + this.failed;
  }

  fail(failure: FailedEntry): void {
    this.failed++;
    const { code } = failure.error;
    this.codes[code] = (this.codes[code] ?? 0) + 1;
    if (this.failures.length < LISTED_FAILURES) this.failures.push(failure);
  }

  summary(): Pick<PredictionSummary, 'counts' | 'codes' | 'warned' | 'warnings' | 'failures'> {
    const { cases, done, skipped, failed, codes, failures, warnings } = this;
    const counts = { cases, done, skipped, failed };
    return { counts, codes, warned: warnings.cases, warnings: warnings.byCode, failures };
  }
}

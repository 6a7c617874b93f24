import { type Warning, type WarningCode, warningCodes } from './warnings.js';

const NAMED = 3;

export interface WarningCount {
  readonly cases: number;
  /** Ids of the first three. */
  readonly first: readonly string[];
  /** Message of the first. */
  readonly example: string;
}

export type CountsByCode = Readonly<Partial<Record<WarningCode, WarningCount>>>;

/** Counts warnings by code. Named cases are the first by id, whatever their order. */
export class WarningCounts {
  private readonly counts = new Map<
    WarningCode,
    { cases: number; first: { id: string; message: string }[] }
  >();
  /** Cases with any warning. */
  cases = 0;

  add(id: string, warnings: readonly Warning[]): void {
    if (warnings.length > 0) this.cases++;
    for (const code of warningCodes(warnings)) {
      const message = warnings.find((one) => one.code === code)?.message ?? '';
      const { cases, first } = this.counts.get(code) ?? { cases: 0, first: [] };
      const sorted = [...first, { id, message }].sort((a, b) => (a.id < b.id ? -1 : 1));
      this.counts.set(code, { cases: cases + 1, first: sorted.slice(0, NAMED) });
    }
  }

  /** In the catalogue's order. */
  get byCode(): CountsByCode {
    const codes = warningCodes([...this.counts.keys()].map((code) => ({ code, message: '' })));
    return Object.fromEntries(
      codes.map((code) => {
        const { cases = 0, first = [] } = this.counts.get(code) ?? {};
        return [code, { cases, first: first.map(({ id }) => id), example: first[0]?.message ?? '' }];
      }),
    );
  }
}

/**
 * "warning MASK_EMPTY: 2 of 40 images (a, b): the first: the mask is empty".
 * @param noun what is counted, in the singular.
 */
export function warningLines(counts: CountsByCode, all: number, noun: string): string[] {
  return Object.entries(counts).map(([code, { cases, first, example }]) => {
    const names = `${first.join(', ')}${cases > first.length ? ', ...' : ''}`;
    const of = cases > 1 ? `the first: ${example}` : example;
    return `warning ${code}: ${cases} of ${all} ${all === 1 ? noun : `${noun}s`} (${names}): ${of}`;
  });
}

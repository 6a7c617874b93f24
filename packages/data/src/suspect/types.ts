import type { Warning, WarningCode } from '@reclmis/core';
import type { CaseMeasure } from '../measure/measure.js';
import type { Case, Split } from '../types.js';

export interface Subject extends Case {
  readonly split: Split;
  readonly measure: CaseMeasure;
}

/** `transpose` and `anti` are mirrored quarter turns. */
export type Turn =
  'mirror' | 'flip' | 'half turn' | 'quarter turn left' | 'quarter turn right' | 'transpose' | 'anti';

export interface SuspectCase {
  readonly split: Split;
  readonly id: string;
  /** In a few words; never a note. */
  readonly why?: string;
  /** After which the mask would fit better. */
  readonly turn?: Turn;
  /** That it resembles, or whose mask it may have. */
  readonly other?: { readonly split: Split; readonly id: string };
}

export interface Suspicion extends Warning {
  readonly count: number;
  /** The clearest first. */
  readonly cases: readonly SuspectCase[];
}

const NAMED = 3;

export function suspicion(code: WarningCode, what: string, cases: readonly SuspectCase[]): Suspicion {
  const names = cases
    .slice(0, NAMED)
    .map(({ split, id, other, why }) => {
      const pair = other === undefined ? '' : ` with ${other.split} ${other.id}`;
      return `${split} ${id}${pair}${why === undefined ? '' : ` (${why})`}`;
    })
    .join(', ');
  const more = cases.length > NAMED ? `, and ${cases.length - NAMED} more` : '';
  return { code, message: `${what}: ${names}${more}`, count: cases.length, cases };
}

/** `1 mask`, `12 masks`. */
export function counted(count: number, thing: string, things = `${thing}s`): string {
  return `${count} ${count === 1 ? thing : things}`;
}

export const placeOf = ({ split, id }: Subject): SuspectCase => ({ split, id });

/** NaN for no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** NaN for no values. */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

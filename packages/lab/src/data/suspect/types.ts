/** What a look at the contents of a data set works on, and what it finds. */
import type { Warning, WarningCode } from '@reclmis/core';
import type { CaseMeasure } from '../measure/measure.js';
import type { Case, Split } from '../types.js';

/** A case that was measured. */
export interface Subject extends Case {
  readonly split: Split;
  readonly measure: CaseMeasure;
}

/** How a mask is turned: mirrored left to right, flipped upside down, or a quarter turn; `transpose` and `anti` are mirrored quarter turns. */
export type Turn =
  'mirror' | 'flip' | 'half turn' | 'quarter turn left' | 'quarter turn right' | 'transpose' | 'anti';

/** A case that a suspicion is about. */
export interface SuspectCase {
  readonly split: Split;
  readonly id: string;
  /** What is odd about it, in a few words; never a note. */
  readonly why?: string;
  /** The turn by which its mask would fit better. */
  readonly turn?: Turn;
  /** The case that it resembles, or whose mask it may have. */
  readonly other?: { readonly split: Split; readonly id: string };
}

/** Something about a data set that is most likely a mistake. */
export interface Suspicion extends Warning {
  /** How many cases it is about. */
  readonly count: number;
  /** All of them, the clearest first. */
  readonly cases: readonly SuspectCase[];
}

/** Names that a message holds. */
const NAMED = 3;

/** A suspicion about some cases: what is seen, with their number and the first three names. */
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

/** The place of a subject alone. */
export const placeOf = ({ split, id }: Subject): SuspectCase => ({ split, id });

/** The middle value; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** The value below which a share of the values lies; NaN of none. */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

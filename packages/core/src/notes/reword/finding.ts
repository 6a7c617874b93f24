/** What a note of LViT's grammar says, as far as it can be said in other words. */
import type { ParsedNote, Place, Side } from '../note.js';
import { inGrammar } from '../note-grammar.js';
import type { Heights } from './wording.js';

export interface WordedFinding {
  readonly parsed: ParsedNote;
  readonly count: number | null;
  /** Null: no finding on that side. */
  readonly left: Heights | null;
  readonly right: Heights | null;
}

const THIRDS = ['upper', 'middle', 'lower'] as const;

/** Null for notes outside the grammar, with a place that is open, and about other findings. */
export function findingOf(note: string): WordedFinding | null {
  const parsed = inGrammar(note);
  if (parsed === null || parsed.nuclei.length > 0) return null;
  if (parsed.finding !== null && !/(?:infections?|pneumonia)$/u.test(parsed.finding)) return null;
  if (parsed.count === 0 || parsed.places.some(isOpen)) return null;
  const heights = { left: heightsOf(parsed, 'left'), right: heightsOf(parsed, 'right') };
  return { parsed, count: parsed.count, ...heights };
}

/** "All lung" names no side, and "all lower left lung" leaves open how much of it is meant. */
function isOpen({ side, zones }: Place): boolean {
  return side === null || (zones.includes('all') && zones.length > 1);
}

/** A side's heights without a finding; empty if nothing is left. */
export function freeHeights(heights: Heights | null): (typeof THIRDS)[number][] {
  return heights === 'all' ? [] : THIRDS.filter((third) => !(heights ?? '').includes(third));
}

function heightsOf({ places }: ParsedNote, side: Side): Heights | null {
  const own = places.filter((place) => place.side === side);
  if (own.length === 0) return null;
  const whole = own.some(({ zones }) => zones.length === 0 || zones.includes('all'));
  const thirds = THIRDS.filter((third) => own.some(({ zones }) => zones.includes(third)));
  return whole || thirds.length === THIRDS.length ? 'all' : (thirds.join(' ') as Heights);
}

/**
 * A note's own words in another order. Clauses change places, and words change places inside a clause; the
 * words of a place stay together, so that each height keeps its side.
 */
import { formatNote, type ParsedNote } from '../note.js';
import { numberWord } from '../note-count.js';
import type { Random } from '../../random.js';
import type { WordedFinding } from './finding.js';
import { capitalised, fill } from './fill.js';
import type { BySet } from './wording.js';

interface Order {
  /** Order of head, count and places; heads and counts may be missing. */
  readonly clauses: readonly string[];
  readonly head: readonly string[];
  readonly count: readonly string[];
  readonly place: readonly string[];
}

const ORDERS: BySet<Order> = {
  train: {
    clauses: ['{places}, {head}, {count}', '{count}, {places}, {head}', '{head}, {places}, {count}'],
    head: ['{laterality} {finding}', '{finding} {laterality}'],
    count: ['{count} infected {areas}'],
    place: ['{side} {zones} lung', '{zones} {side} lung'],
  },
  test: {
    clauses: ['{places}, {count}, {head}', '{count}, {head}, {places}'],
    head: ['{laterality} {finding}', '{finding}, {laterality}'],
    count: ['infected {areas} {count}', '{count} {areas} infected'],
    place: ['{side} lung {zones}', '{zones} lung {side}'],
  },
};

/** Null if the note has too few clauses to be put in another order. */
export function reordered(finding: WordedFinding, set: keyof typeof ORDERS, random: Random): string | null {
  const { parsed } = finding;
  const order = ORDERS[set];
  const clauses: Record<string, string> = {
    head: headOf(parsed, random.pick(order.head)),
    count: countOf(parsed, random.pick(order.count)),
    places: placesOf(parsed, random.pick(order.place), random),
  };
  const text = fill(random.pick(order.clauses), (slot) => clauses[slot] ?? null)
    .split(', ')
    .filter((clause) => clause !== '')
    .join(', ');
  const changed = capitalised(text) + '.';
  return changed === formatNote(parsed) ? null : changed;
}

function headOf({ laterality, finding }: ParsedNote, order: string): string {
  if (laterality === null || finding === null) return laterality ?? finding ?? '';
  return fill(order, (slot) => (slot === 'finding' ? finding : laterality));
}

function countOf({ count }: ParsedNote, order: string): string {
  if (count === null) return '';
  const areas = count === 1 ? 'area' : 'areas';
  return fill(order, (slot) => (slot === 'count' ? numberWord(count) : areas));
}

function placesOf({ places }: ParsedNote, order: string, random: Random): string {
  const phrases = places.map(({ side, zones }) =>
    fill(order, (slot) => (slot === 'side' ? side : zones.join(' ')))
      .replace(/\s+/gu, ' ')
      .trim(),
  );
  return random.shuffle(phrases).join(' and ');
}

/** The parts of a place that are joined by "and", commas and the like: each names sides and heights. */
import type { Side, Zone } from '../note.js';
import type { Span } from './free-note.js';
import type { PlainPlace } from './phrases.js';

export type Join = 'and' | 'or' | 'slash' | 'range' | 'comma';

export interface Term {
  readonly join: Join | null;
  /** A preposition follows the join ("and in"). */
  readonly link: boolean;
  readonly from: number;
  readonly sides: Set<Side>;
  readonly zones: Zone[];
  readonly named: PlainPlace[];
  readonly spans: Span[];
  organ: 'one' | 'many' | 'all' | null;
  both: boolean;
  one: boolean;
  whole: boolean;
  sideLast: boolean;
  /** Its side is that at the end of its list. */
  inList: boolean;
  contradicts: boolean;
  /** Before sides and heights of neighbours are shared. */
  ownSides: Side[];
  bare: boolean;
}

export function newTerm(join: Join | null, link: boolean, from: number): Term {
  return {
    join,
    link,
    from,
    sides: new Set(),
    zones: [],
    named: [],
    spans: [],
    organ: null,
    both: false,
    one: false,
    whole: false,
    sideLast: false,
    inList: false,
    contradicts: false,
    ownSides: [],
    bare: false,
  };
}

/** "right/left base": one of them, or both. */
export function isSlashed(before: Term | undefined, term: Term): boolean {
  const [a] = before?.ownSides ?? [];
  const [b] = term.ownSides;
  return term.join === 'slash' && a !== undefined && b !== undefined && a !== b && before?.bare === true;
}

/** "from left to right": no list of sides. */
export function isFromSideToSide(before: Term | undefined, term: Term): boolean {
  const [a, b] = [before?.ownSides[0], term.ownSides[0]];
  return (
    term.join === 'range' &&
    before?.bare === true &&
    term.bare &&
    a !== b &&
    a !== undefined &&
    b !== undefined
  );
}

export function isAfterthought(terms: readonly Term[]): boolean {
  const last = terms[terms.length - 1];
  const side = last?.ownSides[0];
  const listed = last?.join === 'comma' && last.bare && side !== undefined;
  return (
    listed &&
    terms.slice(0, -1).some(({ sides, named }) => {
      const others = [...sides, ...named.map((place) => place.side)];
      return others.length > 0 && !others.includes(side);
    })
  );
}

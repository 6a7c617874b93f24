/** What the terms of a place mean together: sides and heights that neighbours share, ranges, contradictions. */
import type { Side, Zone } from '../note.js';
import type { Item } from './items.js';
import type { Placed, PlaceGroup } from './place-group.js';
import { isAfterthought, isFromSideToSide, isSlashed, type Term } from './terms.js';

const SIDES = ['left', 'right'] as const satisfies readonly Side[];
const THIRDS = ['upper', 'middle', 'lower'] as const satisfies readonly Zone[];

export function resolve(
  terms: readonly Term[],
  from: number,
  to: number,
  items: readonly Item[],
  paired: boolean,
): PlaceGroup {
  const apart = appositionFails(terms);
  for (const term of terms) {
    term.ownSides = [...term.sides];
    term.bare = term.zones.length === 0 && term.named.length === 0 && !term.both;
  }
  shareSides(terms, paired);
  shareZones(terms);
  const plain = ({ sides, zones, named: own, both }: Term): boolean =>
    sides.size === 0 && zones.length === 0 && own.length === 0 && !both;
  const organ = terms.every(plain);
  const places: Placed[] = [];
  let before: readonly Placed[] = [];
  for (const term of terms) {
    if (plain(term) && !organ) {
      before = [];
      continue; // "the lungs, in the upper left"
    }
    const found = placesOfTerm(term, paired);
    if (term.join === 'range') {
      const starts = fillRange(found, before);
      places.splice(0, places.length, ...places.filter((place) => !starts.has(place)));
    }
    places.push(...found);
    before = found;
  }
  const or = terms.some(({ join }) => join === 'or');
  const last = terms[terms.length - 1]!;
  const named = new Set(places.map(({ side, zones }) => `${zones.join(' ')} ${side ?? ''}`));
  return {
    places,
    alternatives: (or || terms.some((term, i) => isOpen(terms[i - 1], term))) && named.size > 1,
    afterthought: isAfterthought(terms),
    contradicts: terms.some((term) => term.contradicts) || apart,
    organ,
    closed: terms.every((term) => term.organ !== null || term.zones.length > 0 || term.named.length > 0),
    whole: terms.some((term) => term.whole),
    slashed: terms.some((term, i) => term.join === 'slash' && !shareSide(terms[i - 1], term)),
    unilateral: terms.some((term) => term.one),
    subject: terms.length > 1 && last.join === 'comma' && last.organ !== null && last.bare,
    span: { start: items[from]!.span.start, end: items[to - 1]!.span.end },
    from,
    to,
  };
}

const isOpen = (before: Term | undefined, term: Term): boolean =>
  isSlashed(before, term) || isFromSideToSide(before, term);

function shareSide(a: Term | undefined, b: Term): boolean {
  const of = (term: Term | undefined): (Side | null)[] =>
    term ? [...term.sides, ...term.named.map(({ side }) => side)] : [];
  const [one, other] = [of(a), of(b)];
  return one.length === 0 || other.length === 0 || one.some((side) => other.includes(side));
}

/** "in the left lung, at the right apex": the second is to be part of the first. */
function appositionFails(terms: readonly Term[]): boolean {
  const [first, second] = terms;
  if (!first || !second || terms.length > 2 || second.join !== 'comma' || !second.link) return false;
  if (first.both || second.both || first.named.length > 0) return false;
  const sides = [...second.sides, ...second.named.map(({ side }) => side)];
  if (first.sides.size > 0 && first.zones.length === 0)
    return sides.length > 0 && !sides.some((side) => side !== null && first.sides.has(side));
  const zones = [...second.zones, ...second.named.flatMap((place) => place.zones)];
  const open = first.sides.size === 0 && zones.length > 0;
  return open && first.zones.length > 0 && !zones.some((zone) => first.zones.includes(zone));
}

/** "left mid and lower zone", "mid and lower left zone", "both upper and lower zones of the right lung". */
function shareSides(terms: readonly Term[], paired: boolean): void {
  // "top left, centre and bottom right": the middle of a picture needs no side
  const centre = ({ zones }: Term): boolean => !paired && zones.every((zone) => zone === 'middle');
  const open = (term: Term): boolean =>
    term.sides.size === 0 && !term.both && term.named.length === 0 && term.zones.length > 0 && !centre(term);
  const last = terms[terms.length - 1]!;
  const [first, second] = terms;
  if (
    first?.both &&
    first.zones.length > 0 &&
    second &&
    open(second) &&
    last.sides.size === 1 &&
    last.sideLast
  )
    first.both = false;
  for (let i = terms.length - 2; i >= 0; i--) {
    const [term, next] = [terms[i]!, terms[i + 1]!];
    const closed = term.organ !== null || (next.join === 'comma' && next.link);
    if (!open(term) || (closed && !trails(next))) continue;
    for (const side of next.sides) term.sides.add(side);
    const twins = new Set(next.named.map(({ side }) => side)).size === 2;
    term.both = next.both || (twins && next.sides.size === 0 && !closed);
    if (term.organ === null) term.organ = next.organ;
    else if (closed) {
      term.sideLast = true;
      term.inList = true;
    }
  }
  for (let i = 1; i < terms.length; i++) {
    const [term, before] = [terms[i]!, terms[i - 1]!];
    if (!open(term) || term.organ === 'many') {
      if (!open(term) || before.sides.size === 0) continue;
    }
    for (const side of before.sides) term.sides.add(side);
    term.both = before.both;
    const sides = new Set(before.named.map(({ side }) => side));
    for (const side of sides) if (side !== null) term.sides.add(side);
  }
}

/** "upper zone, mid zone and base on the left": a side at the end holds for the whole list. */
function trails({ sideLast, sides, join, link, inList }: Term): boolean {
  if (!sideLast || sides.size === 0) return false;
  return join === 'and' || join === 'range' || (join === 'comma' && !link && inList);
}

/** "right and left upper lobe", "lower lobe on the left and right". */
function shareZones(terms: readonly Term[]): void {
  const open = (term: Term): boolean =>
    term.zones.length === 0 && term.named.length === 0 && (term.sides.size > 0 || term.both) && !term.whole;
  for (let i = terms.length - 2; i >= 0; i--) {
    const [term, next] = [terms[i]!, terms[i + 1]!];
    if (!open(term) || term.organ !== null || next.link || next.join === 'comma') continue;
    if (next.sides.size === 0) continue;
    term.zones.push(...next.zones);
  }
  for (let i = 1; i < terms.length; i++) {
    const [term, before] = [terms[i]!, terms[i - 1]!];
    if (!open(term) || term.organ !== null || !before.sideLast || term.join === 'comma') continue;
    term.zones.push(...before.zones);
  }
}

function placesOfTerm(term: Term, paired: boolean): Placed[] {
  const { spans } = term;
  // "the whole left lung" names every height, "left lung" none
  const every = term.whole && term.zones.length === 0;
  const zones = THIRDS.filter((third) => every || term.zones.includes(third));
  const chosen = term.both ? [...SIDES] : [...term.sides];
  if (term.named.length > 0) {
    const sided = term.sides.size > 0 && !term.both;
    const named = term.named.filter(({ side }) => !sided || side === null || term.sides.has(side));
    // "one of the bases"
    if (term.one && new Set(named.map(({ side }) => side)).size === 2)
      return named.slice(0, 1).map((place) => ({ ...place, side: null, spans }));
    return named.map((place) => ({ ...place, spans }));
  }
  const plural = paired && !term.one && (term.organ === 'many' || term.organ === 'all');
  const sides: readonly (Side | null)[] =
    term.sides.size > 0 && term.both ? [...term.sides] : chosen.length > 0 ? chosen : plural ? SIDES : [null];
  const all = zones.length === 3;
  if (plural && term.organ === 'many' && chosen.length === 0)
    return [{ side: null, zones, spans, plural: true }];
  if (sides.length === 1 && sides[0] === null && (zones.length === 0 || all)) return [];
  return sides.map((side) => ({ side, zones, spans }));
}

/** Makes "from apex to base" every height, in one place. @returns the places that are part of another now */
function fillRange(found: Placed[], before: readonly Placed[]): ReadonlySet<Placed> {
  const starts = new Set<Placed>();
  for (const [i, place] of found.entries()) {
    const start = before.find(({ side }) => side === place.side || side === null || place.side === null);
    const [a, b] = [start?.zones[0], place.zones[0]];
    if (!a || !b || (a !== 'upper' && a !== 'lower') || (b !== 'upper' && b !== 'lower') || a === b) continue;
    if (start) starts.add(start);
    found[i] = { ...place, zones: [...THIRDS], spans: [...(start?.spans ?? []), ...place.spans] };
  }
  return starts;
}

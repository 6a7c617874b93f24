/** Places from words for sides and heights: "left upper and right lower lobe", "mid to lower zones". */
import type { Side, Zone } from '../note.js';
import { has, type Item, markOf } from './items.js';
import type { Span } from './free-note.js';
import { isAfterthought, isSlashed, type Join, newTerm, type Term } from './terms.js';
import type { PlainPlace } from './vocabulary.js';

const SIDES = ['left', 'right'] as const satisfies readonly Side[];
const THIRDS = ['upper', 'middle', 'lower'] as const satisfies readonly Zone[];

export interface Placed extends PlainPlace {
  readonly spans: readonly Span[];
  /** A plural without a side ("upper zones"): both, unless a side is named elsewhere. */
  readonly plural?: boolean;
}

export interface PlaceGroup {
  readonly places: readonly Placed[];
  /** Two sides or heights with "or" between them. */
  readonly alternatives: boolean;
  /** Two sides in one place ("right lung, namely the LUL"). */
  readonly contradicts: boolean;
  /** Names the organ only ("lungs"). */
  readonly organ: boolean;
  readonly whole: boolean;
  readonly unilateral: boolean;
  /** Ends with a bare side other than the one before ("left base (right"). */
  readonly afterthought: boolean;
  readonly span: Span;
  /** First and last + 1 of the sentence's items. */
  readonly from: number;
  readonly to: number;
}

/** The side named last, for "contralateral" and "ipsilateral". */
export interface SideMemory {
  last: Side | null;
}

export function isPlaceItem(item: Item | undefined): boolean {
  return has(item, 'side', 'zone', 'named') || (item !== undefined && markOf(item, 'organ')?.value === 'all');
}

function goesOn(item: Item | undefined): boolean {
  return isPlaceItem(item) || has(item, 'organ', 'whole');
}

/** The group of places at an item, or null. `paired`: plurals without a side are on both. */
export function groupAt(
  items: readonly Item[],
  at: number,
  memory: SideMemory,
  paired: boolean,
): PlaceGroup | null {
  if (!isPlaceItem(items[at]) && !(has(items[at], 'whole', 'organ') && isPlaceItem(items[at + 1])))
    return null;
  const terms: Term[] = [];
  let term = newTerm(null, false, at);
  let linked = false;
  let ofAnother = false; // "right ... of the lower left lobe": a preposition since the last side
  let i = at;
  let end = at;
  while (i < items.length) {
    const item = items[i]!;
    if (goesOn(item)) {
      const bare = term.sides.size > 0 && term.zones.length === 0 && term.named.length === 0;
      if (startsAnother(term, item, ofAnother || bare)) {
        terms.push(term);
        term = newTerm('comma', linked, i);
      }
      readInto(term, item, linked, memory);
      if (has(item, 'side', 'zone', 'named')) linked = false;
      if (has(item, 'side', 'named')) ofAnother = false;
      end = ++i;
      continue;
    }
    const step = stepOver(items, i);
    if (step === null) break;
    linked = step.link;
    ofAnother ||= step.link;
    if (step.join !== null) {
      terms.push(term);
      term = newTerm(step.join, step.link, step.next);
      linked = false;
      ofAnother = false;
    }
    i = step.next;
  }
  terms.push(term);
  return resolve(terms, at, end, items, paired);
}

/** Parts of a group from a term on: for "in the RLL and left lung clear". */
export function splitGroup(
  group: PlaceGroup,
  items: readonly Item[],
  memory: SideMemory,
  paired: boolean,
): [PlaceGroup, PlaceGroup] | null {
  let cut = -1;
  for (const kind of ['comma', 'and'] as const) {
    for (let i = group.to - 1; i > group.from && cut < 0; i--) if (has(items[i], kind)) cut = i;
  }
  if (cut < 0) return null;
  let second = cut + 1;
  while (second < group.to && !goesOn(items[second])) second++;
  const first = groupAt(items.slice(0, cut), group.from, memory, paired);
  const last = groupAt(items.slice(0, group.to), second, memory, paired);
  return first && last ? [first, last] : null;
}

interface Step {
  readonly join: Join | null;
  readonly link: boolean;
  readonly next: number;
}

/** Crosses joins, prepositions and empty words if a place follows. */
function stepOver(items: readonly Item[], from: number): Step | null {
  let join: Join | null = null;
  let link = false;
  let i = from;
  for (; i < items.length && i - from < 6; i++) {
    const item = items[i]!;
    if (goesOn(item)) {
      // "lung and left base": an organ without a side does not go on after a comma.
      if (join !== null && !isPlaceItem(item) && !isPlaceItem(items[i + 1])) return null;
      return { join, link, next: i };
    }
    const range = has(item, 'range') && (join === null || join === 'comma');
    if (has(item, 'namely')) {
      join = null;
      link = true;
    } else if (range && isRange(items, i)) join = 'range';
    else if (has(item, 'or')) join = 'or';
    else if (has(item, 'and')) join = join === 'or' ? 'or' : 'and';
    else if (has(item, 'slash')) join = join === 'or' ? 'or' : 'slash';
    else if (has(item, 'maybe') && (join === 'and' || join === 'or'))
      continue; // "right or possibly left"
    else if (has(item, 'comma')) join ??= 'comma';
    else if (has(item, 'link')) link = true;
    else if (has(item, 'colon', 'with')) return null;
    else if (!has(item, 'filler', 'ignored')) return null;
  }
  return null;
}

/** "mid to lower" and "from apex to base", not "right lung to the left". */
function isRange(items: readonly Item[], at: number): boolean {
  const after = items.slice(at + 1, at + 4).find((item) => !has(item, 'filler', 'link', 'ignored'));
  return has(after, 'zone', 'named') || !has(items[at], 'link');
}

/** "RUL LLL", "right upper lobe left base": places in a row without a join. */
function startsAnother(term: Term, item: Item, linked: boolean): boolean {
  if (linked) return false;
  const side = markOf(item, 'side')?.value;
  const named = markOf(item, 'named');
  const plain = side === 'left' || side === 'right';
  if (plain && term.sides.size > 0 && !term.sides.has(side)) return true;
  if (named && (term.named.length > 0 || (term.zones.length > 0 && term.organ !== null))) return true;
  return (
    plain && term.named.some((place) => place.side !== null && place.side !== side) && term.organ !== null
  );
}

function readInto(term: Term, item: Item, linked: boolean, memory: SideMemory): void {
  term.spans.push(item.span);
  const side = sideOf(item, memory);
  if (side === 'both') term.both = true;
  else if (side === 'one') term.one = true;
  else if (side !== null) {
    const others = [...term.sides, ...term.named.map((place) => place.side)].filter((one) => one !== null);
    const paired = term.named.length > 1;
    if (others.length > 0 && !others.includes(side) && !paired) term.contradicts = true;
    term.sides.add(side);
    term.sideLast = term.zones.length > 0 || term.named.length > 0;
    memory.last = side;
  }
  const zone = markOf(item, 'zone')?.value;
  if (zone !== undefined && !term.zones.includes(zone)) {
    if (linked && term.zones.length > 0) term.contradicts = true; // "basal, in the apex"
    term.zones.push(zone);
  }
  for (const place of markOf(item, 'named')?.value ?? []) {
    if (place.side === null) {
      if (linked && term.zones.length > 0 && !place.zones.some((one) => term.zones.includes(one)))
        term.contradicts = true;
      for (const one of place.zones) if (!term.zones.includes(one)) term.zones.push(one);
      continue;
    }
    const others = (markOf(item, 'named')?.value ?? []).every(
      ({ side }) => side === null || !term.sides.has(side),
    );
    if (term.sides.size > 0 && others) term.contradicts = true; // "right lingula"
    term.named.push(place);
  }
  const named = term.named.map((place) => place.side);
  if (named.length === 1 && named[0] != null) memory.last = named[0];
  const organ = markOf(item, 'organ')?.value;
  if (organ !== undefined && term.organ !== 'many') term.organ = organ;
  if (has(item, 'whole')) term.whole = true;
}

function sideOf(item: Item, memory: SideMemory): Side | 'both' | 'one' | null {
  const side = markOf(item, 'side')?.value ?? null;
  if (side === 'same') return memory.last;
  if (side !== 'opposite') return side;
  return memory.last === null ? null : memory.last === 'left' ? 'right' : 'left';
}

function resolve(
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
  shareSides(terms);
  shareZones(terms);
  const plain = ({ sides, zones, named: own, both }: Term): boolean =>
    sides.size === 0 && zones.length === 0 && own.length === 0 && !both;
  const organ = terms.every(plain);
  const places: Placed[] = [];
  for (const [i, term] of terms.entries()) {
    if (plain(term) && !organ) continue; // "the lungs, in the upper left"

    const found = placesOfTerm(term, paired);
    const before = terms[i - 1];
    if (term.join === 'range' && before) fillRange(found, placesOfTerm(before, paired));
    places.push(...found);
  }
  const or = terms.some(({ join }) => join === 'or');
  const named = new Set(places.map(({ side, zones }) => `${zones.join(' ')} ${side ?? ''}`));
  return {
    places,
    alternatives: (or || terms.some((term, i) => isSlashed(terms[i - 1], term))) && named.size > 1,
    afterthought: isAfterthought(terms),
    contradicts: terms.some((term) => term.contradicts) || apart,
    organ,
    whole: terms.some((term) => term.whole),
    unilateral: terms.some((term) => term.one),
    span: { start: items[from]!.span.start, end: items[to - 1]!.span.end },
    from,
    to,
  };
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
function shareSides(terms: readonly Term[]): void {
  const open = (term: Term): boolean =>
    term.sides.size === 0 && !term.both && term.named.length === 0 && term.zones.length > 0;
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
    if (!open(term) || (closed && !(next.sideLast && next.sides.size > 0))) continue;
    if (closed && next.join !== 'and' && next.join !== 'range') continue;
    for (const side of next.sides) term.sides.add(side);
    const paired = new Set(next.named.map(({ side }) => side)).size === 2;
    term.both = next.both || (paired && next.sides.size === 0 && !closed);
    if (term.organ === null) term.organ = next.organ;
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
    return named.map((place) => ({ ...place, spans }));
  }
  const plural = paired && (term.organ === 'many' || term.organ === 'all');
  const sides: readonly (Side | null)[] =
    term.sides.size > 0 && term.both ? [...term.sides] : chosen.length > 0 ? chosen : plural ? SIDES : [null];
  const all = zones.length === 3;
  if (plural && term.organ === 'many' && chosen.length === 0)
    return [{ side: null, zones, spans, plural: true }];
  if (sides.length === 1 && sides[0] === null && (zones.length === 0 || all)) return [];
  return sides.map((side) => ({ side, zones, spans }));
}

/** Adds the heights between the ends of a range. */
function fillRange(found: Placed[], before: readonly Placed[]): void {
  for (const [i, place] of found.entries()) {
    const start = before.find(({ side }) => side === place.side || side === null || place.side === null);
    const [a, b] = [start?.zones[0], place.zones[0]];
    if (!a || !b || (a !== 'upper' && a !== 'lower') || (b !== 'upper' && b !== 'lower') || a === b) continue;
    found[i] = { ...place, zones: [...place.zones, 'middle'] };
  }
}

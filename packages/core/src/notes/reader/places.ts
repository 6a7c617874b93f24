/** Places from words for sides and heights: "left upper and right lower lobe", "mid to lower zones". */
import type { Side } from '../note.js';
import { has, type Item, markOf } from './items.js';
import type { PlaceGroup, SideMemory } from './place-group.js';
import { resolve } from './resolve.js';
import { type Join, newTerm, type Term } from './terms.js';

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
  if (!startsPlace(items, at)) return null;
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
      if (startsAnother(term, item, items[i + 1], ofAnother || bare)) {
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
    if (step === null || (step.join === 'comma' && isLedByOnly(items, at))) break;
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

/** A side, height or lobe, also after words for all of an organ: "all lung left", "the whole of the lung on the left". */
function startsPlace(items: readonly Item[], at: number): boolean {
  let i = at;
  if (has(items[i], 'whole', 'organ')) {
    while (!isPlaceItem(items[i]) && has(items[i], 'whole', 'organ', 'link', 'filler')) i++;
  }
  return isPlaceItem(items[i]);
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
  if (cut < 0) return splitRow(group, items, memory, paired);
  let second = cut + 1;
  while (second < group.to && !goesOn(items[second])) second++;
  const first = groupAt(items.slice(0, cut), group.from, memory, paired);
  const last = groupAt(items.slice(0, group.to), second, memory, paired);
  return first && last ? [first, last] : null;
}

/** "RLL left lung": two places in a row, of different sides. */
function splitRow(
  group: PlaceGroup,
  items: readonly Item[],
  memory: SideMemory,
  paired: boolean,
): [PlaceGroup, PlaceGroup] | null {
  for (let i = group.to - 1; i > group.from; i--) {
    if (!has(items[i], 'side', 'named') || !goesOn(items[i - 1])) continue;
    const first = groupAt(items.slice(0, i), group.from, memory, paired);
    const last = groupAt(items.slice(0, group.to), i, memory, paired);
    const sided = (one: PlaceGroup | null) => one?.places.every(({ side }) => side !== null) ?? false;
    const apart = first?.places.every((one) => last?.places.every(({ side }) => side !== one.side));
    if (first?.closed && last && apart && last.places.length > 0 && sided(first) && sided(last))
      return [first, last];
  }
  return null;
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
  let now = false;
  let namely = false;
  let i = from;
  for (; i < items.length && i - from < 6; i++) {
    const item = items[i]!;
    if (goesOn(item)) {
      // "in the RUL, now in the RML" is no list
      if (now && join !== 'and') return null;
      if (join === 'comma' && (isOnly(items, i) || isDenied(items, i))) return null;
      // "lung and left base": an organ without a side does not go on after a comma.
      if (join !== null && !startsPlace(items, i)) return null;
      return { join, link, next: i };
    }
    // "the left only at the base"
    const limits = join === null && has(items[i - 1], 'side') && has(items[i + 1], 'link');
    if (has(item, 'only') && !limits) return null;
    // "three on the left, one on the right" where "one" is an article
    if (join !== null && has(item, 'article') && has(items[i + 1], 'link', 'range', 'side', 'zone'))
      return null;
    now ||= has(item, 'now');
    const range = has(item, 'range') && (join === null || join === 'comma');
    if (has(item, 'namely')) {
      join = null;
      link = true;
      namely = true;
    } else if (range && isRange(items, i)) join = 'range';
    else if (has(item, 'or')) join = 'or';
    else if (has(item, 'and')) join = join === 'or' ? 'or' : 'and';
    else if (has(item, 'slash')) join = join === 'or' ? 'or' : 'slash';
    else if (has(item, 'maybe') && (join === 'and' || join === 'or'))
      continue; // "right or possibly left"
    else if (has(item, 'comma'))
      join ??= namely ? null : 'comma'; // ", that is, "
    else if (has(item, 'link')) link = true;
    else if (has(item, 'colon', 'with', 'source')) return null;
    else if (!has(item, 'filler', 'ignored')) return null;
  }
  return null;
}

/** "not on the left, right side only": no list. */
function isOnly(items: readonly Item[], at: number): boolean {
  const end = items.findIndex((item, i) => i > at && has(item, 'comma', 'and', 'or', 'but'));
  return items.slice(at, end < 0 ? items.length : end).some((item) => has(item, 'only'));
}

/** "only on the right, ..." */
function isLedByOnly(items: readonly Item[], at: number): boolean {
  let i = at - 1;
  while (has(items[i], 'filler', 'link') && !has(items[i], 'only')) i--;
  return has(items[i], 'only');
}

/** "lower third, left none": a place with a "no" of its own at the end. */
function isDenied(items: readonly Item[], at: number): boolean {
  let i = at;
  while (goesOn(items[i]) || has(items[i], 'filler', 'ignored', 'link')) i++;
  const ends = items[i + 1] === undefined || has(items[i + 1], 'comma', 'and', 'but');
  return has(items[i], 'not', 'gone') && ends && !items.slice(0, at).some((item) => has(item, 'finding'));
}

/** "mid to lower" and "from apex to base", not "right lung to the left" or "not on the left - right only". */
function isRange(items: readonly Item[], at: number): boolean {
  const after = items.slice(at + 1, at + 4).find((item) => !has(item, 'filler', 'link', 'ignored'));
  return has(after, 'zone', 'named') || !has(items[at], 'link', 'comma');
}

/** "RUL LLL", "right upper lobe left base": places in a row without a join. */
function startsAnother(term: Term, item: Item, next: Item | undefined, linked: boolean): boolean {
  if (linked) return false;
  const side = markOf(item, 'side')?.value;
  const named = markOf(item, 'named');
  const plain = side === 'left' || side === 'right';
  if (plain && term.sides.size > 0 && !term.sides.has(side)) return true;
  if (named && (term.named.length > 0 || (term.zones.length > 0 && term.organ !== null))) return true;
  return (
    plain &&
    term.named.some((place) => place.side !== null && place.side !== side) &&
    (term.organ !== null || has(next, 'zone', 'organ', 'named')) // "RLL left lung"
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

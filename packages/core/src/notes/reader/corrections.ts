/** Places that a writer takes back: "opacity right upper, correction, left upper lobe". */
import { has, type Item, markOf } from './items.js';

const UNDECIDED: Item['marks'] = [{ kind: 'undecided' }];
const IGNORED: Item['marks'] = [{ kind: 'ignored' }];

/** From a sentence's first item to its last + 1. */
interface Run {
  readonly from: number;
  readonly to: number;
}

/**
 * The sentences with a place that was corrected left out. What is corrected twice, doubted or denied, or might be one
 * of two places, stays open.
 */
export function withCorrections(sentences: readonly (readonly Item[])[]): readonly (readonly Item[])[] {
  const marked = sentences.flatMap((items, s) =>
    items.flatMap((item, at) => (has(item, 'correction') ? [{ s, at }] : [])),
  );
  const [first, ...others] = marked;
  if (first === undefined) return sentences;
  const result = sentences.map((items) => [...items]);
  const { s, at } = first;
  const items = result[s]!;
  const own = runsIn(items.slice(0, at));
  const before = own.length > 0 ? items : (result[s - 1] ?? []);
  const runs = own.length > 0 ? own : runsIn(before);
  if (runs.length === 0) return sentences; // nothing was said yet
  const said = own.length > 0 ? items.slice(0, at) : before;
  const next = runsIn(items).find(({ from }) => from > at);
  const wrong =
    runs.find(({ to }) => own.length > 0 && leadsTo(items, to, at)) ?? (runs.length === 1 ? runs[0] : null);
  if (next === undefined && own.length === 0 && items.length > 1) return sentences; // "Sorry for the delay."
  const open =
    others.length > 0 ||
    said.some((item) => has(item, 'clear', 'not', 'gone', 'history', 'now')) ||
    sentences.flat().some((item) => has(item, 'undecided', 'question')) ||
    items.slice(at).some((item) => has(item, 'or', 'maybe', 'not', 'gone', 'clear'));
  const replaced = next && wrong ? replacedBy(before, wrong, items.slice(next.from, next.to)) : null;
  if (open || next === undefined || replaced === null) {
    for (const one of marked) {
      const item = result[one.s]![one.at]!;
      result[one.s]![one.at] = { ...item, marks: UNDECIDED };
    }
    return result;
  }
  for (const i of replaced) before[i] = { ...before[i]!, marks: IGNORED };
  const start = own.length > 0 ? (wrong?.to ?? at) : 0;
  for (let i = start; i < next.from; i++)
    if (has(items[i], 'comma', 'colon', 'correction', 'range')) items[i] = { ...items[i]!, marks: IGNORED };
  return result;
}

const isPlace = (item: Item | undefined): boolean => has(item, 'side', 'zone', 'named', 'organ', 'whole');

/** Places in a row, without commas between them. */
function runsIn(items: readonly Item[]): Run[] {
  const runs: Run[] = [];
  for (let i = 0; i < items.length; i++) {
    if (!has(items[i], 'side', 'zone', 'named')) continue;
    let to = i + 1;
    for (let j = to; j < items.length && (isPlace(items[j]) || isEmpty(items[j])); j++)
      if (isPlace(items[j])) to = j + 1;
    runs.push({ from: i, to });
    i = to;
  }
  return runs;
}

const isEmpty = (item: Item | undefined): boolean =>
  has(item, 'filler', 'ignored', 'link') && !has(item, 'correction', 'comma', 'colon', 'and', 'range');

function leadsTo(items: readonly Item[], from: number, to: number): boolean {
  return items.slice(from, to).every((item) => isEmpty(item) || has(item, 'comma', 'colon'));
}

/** What of a place is said again: its side, its height, or all of it; null if that cannot be told. */
function replacedBy(items: readonly Item[], { from, to }: Run, place: readonly Item[]): number[] | null {
  const old = items.slice(from, to);
  const all = old.map((_, i) => from + i);
  if (place.some(namesSide) && place.some(namesHeight)) return all;
  const again = place.some(namesSide) ? namesSide : namesHeight;
  if (old.some((item) => namesSide(item) && namesHeight(item))) return null; // "RUL, correction, left"
  const kept = again === namesSide ? namesHeight : namesSide;
  if (!old.some(kept)) return all;
  return all.filter((i) => again(items[i]!) || (again === namesHeight && has(items[i], 'organ')));
}

const namesSide = (item: Item): boolean =>
  has(item, 'side') || (markOf(item, 'named')?.value.some(({ side }) => side !== null) ?? false);

const namesHeight = (item: Item): boolean => has(item, 'zone', 'named');

/** Findings, number, extent, doubt and sides from the statements of a note. */
import { compatible } from './alternatives.js';
import type { Statement } from './contradictions.js';
import type { FreeNote, ReadItem, ReadPlace, ReadStatement } from './free-note.js';
import type { StatedCount } from './heads.js';
import { has, type Item, markOf } from './items.js';
import type { Extent } from './lexicon.js';
import { isItem } from './nodes.js';
import type { Placed } from './place-group.js';
import { withoutRepeats } from './statements.js';

function readItem<T>(value: T, { span, typed }: Item): ReadItem<T> {
  return typed === undefined ? { value, span } : { value, span, typed };
}

export function findingsOf(present: readonly Statement[]): ReadItem<string>[] {
  const own = present.filter(({ head }) => head.kind === 'finding' && !head.cloned);
  return own.map(({ head }) => readItem(head.name, head.item));
}

/**
 * A number is the whole if later ones add up to it or less ("two: one on the left and one on the right"), unless
 * each has a place of its own ("3 on the right and 1 on the left").
 */
function totalOf(counts: readonly StatedCount[]): ReadItem<number> | null {
  const [first, ...others] = counts;
  if (first === undefined) return null;
  const rest = others.reduce((sum, { value }) => sum + value, 0);
  const whole = rest <= first.value && first.value > 1 && !others.every((one) => areApart(first, one));
  return readItem(whole ? first.value : first.value + rest, first.item);
}

function areApart(a: StatedCount, b: StatedCount): boolean {
  const plain = ({ groups }: StatedCount) =>
    groups.filter(({ organ }) => !organ).flatMap(({ places }) => places);
  const [here, there] = [plain(a), plain(b)];
  const apart = here.every((one) => there.every((other) => !compatible(one, other)));
  return here.length > 0 && there.length > 0 && apart;
}

export function statementsIn(present: readonly Statement[]): ReadStatement[] {
  return present
    .filter(({ head }) => head.kind === 'finding')
    .map(({ head, places }) => ({
      finding: head.name,
      places: plainPlaces(places),
      count: totalOf(head.counts)?.value ?? null,
      elsewhere: head.idle,
    }));
}

export const plainPlaces = (places: readonly Placed[]): ReadPlace[] =>
  withoutRepeats(places).map(({ side, zones, spans }) => ({ side, zones, spans }));

/** "One lesion on the left; a second lesion on the right": another finding elsewhere, without a number. */
function hasSecond(present: readonly Statement[]): boolean {
  const counted = present.filter(({ head }) => head.counts.length > 0);
  const groups = counted.flatMap(({ head }) => head.groups.map(({ group }) => group));
  const side = lateralityOf(counted.flatMap(({ places }) => places));
  return (
    (side === 'left' || side === 'right') &&
    present.some(
      ({ head, places }) =>
        head.counts.length === 0 &&
        places.some((place) => place.side !== null && place.side !== side) &&
        !head.groups.some(({ group }) => groups.includes(group)),
    )
  );
}

export function amountOf(present: readonly Statement[]): Pick<FreeNote, 'count' | 'extent'> {
  const several = present.filter(({ head }) => head.counts.length > 0).length > 1;
  const counts = present.flatMap(({ head }) => {
    const groups = head.groups.map(({ group }) => group); // "RUL 2 nodules, LLL 1 nodule"
    return head.counts.map((one) => (several && groups.length > 0 ? { ...one, groups } : one));
  });
  const total = totalOf(counts.sort((a, b) => a.item.span.start - b.item.span.start));
  const count = total?.value === 1 && hasSecond(present) ? null : total;
  const extents = present
    .flatMap(({ head }) => head.extents)
    .flatMap((item) => {
      const mark = markOf(item, 'extent');
      return mark ? [readItem(mark.value, item)] : [];
    });
  const of = (value: Extent): ReadItem<Extent> | null => extents.find((one) => one.value === value) ?? null;
  if (count !== null && count.value > 1) return { count, extent: { ...count, value: 'multifocal' } };
  const said = of('diffuse') ?? of('multifocal') ?? of('focal');
  return { count, extent: said ?? (count === null ? null : { ...count, value: 'focal' }) };
}

export function uncertaintyOf(present: readonly Statement[]): ReadItem<true> | null {
  for (const { head, sentence } of present) {
    if (head.uncertain) return readItem(true, head.uncertain);
    // "opacity, may represent atelectasis": the nature of the finding
    for (const other of sentence.heads) {
      if (other.uncertain === null || !has(other.item, 'nature') || other.negated || other.at < head.at)
        continue;
      if (other.kind === 'foreign' && has(other.item, 'finding')) continue; // "suspected adrenal metastasis"
      const at = sentence.nodes.findIndex((node) => node.kind === 'item' && node.item === other.uncertain);
      const between = sentence.nodes.slice(head.at + 1, at);
      const apposed = isItem(between[between.length - 1], 'comma'); // ", suspicious for malignancy"
      if (at > head.at && (apposed || !between.some((node) => isItem(node, 'with', 'and', 'but'))))
        return readItem(true, other.uncertain);
    }
  }
  return null;
}

export function lateralityOf(places: readonly ReadPlace[]): FreeNote['laterality'] {
  const sides = new Set(places.map(({ side }) => side));
  if (sides.has('left') && sides.has('right')) return 'bilateral';
  return sides.has('left') ? 'left' : sides.has('right') ? 'right' : null;
}

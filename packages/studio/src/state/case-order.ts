/** Search and order of the case list. The order is made once, when it is asked for: the list never moves under the hand. */
import type { Sides, Spacing } from '@reclmis/core';

/** A case as the list shows it: plain data. */
export interface CaseItem {
  /** The image's path; with the row's number where rows share an image. */
  readonly id: string;
  /** The image's name without its ending. */
  readonly name: string;
  readonly note: string;
  /** Whose left the note means; null: not stated. */
  readonly sides: Sides | null;
  readonly spacing: Spacing | null;
  readonly patient: string;
  readonly split: string;
  readonly hasTruth: boolean;
}

const ORDER = new Intl.Collator('en', { numeric: true });

/** Names as people count: 2 before 10. */
export const byName = (a: string, b: string): number => ORDER.compare(a, b) || (a < b ? -1 : Number(a > b));

export const SORTS = ['name', 'dice', 'confidence', 'area'] as const;
export type Sort = (typeof SORTS)[number];

/** What is known of a case; null: not yet. */
export interface CaseFigures {
  /** The mask’s with the truth, 0 to 1. */
  readonly dice: number | null;
  /** Predicted Dice, 0 to 1. */
  readonly confidence: number | null;
  /** Pixels of the mask. */
  readonly area: number | null;
}

export type Figures = Readonly<Record<string, CaseFigures>>;

/**
 * Ids in order. Dice and confidence come lowest first, as those need a look; areas largest first; cases without the figure
 * last, by name.
 */
export function orderOf(items: readonly CaseItem[], sort: Sort, figures: Figures): string[] {
  const value = ({ id }: CaseItem): number | null => {
    if (sort === 'name') return null;
    const found = figures[id]?.[sort] ?? null;
    return found !== null && sort === 'area' ? -found : found;
  };
  return [...items]
    .sort((a, b) => {
      const [one, other] = [value(a), value(b)];
      if (one !== null && other !== null && one !== other) return one - other;
      if ((one === null) !== (other === null)) return one === null ? 1 : -1;
      return byName(a.name, b.name) || byName(a.id, b.id);
    })
    .map(({ id }) => id);
}

const folded = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** Items whose path or note has every word of the search, whatever their case and accents, in the given order. */
export function search(
  items: ReadonlyMap<string, CaseItem>,
  order: readonly string[],
  query: string,
): string[] {
  const words = folded(query).split(/\s+/u).filter(Boolean);
  if (words.length === 0) return [...order];
  return order.filter((id) => {
    const item = items.get(id);
    const text = folded(`${id} ${item?.note ?? ''} ${item?.patient ?? ''}`);
    return words.every((word) => text.includes(word));
  });
}

/** The next or previous id in the shown order; the same at an end; the first where none is open. */
export function neighbour(shown: readonly string[], current: string | null, step: 1 | -1): string | null {
  const at = current === null ? -1 : shown.indexOf(current);
  if (at < 0) return shown[0] ?? null;
  return shown[Math.min(shown.length - 1, Math.max(0, at + step))] ?? null;
}

export interface Rows {
  /** The first row that is drawn, from 0. */
  readonly first: number;
  /** After the last one. */
  readonly end: number;
}

/** The rows to draw of a list, with a few beyond its edges. @param top pixels scrolled; all in pixels */
export function visibleRows(count: number, row: number, top: number, height: number, beyond = 4): Rows {
  const first = Math.max(0, Math.min(count, Math.floor(top / row) - beyond));
  return { first, end: Math.max(first, Math.min(count, Math.ceil((top + height) / row) + beyond)) };
}

/** The scroll position that shows a row whole, moved as little as possible. */
export function scrollTo(index: number, row: number, top: number, height: number): number {
  if (index * row < top) return index * row;
  return (index + 1) * row > top + height ? (index + 1) * row - height : top;
}

/** A sentence as places and other items. */
import type { Span } from './free-note.js';
import { has, type Item, type ItemKind } from './items.js';
import type { PlaceGroup, SideMemory } from './place-group.js';
import { groupAt, splitGroup } from './places.js';

export type Node =
  | { readonly kind: 'group'; readonly group: PlaceGroup; readonly span: Span }
  | { readonly kind: 'item'; readonly item: Item; readonly span: Span };

export const isItem = (node: Node | undefined, ...kinds: readonly ItemKind[]): boolean =>
  node?.kind === 'item' && has(node.item, ...kinds);

/** Where a clause ends. */
export const isEnd = (node: Node | undefined): boolean => isItem(node, 'but', 'except');

/** Between a place and its finding. */
export const PASSED = [
  'filler',
  'ignored',
  'extent',
  'count',
  'number',
  'maybe',
  'unit',
  'unread',
  'residual',
  'begin',
  'whole',
] as const;

/** Groups words into places; everything else stays as it is. */
export function nodesOf(items: readonly Item[], memory: SideMemory, paired: boolean): Node[] {
  const nodes: Node[] = [];
  for (let i = 0; i < items.length;) {
    const item = items[i]!;
    const earlier: SideMemory = { ...memory };
    const group = groupAt(items, i, memory, paired);
    if (group === null) {
      nodes.push({ kind: 'item', item, span: item.span });
      i++;
      continue;
    }
    const follows = reachesHead(items, group.to);
    const attached = attachedBefore(nodes);
    const other = follows && !attached && nodes.some((node) => isItem(node, 'finding'));
    const split = follows && (attached || other) ? splitGroup(group, items, earlier, paired) : null;
    // "infiltrate, mid zones, left side clear": these are of the finding
    const open =
      split?.[0].places.every(({ side }) => side === null) || nodes.every(({ kind }) => kind === 'item');
    const parts = attached || open ? split : null;
    // "RUL and left basal possible scarring": whose the second place is stays open
    if (parts && doubtfulNature(items, group.to)) parts[0] = { ...parts[0], alternatives: true };
    for (const part of parts ?? [group]) {
      if (part !== group && part === parts?.[1]) nodes.push(joinNode(items, part));
      // "neither lung" denies and names a place
      for (const inside of items.slice(part.from, part.to))
        if (has(inside, 'not')) nodes.push({ kind: 'item', item: inside, span: inside.span });
      nodes.push({ kind: 'group', group: part, span: part.span });
      for (let j = part.from; j < part.to; j++) {
        // "throughout the left lung" and "bibasal patch" say more than the place
        const inside = items[j]!;
        if (has(inside, 'finding', 'extent', 'clear', 'foreign', 'maybe'))
          nodes.push({ kind: 'item', item: inside, span: inside.span });
      }
    }
    i = group.to;
  }
  return nodes;
}

/** "RUL - clear, RLL - hazy": in a list, a dash between a place and what is said of it parts nothing. */
export function withoutDashes(nodes: readonly Node[]): readonly Node[] {
  const isDash = (node: Node | undefined): boolean => isItem(node, 'comma') && isItem(node, 'range');
  const between = nodes.flatMap((node, i) => (isDash(node) && isTitleBefore(nodes, i) ? [i] : []));
  return between.length < 2 ? nodes : nodes.filter((_, i) => !between.includes(i));
}

function isTitleBefore(nodes: readonly Node[], dash: number): boolean {
  const { from } = pieceAt(nodes, dash - 1);
  const { to } = pieceAt(nodes, dash + 1);
  const [title, rest] = [nodes.slice(from, dash), nodes.slice(dash + 1, to)];
  return (
    title.some(({ kind }) => kind === 'group') &&
    title.every((node) => node.kind === 'group' || isItem(node, 'filler', 'ignored')) &&
    rest.some((node) => isItem(node, 'finding', 'clear', 'not', 'gone')) &&
    rest.every(({ kind }) => kind !== 'group')
  );
}

/** "An opacity, 3 cm, in the left lower lobe": a size between commas parts nothing. */
export function withoutMeasures(nodes: readonly Node[]): Node[] {
  const result: Node[] = [];
  for (let i = 0; i < nodes.length; i++) {
    const end = measureEnd(nodes, i);
    if (end === null) result.push(nodes[i]!);
    else i = end;
  }
  return result;
}

/** The comma that ends a size, if a preposition or the first place of a piece follows it. */
function measureEnd(nodes: readonly Node[], from: number): number | null {
  if (!isItem(nodes[from], 'comma')) return null;
  let i = from + 1;
  const measures = (node: Node | undefined): boolean =>
    isItem(node, 'unit', 'number', 'times', 'filler', 'ignored', 'link') &&
    !isItem(node, 'finding', 'foreign');
  while (measures(nodes[i])) i++;
  const sized = nodes
    .slice(from, i)
    .some((node, at, all) => isItem(node, 'number') && isItem(all[at + 1], 'unit'));
  if (!sized || !isItem(nodes[i], 'comma')) return null;
  if (isItem(nodes[i + 1], 'link')) return i;
  const placed = nodes.slice(0, from).some(({ kind }) => kind === 'group');
  return nodes[i + 1]?.kind === 'group' && !placed ? i : null;
}

/** The comma or "and" between the two parts of a group that was split. */
function joinNode(items: readonly Item[], part: PlaceGroup): Node {
  for (let i = part.from - 1; i >= 0; i--) {
    const item = items[i]!;
    if (has(item, 'comma', 'and')) return { kind: 'item', item, span: item.span };
  }
  const item = items[part.from]!;
  return { kind: 'item', item: { marks: [{ kind: 'comma' }], span: item.span }, span: item.span };
}

function reachesHead(items: readonly Item[], from: number): boolean {
  for (let i = from; i < items.length; i++) {
    const item = items[i]!;
    if (has(item, 'finding', 'clear', 'foreign', 'landmark')) return true;
    // "... may represent haemorrhage" is about the finding, not the place
    if (!has(item, ...PASSED, 'not') || has(item, 'link', 'with', 'means')) return false;
  }
  return false;
}

function doubtfulNature(items: readonly Item[], from: number): boolean {
  const head = items.findIndex(
    (item, i) => i >= from && has(item, 'finding', 'clear', 'foreign', 'landmark'),
  );
  return has(items[head], 'nature') && items.slice(from, head).some((item) => has(item, 'maybe'));
}

function attachedBefore(nodes: readonly Node[]): boolean {
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    if (isItem(node, 'finding', 'clear', 'foreign')) return true;
    if (node.kind === 'group' || !isItem(node, ...PASSED, 'link')) return false;
  }
  return false;
}

export function pieceAt(nodes: readonly Node[], at: number): { from: number; to: number } {
  let from = at;
  let to = at;
  const splits = (node: Node | undefined): boolean => isEnd(node) || isItem(node, 'comma');
  while (from > 0 && !splits(nodes[from - 1])) from--;
  while (to < nodes.length && !splits(nodes[to])) to++;
  return { from, to };
}

/** Whether the clause is about an earlier examination or an operation. */
export function isPast(nodes: readonly Node[], at: number): boolean {
  const { from, to } = pieceAt(nodes, at);
  return nodes.slice(from, to).some((node) => isItem(node, 'history'));
}

/** Whether "to exclude" precedes in the clause, and no place is named: "CT to exclude a mass". */
export function isPurpose(nodes: readonly Node[], at: number): boolean {
  const { from, to } = pieceAt(nodes, at);
  const start = nodes.slice(from, at).findIndex((node) => isItem(node, 'purpose'));
  return start >= 0 && nodes.slice(from + start, to).every(({ kind }) => kind !== 'group');
}

/**
 * The statements of a sentence: findings, foreign findings and "clear" are heads; places, negation,
 * uncertainty, number and extent belong to one of them.
 */
import type { Span } from './free-note.js';
import { has, type Item, type ItemKind, markOf } from './items.js';
import { groupAt, type PlaceGroup, type SideMemory, splitGroup } from './places.js';

export interface Head {
  readonly kind: 'finding' | 'foreign' | 'landmark' | 'clear';
  /** Canonical name of a finding. */
  readonly name: string;
  readonly item: Item;
  /** In nodes. */
  readonly at: number;
  negated: boolean;
  /** Nothing is concluded from it: "otherwise clear", "clear except". */
  idle: boolean;
  readonly groups: AttachedGroup[];
  uncertain: Item | null;
  counts: { readonly value: number; readonly item: Item }[];
  extents: Item[];
  /** Made for places after "but" or "except", from the finding before. */
  readonly cloned: boolean;
}

export interface AttachedGroup {
  readonly group: PlaceGroup;
  /** Directly before or after the head, without a comma or "and" between. */
  readonly direct: 'before' | 'after' | null;
}

export type Node =
  | { readonly kind: 'group'; readonly group: PlaceGroup; readonly span: Span }
  | { readonly kind: 'item'; readonly item: Item; readonly span: Span };

export interface Sentence {
  readonly nodes: readonly Node[];
  readonly heads: readonly Head[];
  /** Places that belong to no head of the sentence. */
  readonly loose: readonly PlaceGroup[];
}

export const isItem = (node: Node | undefined, ...kinds: readonly ItemKind[]): boolean =>
  node?.kind === 'item' && has(node.item, ...kinds);

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
    const parts = follows && attachedBefore(nodes) ? splitGroup(group, items, earlier, paired) : null;
    for (const part of parts ?? [group]) {
      if (part !== group && part === parts?.[1]) nodes.push(joinNode(items, part));
      // "neither lung" denies and names a place
      for (const inside of items.slice(part.from, part.to))
        if (has(inside, 'not')) nodes.push({ kind: 'item', item: inside, span: inside.span });
      nodes.push({ kind: 'group', group: part, span: part.span });
      for (let j = part.from; j < part.to; j++) {
        // "throughout the left lung" and "bibasal patch" say more than the place
        const inside = items[j]!;
        if (has(inside, 'finding', 'extent', 'clear', 'foreign'))
          nodes.push({ kind: 'item', item: inside, span: inside.span });
      }
    }
    i = group.to;
  }
  return nodes;
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

const PASSED = [
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
] as const;

function reachesHead(items: readonly Item[], from: number): boolean {
  for (let i = from; i < items.length; i++) {
    const item = items[i]!;
    if (has(item, 'finding', 'clear', 'foreign', 'landmark')) return true;
    if (!has(item, ...PASSED) || has(item, 'link', 'with')) return false;
  }
  return false;
}

function attachedBefore(nodes: readonly Node[]): boolean {
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    if (isItem(node, 'finding', 'clear', 'foreign')) return true;
    if (node.kind === 'group' || !isItem(node, ...PASSED, 'link')) return false;
  }
  return false;
}

/** Heads of a sentence with everything attached. `before` is the last finding of earlier sentences. */
export function readSentence(
  items: readonly Item[],
  memory: SideMemory,
  options: { readonly paired: boolean; readonly after: boolean; readonly before: Head | null },
): Sentence {
  const nodes = nodesOf(items, memory, options.paired);
  const heads = headsOf(nodes);
  negate(nodes, heads);
  const loose = attach(nodes, heads, options.after, options.before);
  share(nodes, heads);
  describe(nodes, heads);
  markIdle(nodes, heads);
  return { nodes, heads: heads.sort((a, b) => a.at - b.at), loose };
}

function newHead(kind: Head['kind'], name: string, item: Item, at: number, cloned = false): Head {
  return {
    kind,
    name,
    item,
    at,
    cloned,
    negated: false,
    idle: false,
    groups: [],
    uncertain: null,
    counts: [],
    extents: [],
  };
}

function headsOf(nodes: readonly Node[]): Head[] {
  const heads: Head[] = [];
  for (const [at, node] of nodes.entries()) {
    if (node.kind === 'group') continue;
    const { item } = node;
    const finding = markOf(item, 'finding');
    if (finding) heads.push(newHead('finding', finding.value, item, at));
    else if (has(item, 'foreign')) heads.push(newHead('foreign', '', item, at));
    else if (has(item, 'landmark')) heads.push(newHead('landmark', '', item, at));
    else if (has(item, 'clear')) heads.push(newHead('clear', '', item, at));
  }
  return heads;
}

const isEnd = (node: Node | undefined): boolean => isItem(node, 'but', 'except');

/** Marks the heads within the scope of "no" before them and of "not seen" after them. */
function negate(nodes: readonly Node[], heads: readonly Head[]): void {
  const byNode = new Map(heads.map((head) => [head.at, head]));
  let negating = false;
  for (const [i, node] of nodes.entries()) {
    if (isEnd(node) || isItem(node, 'begin')) negating = false;
    if (isItem(node, 'not')) negating = true;
    else if (negating && isItem(node, 'comma', 'and', 'with') && !goesOnNegating(nodes, i)) negating = false;
    const head = byNode.get(i);
    if (head && negating) head.negated = true;
    if (isItem(node, 'gone')) negateBefore(nodes, heads, i);
  }
}

/** Whether "no" still holds after a comma or "and". */
function goesOnNegating(nodes: readonly Node[], at: number): boolean {
  let place = false;
  let head = false;
  let i = at + 1;
  for (; i < nodes.length; i++) {
    const node = nodes[i]!;
    if (isEnd(node) || isItem(node, 'comma', 'and', 'or', 'not')) break;
    if (isItem(node, 'clear')) return false;
    if (isItem(node, 'count', 'number', 'with')) return false;
    if (node.kind === 'group') place = true;
    if (isItem(node, 'finding', 'foreign', 'landmark')) head = true;
  }
  if (!place || !head) return true;
  // "no effusion, left basal opacity or pneumothorax" is a list; "no effusion, left basal opacity" is not.
  for (; i < nodes.length && !isEnd(nodes[i]) && !isItem(nodes[i], 'not'); i++)
    if (isItem(nodes[i], 'or')) return true;
  return false;
}

function negateBefore(nodes: readonly Node[], heads: readonly Head[], at: number): void {
  for (const head of heads.filter((one) => one.at < at).reverse()) {
    const between = nodes.slice(head.at + 1, at);
    if (between.some((node) => isEnd(node) || isItem(node, 'comma', 'colon'))) return;
    head.negated = !head.negated || head.kind !== 'clear';
    if (head.kind === 'clear') return;
  }
}

/** Attaches every group of places to a head; returns those without. */
function attach(nodes: readonly Node[], heads: Head[], after: boolean, before: Head | null): PlaceGroup[] {
  const loose: PlaceGroup[] = [];
  const found = [...heads];
  for (const [i, node] of nodes.entries()) {
    if (node.kind !== 'group') continue;
    const head = headFor(nodes, found, i, after);
    if (head !== null) {
      head.head.groups.push({ group: node.group, direct: head.direct });
      continue;
    }
    const earlier = found.filter(({ at, kind }) => at < i && kind === 'finding').pop() ?? before;
    const negated = negatedAlone(nodes, i);
    const earlierHere = earlier !== null && earlier.at < i && found.includes(earlier);
    if (negated) {
      const clone = earlier
        ? newHead('finding', earlier.name, earlier.item, i, true)
        : newHead('clear', '', { marks: [], span: node.span }, i, true);
      clone.negated = earlier !== null;
      clone.groups.push({ group: node.group, direct: null });
      heads.push(clone);
    } else if (earlier !== null && earlierHere) {
      const clone = newHead('finding', earlier.name, earlier.item, i, true);
      clone.groups.push({ group: node.group, direct: null });
      heads.push(clone);
    } else loose.push(node.group);
  }
  return loose;
}

/** Whether a group's piece has a "no" without a finding: "but not on the left", "left: none". */
function negatedAlone(nodes: readonly Node[], at: number): boolean {
  for (const step of [-1, 1]) {
    for (let i = at + step; i >= 0 && i < nodes.length; i += step) {
      const node = nodes[i]!;
      if (isItem(node, 'not', 'gone')) return true;
      if (isEnd(node) || isItem(node, 'comma', 'with', 'finding', 'clear') || node.kind === 'group') break;
    }
  }
  return false;
}

interface Found {
  readonly head: Head;
  readonly direct: AttachedGroup['direct'];
}

/** The head a group belongs to. */
function headFor(nodes: readonly Node[], heads: readonly Head[], at: number, after: boolean): Found | null {
  const next = heads.find((head) => head.at > at && !(head.at === at + 1 && within(nodes, at, head)));
  const inside = heads.find((head) => within(nodes, at, head));
  if (inside) return { head: inside, direct: null };
  let prev = heads.filter((head) => head.at < at).pop();
  const toNext = next ? nodes.slice(at + 1, next.at) : [];
  const nextDirect =
    next !== undefined &&
    toNext.every((node) => isItem(node, ...PASSED, 'colon') && !isItem(node, 'link', 'with'));
  if (prev?.kind === 'landmark' && !nextDirect) {
    // "abuts the fissure in the RUL" is about the finding
    const real = heads.filter((head) => head.at < at && head.kind !== 'landmark').pop();
    const between = real ? nodes.slice(real.at + 1, at) : [];
    if (real?.kind === 'finding' && !between.some((node) => isEnd(node) || isItem(node, 'comma')))
      prev = real;
  }
  const toPrev = prev ? nodes.slice(prev.at + 1, at) : [];
  const prevHere = prev !== undefined && !toPrev.some((node) => isEnd(node));
  const prevDirect =
    prevHere && !toPrev.some((node) => isItem(node, 'comma', 'and', 'or', 'with', 'colon', 'not'));
  const linked = prevDirect && isItem(lastTelling(toPrev), 'link');
  const nextInPiece =
    next !== undefined &&
    !toNext.some((node) => isEnd(node) || isItem(node, 'comma', 'and', 'or') || node.kind === 'group');
  if (prevDirect && (linked || after || !nextDirect)) return { head: prev!, direct: 'after' };
  if (nextDirect) return { head: next, direct: 'before' };
  if (nextInPiece) return { head: next, direct: null };
  if (prevHere && !negatedAlone(nodes, at)) return { head: prev!, direct: null };
  if (negatedAlone(nodes, at)) return null;
  const nextHere = next !== undefined && !toNext.some((node) => node.kind === 'group');
  if (nextHere) return { head: next, direct: null };
  return null;
}

/** An item that is part of the place, such as "throughout". */
function within(nodes: readonly Node[], at: number, head: Head): boolean {
  const group = nodes[at]!;
  return head.item.span.start >= group.span.start && head.item.span.end <= group.span.end;
}

function lastTelling(nodes: readonly Node[]): Node | undefined {
  return nodes.filter((node) => !isItem(node, 'filler', 'ignored')).pop();
}

/** "consolidation and effusion on the right": a list of heads shares its places. */
function share(nodes: readonly Node[], heads: readonly Head[]): void {
  const inOrder = [...heads].sort((a, b) => a.at - b.at).filter(({ kind }) => kind !== 'landmark');
  const joined = (a: Head, b: Head): boolean =>
    a.negated === b.negated &&
    a.kind !== 'clear' &&
    b.kind !== 'clear' &&
    nodes
      .slice(a.at + 1, b.at)
      .every((node) =>
        isItem(node, ...PASSED, 'and', 'or', 'slash', ...(a.negated ? (['comma'] as const) : [])),
      );
  for (let i = inOrder.length - 2; i >= 0; i--) {
    const [a, b] = [inOrder[i]!, inOrder[i + 1]!];
    if (a.groups.length === 0 && joined(a, b))
      a.groups.push(...b.groups.filter(({ direct }) => direct !== 'before' || a.negated));
  }
  for (let i = 1; i < inOrder.length; i++) {
    const [a, b] = [inOrder[i - 1]!, inOrder[i]!];
    if (b.groups.length === 0 && joined(a, b))
      b.groups.push(...a.groups.filter(({ direct }) => direct === 'before' || a.negated));
  }
}

/** Uncertainty, numbers and extent go to the nearest head, first to the next one. */
function describe(nodes: readonly Node[], heads: readonly Head[]): void {
  const real = heads.filter(({ kind, cloned }) => kind !== 'landmark' && !cloned);
  for (const [i, node] of nodes.entries()) {
    if (node.kind === 'group') {
      if (node.group.whole) nearest(nodes, real, i)?.extents.push(wholeItem(node.span));
      continue;
    }
    const { item } = node;
    if (has(item, 'maybe')) {
      const head = nearest(nodes, real, i);
      if (head) head.uncertain ??= item;
    }
    if (has(item, 'extent')) nearest(nodes, real, i)?.extents.push(item);
    else if (has(item, 'whole')) nearest(nodes, real, i)?.extents.push(wholeItem(item.span));
    const count =
      markOf(item, 'count')?.value ?? (isCount(nodes, i) ? markOf(item, 'number')?.value : undefined);
    if (count !== undefined) nearest(nodes, real, i)?.counts.push({ value: count, item });
  }
}

function wholeItem(span: Span): Item {
  return { marks: [{ kind: 'extent', value: 'diffuse' }], span };
}

/** Not "3 cm", "day 3", "3 x 4". */
function isCount(nodes: readonly Node[], at: number): boolean {
  return ![at - 1, at + 1].some((i) => isItem(nodes[i], 'unit', 'number', 'slash', 'ignored'));
}

function nearest(nodes: readonly Node[], heads: readonly Head[], at: number): Head | null {
  const own = heads.find((head) => head.at === at);
  if (own) return own;
  const next = heads.find((head) => head.at > at);
  const prev = heads.filter((head) => head.at < at).pop();
  const apart = (from: number, to: number): number =>
    nodes
      .slice(from, to)
      .reduce(
        (sum, node) =>
          sum + (isEnd(node) ? 9 : isItem(node, 'comma', 'with') ? 3 : isItem(node, 'and') ? 2 : 0),
        0,
      );
  const toNext = next ? apart(at + 1, next.at) : Number.POSITIVE_INFINITY;
  const toPrev = prev ? apart(prev.at + 1, at) : Number.POSITIVE_INFINITY;
  if (next && (toNext < toPrev || (toNext === toPrev && !(prev && prev.at === at - 1)))) return next;
  return prev ?? next ?? null;
}

/** "otherwise clear", "clear except for": no absence is concluded. */
function markIdle(nodes: readonly Node[], heads: readonly Head[]): void {
  for (const [i, node] of nodes.entries()) {
    if (isItem(node, 'residual')) {
      const piece = pieceAt(nodes, i);
      for (const head of heads) if (head.at >= piece.from && head.at < piece.to) head.idle = true;
    }
    if (isItem(node, 'except')) for (const head of heads) if (head.at < i && !head.cloned) head.idle = true;
  }
}

export function pieceAt(nodes: readonly Node[], at: number): { from: number; to: number } {
  let from = at;
  let to = at;
  const splits = (node: Node | undefined): boolean => isEnd(node) || isItem(node, 'comma');
  while (from > 0 && !splits(nodes[from - 1])) from--;
  while (to < nodes.length && !splits(nodes[to])) to++;
  return { from, to };
}

/** Which finding a place belongs to: word order, prepositions, commas and lists decide. */
import { differ } from './alternatives.js';
import { type AttachedGroup, type Head, newHead } from './heads.js';
import { isEnd, isItem, type Node, PASSED, pieceAt } from './nodes.js';
import type { PlaceGroup } from './place-group.js';

/** Attaches every group of places to a head; returns those without. */
export function attach(
  nodes: readonly Node[],
  heads: Head[],
  after: boolean,
  before: Head | null,
): PlaceGroup[] {
  const loose: PlaceGroup[] = [];
  const found = [...heads];
  for (const [i, node] of nodes.entries()) {
    if (node.kind !== 'group') continue;
    const head = headFor(nodes, found, i, after);
    const openNoun = !node.group.closed && isItem(nodes[i + 1], 'unread') && !nextIsFinding(nodes, i + 1);
    const unknown = openNoun || isUnknownPiece(nodes, found, i);
    if (unknown && head?.head.kind !== 'foreign' && head?.head.kind !== 'landmark') {
      loose.push(node.group); // "left-sided ..."
      continue;
    }
    if (head !== null) {
      const located = isItem(nodes[i - 1], 'located');
      const group = isStray(nodes, i, head.head) ? { ...node.group, contradicts: true } : node.group;
      head.head.groups.push({ group, direct: located ? 'after' : head.direct });
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
      // "consolidation of the left lung except the apex"
      clone.negated = !earlier.negated && exceptBetween(nodes, earlier.at, i);
      clone.groups.push({ group: node.group, direct: null });
      heads.push(clone);
    } else if (!(node.group.organ && isItem(nodes[i + 1], 'colon') && found.length > 0))
      loose.push(node.group); // "LUNGS: right base: clear" has a heading
  }
  return loose;
}

function exceptBetween(nodes: readonly Node[], from: number, to: number): boolean {
  return nodes.slice(from, to).some((node) => isItem(node, 'except'));
}

/** "LLL pneumonia - right side": a bare side of its own that is not the finding's. */
function isStray(nodes: readonly Node[], at: number, { kind, groups }: Head): boolean {
  const { from, to } = pieceAt(nodes, at);
  const node = nodes[at];
  const alone = nodes
    .slice(from, to)
    .every((one) => one === node || (isItem(one, 'filler', 'ignored', 'link') && !isItem(one, 'article')));
  if (node?.kind !== 'group' || node.group.closed || node.group.places.length !== 1 || !alone) return false;
  const own = groups.filter(({ direct }) => direct !== null);
  return (
    kind === 'finding' &&
    isItem(nodes[from - 1], 'comma') &&
    own.some(({ group }) => differ(group, node.group))
  );
}

/** Whether a piece says something unknown of a place, and nothing else: ", right lung ...". */
function isUnknownPiece(nodes: readonly Node[], heads: readonly Head[], at: number): boolean {
  const { from, to } = pieceAt(nodes, at);
  const piece = nodes.slice(from, to);
  return (
    nodes.slice(at, to).some((node) => isItem(node, 'unread')) &&
    !heads.some((head) => head.at >= from && head.at < to) &&
    !piece.some((node) => isItem(node, 'not', 'gone', 'history'))
  );
}

function nextIsFinding(nodes: readonly Node[], from: number): boolean {
  const next = nodes
    .slice(from)
    .find((node) => !isItem(node, 'unread', 'filler', 'ignored', 'extent', 'maybe'));
  return isItem(next, 'finding', 'clear', 'foreign', 'landmark');
}

/** Whether a group's piece has a "no" without a finding: "but not on the left", "left: none". */
function negatedAlone(nodes: readonly Node[], at: number): boolean {
  for (const step of [-1, 1]) {
    for (let i = at + step; i >= 0 && i < nodes.length; i += step) {
      const node = nodes[i]!;
      if (isItem(node, 'gone') || (isItem(node, 'not') && !(step > 0 && deniesLater(nodes, i)))) return true;
      if (step > 0 && isItem(node, 'comma') && isAnswer(nodes, i + 1)) return true;
      if (isEnd(node) || isItem(node, 'comma', 'with', 'finding', 'clear') || node.kind === 'group') break;
    }
  }
  return false;
}

/** "on the left neither the mid nor the lower zone shows ...": the places after it are denied. */
function deniesLater(nodes: readonly Node[], at: number): boolean {
  const { to } = pieceAt(nodes, at);
  const rest = nodes.slice(at + 1, to);
  return rest.some(({ kind }) => kind === 'group') && rest.some((node) => isItem(node, 'finding'));
}

/** Whether a piece is only "none": "left lung - nil". */
function isAnswer(nodes: readonly Node[], at: number): boolean {
  const { to } = pieceAt(nodes, at);
  return isItem(nodes[at], 'not', 'gone') && to === at + 1;
}

interface Found {
  readonly head: Head;
  readonly direct: AttachedGroup['direct'];
}

/** The head a group belongs to. */
function headFor(nodes: readonly Node[], heads: readonly Head[], at: number, after: boolean): Found | null {
  const next = heads.find(
    (head) =>
      head.at > at && !(head.at === at + 1 && within(nodes, at, head)) && !isBesideLandmark(nodes, at, head),
  );
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
    if (real?.kind === 'finding' && !between.some((node) => isEnd(node))) prev = real;
  }
  const toPrev = prev ? nodes.slice(prev.at + 1, at) : [];
  const prevHere = prev !== undefined && !toPrev.some((node) => isEnd(node));
  // "consolidation: not seen on the left"
  const denied =
    toPrev.some((node) => isItem(node, 'colon')) && toPrev.some((node) => isItem(node, 'not', 'gone'));
  if (prevHere && prev?.negated && denied && !toPrev.some((node) => isItem(node, 'comma')))
    return { head: prev, direct: null };
  const prevDirect =
    prevHere && !toPrev.some((node) => isItem(node, 'comma', 'and', 'or', 'with', 'colon', 'not'));
  const linked = prevDirect && isItem(lastTelling(toPrev), 'link');
  const nextInPiece =
    next !== undefined &&
    !toNext.some((node) => isEnd(node) || isItem(node, 'comma', 'and', 'or') || node.kind === 'group');
  const nature = nextDirect && next.kind === 'foreign' && toNext.some((node) => isItem(node, 'maybe'));
  // "air-fluid level in RUL cavity"
  const noun = next?.kind === 'finding' && next.at === at + 1 && prev?.kind !== 'finding' && !after;
  if (noun) return { head: next, direct: 'before' };
  if (prevDirect && (linked || after || !nextDirect || (nature && prev?.kind === 'finding')))
    return { head: prev!, direct: 'after' };
  if (nextDirect) return { head: next, direct: 'before' };
  const shared = sharedClear(nodes, heads, at);
  if (shared) return { head: shared, direct: null };
  if (nextInPiece) return { head: next, direct: null };
  if (prevHere && !negatedAlone(nodes, at)) return { head: prev!, direct: null };
  if (negatedAlone(nodes, at)) return null;
  // "on the left, there is lower zone haze": a place between may only add a height
  // and after a heading, a side: "lower zones: bilateral opacities"
  const own = nodes[at]!;
  const heading = own.kind === 'group' && isItem(nodes[at + 1], 'colon') ? own.group : null;
  const height = heading?.places.every(({ side, plural }) => side === null || plural) ?? false;
  const titles = (group: PlaceGroup): boolean => heading !== null && !differ(heading, group);
  const nextHere =
    next !== undefined &&
    toNext.every(
      (node) =>
        node.kind === 'item' ||
        titles(node.group) ||
        node.group.places.every(({ side, zones }) => side === null || (height && zones.length === 0)),
    );
  if (nextHere || (next !== undefined && isListed(toNext))) return { head: next, direct: null };
  return null;
}

/** "the right base abutting the diaphragm": the landmark describes the place. */
function isBesideLandmark(nodes: readonly Node[], at: number, { kind, at: to }: Head): boolean {
  const lead = nodes.slice(at + 1, to);
  const [first] = lead.filter((node) => !isItem(node, 'ignored'));
  return (
    kind === 'landmark' &&
    isItem(first, 'link', 'with') &&
    !isItem(first, 'inside') &&
    lead.every((node) => isItem(node, 'filler', 'ignored', 'link', 'with'))
  );
}

/** "in the left base and throughout the right lung there are ...": places joined by "and" before their finding. */
function isListed(toNext: readonly Node[]): boolean {
  const joined = toNext.filter((node) => node.kind === 'group' || !isItem(node, ...PASSED, 'link'));
  return (
    joined.some(({ kind }) => kind === 'group') &&
    joined.every((node, i) => (i % 2 === 0 ? isItem(node, 'and') : node.kind === 'group'))
  );
}

/** "the left lung and pleura are clear": what is said of both. */
function sharedClear(nodes: readonly Node[], heads: readonly Head[], at: number): Head | null {
  if (!isItem(nodes[at + 1], 'and')) return null;
  const later = heads.filter((head) => head.at > at);
  const clear = later.find(({ kind }) => kind === 'clear');
  if (!clear || later.some((head) => head.at < clear.at && head.kind === 'finding')) return null;
  const between = nodes.slice(at + 1, clear.at);
  const listed = between.every((node) =>
    isItem(node, 'and', 'filler', 'ignored', 'foreign', 'landmark', 'organ'),
  );
  return listed ? clear : null;
}

/** An item that is part of the place, such as "throughout". */
function within(nodes: readonly Node[], at: number, head: Head): boolean {
  const group = nodes[at]!;
  return head.item.span.start >= group.span.start && head.item.span.end <= group.span.end;
}

function lastTelling(nodes: readonly Node[]): Node | undefined {
  return nodes.filter((node) => !isItem(node, 'filler', 'ignored')).pop();
}

/**
 * The statements of a sentence: findings, foreign findings and "clear" are heads; places, negation,
 * uncertainty, number and extent belong to one of them.
 */
import { has, type Item, markOf } from './items.js';
import { isEnd, isItem, isPast, isPurpose, type Node, pieceAt } from './nodes.js';
import type { PlaceGroup } from './place-group.js';

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
  readonly counts: StatedCount[];
  readonly extents: Item[];
  /** Made for places after "but" or "except", from the finding before. */
  readonly cloned: boolean;
}

export interface StatedCount {
  readonly value: number;
  readonly item: Item;
  /** In nodes. */
  readonly at: number;
  /** Up to the next number: "3 on the right and 1 on the left". */
  readonly groups: readonly PlaceGroup[];
}

export interface AttachedGroup {
  readonly group: PlaceGroup;
  /** Directly before or after the head, without a comma or "and" between. */
  readonly direct: 'before' | 'after' | null;
}

export interface Sentence {
  readonly nodes: readonly Node[];
  readonly heads: readonly Head[];
  /** Places that belong to no head of the sentence. */
  readonly loose: readonly PlaceGroup[];
}

export function newHead(kind: Head['kind'], name: string, item: Item, at: number, cloned = false): Head {
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

/** "not on the left", "right: none": made for a place, without a finding. */
export const deniesPlace = ({ kind, cloned }: Head): boolean => kind === 'clear' && cloned;

/** @param anywhere names of findings that other organs have too @param before the last finding of earlier sentences */
export function headsOf(
  nodes: readonly Node[],
  anywhere: readonly string[],
  after: boolean,
  before: Head | null,
): Head[] {
  const heads: Head[] = [];
  for (const [at, node] of nodes.entries()) {
    if (node.kind === 'group' || isPast(nodes, at) || isPurpose(nodes, at)) continue;
    const { item } = node;
    const finding = markOf(item, 'finding');
    const foreign = finding && anywhere.includes(finding.value) && isElsewhere(nodes, at, after);
    if (finding) heads.push(newHead(foreign ? 'foreign' : 'finding', finding.value, item, at));
    else if (has(item, 'foreign')) heads.push(newHead('foreign', '', item, at));
    else if (has(item, 'landmark')) heads.push(newHead('landmark', '', item, at));
    else if (has(item, 'clear') && !clearsFinding(nodes, at)) heads.push(newHead('clear', '', item, at));
    else if (has(item, 'another')) {
      const last = heads.filter(({ kind }) => kind === 'finding').pop() ?? before;
      if (last !== null && isAnother(nodes, at, last)) heads.push(newHead('finding', last.name, item, at));
    }
  }
  return heads;
}

/** "The RUL opacity has gone, another at the left base": after a finding with a place, with a place of its own. */
function isAnother(nodes: readonly Node[], at: number, { at: last, groups }: Head): boolean {
  const { from, to } = pieceAt(nodes, at);
  const isGroup = ({ kind }: Node): boolean => kind === 'group';
  const placed =
    groups.length > 0 || nodes.slice(0, at).some((node, i) => isGroup(node) && (i < from || i < last));
  const named = nodes.slice(at, to).some((node) => isItem(node, 'finding', 'foreign', 'landmark'));
  return placed && !named && nodes.slice(from, to).some(isGroup);
}

/** Whether a finding is one of another organ: "bony lesion", "lésion osseuse", "lesion of the left clavicle". */
function isElsewhere(nodes: readonly Node[], at: number, after: boolean): boolean {
  const described = (from: number, step: 1 | -1): boolean => {
    let i = from + step;
    while (isItem(nodes[i], 'filler', 'ignored') && !isItem(nodes[i], 'foreign', 'landmark')) i += step;
    return isItem(nodes[i], 'foreign', 'landmark') && !isItem(nodes[i], 'finding', 'nature');
  };
  if (described(at, -1) || (after && described(at, 1))) return true;
  const past = (from: number): number => {
    let i = from;
    while (isItem(nodes[i], 'filler', 'ignored') && !isItem(nodes[i], 'inside', 'foreign', 'landmark')) i++;
    return i;
  };
  let i = past(at + 1);
  if (!isItem(nodes[i], 'inside')) return false;
  i = past(i + 1);
  const place = nodes[i];
  if (place?.kind === 'group' && place.group.places.every(({ zones }) => zones.length === 0)) {
    i = past(i + 1);
    if (isItem(nodes[i], 'inside')) i = past(i + 1); // "the right lobe of the thyroid"
  }
  return isItem(nodes[i], 'foreign') && !isItem(nodes[i], 'finding', 'nature');
}

/** Marks the heads within the scope of "no" before them and of "not seen" after them. */
export function negate(nodes: readonly Node[], heads: readonly Head[]): void {
  const byNode = new Map(heads.map((head) => [head.at, head]));
  let negating = false;
  let lists = false; // "neither on the left nor on the right is there ..."
  for (const [i, node] of nodes.entries()) {
    if (isItem(node, 'or')) lists = negating;
    if (isEnd(node) || (isItem(node, 'begin') && !lists)) negating = false;
    if (!negating) lists = false;
    // Spanish "no se observa" may deny what follows or what was said.
    const either = isItem(node, 'not') && isItem(node, 'gone');
    const forward = isItem(node, 'not') && (!either || headFollows(nodes, i));
    if (forward) negating = true;
    else if (negating && isItem(node, 'comma', 'and', 'with') && !goesOnNegating(nodes, i)) negating = false;
    if (isItem(node, 'colon', 'range') && deniedByValue(nodes, i)) negateBefore(nodes, heads, i);
    const head = byNode.get(i);
    if (head && negating) head.negated = true;
    const gone = isItem(node, 'gone') || (isItem(node, 'clear') && clearsFinding(nodes, i));
    if (gone && !forward && !negateBefore(nodes, heads, i)) negateNext(nodes, heads, i);
  }
}

/** Whether "clear" denies the finding before: "RUL opacity now clear", "the collapsed LLL has re-aerated". */
export function clearsFinding(nodes: readonly Node[], at: number): boolean {
  for (let i = at - 1, groups = 0, said = false; i >= 0; i--) {
    const node = nodes[i]!;
    if (node.kind === 'group') {
      if (++groups > 1 || !said || node.group.places.length !== 1) return false;
    } else if (isItem(node, 'finding')) return said || i === at - 1;
    else if (isItem(node, 'auxiliary', 'now')) said = true;
    else if (!isItem(node, 'filler', 'ignored') || isItem(node, 'not', 'gone', 'comma')) return false;
  }
  return false;
}

/** "Consolidation: none." */
function deniedByValue(nodes: readonly Node[], at: number): boolean {
  const value = nodes.slice(at + 1).findIndex((node) => !isItem(node, 'filler', 'ignored'));
  if (value < 0 || !isItem(nodes[at + 1 + value], 'not', 'gone')) return false;
  for (const node of nodes.slice(at + 2 + value)) {
    if (isEnd(node) || isItem(node, 'comma')) return true;
    if (isItem(node, 'finding', 'foreign', 'landmark', 'clear')) return false;
  }
  return true;
}

function headFollows(nodes: readonly Node[], at: number): boolean {
  for (const node of nodes.slice(at + 1)) {
    if (isEnd(node) || isItem(node, 'comma')) return false;
    if (isItem(node, 'finding', 'foreign', 'landmark')) return true;
  }
  return false;
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

/** Whether there was a head to negate. */
function negateBefore(nodes: readonly Node[], heads: readonly Head[], at: number): boolean {
  const comma = afterthoughtAt(nodes, at);
  let found = false;
  for (const head of heads.filter((one) => one.at < at).reverse()) {
    const between = nodes.slice(head.at + 1, comma ?? at);
    if (between.some((node) => isEnd(node) || isItem(node, 'comma', 'colon'))) break;
    head.negated = !head.negated || head.kind !== 'clear';
    found = true;
    if (head.kind === 'clear' || comma !== null) break;
  }
  return found;
}

/** "Resolved consolidation", "se ha resuelto la condensación". */
function negateNext(nodes: readonly Node[], heads: readonly Head[], at: number): void {
  const next = heads.find((head) => head.at > at);
  if (next?.kind !== 'finding') return;
  if (
    nodes
      .slice(at + 1, next.at)
      .every((node) => !isEnd(node) && !isItem(node, 'comma', 'colon', 'begin', 'and'))
  )
    next.negated = true;
}

/** The comma before a "resolved" that has a piece of its own: "consolidation in the RLL, now resolved". */
function afterthoughtAt(nodes: readonly Node[], at: number): number | null {
  const { from, to } = pieceAt(nodes, at);
  const alone = nodes.slice(from, at).every((node) => isItem(node, 'filler', 'ignored'));
  if (!alone || to !== at + 1 || !isItem(nodes[from - 1], 'comma')) return null;
  // "RLL pneumonia, seen on the last film, has cleared"
  let comma = from - 1;
  for (let before = pieceAt(nodes, comma - 1); before.from > 0; before = pieceAt(nodes, comma - 1)) {
    const empty = nodes.slice(before.from, before.to).every((node) => isItem(node, ...EMPTY));
    if (!empty || !isItem(nodes[before.from - 1], 'comma')) break;
    comma = before.from - 1;
  }
  return comma;
}

const EMPTY = ['filler', 'ignored', 'number', 'unit', 'slash', 'history', 'link'] as const;

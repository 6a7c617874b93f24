/**
 * Places between which a note leaves the choice ("the left, or possibly the right, base", "?L ?R"), and places
 * of different times.
 */
import { isItem, type Node, PASSED, pieceAt } from './nodes.js';
import type { Placed, PlaceGroup } from './place-group.js';

const HEADS = ['finding', 'foreign', 'landmark', 'clear', 'another'] as const;

/** The nodes with the groups marked that are alternatives of each other, or elsewhere than before. */
export function markAlternatives(nodes: readonly Node[]): Node[] {
  const open = new Set<number>();
  const moved = new Set<number>();
  let last = -1;
  for (const [i, node] of nodes.entries()) {
    if (node.kind !== 'group') continue;
    const before = nodes[last];
    if (before?.kind === 'group' && differ(before.group, node.group)) {
      if (leavesOpen(nodes, last, i) || disagrees(nodes, last, i)) open.add(last).add(i);
      if (movesOn(nodes, last, i) || restates(nodes, last, i)) moved.add(i);
    }
    const ends = nodes.slice(i + 1).every((one) => isItem(one, 'filler', 'ignored', 'link'));
    if (node.group.afterthought && (ends || asked(nodes, i))) open.add(i); // "RML, on the left"
    if (node.group.slashed && asked(nodes, i)) open.add(i);
    last = i;
  }
  return nodes.map((node, i) => {
    if (node.kind !== 'group' || !(open.has(i) || moved.has(i))) return node;
    const { alternatives, contradicts } = node.group;
    const group = {
      ...node.group,
      alternatives: alternatives || open.has(i),
      contradicts: contradicts || moved.has(i),
    };
    return { ...node, group };
  });
}

/** "in the RUL, now in the RML": two places at different times, of which one note cannot be about both. */
function movesOn(nodes: readonly Node[], from: number, to: number): boolean {
  const between = nodes.slice(from + 1, to);
  const head = between.map((node) => isItem(node, ...HEADS)).lastIndexOf(true);
  const lead = between.slice(head + 1);
  const now = lead.some((node) => isItem(node, 'now')) && !lead.some((node) => isItem(node, 'and'));
  return now && (head < 0 || !ownsHead(nodes, to));
}

/** "LLL consolidation, i.e. in the right lower zone": one place in other words that do not fit it. */
function restates(nodes: readonly Node[], from: number, to: number): boolean {
  const between = nodes.slice(from + 1, to);
  const lead = between.slice(between.map((node) => isItem(node, ...HEADS)).lastIndexOf(true) + 1);
  const empty = lead.every((node) => isItem(node, ...PASSED, 'comma', 'link', 'namely'));
  const next = nodes.slice(to + 1).find((node) => !isItem(node, ...PASSED));
  const own = isItem(next, 'finding', 'foreign', 'clear');
  return empty && lead.some((node) => isItem(node, 'namely')) && !own;
}

/** Whether "or", or "possibly" without an "and", leads from one group to another. */
function leavesOpen(nodes: readonly Node[], from: number, to: number): boolean {
  const between = nodes.slice(from + 1, to);
  const head = between.map((node) => isItem(node, ...HEADS)).lastIndexOf(true);
  const lead = between.slice(head + 1);
  if (!lead.every((node) => isItem(node, ...PASSED, 'comma', 'or', 'link', 'slash', 'range'))) return false;
  if (lead.some((node) => isItem(node, 'and') && !isItem(node, 'or'))) return false;
  const owns = ownsHead(nodes, to);
  if (lead.some((node) => isItem(node, 'or'))) return head < 0 || !owns;
  return head < 0 && !owns && lead.some((node) => isItem(node, 'maybe'));
}

/** "left base according to the report, right base according to the request". */
function disagrees(nodes: readonly Node[], ...groups: readonly number[]): boolean {
  return groups.every((at) => {
    const { from, to } = pieceAt(nodes, at);
    return nodes.slice(from, to).some((node) => isItem(node, 'source'));
  });
}

function ownsHead(nodes: readonly Node[], at: number): boolean {
  const next = nodes.slice(at + 1).find((node) => !isItem(node, ...PASSED) || isItem(node, 'means'));
  return isItem(next, ...HEADS);
}

/** A question mark directly after the place. */
function asked(nodes: readonly Node[], at: number): boolean {
  const [group, next] = [nodes[at], nodes[at + 1]];
  return isItem(next, 'maybe') && next?.span.start === group?.span.end;
}

/** Whether a place of the second is no part of the first, nor the other way round. */
export function differ(a: PlaceGroup, b: PlaceGroup): boolean {
  return b.places.some((place) => !a.places.some((one) => compatible(one, place)));
}

export function compatible(a: Placed, b: Placed): boolean {
  const sides = a.side === null || b.side === null || a.side === b.side;
  return sides && overlaps(a, b);
}

function overlaps(a: Placed, b: Placed): boolean {
  return a.zones.length === 0 || b.zones.length === 0 || a.zones.some((zone) => b.zones.includes(zone));
}

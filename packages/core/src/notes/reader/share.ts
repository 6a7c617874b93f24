/** Places that findings share: in a list, from the start of a sentence, and of what lies over a finding. */
import type { AttachedGroup, Head, Sentence } from './heads.js';
import { has } from './items.js';
import { isEnd, isItem, type Node, PASSED, pieceAt } from './nodes.js';
import type { PlaceGroup } from './place-group.js';

/** "consolidation and effusion on the right": a list of heads shares its places. */
export function share(nodes: readonly Node[], heads: readonly Head[]): void {
  const inOrder = [...heads].sort((a, b) => a.at - b.at).filter(({ kind }) => kind !== 'landmark');
  const joined = (a: Head, b: Head): boolean =>
    a.negated === b.negated &&
    a.kind !== 'clear' &&
    nodes
      .slice(a.at + 1, b.at)
      .every((node) =>
        isItem(node, ...PASSED, 'and', 'or', 'slash', ...(a.negated ? (['comma'] as const) : [])),
      );
  for (let i = inOrder.length - 2; i >= 0; i--) {
    const [a, b] = [inOrder[i]!, inOrder[i + 1]!];
    if (a.groups.length === 0 && b.kind !== 'clear' && joined(a, b))
      a.groups.push(...b.groups.filter(({ direct }) => direct !== 'before' || a.negated));
  }
  for (let i = 1; i < inOrder.length; i++) {
    const [a, b] = [inOrder[i - 1]!, inOrder[i]!];
    if (isWithin(nodes, a, b)) {
      b.groups.push(...a.groups);
      // "possible fibrosis with nodules" doubts both
      const doubt = nodes.slice(pieceAt(nodes, a.at).from, a.at).find((node) => isItem(node, 'maybe'));
      if (doubt?.kind === 'item') b.uncertain ??= doubt.item;
    }
    // "collapse and consolidation" share a place named before both, and so does "consolidated and clear".
    const ahead = ({ group }: AttachedGroup): boolean => group.span.end <= a.item.span.start;
    const predicate = b.kind !== 'clear' || (a.kind === 'finding' && !describesNext(nodes, heads, b));
    if (predicate && !b.groups.some(({ direct }) => direct !== null) && joined(a, b))
      b.groups.push(...a.groups.filter((one) => ahead(one) || a.negated));
  }
}

/** "Right apical scarring with nodules": what a scar has with it is where it is. */
function isWithin(nodes: readonly Node[], a: Head, b: Head): boolean {
  const between = nodes.slice(a.at + 1, b.at);
  const ours = a.groups.map(({ group }) => group);
  return (
    a.kind === 'foreign' &&
    has(a.item, 'nearby') &&
    !a.negated &&
    b.kind === 'finding' &&
    !b.negated &&
    b.groups.length === 0 &&
    between.some((node) => isItem(node, 'with')) &&
    between.every((node) =>
      node.kind === 'group' ? ours.includes(node.group) : isItem(node, ...PASSED, 'with', 'link'),
    )
  );
}

/**
 * A place that opens a sentence holds for what is denied later ("right lung clear, no infiltrates" says nothing
 * about the left), and where the language has topics, for what is found.
 */
export function shareTopic(nodes: readonly Node[], heads: readonly Head[], topics: boolean): void {
  const at = nodes.findIndex((node) => node.kind === 'group');
  const topic = nodes[at];
  const first = Math.min(...heads.map((head) => head.at));
  if (topic?.kind !== 'group' || at > first) return;
  const heights = new Set(topic.group.places.map(({ zones }) => zones.join()));
  if (heights.size > 1) return;
  // "left effusion, no consolidation": the place is the effusion's
  const taken = heads.some(
    ({ kind, groups }) =>
      (kind === 'foreign' || kind === 'landmark') && groups.some(({ group }) => group === topic.group),
  );
  if (taken && !isWholeLung(topic.group)) return;
  for (const head of heads) {
    if (head.groups.length > 0) continue;
    // "right lung overinflated, clear"
    if (head.kind === 'clear' && isWholeLung(topic.group) && standsAlone(nodes, heads, head))
      head.groups.push({ group: topic.group, direct: null });
    if (head.kind !== 'finding' || !(head.negated || topics)) continue;
    const between = nodes.slice(at, head.at);
    const organ = between.some((node, i) => i > 0 && isItem(node, 'organ', 'residual'));
    if (!organ && !between.some((node) => isEnd(node)))
      head.groups.push({ group: topic.group, direct: null });
  }
}

/** "left basal effusion, underlying consolidation": where what was named before is, here or in the last sentence. */
export function shareUnderlying({ nodes, heads }: Sentence, last: Sentence | undefined): void {
  for (const [i, node] of nodes.entries()) {
    if (!isItem(node, 'underlying')) continue;
    const head = heads.find(({ at }) => between(nodes, at, i).every((one) => isItem(one, ...PASSED, 'not')));
    if (head === undefined || head.kind === 'foreign' || head.groups.length > 0) continue;
    const here = heads.filter(({ at }) => at < Math.min(i, head.at));
    const placed = (here.length > 0 ? here : (last?.heads ?? [])).filter(({ groups }) => groups.length > 0);
    const cover = placed.pop();
    // "RLL collapse, no underlying mass" says nothing about the collapse
    const free = head.negated || head.kind === 'clear';
    if (cover === undefined || (free && cover.kind === 'finding')) continue;
    head.groups.push(...cover.groups.map(({ group }) => ({ group, direct: null })));
  }
}

function between(nodes: readonly Node[], a: number, b: number): readonly Node[] {
  return nodes.slice(Math.min(a, b) + 1, Math.max(a, b));
}

/** "the right lung": a side with a noun, and no height. */
function isWholeLung({ closed, places }: PlaceGroup): boolean {
  return closed && places.every(({ zones }) => zones.length === 0);
}

function standsAlone(nodes: readonly Node[], heads: readonly Head[], { at }: Head): boolean {
  const { from, to } = pieceAt(nodes, at);
  const others = heads.some((head) => head.at !== at && head.at >= from && head.at < to);
  const plain = nodes.slice(from, at).every((node) => isItem(node, 'filler', 'ignored', 'and'));
  return from > 0 && plain && !others;
}

/** "a normal heart": "normal" is about what follows. */
function describesNext(nodes: readonly Node[], heads: readonly Head[], clear: Head): boolean {
  const next = heads.filter(({ at }) => at > clear.at).sort((a, b) => a.at - b.at)[0];
  return next !== undefined && nodes.slice(clear.at + 1, next.at).every((node) => isItem(node, ...PASSED));
}

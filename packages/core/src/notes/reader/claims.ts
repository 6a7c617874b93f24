/** What a note says and its reading leaves out: numbers, extents and doubts of no finding, findings of no place. */
import type { Statement } from './contradictions.js';
import { countsOf } from './describe.js';
import { isField } from './fields.js';
import type { Span } from './free-note.js';
import type { Sentence } from './heads.js';
import type { Item } from './items.js';
import { isItem, isPurpose, type Node, pieceAt } from './nodes.js';

/** Spans of numbers, extents and doubts that were given to nothing. In a sentence without a place, such words are about something else. */
export function unclaimed(sentences: readonly Sentence[], alone: Statement | null): Span[] {
  const claimed = new Set<Item>();
  for (const head of [...sentences.flatMap(({ heads }) => heads), ...(alone ? [alone.head] : [])]) {
    for (const { item } of head.counts) claimed.add(item);
    for (const item of head.extents) claimed.add(item);
    if (head.uncertain !== null) claimed.add(head.uncertain);
  }
  return sentences.flatMap(({ nodes, heads }) => {
    const ours = isField(nodes) || nodes.some(({ kind }) => kind === 'group');
    if (heads.some(({ cloned }) => !cloned) || !ours) return [];
    if (nodes.some((node) => isItem(node, 'history'))) return [];
    const counts = new Set(countsOf(nodes).map(({ item }) => item));
    return nodes.flatMap((node, i) => {
      if (node.kind === 'group' || claimed.has(node.item) || isPurpose(nodes, i)) return [];
      const says = counts.has(node.item) || isItem(node, 'extent', 'maybe') || isOpenNumber(nodes, i);
      return says ? [node.span] : [];
    });
  });
}

/** "4 regions": a number of something that is not known. */
function isOpenNumber(nodes: readonly Node[], at: number): boolean {
  const [before, next] = [nodes[at - 1], nodes[at + 1]];
  const measures =
    isItem(before, 'unit', 'slash', 'number') || isItem(next, 'unit', 'slash', 'number', 'ignored');
  return isItem(nodes[at], 'number') && !measures && isItem(next, 'filler', 'organ', 'unread', 'link');
}

/** Findings without a place next to a place that was given to a landmark: "right hilum: opacity". */
export function unplaced(statements: readonly Statement[]): Span[] {
  return statements.flatMap(({ head, sentence: { nodes, heads }, present, places }) => {
    if (!present || places.length > 0 || head.kind !== 'finding' || head.cloned) return [];
    const own = pieceAt(nodes, head.at);
    const titled = heads.some(
      ({ kind, at, groups }) =>
        kind === 'landmark' &&
        groups.length > 0 &&
        ((at < head.at && nodes.slice(at + 1, head.at).some((node) => isItem(node, 'colon'))) ||
          (at > head.at &&
            at < own.to &&
            nodes.slice(head.at + 1, at).every((node) => node.kind === 'group'))),
    );
    return titled ? [head.item.span] : [];
  });
}

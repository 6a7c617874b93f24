/** What was not understood, and the warnings about a note. */
import type { Warning } from '../../warnings.js';
import { listedWords, quotedWords } from '../quoted-words.js';
import type { Span } from './free-note.js';
import type { Head, Sentence } from './heads.js';
import { markOf } from './items.js';
import { isItem, type Node, pieceAt } from './nodes.js';
import type { Doubts } from './contradictions.js';
import type { Token } from './tokens.js';
import type { Vocabulary } from './vocabulary-shape.js';

/**
 * Unknown words that may change what is said about a place or finding. In an exhaustive vocabulary the words
 * for sides, heights, negation, doubt and number are known, so that others describe, unless they resemble one of
 * these or stand where a place, an organ or a predicate is expected.
 */
export function relevantUnread(
  { nodes, heads }: Sentence,
  { anywhere, exhaustive }: Pick<Vocabulary['canonical'], 'anywhere' | 'exhaustive'>,
): Span[] {
  if (nodes.some((node) => isItem(node, 'history'))) return [];
  const matters = (at: number): boolean =>
    exhaustive ? mayMatter(nodes, heads, at, anywhere) : isNearOurs(nodes, heads, at);
  return nodes.flatMap((node, i) => (isItem(node, 'unread') && matters(i) ? [node.span] : []));
}

/** Whether a word is in a piece with a place or finding of ours. */
function isNearOurs(nodes: readonly Node[], heads: readonly Head[], at: number): boolean {
  const { from, to } = pieceAt(nodes, at);
  const own = heads.filter((head) => head.at >= from && head.at < to);
  if (own.length > 0 && own.every(({ kind }) => kind === 'foreign' || kind === 'landmark')) return false;
  const ours = heads.some(({ kind }) => kind === 'finding' || kind === 'clear');
  return ours || nodes.slice(from, to).some(({ kind }) => kind === 'group');
}

function mayMatter(
  nodes: readonly Node[],
  heads: readonly Head[],
  at: number,
  anywhere: readonly string[],
): boolean {
  const { from, to } = pieceAt(nodes, at);
  const inPiece = heads.filter((head) => head.at >= from && head.at < to);
  const own = inPiece.filter(({ kind }) => kind === 'finding' || kind === 'clear');
  const groups = nodes.slice(from, to).flatMap((one) => (one.kind === 'group' ? [one.group] : []));
  if (own.length === 0 && inPiece.length > 0) return false;
  if (isItem(nodes[at], 'slip') && heads.length > 0) return true;
  if (own.length === 0 && groups.length === 0) return isListedWithPlaces(nodes, from, to);
  if (own.length === 0 && nodes.slice(from, at).some(({ kind }) => kind === 'group')) return true; // "right lung ..."
  const [left, right] = [telling(nodes, at, -1), telling(nodes, at, 1)];
  const [before, after] = [nodes[left], nodes[right]];
  const placed = groups.some(({ places }) => places.some(({ zones }) => zones.length > 0));
  const ahead = own.some((head) => head.at < at);
  const vague = after?.kind === 'item' && anywhere.includes(markOf(after.item, 'finding')?.value ?? '');
  const finding = isItem(after, 'finding');
  if (isItem(after, 'organ', 'whole')) return true; // "left ... lobe"
  if (after?.kind === 'group' && after.group.places.some(({ side }) => side === null)) return true; // "... lower lobe"
  if (before?.kind === 'group' && before.group.subject && !finding) return true; // "left base, right lung ..."
  if (before?.kind === 'group' && !before.group.closed && (!finding || vague)) return true; // "left ..."
  if (isItem(before, 'link') && !isItem(before, 'with') && !placed) return true; // "in the ..."
  if (isItem(after, 'link') && !ahead) return true; // "... of the consolidation"
  if (isItem(before, 'auxiliary') && ahead) return true; // "the consolidation has ..."
  if (isItem(before, 'not') && !inPiece.some((head) => head.at > at)) return true; // "not ..."
  const negated = own.some((head) => head.at === right && head.negated && head.groups.length === 0);
  return vague && !placed && !negated; // "... lesion on the left"
}

/** Letters of abbreviations of places. */
const LONGEST_SHORT = 3;

/** "RU, RM, lower left": a piece of unknown words next to a place of its own, which may be places too. */
function isListedWithPlaces(nodes: readonly Node[], from: number, to: number): boolean {
  const listed = (at: number): boolean => {
    const { from: start, to: end } = pieceAt(nodes, at);
    const piece = nodes.slice(start, end);
    const short = ({ span }: Node): boolean => span.end - span.start <= LONGEST_SHORT;
    return (
      piece.length > 0 &&
      piece.every(
        (node) =>
          node.kind === 'group' || (isItem(node, 'unread') && short(node)) || isItem(node, 'and', 'link'),
      )
    );
  };
  const beside = [from - 2, to + 1].filter((at) => at >= 0 && at < nodes.length && listed(at));
  const hasPlace = (at: number): boolean => {
    const piece = pieceAt(nodes, at);
    return nodes.slice(piece.from, piece.to).some(({ kind }) => kind === 'group');
  };
  return listed(from) && beside.some(hasPlace);
}

/** The next node that says something, in a direction. */
function telling(nodes: readonly Node[], at: number, step: 1 | -1): number {
  let i = at + step;
  const empty = (node: Node | undefined): boolean =>
    isItem(node, 'filler', 'ignored', 'unread') &&
    !isItem(node, 'link', 'with', 'finding', 'foreign', 'auxiliary', 'not', 'organ', 'whole');
  while (empty(nodes[i])) i += step;
  return i;
}

export function doubtWarnings({ ambiguous, contradicts }: Doubts): Warning[] {
  const warnings: Warning[] = [];
  if (ambiguous)
    warnings.push({ code: 'NOTE_AMBIGUOUS', message: 'the note leaves open which of two places it means' });
  if (contradicts)
    warnings.push({
      code: 'NOTE_CONTRADICTS',
      message: 'the note says two things about a place or side that exclude each other',
    });
  return warnings;
}

export function mendedWarning(tokens: readonly Token[]): Warning[] {
  const words = new Map<string, string[]>();
  for (const { typed, text } of tokens)
    if (typed !== undefined) words.set(typed, [...(words.get(typed) ?? []), text]);
  if (words.size === 0) return [];
  const list = [...words].map(([word, nearest]) => ({ word, nearest: nearest.join(' ') }));
  return [
    {
      code: 'NOTE_WORDS_MENDED',
      message: `read as typing errors: ${quotedWords(list)}`,
      words: listedWords(list),
    },
  ];
}

export function partlyRead(text: string, spans: readonly Span[]): Warning {
  const words = spans.map(({ start, end }) => ({ word: text.slice(start, end) }));
  const what =
    words.length > 0 ? `not understood: ${quotedWords(words)}` : 'a place is named without a finding';
  return {
    code: 'NOTE_PARTLY_READ',
    message: what,
    ...(words.length > 0 ? { words: listedWords(words) } : {}),
  };
}

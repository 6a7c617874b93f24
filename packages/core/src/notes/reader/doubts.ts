/** What was not understood, and the warnings about a note. */
import type { Warning } from '../../warnings.js';
import { listedWords, quotedWords } from '../quoted-words.js';
import type { Span } from './free-note.js';
import type { Sentence } from './heads.js';
import { isItem, pieceAt } from './nodes.js';
import type { Doubts } from './statements.js';
import type { Token } from './tokens.js';

/** Unknown words that may change what is said about a place or finding. */
export function relevantUnread({ nodes, heads }: Sentence): Span[] {
  if (nodes.some((node) => isItem(node, 'history'))) return [];
  const ours = heads.some(({ kind }) => kind === 'finding' || kind === 'clear');
  return nodes.flatMap((node, i) => {
    if (!isItem(node, 'unread')) return [];
    const { from, to } = pieceAt(nodes, i);
    const own = heads.filter(({ at }) => at >= from && at < to);
    const foreign = own.length > 0 && own.every(({ kind }) => kind === 'foreign' || kind === 'landmark');
    const place = nodes.slice(from, to).some(({ kind }) => kind === 'group');
    return foreign || !(ours || place) ? [] : [node.span];
  });
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

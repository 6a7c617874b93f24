/** A note's text cut where its marks begin and end, for drawing it under the text field. */
import type { Reading, Span } from '../state/state.js';

export interface Piece {
  readonly text: string;
  /** Number of the place that it names. */
  readonly place: number | null;
  readonly unknown: boolean;
  /** Changed against another note. */
  readonly changed: boolean;
  /** The place's number is written after this piece. */
  readonly ends: boolean;
}

/**
 * @param reading of this text, or of an earlier one: marks beyond what both begin with are left out
 * @param changed parts that differ from another note
 */
export function piecesOf(text: string, reading: Reading | null, changed: readonly Span[] = []): Piece[] {
  const valid = reading === null ? 0 : commonLength(text, reading.text);
  const whole = valid === text.length && valid === reading?.text.length;
  const fits = ({ end }: Span): boolean => whole || end < valid;
  const places = (reading?.places ?? []).flatMap(({ number, spans }) => {
    const own = spans.filter(fits);
    return own.map((span, i) => ({ ...span, number, last: i === own.length - 1 }));
  });
  const unknown = (reading?.unknown ?? []).filter(fits);
  const cuts = new Set([0, text.length]);
  for (const { start, end } of [...places, ...unknown, ...changed]) cuts.add(start).add(end);
  const edges = [...cuts].filter((at) => at >= 0 && at <= text.length).sort((a, b) => a - b);
  return edges.slice(1).map((end, i) => {
    const start = edges[i]!;
    const within = (span: Span): boolean => start >= span.start && end <= span.end;
    const place = places.find(within);
    return {
      text: text.slice(start, end),
      place: place?.number ?? null,
      unknown: unknown.some(within),
      changed: changed.some(within),
      ends: place?.last === true && end === place.end,
    };
  });
}

function commonLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

/** Words of each text that the other lacks, by the longest common sequence of words. */
export function changedWords(a: string, b: string): { readonly a: Span[]; readonly b: Span[] } {
  const [left, right] = [wordsIn(a), wordsIn(b)];
  const lengths = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i--)
    for (let j = right.length - 1; j >= 0; j--)
      lengths[i]![j] =
        left[i]!.word === right[j]!.word
          ? lengths[i + 1]![j + 1]! + 1
          : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  const changed: { a: Span[]; b: Span[] } = { a: [], b: [] };
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i]!.word === right[j]!.word) {
      i++;
      j++;
    } else if (j >= right.length || (i < left.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!))
      changed.a.push(left[i++]!.span);
    else changed.b.push(right[j++]!.span);
  }
  return changed;
}

function wordsIn(text: string): { readonly word: string; readonly span: Span }[] {
  return [...text.matchAll(/[\p{L}\p{N}'’-]+/gu)].map(({ 0: word, index }) => ({
    word: word.toLowerCase(),
    span: { start: index, end: index + word.length },
  }));
}

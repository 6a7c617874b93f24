/** Counts notes that a model reads only in part. */
import type { NoteTokens } from './note-tokens.js';

export interface TokenCounter {
  readonly contextLength: number;
  countTokens(note: string): number;
}

export interface NoteLengths {
  readonly notes: number;
  /** Notes that lose words. */
  readonly cut: number;
  /** Tokens of the longest. */
  readonly longest: number;
}

export function noteLengths(counter: TokenCounter, notes: Iterable<string>): NoteLengths {
  const seen = new Map<string, number>();
  let [count, cut, longest] = [0, 0, 0];
  for (const note of notes) {
    const tokens = seen.get(note) ?? counter.countTokens(note);
    seen.set(note, tokens);
    count++;
    if (tokens > counter.contextLength) cut++;
    longest = Math.max(longest, tokens);
  }
  return { notes: count, cut, longest };
}

/** A line about notes that lose words, or null. */
export function describeCutNotes(counter: TokenCounter, notes: Iterable<string>): string | null {
  const { notes: count, cut, longest } = noteLengths(counter, notes);
  if (cut === 0) return null;
  return (
    `${cut} of ${count} notes are longer than the context of ${counter.contextLength} tokens and lose their last words; ` +
    `the longest takes ${longest}.`
  );
}

export interface NoteReader {
  tokens(note: string): NoteTokens;
}

/** A line about notes with unknown words, naming none, or null. */
export function describeUnknownWords(reader: NoteReader, notes: Iterable<string>): string | null {
  const seen = new Map<string, number>();
  let [count, lacking, foreign] = [0, 0, 0];
  for (const note of notes) {
    const share = seen.get(note) ?? unknownShare(reader.tokens(note));
    seen.set(note, share);
    count++;
    if (share > 0) lacking++;
    if (share === 1) foreign++;
  }
  if (lacking === 0) return null;
  return (
    `${lacking} of ${count} notes contain words that are not in the model's vocabulary and are ignored` +
    (foreign > 0 ? `; for ${foreign} of them it knows no word at all.` : '.')
  );
}

function unknownShare({ tokens }: NoteTokens): number {
  const read = tokens.filter(({ word }) => word !== null);
  return read.length === 0 ? 0 : read.filter(({ kind }) => kind === 'unknown').length / read.length;
}

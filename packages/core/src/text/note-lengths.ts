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

/** Sentences about notes with unknown words, naming none, or null. */
export function describeUnknownWords(reader: NoteReader, notes: Iterable<string>): string | null {
  const seen = new Map<string, { readonly share: number; readonly slips: boolean }>();
  let [count, lacking, foreign, mended] = [0, 0, 0, 0];
  for (const note of notes) {
    const one = seen.get(note) ?? unknownIn(reader.tokens(note));
    seen.set(note, one);
    count++;
    if (one.share > 0) lacking++;
    if (one.share === 1) foreign++;
    if (one.slips) mended++;
  }
  const lines: string[] = [];
  if (mended > 0)
    lines.push(
      `${mended} of ${count} notes contain slips of words in the model's vocabulary, and are read as if they were spelt right.`,
    );
  if (lacking > 0)
    lines.push(
      `${lacking} of ${count} notes contain words that are not in the model's vocabulary and are ignored` +
        (foreign > 0 ? `; for ${foreign} of them it knows no word at all.` : '.'),
    );
  return lines.length === 0 ? null : lines.join(' ');
}

/** The share of ignored words, 0 to 1, and whether slips were read. */
function unknownIn({ tokens }: NoteTokens): { readonly share: number; readonly slips: boolean } {
  const read = tokens.filter(({ word }) => word !== null);
  const unknown = read.filter(({ kind }) => kind === 'unknown').length;
  return {
    share: read.length === 0 ? 0 : unknown / read.length,
    slips: read.some(({ kind }) => kind === 'slip'),
  };
}

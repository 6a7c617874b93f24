/** Notes of which a model reads less than there is, since they are long or hold words that it has not learnt: counted, and said in a line. */
import type { NoteTokens } from './note-tokens.js';

/** What reads notes of so many tokens at most, and says how many a note has. */
export interface TokenCounter {
  readonly contextLength: number;
  countTokens(note: string): number;
}

/** How notes fit a context. */
export interface NoteLengths {
  readonly notes: number;
  /** Notes that lose words. */
  readonly cut: number;
  /** Tokens of the longest. */
  readonly longest: number;
}

/** Counts the notes that are longer than the context. */
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

/** One line about notes that lose words, or null where none does. */
export function describeCutNotes(counter: TokenCounter, notes: Iterable<string>): string | null {
  const { notes: count, cut, longest } = noteLengths(counter, notes);
  if (cut === 0) return null;
  return (
    `${cut} of ${count} notes are longer than the context of ${counter.contextLength} tokens and lose their last words; ` +
    `the longest takes ${longest}.`
  );
}

/** What tells the words of a note that a model knows from those that it does not. */
export interface NoteReader {
  tokens(note: string): NoteTokens;
}

/** One line about notes with words that the vocabulary does not hold, or null where there are none; it names no word. */
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
    `${lacking} of ${count} notes hold words that the model's vocabulary lacks, and that say nothing to it` +
    (foreign > 0 ? `; of ${foreign} it knows no word at all.` : '.')
  );
}

/** Share of unknown words among those that are read; 0 for a note without words. */
function unknownShare({ tokens }: NoteTokens): number {
  const read = tokens.filter(({ word }) => word !== null);
  return read.length === 0 ? 0 : read.filter(({ kind }) => kind === 'unknown').length / read.length;
}

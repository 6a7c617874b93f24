/** Notes that are longer than what a model reads of them: counted, and said in a line. */

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

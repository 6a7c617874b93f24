/** How much of a data set's notes a vocabulary reads, for people. */
import { percent } from '../table.js';

export interface NotesCoverage {
  readonly notes: number;
  /** Each counts once in the figures below. */
  readonly different: number;
  /** Understood completely. */
  readonly complete: number;
  /** For which a sentence can be written. */
  readonly written: number;
  /** That are in the vocabulary's own sentences. */
  readonly own: number;
  /** Most frequent first. */
  readonly unknownWords: readonly { readonly word: string; readonly times: number }[];
  readonly unread: readonly string[];
  readonly reworded: readonly { readonly note: string; readonly text: string }[];
}

export function describeCoverage(found: NotesCoverage): string {
  const { notes, different, complete, written, own, unknownWords, unread, reworded } = found;
  const of = (count: number): string => `${count} (${percent(count / Math.max(1, different))} %)`;
  const lines = [
    `${notes} notes, ${different} different`,
    `understood completely: ${of(complete)}`,
    `a sentence can be written: ${of(written)}`,
    `in the vocabulary’s own sentences: ${of(own)}; training records the vocabulary from 95 %`,
  ];
  if (unknownWords.length > 0)
    lines.push(
      `words not understood: ${unknownWords.map(({ word, times }) => `${word} (${times})`).join(', ')}`,
    );
  if (unread.length > 0) lines.push('', 'Not understood completely:', ...unread.map((note) => `  ${note}`));
  if (reworded.length > 0)
    lines.push('', 'Put into other words:', ...reworded.map(({ note, text }) => `  ${note}\n    -> ${text}`));
  return lines.join('\n');
}

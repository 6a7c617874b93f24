/** Notes as a model is given them under `--note-style`: as written, or in its own words where they are understood. */
import {
  noteForModel,
  type NoteHabits,
  type NoteStyle,
  ReclmisError,
  styleFor,
  vocabularyFor,
} from '@reclmis/core';

export interface NoteWording {
  readonly style: NoteStyle;
  /** What the model is given. Left and right stay. */
  readonly of: (note: string) => string;
  /** A line for the user about these notes, or null. */
  readonly describe: (notes: readonly string[]) => string | null;
}

/**
 * @param habits the models', which are given the same text
 * @throws OPTION_INVALID for style `free` if a model has learnt notes in a grammar that is not known, or models
 * have learnt different ones
 */
export function noteWording(
  style: NoteStyle,
  habits: readonly [NoteHabits, ...(readonly NoteHabits[])],
): NoteWording {
  if (style === 'as-is') return { style, of: (note) => note, describe: () => null };
  for (const one of habits) styleFor(one, style);
  const names = [...new Set(habits.map((one) => vocabularyFor(one).name))];
  if (names.length > 1)
    throw new ReclmisError(
      'OPTION_INVALID',
      `--note-style free: expected models that learnt notes about the same things, got ${names.join(' and ')}`,
      { remedy: 'Use --note-style as-is, or evaluate the models separately.' },
    );
  const own: NoteHabits = { ...habits[0], sides: 'unknown' };
  const known = new Map<string, { readonly text: string; readonly refused: boolean }>();
  const read = (note: string): { readonly text: string; readonly refused: boolean } => {
    let found = known.get(note);
    if (found === undefined) {
      const { worded, warnings } = noteForModel(note, own, { style });
      found = { text: worded, refused: warnings.some(({ code }) => code === 'NOTE_AS_WRITTEN') };
      known.set(note, found);
    }
    return found;
  };
  return {
    style,
    of: (note) => read(note).text,
    describe: (notes) => {
      const changed = notes.filter((note) => read(note).text !== note).length;
      const refused = notes.filter((note) => read(note).refused).length;
      if (changed + refused === 0) return null;
      return (
        `${changed} of ${notes.length} notes were put into the words that the model has learnt` +
        (refused > 0
          ? `; ${refused} were not fully understood, or have no words in its grammar, and went as written.`
          : '.')
      );
    },
  };
}

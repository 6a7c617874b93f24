/** Checks untrusted notes, whose sides they mean and how to treat them. Messages never repeat a note. */
import {
  CONVENTIONS,
  NOTE_STYLES,
  type NoteHabits,
  type NoteStyle,
  ReclmisError,
  type Sides,
} from '@reclmis/core';

/** Control characters except tab and line breaks, lone surrogates, U+FFFD (invalid UTF-8). */
const FORBIDDEN = /[\p{Cs}\ufffd]|(?![\t\n\r])\p{Cc}/u;

/** @throws NOTE_TOO_LONG, NOTE_INVALID for control characters or bytes that were not UTF-8 */
export function checkNote(note: string, maxNote: number): void {
  if (note.length > maxNote)
    throw new ReclmisError('NOTE_TOO_LONG', `the note exceeds the limit of ${maxNote} characters`);
  if (FORBIDDEN.test(note))
    throw new ReclmisError('NOTE_INVALID', 'the note contains control characters or is not UTF-8');
}

/** Notes' sides; undefined: the server's default. @param where name in messages. @throws REQUEST_INVALID */
export function parseSides(value: unknown, where: string): Sides | undefined {
  return parseChoice(value, CONVENTIONS, where);
}

/**
 * Notes' style; undefined: the server's default.
 * @param where name in messages. @throws REQUEST_INVALID, for `free` also if the model learnt other notes
 */
export function parseNoteStyle(
  value: unknown,
  where: string,
  { grammar }: Pick<NoteHabits, 'grammar'>,
): NoteStyle | undefined {
  const style = parseChoice(value, NOTE_STYLES, where);
  if (style !== 'free' || grammar !== 'other') return style;
  throw new ReclmisError(
    'REQUEST_INVALID',
    `${where}: expected as-is, because the model’s training notes are in no grammar that is known; got free`,
    { remedy: 'Omit it, and write notes like those that the model was trained on.' },
  );
}

function parseChoice<T extends string>(value: unknown, choices: readonly T[], where: string): T | undefined {
  if (value === undefined) return undefined;
  const word = typeof value === 'string' ? value.trim() : value;
  const found = choices.find((one) => one === word);
  if (found) return found;
  throw new ReclmisError('REQUEST_INVALID', `${where}: expected ${choices.join(' or ')}, got another value`);
}

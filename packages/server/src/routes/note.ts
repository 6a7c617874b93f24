/** Checks untrusted notes, and whose sides they mean. Messages never repeat a note. */
import { CONVENTIONS, ReclmisError, type Sides } from '@reclmis/core';

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
  if (value === undefined) return undefined;
  const word = typeof value === 'string' ? value.trim() : value;
  const found = CONVENTIONS.find((one) => one === word);
  if (found) return found;
  throw new ReclmisError(
    'REQUEST_INVALID',
    `${where}: expected ${CONVENTIONS.join(' or ')}, got another value`,
  );
}

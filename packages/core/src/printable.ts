/**
 * Text on its way to a terminal. Names, notes and messages quote what others wrote, and a terminal obeys escape sequences: it would clear its screen,
 * change its title or show a line in another order than it was written.
 */

/** Control characters (C0, DEL, C1), separators of lines and paragraphs, and what turns the direction of text. */
const OBEYED = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The text with everything that a terminal obeys written as `\u001b`; line breaks stay. In JSON the escapes mean what stood there. */
export function printable(text: string): string {
  return text.replace(OBEYED, (char) => (char === '\n' ? char : escaped(char)));
}

/** The same as one line: a line break within a name is an escape too. */
export function printableLine(text: string): string {
  return text.replace(OBEYED, escaped);
}

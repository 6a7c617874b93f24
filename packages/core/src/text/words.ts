/** The words of a note: runs of letters, marks and digits in any script, lower-cased, with apostrophes inside. */

const WORD = /[\p{L}\p{M}\p{N}]+(?:['\u2019][\p{L}\p{M}\p{N}]+)*/gu;

/** Lower-case, without punctuation. */
export function wordsOf(note: string): string[] {
  return inOneForm(note).replaceAll('\u2019', "'").match(WORD) ?? [];
}

/** Composed again: a capital without a composed form (J with a caron) may have a small letter with one. */
export function inOneForm(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

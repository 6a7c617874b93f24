/**
 * Sentences, clauses and words of LViT's notes, and the known word behind each, despite a missing space
 * ("leftlung") or a slip ("rigth").
 */
import { ORDINARY_WORDS } from './ordinary-words.js';

export interface Word {
  /** The grammar's word, or itself in lower case. */
  readonly known: string;
  /** In the text: [start, end). */
  readonly start: number;
  readonly end: number;
}

export interface Clause {
  readonly words: readonly Word[];
}

/** Found where a space is missing; none starts another word whose rest is a word too. */
const GLUED = [
  'upper',
  'middle',
  'lower',
  'all',
  'left',
  'right',
  'lungs',
  'lung',
  'and',
  'infected',
  'areas',
  'area',
];
const GLUED_RUN = new RegExp(`^(?:${GLUED.join('|')})+$`, 'u');
const GLUED_PART = new RegExp(GLUED.join('|'), 'gu');

/** Recognisable with a slip of one letter. */
const SLIPPABLE = [
  'bilateral unilateral pulmonary infection infected areas',
  'upper middle lower left right lung',
  'nuclei density sparsely evenly irregularly distributed',
]
  .join(' ')
  .split(' ');
const KNOWN = new Set([...GLUED, ...SLIPPABLE]);

const OTHERS = new Set(
  (
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty ' +
    'no not the in of at is are a an to around high higher low lower side sided both single region regions lesion lesions affected lobe lobes ' +
    'zone zones field fields mid pneumonia infections regularly unevenly even sparse dense densely'
  ).split(' '),
);

/** The grammar's words, and those around them. */
export const NOTE_WORDS: ReadonlySet<string> = new Set([...KNOWN, ...OTHERS]);

/** A word of the grammar cannot identify a patient. */
export function isNoteWord(word: string): boolean {
  return NOTE_WORDS.has(word);
}

/** A text's sentences as clauses, without empty ones. */
export function clausesOf(text: string): Clause[][] {
  const sentences: Clause[][] = [];
  for (const sentence of text.matchAll(/(?:[^.;!?\n\r]|(?<=[0-9])\.(?=[0-9]))+/gu)) {
    const clauses: Clause[] = [];
    for (const clause of sentence[0].matchAll(/[^,:]+/gu)) {
      const words = wordsAt(clause[0], sentence.index + clause.index);
      if (words.length > 0) clauses.push({ words });
    }
    if (clauses.length > 0) sentences.push(clauses);
  }
  return sentences;
}

function wordsAt(text: string, offset: number): Word[] {
  const words: Word[] = [];
  for (const match of text.matchAll(/[\p{L}\p{M}\p{N}]+|[^\p{L}\p{M}\p{N}\s\-'"()/]+/gu)) {
    const start = offset + match.index;
    const lower = match[0].toLowerCase();
    const parts = splitGlued(lower);
    if (parts === null) {
      words.push({ known: withoutSlip(lower), start, end: start + match[0].length });
      continue;
    }
    let at = start;
    for (const part of parts) {
      words.push({ known: part, start: at, end: at + part.length });
      at += part.length;
    }
  }
  return words;
}

/** The known words that make up a lower-case word, or null. */
export function splitGlued(word: string): string[] | null {
  return GLUED_RUN.test(word) ? (word.match(GLUED_PART) ?? null) : null;
}

export function inCaseOf(model: string, word: string): string {
  if (model === model.toUpperCase()) return word.toUpperCase();
  const capitalised = model.charAt(0).toUpperCase() + model.slice(1).toLowerCase();
  return model === capitalised ? word.charAt(0).toUpperCase() + word.slice(1) : word;
}

/** The known word behind a slip (two letters swapped, one replaced, added or left out), or the word itself. */
export function withoutSlip(word: string): string {
  if (KNOWN.has(word) || OTHERS.has(word) || ORDINARY_WORDS.has(word)) return word;
  return SLIPPABLE.find((known) => isSlip(word, known)) ?? word;
}

function isSlip(word: string, known: string): boolean {
  let i = 0;
  while (i < word.length && word[i] === known[i]) i++;
  switch (word.length - known.length) {
    case 0: {
      const replaced = word.slice(i + 1) === known.slice(i + 1);
      const swapped = word[i] === known[i + 1] && word[i + 1] === known[i];
      return replaced || (swapped && word.slice(i + 2) === known.slice(i + 2));
    }
    case 1: // added
      return word.slice(i + 1) === known.slice(i);
    case -1: // left out
      return word.slice(i) === known.slice(i + 1);
    default:
      return false;
  }
}

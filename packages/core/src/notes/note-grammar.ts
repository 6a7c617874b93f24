/**
 * What a model's training notes were written in, and how a caller wants other notes treated. Recorded with a
 * run (`run.json`) and an exported model (`manifest.note.grammar`).
 */
import { formatNote, parseClauses, type ParsedNote, parseNote } from './note.js';
import { clausesOf } from './note-words.js';
import {
  canonicalText,
  chest,
  LVIT_SENTENCES,
  nuclei,
  readNote,
  sameWords,
  type Vocabulary,
} from './reader/index.js';

/**
 * `lvit`: LViT's grammar; `nuclei`: MoNuSeg's; `vocabulary`: the sentences of a vocabulary, which is recorded
 * with it; `unknown` in runs and models of older versions, and if no note was seen.
 */
export const NOTE_GRAMMARS = ['lvit', 'nuclei', 'vocabulary', 'other', 'unknown'] as const;
export type NoteGrammar = (typeof NOTE_GRAMMARS)[number];

/** `free`: put into the model's own words if it is understood; `as-is`: given to the model as written. */
export const NOTE_STYLES = ['free', 'as-is'] as const;
export type NoteStyle = (typeof NOTE_STYLES)[number];

/** Least share of distinct training notes in the grammar: real data sets have slips. */
const LEAST_SHARE = 0.95;
/** "No infection in the left lung" parses, but the grammar has no words for what is absent. */
const DENIES = /^(?:no|not|without)\b/u;

/** A note that LViT's grammar covers: all of it is understood, and it names a place of a finding. */
export function inGrammar(note: string): ParsedNote | null {
  const parsed = parseNote(note);
  return isCovered(parsed) ? parsed : null;
}

/** Whether LViT's grammar covers the note that was parsed. */
export function isCovered({ remainder, places, finding }: ParsedNote): boolean {
  return remainder.length === 0 && places.length > 0 && !DENIES.test(finding ?? '');
}

/** Whether a note has the words of LViT's sentence in their order; "left upper lobe" and "rigth lung" have not. */
export function isWordedAs(parsed: ParsedNote, note: string): boolean {
  return wordsIn(note, 'written') === wordsIn(formatNote(parsed), 'written');
}

/**
 * The grammar of training notes; each distinct note counts once. Free text is written with one finding only.
 * @param vocabulary theirs, if stated: then no other is tried
 */
export function grammarOf(notes: Iterable<string>, vocabulary: Vocabulary | null = null): NoteGrammar {
  const distinct = new Set(notes);
  if (distinct.size === 0) return 'unknown';
  const most = (isOwn: (note: string) => boolean): boolean =>
    [...distinct].filter(isOwn).length >= LEAST_SHARE * distinct.size;
  if (vocabulary !== null) return most(wordingTest(vocabulary)) ? 'vocabulary' : 'other';
  if (most(wordingTest(chest()))) return 'lvit';
  return most(wordingTest(nuclei())) ? 'nuclei' : 'other';
}

/** Tells whether a note has the words of the vocabulary's own sentence for what it says. */
export function wordingTest(vocabulary: Vocabulary): (note: string) => boolean {
  const { sentences, finding } = vocabulary.canonical;
  if (sentences === LVIT_SENTENCES) return lvitTest(finding);
  return (note) => {
    const text = canonicalText(readNote(note, vocabulary), vocabulary);
    return text !== null && sameWords(text, note);
  };
}

function lvitTest(finding: string | null): (note: string) => boolean {
  const written = new Map<string, string>(); // many notes mean the same
  return (note) => {
    const clauses = clausesOf(note);
    const parsed = parseClauses(note, clauses);
    if (!isCovered(parsed) || (parsed.finding ?? finding) !== finding) return false;
    const sentence = formatNote(parsed);
    const words = written.get(sentence) ?? wordsIn(sentence, 'meant');
    written.set(sentence, words);
    return note === sentence || wordsIn(note, 'meant', clauses) === words;
  };
}

/** From a file that may be older. */
export function statedGrammar(value: unknown): NoteGrammar {
  return NOTE_GRAMMARS.find((one) => one === value) ?? 'unknown';
}

/** Without missing spaces and "and", which lists may leave out. @param of `meant`: slips mended */
function wordsIn(text: string, of: 'meant' | 'written', sentences = clausesOf(text)): string {
  const words = sentences.flatMap((clauses) => clauses.flatMap((clause) => clause.words));
  return words
    .map(({ known, start, end }) => (of === 'meant' ? known : text.slice(start, end).toLowerCase()))
    .filter((word) => word !== 'and')
    .join(' ');
}

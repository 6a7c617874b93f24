/**
 * What a model's training notes were written in, and how a caller wants other notes treated. Recorded with a
 * run (`run.json`) and an exported model (`manifest.note.grammar`).
 */
import { formatNote, type ParsedNote, parseNote } from './note.js';
import { clausesOf } from './note-words.js';
import { chest } from './reader/index.js';

/** `lvit`: LViT's grammar; `unknown` in runs and models of older versions, and if no note was seen. */
export const NOTE_GRAMMARS = ['lvit', 'other', 'unknown'] as const;
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
  const { remainder, places, finding } = parsed;
  const covered = remainder.length === 0 && places.length > 0 && !DENIES.test(finding ?? '');
  return covered ? parsed : null;
}

/** Whether a note has the words of LViT's sentence in their order; "left upper lobe" and "rigth lung" have not. */
export function isWordedAs(parsed: ParsedNote, note: string): boolean {
  return wordsIn(note, 'written') === wordsIn(formatNote(parsed), 'written');
}

/** The grammar of training notes; each distinct note counts once. Free text is written with one finding only. */
export function grammarOf(notes: Iterable<string>): NoteGrammar {
  const distinct = new Set(notes);
  if (distinct.size === 0) return 'unknown';
  const { finding } = chest().canonical;
  const written = new Map<string, string>(); // many notes mean the same
  const isOwn = (note: string): boolean => {
    const parsed = inGrammar(note);
    if (parsed === null || (parsed.finding ?? finding) !== finding) return false;
    const sentence = formatNote(parsed);
    const words = written.get(sentence) ?? wordsIn(sentence, 'meant');
    written.set(sentence, words);
    return note === sentence || wordsIn(note, 'meant') === words;
  };
  const own = [...distinct].filter(isOwn).length;
  return own >= LEAST_SHARE * distinct.size ? 'lvit' : 'other';
}

/** From a file that may be older. */
export function statedGrammar(value: unknown): NoteGrammar {
  return NOTE_GRAMMARS.find((one) => one === value) ?? 'unknown';
}

/** Without missing spaces and "and", which lists may leave out. @param of `meant`: slips mended */
function wordsIn(text: string, of: 'meant' | 'written'): string {
  const words = clausesOf(text).flatMap((clauses) => clauses.flatMap((clause) => clause.words));
  return words
    .map(({ known, start, end }) => (of === 'meant' ? known : text.slice(start, end).toLowerCase()))
    .filter((word) => word !== 'and')
    .join(' ');
}

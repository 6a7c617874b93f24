/**
 * Warns about what a model does not read of a note: unknown words, with the nearest known ones; words beyond
 * its context; notes of which nothing is left. A message quotes at most `LISTED` single words.
 */
import { mirrorNote } from './note-mirror.js';
import { nearestWord, type KnownWords } from './nearest-word.js';
import type { NoteReader, TokenCounter } from '../text/note-lengths.js';
import { groupTokens } from '../text/note-tokens.js';
import { LISTED, listedWords, quotedWords, shortened } from './quoted-words.js';
import type { Warning, WarningWord } from '../warnings.js';
import { wordsOf } from '../text/words.js';

export interface NoteSense {
  readonly reader: TokenCounter & NoteReader;
  /** Words of the training notes; null if unknown. */
  readonly known: KnownWords | null;
}

/** @param mirrored the model reads the note with sides swapped, which also mends slips such as "rigth". */
export function noteWarnings(note: string, { reader, known }: NoteSense, mirrored = false): Warning[] {
  const all = wordsOf(note);
  if (all.length === 0) return [{ code: 'NOTE_WITHOUT_WORDS', message: 'the note contains no words' }];
  const lost = lostWords(note, reader);
  const read = all.slice(0, Math.max(0, all.length - lost.length));
  const words = mirrored ? wordsOf(mirrorNote(note)) : all; // what the model is given, word by word
  const unknown = read.filter((word, i) => !isKnown(words[i] ?? word, known));
  const given = new Map(read.map((word, i) => [word, words[i] ?? word]));
  const slipOf = (word: string): readonly string[] | null => known?.read?.(given.get(word) ?? word) ?? null;
  const ignored = unknown.filter((word) => slipOf(word) === null);
  const warnings: Warning[] = [];
  if (unknown.length > 0) warnings.push(unknownWords(unknown, read, known, slipOf));
  if (read.length > 0 && ignored.length === read.length)
    warnings.push({ code: 'NOTE_WITHOUT_WORDS', message: 'the model knows none of the note’s words' });
  if (lost.length > 0) {
    warnings.push({
      code: 'NOTE_CUT',
      message: `the model reads ${reader.contextLength} tokens of a note; lost ${counted(lost.length, 'word')}: ${quotedWords(lost.map((word) => ({ word })))}`,
      words: listedWords(lost.map((word) => ({ word }))),
    });
  }
  return warnings;
}

/** Without training words, unknown words have no Latin letter or digit: CLIP was trained on English. */
function isKnown(word: string, known: KnownWords | null): boolean {
  return known ? known.has(word) : /[\p{Script=Latin}\p{N}]/u.test(word);
}

/** Words without a token, and the one cut within. */
function lostWords(note: string, reader: NoteSense['reader']): string[] {
  if (reader.countTokens(note) <= reader.contextLength) return [];
  const { groups, cut } = groupTokens(reader.tokens(note));
  const lost = wordsOf(cut.join(' '));
  if (cut.length > 0) return lost;
  const last = groups.findLast(({ text }) => text !== '');
  return last ? wordsOf(last.text) : [];
}

function unknownWords(
  unknown: readonly string[],
  read: readonly string[],
  known: KnownWords | null,
  slipOf: (word: string) => readonly string[] | null,
): Warning {
  const distinct = [...new Set(unknown)];
  const joined = new Map<string, string>();
  read.slice(1).forEach((word, i) => {
    const [before, whole] = [read[i]!, `${read[i]!}${word}`];
    if (known?.has(whole) && distinct.includes(before) && distinct.includes(word))
      for (const half of [before, word]) joined.set(half, whole);
  });
  const words = distinct.slice(0, LISTED).map((word): WarningWord => {
    const slip = slipOf(word);
    if (slip !== null) return { word: shortened(word), nearest: slip.join(' '), read: true };
    const nearest = joined.get(word) ?? (known ? nearestWord(word, known) : null);
    return nearest === null ? { word: shortened(word) } : { word: shortened(word), nearest };
  });
  const rest: WarningWord[] = distinct.slice(LISTED).map((word) => ({ word }));
  const of = `${unknown.length} of ${counted(read.length, 'word')}`;
  return {
    code: 'NOTE_WORDS_UNKNOWN',
    message: `${of} ${unknown.length === 1 ? 'is' : 'are'} unknown to the model: ${quotedWords([...words, ...rest])}`,
    words,
  };
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

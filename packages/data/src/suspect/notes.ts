/** Finds notes that are cut, all the same, file names, single words, or too long. */
import { namesAnyPlace, parseNote, type ParsedNote, wordsOf } from '@reclmis/core';
import { numbered, sayingNothing } from './note-sense.js';
import { counted, placeOf, type SuspectCase, type Subject, suspicion, type Suspicion } from './types.js';

/** CLIP's tower reads 77 tokens, two of them marks. */
const MOST_WORDS = 75;
const LEAST_EQUAL = 10;
/** With a full stop: then it is the custom. */
const CUSTOM = 0.9;
const LEAST_WIDTH = 16;

const END = /[.!?…。！？)"'”’\]]$/u;
const OPEN_END =
  /(?:[,;:(/&+–—-]|\b(?:and|or|of|in|the|a|an|with|without|at|to|on|by|for|from|is|are|und|et|y))$/iu;

export function noteSuspicions(subjects: readonly Subject[]): Suspicion[] {
  const found: Suspicion[] = [];
  const add = (
    code: Suspicion['code'],
    one: string,
    several: string,
    cases: readonly SuspectCase[],
  ): void => {
    if (cases.length > 0) found.push(suspicion(code, counted(cases.length, one, several), cases));
  };
  const counting = numbered(subjects);
  const isAName = (one: Subject): boolean => isName(one) || counting.has(one);
  add('NOTES_ARE_NAMES', 'note is a name of a file or a number', 'notes are names of files or numbers', subjects.filter(isAName).map(placeOf)); // prettier-ignore
  const others = subjects.filter((one) => !isAName(one));
  add('NOTES_OF_ONE_WORD', 'note has no more than one word, though the mask is not empty', 'notes have no more than one word, though the masks are not empty', others.filter(({ note, measure }) => measure.foreground > 0 && wordsOf(note).length <= 1 && !hasSigns(note)).map(placeOf)); // prettier-ignore
  const long = others.filter(({ note }) => wordsOf(note).length > 1 || hasSigns(note));
  // Report a note once.
  const { certain, unusual } = sayingNothing(long);
  const cut = cutOff(without(long, certain));
  add('NOTES_CUT_OFF', 'note ends in the middle', 'notes end in the middle', cut);
  const rest = new Set(without(long, cut).filter(({ note }) => wordsOf(note).length <= MOST_WORDS).map(keyOf)); // prettier-ignore
  add('NOTES_SAY_NOTHING', 'note says nothing that can be read', 'notes say nothing that can be read', [...certain, ...unusual.filter((one) => rest.has(keyOf(one)))]); // prettier-ignore
  add('NOTES_TOO_LONG', `note has more than ${MOST_WORDS} words, of which no model reads the rest`, `notes have more than ${MOST_WORDS} words, of which no model reads the rest`, others.filter(({ note }) => wordsOf(note).length > MOST_WORDS).map((one) => ({ ...placeOf(one), why: `${wordsOf(one.note).length} words` }))); // prettier-ignore
  const plain = new Set(subjects.map(({ note }) => wordsOf(note).join(' ')));
  if (subjects.length >= LEAST_EQUAL && plain.size === 1)
    found.push(
      suspicion('NOTES_ALL_EQUAL', `all ${subjects.length} notes are the same`, subjects.map(placeOf)),
    );
  return found;
}

const keyOf = ({ split, id }: SuspectCase): string => `${split} ${id}`;

function without(subjects: readonly Subject[], cases: readonly SuspectCase[]): Subject[] {
  const known = new Set(cases.map(keyOf));
  return subjects.filter((one) => !known.has(keyOf(one)));
}

/** Scripts without blanks between words. */
const hasSigns = (text: string): boolean =>
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(text);
const withoutExtension = (name: string): string => name.replace(/\.[a-z]{3,4}$/i, '');

/** A case's name, or digits without letters. */
function isName({ note, id, maskPath }: Subject): boolean {
  const text = withoutExtension(note.trim()).toLowerCase();
  const mask = withoutExtension(maskPath.split(/[\\/]/).at(-1) ?? '').toLowerCase();
  if (text === id.toLowerCase() || text === mask) return true;
  // "Image covid_0778".
  const rest = text.replace(id.toLowerCase(), ' ');
  if (id.length > 3 && /\d/.test(id) && rest !== text && wordsOf(rest).length <= 2 && !namesAnyPlace(rest)) return true; // prettier-ignore
  if (/\.(?:png|jpe?g|tiff?|dcm|bmp)$/i.test(note.trim())) return true;
  return /\d/.test(text) && /^[\p{N}\p{P}\p{S}\s]+$/u.test(text);
}

function cutOff(subjects: readonly Subject[]): SuspectCase[] {
  const texts = subjects.map(({ note }) => note.trim());
  const ended = texts.filter((text) => END.test(text));
  const custom = subjects.length >= LEAST_EQUAL && ended.length >= CUSTOM * texts.length;
  const lastWords = new Set(ended.map((text) => wordsOf(text).at(-1)));
  const width = cutWidth(texts);
  const parsed = texts.map(parseNote);
  // Notes may be short: only sets that state numbers, or always break off, follow LViT's grammar.
  const commas = parsed.map(cutAtComma);
  const counts = parsed.filter(({ count }) => count !== null).length;
  const open = commas.filter((why, i) => why !== null && !END.test(texts[i] as string)).length;
  const ofGrammar = counts >= texts.length / 2 || open >= CUSTOM * texts.length;
  return subjects.flatMap((one, i): SuspectCase[] => {
    const text = texts[i] as string;
    const why =
      unclosed(text) ?? (END.test(text) ? null : reason(text, ofGrammar ? (commas[i] ?? null) : null));
    return why === null ? [] : [{ ...placeOf(one), why }];
  });

  function reason(text: string, comma: string | null): string | null {
    if (OPEN_END.test(text)) return `ends with "${/\S+$/u.exec(text)?.[0] ?? ''}"`;
    if (comma !== null) return comma;
    if (text.length === width) return `has ${width} characters, as much as the longest`;
    if (custom && !lastWords.has(wordsOf(text).at(-1)))
      return 'has no full stop, and ends with a word that ends no other';
    return null;
  }
}

/** A mark, an open quote or an open bracket. */
function unclosed(text: string): string | null {
  if (/(?:…|\.\.\.)$/u.test(text)) return 'ends with dots that stand for the rest';
  if (/^["“„«]/u.test(text) && !/["”“»]/u.test(text.slice(1))) return 'begins with a quote that does not end';
  return text.lastIndexOf('(') > text.lastIndexOf(')') ? 'ends within brackets' : null;
}

/** Null if nothing is missing. */
function cutAtComma({ laterality, count, places }: ParsedNote): string | null {
  if (laterality === null) return null;
  const as = 'as if cut at a comma';
  if (places.length === 0)
    return count === null ? `ends before number and place, ${as}` : count > 0 ? `ends before the place, ${as}` : null; // prettier-ignore
  const sides = new Set(places.map(({ side }) => side));
  const oneSided = sides.size === 1 && !sides.has(null);
  return laterality === 'bilateral' && oneSided && count !== 1
    ? `is bilateral and names one side, ${as}`
    : null;
}

/** The longest length, if several notes break off there within a word. */
function cutWidth(texts: readonly string[]): number {
  const width = Math.max(0, ...texts.map(({ length }) => length));
  if (width < LEAST_WIDTH) return NaN;
  const whole = new Map<string, number>();
  for (const word of texts.flatMap((text) => wordsOf(text))) whole.set(word, (whole.get(word) ?? 0) + 1);
  const prefixes = new Set<string>();
  for (const [word, count] of whole)
    if (count > 1) for (let n = 1; n < word.length; n++) prefixes.add(word.slice(0, n));
  const broken = texts.filter((text) => {
    const last = wordsOf(text).at(-1) ?? '';
    return text.length === width && !END.test(text) && prefixes.has(last) && !endsWhole(last);
  });
  return new Set(broken).size >= 2 ? width : NaN;

  /** As whole words do. */
  function endsWhole(word: string): boolean {
    return texts.some((text) => wordsOf(text).slice(0, -1).includes(word));
  }
}

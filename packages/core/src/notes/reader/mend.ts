/** Typing errors: missing spaces, hyphens in the wrong place, and slips of a letter or two. */
import { editDistance } from '../../text/edit-distance.js';
import { nearestWord } from '../nearest-word.js';
import { negates } from '../opposites.js';
import type { Lexicon, Mark } from './lexicon.js';
import type { Token } from './tokens.js';

const SHORTEST = 4;
const LONGEST = 40;
const LEAST_PART = 3;
const REMEMBERED = 2000;

/** Answers for words seen before: a search through a vocabulary is the slowest part of reading. */
const MEMORY = new WeakMap<Lexicon, Map<string, string | null>>();
const MASKS = new WeakMap<Lexicon, readonly (readonly [string, number])[]>();

/** The tokens with unknown words replaced by what they plainly stand for. */
export function mended(tokens: readonly Token[], lexicon: Lexicon): Token[] {
  const result: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const next = tokens[i + 1];
    if (token.kind !== 'word' || /\p{N}/u.test(token.text)) {
      result.push(token);
      continue;
    }
    // "retro-cardiac": one word written as two
    if (next?.hyphened && next.kind === 'word') {
      const joined = token.text + next.text;
      const apart = lexicon.words.has(token.text) && lexicon.match(tokens, i) !== null;
      if (lexicon.words.has(joined) && (!apart || lexicon.match(tokens, i + 1) === null)) {
        result.push({ ...token, text: joined, end: next.end });
        i++;
        continue;
      }
    }
    if (lexicon.words.has(token.text)) {
      result.push(token);
      continue;
    }
    if (/^.+['-]$/u.test(token.text) && lexicon.words.has(token.text.slice(0, -1))) {
      result.push({ ...token, text: token.text.slice(0, -1) });
      continue;
    }
    result.push(...partsOrNearest(token, lexicon));
  }
  return result;
}

function partsOrNearest(token: Token, lexicon: Lexicon): Token[] {
  const length = token.end - token.start;
  const parts = token.text.length === length ? splitWord(token.text, lexicon) : null;
  if (parts !== null) {
    let { start } = token;
    return parts.map((part, i) => {
      const end = i === parts.length - 1 ? token.end : start + part.length;
      const one: Token = { ...token, text: part, start, end, hyphened: token.hyphened && i === 0 };
      start = end;
      return lexicon.language.compounds ? one : { ...one, typed: token.text };
    });
  }
  const nearest =
    token.text.length < SHORTEST ? withDropped(token.text, lexicon) : nearestOf(token.text, lexicon);
  return [nearest === null ? token : { ...token, text: nearest, typed: token.text }];
}

/** The fewest known words that make up a word; German may join them by an "s". */
function splitWord(word: string, lexicon: Lexicon): string[] | null {
  if (word.length < 2 * LEAST_PART || word.length > LONGEST) return null;
  const best: (string[] | null)[] = [[]];
  for (let end = 1; end <= word.length; end++) {
    let found: string[] | null = null;
    for (let start = 0; start + 2 <= end; start++) {
      const head = best[start];
      const part = word.slice(start, end);
      if (part.length < LEAST_PART && !isLink(part, start, lexicon)) continue;
      if (!head || (found !== null && head.length + 1 >= found.length)) continue;
      const bare = lexicon.language.compounds && end < word.length ? part.replace(/(?:s|en|n)$/u, '') : part;
      const known = [part, bare].some(
        (one) => one.length >= 2 && lexicon.words.has(one) && !lexicon.negations.has(one),
      );
      if (known) found = [...head, part];
    }
    best.push(found);
  }
  const parts = best[word.length] ?? null;
  if (parts === null || parts.length < 2 || negates(parts, word)) return null;
  return parts.map((part) => (lexicon.words.has(part) ? part : part.replace(/(?:s|en|n)$/u, '')));
}

/** "dulobe": only a preposition at the start may be as short as two letters. */
function isLink(part: string, start: number, lexicon: Lexicon): boolean {
  const token: Token = { text: part, kind: 'word', start: 0, end: 0, hyphened: false };
  return start === 0 && (lexicon.match([token], 0)?.marks.some(({ kind }) => kind === 'link') ?? false);
}

/** "lng": the one word for an organ from which a letter is missing. Of other short words, no guess is safe. */
function withDropped(word: string, lexicon: Lexicon): string | null {
  if (word.length !== SHORTEST - 1) return null;
  const whole = masksOf(lexicon)
    .map(([known]) => known)
    .filter((known) => known.length === SHORTEST && known[0] === word[0] && isWithin(word, known));
  const telling = whole.filter((known) => marksOf(known, lexicon).some(({ kind }) => kind !== 'filler'));
  const [organ, ...others] = telling; // "long" changes nothing
  const marks = organ === undefined ? [] : marksOf(organ, lexicon);
  return others.length === 0 && marks.some(({ kind }) => kind === 'organ') ? organ! : null;
}

function nearestOf(word: string, lexicon: Lexicon): string | null {
  if (word.length < SHORTEST || word.length > LONGEST) return null;
  let memory = MEMORY.get(lexicon);
  if (memory === undefined) MEMORY.set(lexicon, (memory = new Map<string, string | null>()));
  let nearest = memory.get(word);
  if (nearest === undefined) {
    nearest = search(word, lexicon);
    if (memory.size >= REMEMBERED) memory.clear();
    memory.set(word, nearest);
  }
  return nearest;
}

function search(word: string, lexicon: Lexicon): string | null {
  const most = word.length < 9 ? 1 : 2;
  const mask = lettersOf(word);
  const near: { word: string; steps: number }[] = [];
  for (const [known, letters] of masksOf(lexicon)) {
    if (Math.abs(known.length - word.length) > most || bits(mask ^ letters) > 2 * most) continue;
    const alike = known[0] === word[0] || (known[0] === word[1] && known[1] === word[0]);
    if (!alike) continue; // "bright" is not "right"
    const steps = editDistance(word, known, most);
    if (steps <= most) near.push({ word: known, steps });
  }
  const least = Math.min(...near.map(({ steps }) => steps));
  const best = near.filter(({ steps }) => steps === least).map((one) => one.word);
  if (best.length === 0) return null;
  const likeliest = mostLikely(word, best);
  const nearest = nearestWord(word, { has: (one) => likeliest.includes(one), words: likeliest });
  if (nearest === null) return null;
  // Two words equally near that mean different places or opposite things: no guess.
  const meaning = meaningOf(nearest, lexicon);
  return best.every((one) => compatible(meaning, meaningOf(one, lexicon))) ? nearest : null;
}

const NEAR = new WeakMap<Lexicon, Map<string, boolean>>();
const CLOSED = new WeakMap<Lexicon, readonly string[]>();
const DECIDING = new Set<Mark['kind']>(
  'side zone named not gone clear maybe except count extent'.split(' ') as Mark['kind'][],
);

/** Whether an unknown word is a letter away from one for a side, a height, a negation, a doubt or a number. */
export function nearDecisive(word: string, lexicon: Lexicon): boolean {
  if (word.length < LEAST_PART || word.length > LONGEST) return false;
  let memory = NEAR.get(lexicon);
  if (memory === undefined) NEAR.set(lexicon, (memory = new Map<string, boolean>()));
  let near = memory.get(word);
  if (near === undefined) {
    near = closedWords(lexicon).some((known) => isSlip(word, known));
    if (memory.size >= REMEMBERED) memory.clear();
    memory.set(word, near);
  }
  return near;
}

/** Whether a letter is wrong; in words of three letters only a swap, for too many are a letter apart. */
function isSlip(word: string, known: string): boolean {
  if (Math.abs(known.length - word.length) > 1 || editDistance(word, known, 1) > 1) return false;
  return (
    Math.max(word.length, known.length) > LEAST_PART || [...word].sort().join() === [...known].sort().join()
  );
}

function closedWords(lexicon: Lexicon): readonly string[] {
  let words = CLOSED.get(lexicon);
  if (words === undefined) {
    words = [...lexicon.words].filter((word) => {
      if (word.length < LEAST_PART) return false;
      const token: Token = { text: word, kind: 'word', start: 0, end: 0, hyphened: false };
      return lexicon.match([token], 0)?.marks.some(({ kind }) => DECIDING.has(kind)) ?? false;
    });
    CLOSED.set(lexicon, words);
  }
  return words;
}

/** Letters swapped or left out are commoner than letters replaced. */
function mostLikely(word: string, words: readonly string[]): readonly string[] {
  const sorted = (text: string): string => [...text].sort().join('');
  for (const likely of [
    (one: string) => sorted(one) === sorted(word),
    (one: string) => isWithin(word, one),
    (one: string) => isWithin(one, word),
  ]) {
    const found = words.filter(likely);
    if (found.length > 0) return found;
  }
  return words;
}

/** Whether a word's letters are all in another, in order. */
function isWithin(short: string, long: string): boolean {
  let at = 0;
  for (const letter of long) if (letter === short[at]) at++;
  return at === short.length && short.length < long.length;
}

const DECISIVE = new Set(['side', 'zone', 'named', 'not', 'gone', 'clear', 'foreign', 'finding']);

function meaningOf(word: string, lexicon: Lexicon): string {
  const telling = marksOf(word, lexicon).filter(({ kind }) => DECISIVE.has(kind));
  return telling.map((mark) => (mark.kind === 'finding' ? 'finding' : JSON.stringify(mark))).join(' ');
}

function marksOf(word: string, lexicon: Lexicon): readonly Mark[] {
  const token: Token = { text: word, kind: 'word', start: 0, end: 0, hyphened: false };
  return lexicon.match([token], 0)?.marks ?? [];
}

/** Any two of a kind, or words that decide nothing. */
function compatible(a: string, b: string): boolean {
  return a === b || a === '' || b === '';
}

function masksOf(lexicon: Lexicon): readonly (readonly [string, number])[] {
  let masks = MASKS.get(lexicon);
  if (masks === undefined) {
    masks = [...lexicon.words]
      .filter((word) => word.length >= SHORTEST && word.length <= LONGEST)
      .map((word) => [word, lettersOf(word)] as const);
    MASKS.set(lexicon, masks);
  }
  return masks;
}

function lettersOf(word: string): number {
  let mask = 0;
  for (let i = 0; i < word.length; i++) mask |= 1 << ((word.charCodeAt(i) - 97) & 31);
  return mask;
}

function bits(mask: number): number {
  let left = mask;
  let count = 0;
  for (; left !== 0; left &= left - 1) count++;
  return count;
}

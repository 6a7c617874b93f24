/** What in a sound vocabulary is probably a mistake: words with two meanings, and sentences it does not read itself. */
import { editDistance } from '../../text/edit-distance.js';
import type { Flaw } from './flaws.js';
import { formsOf } from './phrases.js';
import { LVIT_SENTENCES } from './sentences.js';
import { canonicalText } from './writer.js';
import type { FreeNote, ReadPlace } from './free-note.js';
import { readNote } from './read-note.js';
import { sameWords, tokensOf } from './tokens.js';
import type { LanguageWords, Vocabulary } from './vocabulary-shape.js';

/** Shorter words are not mended. */
const SHORTEST = 4;
const MOST_SAMPLES = 60;

type Lists = Readonly<Record<string, string | readonly string[]>>;

/** Probable mistakes of a sound vocabulary, in order; empty if there are none. */
export function vocabularyConflicts(vocabulary: Vocabulary): Flaw[] {
  const languages = Object.entries(vocabulary.languages);
  return [
    ...languages.flatMap(([code, language]) => conflictsIn(language, ['languages', code])),
    ...unreadSentences(vocabulary),
  ];
}

function conflictsIn(language: LanguageWords, path: readonly string[]): Flaw[] {
  const { sides, zones, findings, counts, negation, filler } = language;
  const { left, right, both } = sides;
  const exclusive: [string, Lists][] = [
    ['sides', { left, right, both }],
    ['zones', zones],
    ['findings', findings],
    ['counts', counts],
  ];
  const meanings = {
    ...named('sides', sides),
    ...named('zones', zones),
    ...named('findings', findings),
    ...named('negation', { before: negation.before, after: negation.after, clear: negation.clear }),
  };
  return [
    ...exclusive.flatMap(([key, lists]) => twice(lists, [...path, key])),
    ...twice({ ...meanings, filler }, path, (a, b) => a === 'filler' || b === 'filler'),
    ...twice(meanings, path, (a, b) => isDenial(a) !== isDenial(b)),
    ...nearOpposites({ left, right }, [...path, 'sides']),
    ...nearOpposites(zones, [...path, 'zones']),
  ];
}

const isDenial = (key: string): boolean => key.startsWith('negation');

function named(prefix: string, lists: Lists): Lists {
  return Object.fromEntries(Object.entries(lists).map(([key, list]) => [`${prefix}.${key}`, list]));
}

/** Phrases in two of the lists. @param counts which pairs of lists matter; default all */
function twice(
  lists: Lists,
  path: readonly string[],
  counts: (a: string, b: string) => boolean = () => true,
): Flaw[] {
  const seen = new Map<string, string>();
  const flaws: Flaw[] = [];
  for (const [key, list] of Object.entries(lists)) {
    for (const phrase of new Set(formsOf(list).map(asTokens))) {
      const other = seen.get(phrase);
      if (other === undefined) seen.set(phrase, key);
      else if (counts(other, key))
        flaws.push({ path: [...path, ...key.split('.')], message: `"${phrase}" is also in ${other}` });
    }
  }
  return flaws;
}

const asTokens = (phrase: string): string =>
  tokensOf(phrase)
    .map(({ text }) => text)
    .join(' ');

/** Single words a letter away from one with the opposite meaning: a slip turns one into the other. */
function nearOpposites(lists: Lists, path: readonly string[]): Flaw[] {
  const entries = Object.entries(lists).map(([key, list]) => {
    const words = formsOf(list).map(asTokens);
    return {
      key,
      words: [...new Set(words)].filter((word) => word.length >= SHORTEST && !word.includes(' ')),
    };
  });
  return entries.flatMap(({ key, words }, i) =>
    entries.slice(i + 1).flatMap((other) =>
      words.flatMap((word) =>
        other.words
          .filter((one) => one !== word && editDistance(word, one, 1) <= 1)
          .map((one) => ({
            path: [...path, other.key],
            message: `"${one}" is one letter away from "${word}" of ${key}: a slip would turn one into the other`,
          })),
      ),
    ),
  );
}

/** Sentences that the templates write and that are read as something else, or not at all. */
function unreadSentences(vocabulary: Vocabulary): Flaw[] {
  const { sentences } = vocabulary.canonical;
  if (sentences === null || sentences === LVIT_SENTENCES) return [];
  const texts = new Set<string>();
  for (const sample of samples(vocabulary)) {
    const text = canonicalText(sample, vocabulary);
    if (text !== null && texts.size < MOST_SAMPLES) texts.add(text);
  }
  const path = ['canonical', 'sentences'];
  if (texts.size === 0) return [{ path, message: 'no finding with a place can be written' }];
  return [...texts].flatMap((text) => {
    const again = canonicalText(readNote(text, vocabulary), vocabulary);
    if (again !== null && sameWords(again, text)) return [];
    const how = again === null ? 'is not read completely' : `is read as "${again}"`;
    return [{ path, message: `its own sentence "${text}" ${how}` }];
  });
}

/** Each finding at some places that have words, once and twice. */
function samples({ languages }: Vocabulary): FreeNote[] {
  const all = Object.values(languages);
  const names = new Set(all.flatMap(({ findings }) => Object.keys(findings)));
  const known = ({ side, zones }: ReadPlace): boolean =>
    (side === null || all.some(({ sides }) => formsOf(sides[side]).length > 0)) &&
    zones.every((zone) => zone === 'all' || all.some((one) => formsOf(one.zones[zone]).length > 0));
  const place = (side: ReadPlace['side'], ...zones: ReadPlace['zones']): ReadPlace => ({
    side,
    zones,
    spans: [],
  });
  const layouts = [
    [place('left', 'upper')],
    [place('right', 'lower'), place('left', 'middle')],
    [place('left'), place('right')],
    [place(null, 'middle')],
    [],
  ].filter((places) => places.every(known));
  return [...names].flatMap((finding) =>
    layouts.flatMap((places) =>
      [null, 1, 2]
        .filter((count) => count === null || count >= places.length)
        .map((count) => sample(finding, places, count)),
    ),
  );
}

function sample(finding: string, places: readonly ReadPlace[], count: number | null): FreeNote {
  const sides = new Set(places.map(({ side }) => side));
  const [only] = sides;
  return {
    language: '',
    places,
    absent: [],
    findings: [],
    statements: [{ finding, places, count, elsewhere: false }],
    count: count === null ? null : { value: count, span: { start: 0, end: 0 } },
    extent: null,
    uncertain: null,
    laterality: sides.size > 1 ? 'bilateral' : (only ?? null),
    unread: [],
    complete: true,
    warnings: [],
  };
}

/** What makes a vocabulary unusable although its shape is right. */
import { MOST_FORMS, phrasesOf, placesOf } from './phrases.js';
import {
  type Field,
  FINDING_FIELDS,
  LVIT_SENTENCES,
  NOTE_FIELDS,
  parseTemplate,
  PLACE_FIELDS,
  type Sentences,
  TemplateError,
  WORDS,
} from './sentences.js';
import type { LanguageWords, Vocabulary } from './vocabulary-shape.js';

/** All phrases together take some milliseconds and megabytes. */
const MOST_IN_ALL = 50_000;
const NUMBER = /^[1-9][0-9]?$/;

/** A place in a vocabulary, and what is wrong there. */
export interface Flaw {
  /** Keys from the root. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export function flawsOf({ canonical, languages }: Vocabulary): Flaw[] {
  const flaws: Flaw[] = [];
  const findings = new Set<string>();
  let forms = 0;
  for (const [code, language] of Object.entries(languages)) {
    const path = ['languages', code];
    for (const name of Object.keys(language.findings)) findings.add(name);
    flaws.push(...namesIn(language, path));
    for (const { path: at, list } of listsOf(language, path)) {
      for (const phrase of phrasesOf(list)) {
        forms += phrase.forms?.length ?? 0;
        if (phrase.forms === null)
          flaws.push({
            path: at,
            message: `${shown(phrase.phrase)} stands for more than ${MOST_FORMS} phrases; write them as several`,
          });
      }
    }
  }
  if (forms > MOST_IN_ALL)
    flaws.push({ path: ['languages'], message: `expected at most ${MOST_IN_ALL} phrases, got ${forms}` });
  const { sentences } = canonical;
  const path = ['canonical'];
  for (const key of ['anywhere', 'lesser', 'general'] as const)
    for (const name of canonical[key])
      if (!findings.has(name)) flaws.push({ path: [...path, key], message: noFinding(name) });
  if (sentences === LVIT_SENTENCES && canonical.finding === null)
    flaws.push({ path: [...path, 'finding'], message: 'expected a text, because LViT’s sentence names it' });
  if (sentences !== null && sentences !== LVIT_SENTENCES)
    flaws.push(...sentencesFlaws(sentences, findings, [...path, 'sentences']));
  return flaws;
}

function namesIn(language: LanguageWords, path: readonly string[]): Flaw[] {
  const flaws: Flaw[] = [];
  for (const name of Object.keys(language.named))
    if (placesOf(name) === null)
      flaws.push({
        path: [...path, 'named', name],
        message: `expected a place such as "lower left", got ${shown(name)}`,
      });
  for (const number of Object.keys(language.counts))
    if (!NUMBER.test(number))
      flaws.push({
        path: [...path, 'counts', number],
        message: `expected a number from 1 to 99, got ${shown(number)}`,
      });
  return flaws;
}

type Listed = string | readonly string[];

/** All lists of phrases of a language with the keys that lead to them. */
export function listsOf(
  language: LanguageWords,
  path: readonly string[],
): { path: readonly string[]; list: Listed }[] {
  const found: { path: readonly string[]; list: Listed }[] = [];
  const walk = (value: unknown, at: readonly string[]): void => {
    if (Array.isArray(value) || (typeof value === 'string' && at.at(-1) !== 'places'))
      found.push({ path: at, list: value as Listed });
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, [...at, key]);
  };
  walk(language, path);
  return found;
}

function sentencesFlaws(
  { note, findings, place, words }: Sentences,
  known: ReadonlySet<string>,
  path: readonly string[],
): Flaw[] {
  const flaws: Flaw[] = [];
  const check = (text: string, fields: readonly Field[], at: readonly (string | number)[]): void => {
    try {
      parseTemplate(text, fields);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      flaws.push({ path: at, message: error.message });
    }
  };
  const names = Object.keys(findings);
  if ((note !== null) === names.length > 0)
    flaws.push({
      path,
      message: `expected either "note" or "findings", got ${note === null ? 'neither' : 'both'}`,
    });
  if (note !== null) check(note, NOTE_FIELDS, [...path, 'note']);
  for (const [name, templates] of Object.entries(findings)) {
    const at = [...path, 'findings', name];
    if (!known.has(name)) flaws.push({ path: at, message: noFinding(name) });
    if (typeof templates === 'string') check(templates, FINDING_FIELDS, at);
    else for (const [i, one] of templates.entries()) check(one, FINDING_FIELDS, [...at, i]);
  }
  check(place, PLACE_FIELDS, [...path, 'place']);
  for (const key of Object.keys(words))
    if (!WORDS.some((word) => word === key) && !NUMBER.test(key))
      flaws.push({
        path: [...path, 'words', key],
        message: `expected ${WORDS.join(', ')} or a number from 1 to 99, got ${shown(key)}`,
      });
  return flaws;
}

const noFinding = (name: string): string => `expected a finding of a language, got ${shown(name)}`;

/** Names and phrases are a stranger's. */
function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

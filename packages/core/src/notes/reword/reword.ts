/**
 * The same finding in other words: rewordings of notes in LViT's grammar, for training that hears other words
 * (`augment.notes`) and for probes. All text is from tables; nothing of a patient is in it.
 */
import type { Random } from '../../random.js';
import { capitalised, fill, wordFinding } from './fill.js';
import { findingOf, freeHeights, type WordedFinding } from './finding.js';
import { misspelt } from './misspelt.js';
import { reordered } from './reordered.js';
import { ABBREVIATED } from './tables/abbreviated.js';
import { DE } from './tables/de.js';
import { ES } from './tables/es.js';
import { FR } from './tables/fr.js';
import { PARAPHRASED } from './tables/paraphrased.js';
import { DENIALS, SURROUNDINGS } from './tables/reports.js';
import { ZH } from './tables/zh.js';
import type { BySet, Wording, WordingSet } from './wording.js';

/**
 * `reordered`: the note's own words in another order; `paraphrased`: other words and sentence forms;
 * `abbreviated`: letters for lobes and zones; `misspelt`: one to three typing errors; `verbose`: a report
 * around a paraphrase; `negated`: the note, and what is not there; `translated`: another language.
 */
export const REWORDINGS = [
  'reordered',
  'paraphrased',
  'abbreviated',
  'misspelt',
  'verbose',
  'negated',
  'translated',
] as const;
export type Rewording = (typeof REWORDINGS)[number];

/** Languages of `translated`. */
export const REWORDING_LANGUAGES = ['de', 'es', 'fr', 'zh'] as const;
export type RewordingLanguage = (typeof REWORDING_LANGUAGES)[number];

const TRANSLATED: Readonly<Record<RewordingLanguage, BySet<Wording>>> = { de: DE, es: ES, fr: FR, zh: ZH };
const SIDES = ['left', 'right'] as const;

export interface RewordOptions {
  readonly kind: Rewording;
  /** Whose templates: what a model is tested with must not be what it was trained on. */
  readonly set: WordingSet;
  /** For `translated`; default: one at random. */
  readonly language?: RewordingLanguage;
}

/** Whether a note says something that can be put in other words. */
export function canReword(note: string): boolean {
  return findingOf(note) !== null;
}

/**
 * A note in other words; the same numbers drawn give the same words. Null if there is nothing to reword: a
 * note outside LViT's grammar of lungs, or one that names a place without a side.
 */
export function rewordNote(
  note: string,
  { kind, set, language }: RewordOptions,
  random: Random,
): string | null {
  const finding = findingOf(note);
  if (finding === null) return null;
  switch (kind) {
    case 'reordered':
      return reordered(finding, set, random);
    case 'paraphrased':
      return wordFinding(finding, PARAPHRASED[set], random);
    case 'abbreviated':
      return wordFinding(finding, ABBREVIATED[set], random);
    case 'misspelt':
      return misspelt(note, set, random);
    case 'verbose':
      return surrounded(finding, set, random);
    case 'negated':
      return `${note.trim().replace(/[.\s]*$/u, '.')} ${denialOf(finding, set, random)}`;
    case 'translated':
      return wordFinding(finding, TRANSLATED[language ?? random.pick(REWORDING_LANGUAGES)][set], random);
  }
}

/** Two to four sentences about other things; a topic comes up once at most. */
function surrounded(finding: WordedFinding, set: WordingSet, random: Random): string {
  const free = SIDES.filter((side) => finding[side] === null);
  const [side] = free;
  const sentences = (topics: readonly (readonly string[])[], count: number): string[] =>
    chosen(topics.length, count, random).flatMap((topic) => {
      const usable = topics[topic]!.filter((text) => side !== undefined || !text.includes('{'));
      return usable.length === 0 ? [] : [capitalised(fill(random.pick(usable), () => side ?? null))];
    });
  const { before, after } = SURROUNDINGS[set];
  const [first, last] = [sentences(before, 1 + random.int(2)), sentences(after, 1 + random.int(2))];
  return [...first, wordFinding(finding, PARAPHRASED[set], random), ...last].join(' ');
}

/** A whole side without a finding, else a height of a side, else something else that is absent. */
function denialOf(finding: WordedFinding, set: WordingSet, random: Random): string {
  const { side: sides, place, heights, elsewhere } = DENIALS[set];
  const clear = SIDES.filter((side) => finding[side] === null);
  if (clear.length > 0) {
    const side = random.pick(clear);
    return capitalised(fill(random.pick(sides), () => side));
  }
  const free = SIDES.flatMap((side) => freeHeights(finding[side]).map((height) => ({ side, height })));
  if (free.length === 0) return random.pick(elsewhere);
  const { side, height } = random.pick(free);
  return capitalised(fill(random.pick(place), (slot) => (slot === 's' ? side : heights[height])));
}

/** `count` of the first n integers, in order. */
function chosen(n: number, count: number, random: Random): number[] {
  return random
    .permutation(n)
    .slice(0, count)
    .sort((a, b) => a - b);
}

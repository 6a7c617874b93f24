/**
 * What training notes are like: whose left and right they mean (core's `infer-sides.ts`), for a run's
 * `note.sides: auto`, and their grammar.
 */
import {
  grammarOf,
  inferSides,
  type InferredSides,
  type NoteGrammar,
  oneSideNamed,
  type Sides,
  type StatedSides,
  sidesOfCase,
  sidesWarnings,
  tallySides,
  type Vocabulary,
  whoseSides,
} from '@reclmis/core';
import { mapLimit } from '@reclmis/files';
import type { Config } from '../config/config-schema.js';
import { readVocabulary, readCaseMask, NoteMotions, type Case } from '@reclmis/data';

/** As many as libuv has threads to decode. */
const LANES = 4;
/** The share is then known to a few points. */
const ENOUGH = 400;

export interface NoteInfo {
  readonly sides: StatedSides;
  /** `masks`: measured on training cases; `statement`: the table's column, or `reclmis sides`. */
  readonly by: 'configuration' | 'masks' | 'statement';
  /** The masks' figure, if one was taken. */
  readonly reason: string | null;
  /** What the training notes were written in; absent in older runs. */
  readonly grammar?: NoteGrammar;
  /** With the grammar `vocabulary`. */
  readonly vocabulary?: Vocabulary;
}

/**
 * Infers sides by the masks of notes that name one; skips masks that do not decode.
 * @param most of these cases, spread evenly; default all @param vocabulary in whose words the notes are
 */
export async function measureSides(
  cases: readonly Pick<Case, 'id' | 'note' | 'imagePath' | 'maskPath' | 'mask' | 'frame' | 'window'>[],
  most = Number.POSITIVE_INFINITY,
  vocabulary: Vocabulary | null = null,
): Promise<InferredSides> {
  const telling = cases.filter(({ note }) => oneSideNamed(note, vocabulary) !== null);
  const step = Math.max(1, telling.length / most);
  const chosen = telling.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  const found = await mapLimit(chosen, LANES, async (one) =>
    sidesOfCase(
      one.note,
      await readCaseMask(one).then(
        ({ mask }) => mask,
        () => EMPTY,
      ),
      vocabulary,
    ),
  );
  return inferSides(tallySides(found));
}

/** What the data set states of every case; null if it states nothing. */
export function statedByAll(cases: readonly Pick<Case, 'sides'>[]): Sides | null {
  const said = cases[0]?.sides ?? null;
  return cases.every(({ sides }) => sides === said) ? said : null;
}

const EMPTY = { width: 1, height: 1, data: new Uint8Array(1) };

export interface SettledNote {
  readonly config: Config;
  readonly note: NoteInfo;
  /** For the user. */
  readonly lines: readonly string[];
}

/** Resolves `auto`, compares a stated value with the cases, and tells the grammar of their notes. */
export async function settleNote(config: Config, cases: readonly Case[]): Promise<SettledNote> {
  const notes = cases.map(({ note }) => note);
  const file = config.note.vocabulary;
  const vocabulary = file === '' ? null : readVocabulary(file);
  const settled = await settleSides(config, cases, vocabulary);
  const grammar = grammarOf(notes, vocabulary);
  const unflipped = aboutFlips(settled.config, notes, null);
  if (vocabulary === null)
    return { ...settled, note: { ...settled.note, grammar }, lines: [...settled.lines, ...unflipped] };
  if (grammar === 'vocabulary') {
    return {
      ...settled,
      note: { ...settled.note, grammar, vocabulary },
      lines: [...settled.lines, ...aboutFlips(settled.config, notes, vocabulary)],
    };
  }
  const line = `The notes are not in the sentences of ${file}, so free text will not be put into them (\`reclmis notes check ${file} --data DIR\` shows which).`;
  return { ...settled, note: { ...settled.note, grammar }, lines: [...settled.lines, line, ...unflipped] };
}

/** A line for the user if images are not flipped for their notes' sake. */
function aboutFlips({ augment }: Config, notes: readonly string[], vocabulary: Vocabulary | null): string[] {
  if (augment.mode !== 'consistent' || augment.flipProbability === 0) return [];
  const motions = new NoteMotions(vocabulary);
  const count = notes.filter((note) => motions.of(note).mirrored === null).length;
  if (count === 0) return [];
  return [
    `${count} of ${notes.length} notes name a side in words that cannot be exchanged (other languages, abbreviations): their images are neither mirrored nor turned.`,
  ];
}

async function settleSides(
  config: Config,
  cases: readonly Case[],
  vocabulary: Vocabulary | null,
): Promise<SettledNote> {
  const stated = statedByAll(cases);
  const asked = config.note.sides === 'auto' ? (stated ?? 'auto') : config.note.sides;
  if (asked === 'unknown') return settled(config, asked, 'configuration', null, []);
  const inferred = await measureSides(cases, ENOUGH, vocabulary);
  const warnings = sidesWarnings(inferred, asked === 'auto' ? 'unknown' : asked).map(({ code, message }) =>
    code === 'SIDES_DIFFER'
      ? `warning ${code}: ${message}; the run keeps what is stated, so its masks may lie on the wrong side (--note.sides ${inferred.sides} follows the masks)`
      : `warning ${code}: ${message}`,
  );
  if (asked !== 'auto') {
    const by = config.note.sides === 'auto' ? 'statement' : 'configuration';
    return settled(config, asked, by, inferred.reason, warnings);
  }
  const { sides, reason } = inferred;
  const line =
    sides === 'unknown'
      ? `It is not known whose left and right the notes mean: ${reason} (set it with --note.sides patient or --note.sides image).`
      : `Left and right of the notes are ${whoseSides(sides)}: ${reason} (override with --note.sides).`;
  return settled(config, sides, 'masks', reason, [line, ...warnings]);
}

function settled(
  config: Config,
  sides: StatedSides,
  by: NoteInfo['by'],
  reason: string | null,
  lines: readonly string[],
): SettledNote {
  return { config: { ...config, note: { ...config.note, sides } }, note: { sides, by, reason }, lines };
}

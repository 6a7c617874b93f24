/** Notes as models have learnt to read them: whose left and right, and in whose words. */
import { createHash } from 'node:crypto';
import {
  type AskedNote,
  noteForModel,
  type NoteForModel,
  type NoteHabits,
  type NoteStyle,
  ReclmisError,
  type Sides,
  sidesToTell,
  type StatedSides,
  styleFor,
  type Warning,
  whoseSides,
} from '@reclmis/core';

/** Notes whose readings are kept: the engine, the checks and the figures ask for the same ones. */
const KEPT = 256;

export interface NoteReading {
  readonly sides: StatedSides;
  /** Whether a model read it with left and right swapped. */
  readonly mirrored: boolean;
  /** `free` if a model read it in its own words. */
  readonly style: NoteStyle;
}

/** The note of one case for all models. */
export interface ModelNote extends NoteReading {
  readonly warnings: readonly Warning[];
  /** By model, in order; models that read no notes have it as written. */
  readonly each: readonly Pick<NoteForModel, 'text' | 'worded' | 'mirrored'>[];
}

export interface ModelNotes {
  readonly told: Sides;
  /** For the journal: whose sides and words masks depend on; '' for notes as written of unknown sides. */
  readonly identity: string;
  of(note: string): ModelNote;
}

/** A model by its training notes. */
export interface Learner {
  readonly dir: string;
  readonly readsNotes: boolean;
  readonly habits: NoteHabits;
}

/**
 * @throws OPTION_INVALID if models learnt different sides and `asked` names none, or for style `free` if one
 * learnt notes in another grammar
 */
export function notesForModels(models: readonly Learner[], asked: AskedNote = {}): ModelNotes {
  const readers = models.filter(({ readsNotes }) => readsNotes);
  const known = [...new Set(readers.map(({ habits }) => habits.sides).filter((one) => one !== 'unknown'))];
  if (asked.sides === undefined && known.length > 1) {
    const each = readers.map(({ dir, habits }) => `${dir}: ${whoseSides(habits.sides)}`).join(', ');
    throw new ReclmisError('OPTION_INVALID', `the models have learnt different sides (${each})`, {
      remedy: 'State with --sides patient or --sides image whose left and right these notes mean.',
    });
  }
  const given = asked.sides ?? (models.length > 1 ? known[0] : undefined);
  const sides = given ?? known[0] ?? 'unknown';
  const styles = readers.map(({ habits }) => styleFor(habits, asked.style));
  const read = (note: string): ModelNote => {
    const each = models.map(({ readsNotes, habits }) =>
      readsNotes ? noteForModel(note, habits, { sides: given, style: asked.style }) : null,
    );
    const own = each.filter((one) => one !== null);
    const warnings = new Map(own.flatMap((one) => one.warnings).map((one) => [one.code, one]));
    return {
      sides,
      mirrored: own.some(({ mirrored }) => mirrored),
      style: own.some(({ style }) => style === 'free') ? 'free' : 'as-is',
      warnings: [...warnings.values()],
      each: each.map((one) => {
        const { text, worded, mirrored } = one ?? { text: note, worded: note, mirrored: false };
        return { text, worded, mirrored };
      }),
    };
  };
  const kept = new Map<string, ModelNote>();
  return {
    told: sidesToTell(sides),
    identity: `${sidesIdentity(readers, sides)}${styleIdentity(styles)}${vocabularyIdentity(readers, styles)}`,
    of: (note) => {
      const found = kept.get(note) ?? read(note);
      kept.delete(note);
      kept.set(note, found);
      if (kept.size > KEPT) kept.delete(kept.keys().next().value ?? '');
      return found;
    },
  };
}

function sidesIdentity(readers: readonly Learner[], sides: StatedSides): string {
  if (sides === 'unknown' || readers.length === 0) return '';
  const learnt = readers.map(({ habits }) => habits.sides);
  const same = learnt.every((one) => one === sides);
  return `, notes of ${sides} sides${same ? '' : ` (${learnt.length === 1 ? 'the model' : 'the models'}: ${learnt.join(', ')})`}`;
}

/** Nothing for notes as written, as in journals of older versions. */
function styleIdentity(styles: readonly NoteStyle[]): string {
  if (!styles.includes('free')) return '';
  return `, free notes${styles.includes('as-is') ? ` (the models: ${styles.join(', ')})` : ''}`;
}

/** Names vocabularies and tells their versions apart; nothing for ours. */
function vocabularyIdentity(readers: readonly Learner[], styles: readonly NoteStyle[]): string {
  const own = readers.flatMap(({ habits: { vocabulary } }, i) =>
    vocabulary && styles[i] === 'free' ? [`${vocabulary.name} ${shortHash(JSON.stringify(vocabulary))}`] : [],
  );
  return own.length === 0 ? '' : ` by ${[...new Set(own)].join(', ')}`;
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** Lines about notes that were changed for the models, if any; their warnings are in the results. */
export function describeChanged(all: readonly NoteReading[]): string[] {
  const of = (changed: number): string => `${changed} of ${all.length} notes`;
  const mirrored = all.filter((one) => one.mirrored).length;
  const reworded = all.filter(({ style }) => style === 'free').length;
  return [
    ...(reworded > 0
      ? [
          `${of(reworded)} were put into the words that the model has learnt (--note-style as-is prevents it).`,
        ]
      : []),
    ...(mirrored > 0
      ? [`Left and right were swapped in ${of(mirrored)}, as the model has learnt them.`]
      : []),
  ];
}

/** A line about notes whose sides cannot be exchanged for `--flips`. */
export function describeUnflipped(fixed: number, all: number): string {
  return `${fixed} of ${all} notes name left or right in words that cannot be exchanged; their images were segmented without flips.`;
}

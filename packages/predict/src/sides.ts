/** Whose left and right the notes of a prediction mean, and what each of its models has learnt. */
import {
  noteForModel,
  ReclmisError,
  type Sides,
  sidesToTell,
  type StatedSides,
  type Warning,
  whoseSides,
} from '@reclmis/core';

/** What is told of a case's note. */
export interface NoteSides {
  /** Whose left and right it means. */
  readonly sides: StatedSides;
  /** Whether a model read it with left and right exchanged. */
  readonly mirrored: boolean;
}

/** The notes of a prediction. */
export interface SidedNotes {
  /** As the user says, else as the models have learnt. */
  readonly given: Sides | undefined;
  /** Whose left and right the zones in results mean. */
  readonly told: Sides;
  /** What masks and the names of zones depend on, for the journal: whose sides the notes mean, said or learnt; '' where that is not known. */
  readonly identity: string;
  of(note: string): NoteSides & { readonly warnings: readonly Warning[] };
}

/** A model by what it has learnt; one that reads no notes has learnt nothing. */
export interface Learner {
  readonly dir: string;
  readonly readsNotes: boolean;
  readonly sides: StatedSides;
}

/** @throws OPTION_INVALID where the models have learnt different sides, and nobody says which the notes mean */
export function sidedNotes(models: readonly Learner[], asked: Sides | undefined): SidedNotes {
  const readers = models.filter(({ readsNotes }) => readsNotes);
  const known = [...new Set(readers.map(({ sides }) => sides).filter((one) => one !== 'unknown'))];
  if (asked === undefined && known.length > 1) {
    const each = readers.map(({ dir, sides }) => `${dir}: ${whoseSides(sides)}`).join(', ');
    throw new ReclmisError('OPTION_INVALID', `the models have learnt different sides (${each})`, {
      remedy: 'State with --sides patient or --sides image whose left and right these notes mean.',
    });
  }
  const given = asked ?? (models.length > 1 ? known[0] : undefined);
  const sides = given ?? known[0] ?? 'unknown';
  const learnt = readers.map((one) => one.sides);
  return {
    given,
    told: sidesToTell(sides),
    identity:
      sides === 'unknown' || readers.length === 0
        ? ''
        : `, notes of ${sides} sides${learnt.every((one) => one === sides) ? '' : ` (${learnt.length === 1 ? 'the model' : 'the models'}: ${learnt.join(', ')})`}`,
    of: (note) => {
      const read = readers.map((one) => noteForModel(note, one.sides, given));
      const warnings = new Map(read.flatMap((one) => one.warnings).map((one) => [one.code, one]));
      return { sides, mirrored: read.some(({ mirrored }) => mirrored), warnings: [...warnings.values()] };
    },
  };
}

/** A line about the notes whose sides were exchanged, if there are any. Their warnings go with the results. */
export function describeMirrored(all: readonly NoteSides[]): string[] {
  const mirrored = all.filter((one) => one.mirrored).length;
  if (mirrored === 0) return [];
  return [`Left and right were swapped in ${mirrored} of ${all.length} notes, as the model has learnt them.`];
}

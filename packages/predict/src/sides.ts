/** Whose left and right notes mean, and what each model has learnt. */
import {
  noteForModel,
  ReclmisError,
  type Sides,
  sidesToTell,
  type StatedSides,
  type Warning,
  whoseSides,
} from '@reclmis/core';

export interface NoteSides {
  readonly sides: StatedSides;
  /** Whether a model read it with left and right swapped. */
  readonly mirrored: boolean;
}

export interface SidedNotes {
  /** As the user says, else as the models learnt. */
  readonly given: Sides | undefined;
  readonly told: Sides;
  /** For the journal: whose sides masks and zones depend on; '' if unknown. */
  readonly identity: string;
  of(note: string): NoteSides & { readonly warnings: readonly Warning[] };
}

/** A model by what it learnt; nothing if it reads no notes. */
export interface Learner {
  readonly dir: string;
  readonly readsNotes: boolean;
  readonly sides: StatedSides;
}

/** @throws OPTION_INVALID if models learnt different sides and `asked` is missing */
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

/** A line about swapped notes, if any; their warnings are in the results. */
export function describeMirrored(all: readonly NoteSides[]): string[] {
  const mirrored = all.filter((one) => one.mirrored).length;
  if (mirrored === 0) return [];
  return [`Left and right were swapped in ${mirrored} of ${all.length} notes, as the model has learnt them.`];
}

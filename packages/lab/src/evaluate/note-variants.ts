/** Notes with which a model is tried instead of each case's own (docs/reference/probes.md). */
import {
  canReword,
  flippedNote,
  mirroredNote,
  Random,
  ReclmisError,
  recountNote,
  type Rewording,
  REWORDINGS,
  rewordNote,
  type Vocabulary,
} from '@reclmis/core';
import type { Case } from '@reclmis/data';

/**
 * `shuffled`: another case's note; `mirrored`: left and right exchanged; `flipped`: upper and lower exchanged;
 * `recounted`: one more area.
 */
export const NOTE_CHANGES = ['right', 'empty', 'shuffled', 'mirrored', 'flipped', 'recounted'] as const;
/** The same in other words, with the templates for testing; `exchanged`: the paraphrase of the mirrored note. */
export const NOTE_REWORDINGS = [...REWORDINGS, 'exchanged'] as const;
export const NOTE_VARIANTS = [...NOTE_CHANGES, ...NOTE_REWORDINGS] as const;
export type NoteVariant = (typeof NOTE_VARIANTS)[number];

export function isReworded(variant: NoteVariant): boolean {
  return NOTE_REWORDINGS.some((one) => one === variant);
}

/** Whether the variant's words are drawn at random, by `seed`. */
export function isDrawn(variant: NoteVariant): boolean {
  return variant === 'shuffled' || isReworded(variant);
}

/**
 * Chooses each case's note. A note that cannot be put into other words, or whose sides or heights cannot be
 * exchanged, stays.
 * @param seed for `shuffled`, in which nobody gets their own note back, though two notes may be equal; and for
 * rewordings, together with the case's id
 * @param reading how the notes are read; default: in core's `chest`, as written
 * @throws OPTION_INVALID for shuffling a single note
 */
export function noteVariant(
  variant: NoteVariant,
  cases: readonly Pick<Case, 'id' | 'note'>[],
  seed: number,
  reading: NoteReading = {},
): (note: string, id: string) => string {
  switch (variant) {
    case 'right':
      return (note) => note;
    case 'empty':
      return () => '';
    case 'mirrored':
      return changing(mirroredNote, reading);
    case 'flipped':
      return changing(flippedNote, reading);
    case 'recounted':
      return recountNote;
    case 'shuffled': {
      const notes = cycled(
        cases.map(({ note }) => note),
        Random.from(seed, 'shuffled notes'),
      );
      const given = new Map(cases.map(({ id }, i) => [id, notes[i] ?? '']));
      return (_, id) => given.get(id) ?? '';
    }
    case 'exchanged': {
      const paraphrase = noteVariant('paraphrased', cases, seed);
      return (note, id) => (canReword(note) ? paraphrase(mirroredNote(note) ?? note, id) : note);
    }
    default:
      return reworded(variant, seed);
  }
}

/** What is known of the notes of a variant. */
export interface NoteReading {
  /** In whose words they are; default: core's `chest`. */
  readonly vocabulary?: Vocabulary | undefined;
  /** What the model is given for a note: tried where the note's own words cannot be exchanged. */
  readonly worded?: ((note: string) => string) | undefined;
}

function changing(
  change: (note: string, vocabulary?: Vocabulary) => string | null,
  { vocabulary, worded = (note) => note }: NoteReading,
): (note: string) => string {
  return (note) => change(note, vocabulary) ?? change(worded(note), vocabulary) ?? note;
}

function reworded(kind: Rewording, seed: number): (note: string, id: string) => string {
  return (note, id) => {
    const random = Random.from(seed, 'reworded notes', kind, id);
    return rewordNote(note, { kind, set: 'test' }, random) ?? note;
  };
}

/** The note whose places a variant means: other words hide them from the grammar. */
export function meantBy(variant: NoteVariant, note: string, given: string): string {
  if (variant === 'exchanged') return canReword(note) ? (mirroredNote(note) ?? note) : note;
  return isReworded(variant) ? note : given;
}

/** Sattolo's shuffle: a single cycle, so no item keeps its place. */
function cycled(items: readonly string[], random: Random): string[] {
  if (items.length < 2) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `notes shuffled: expected at least 2 cases, got ${items.length}`,
    );
  }
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.int(i);
    [result[i], result[j]] = [result[j] ?? '', result[i] ?? ''];
  }
  return result;
}

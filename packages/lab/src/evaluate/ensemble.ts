/**
 * Evaluates several runs of the same size as one: the mean of their probabilities, also on the mirror image
 * with the mirrored note (core's `ensemble.ts`).
 */
import {
  AverageSegmenter,
  FlippingSegmenter,
  noteForMirror,
  noteForModel,
  type NoteHabits,
  type PlaneSegmenter,
  ReclmisError,
  RewordingSegmenter,
  type StatedSides,
  UNKNOWN_HABITS,
} from '@reclmis/core';
import { type LoadedModel, type LoadOptions, openRun } from '../run/run.js';

export type Opinion = Pick<PlaneSegmenter, 'size' | 'probabilities'>;

export interface EnsembleOptions {
  readonly ensemble?: readonly string[];
  /** Default false. */
  readonly flips?: boolean;
}

export interface Ensemble {
  readonly opinion: Opinion;
  /** The further runs, in order. */
  readonly members: readonly { readonly run: string; readonly epoch: number }[];
  /** Frees the further runs; the caller owns the first. */
  dispose(): void;
}

/**
 * @param habits of the first model, in whose sides the notes are; exchanged for runs with the other convention
 * @throws OPTION_INVALID if image sizes differ, and as `openRun` and `loadModel`
 */
export function openEnsemble(
  first: LoadedModel,
  options: EnsembleOptions & LoadOptions,
  habits: NoteHabits = UNKNOWN_HABITS,
): Ensemble {
  const { ensemble = [], flips = false } = options;
  const further: LoadedModel[] = [];
  const { sides } = habits;
  const reading: PlaneSegmenter[] = [flips ? flipping(first, habits) : first];
  const dispose = (): void => {
    for (const model of further) model.dispose();
  };
  try {
    for (const dir of ensemble) {
      const run = openRun(dir);
      const model = run.loadModel(options);
      further.push(model);
      reading.push(readingAs(model, run.habits, sides, flips));
      if (model.size === first.size) continue;
      throw new ReclmisError(
        'OPTION_INVALID',
        `${dir}: expected an image size of ${first.size} pixels, as in the first run, got ${model.size}`,
        { remedy: 'Average runs with one image size; `reclmis predict` can average different sizes.' },
      );
    }
    const members = further.map(({ checkpoint }, i) => ({ run: ensemble[i] ?? '', epoch: checkpoint.epoch }));
    return {
      opinion: reading.length === 1 ? (reading[0] ?? first) : new AverageSegmenter(reading),
      members,
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/**
 * A model that is given notes of its own words in `given` sides, which it gets in those that it has learnt.
 * @param flips also on the mirror image: of the note in its own sides, by its own words
 */
export function readingAs(
  model: PlaneSegmenter,
  habits: NoteHabits,
  given: StatedSides,
  flips: boolean,
): PlaneSegmenter {
  const own = flips ? flipping(model, habits) : model;
  if (given === 'unknown' || habits.sides === given) return own;
  return new RewordingSegmenter(
    own,
    (note) => noteForModel(note, habits, { sides: given, style: 'as-is' }).text,
  );
}

function flipping(model: PlaneSegmenter, habits: NoteHabits): PlaneSegmenter {
  return new FlippingSegmenter(model, (note) => noteForMirror(note, habits));
}

/**
 * Evaluates several runs of the same size as one: the mean of their probabilities, also on the mirror image
 * with the mirrored note (core's `ensemble.ts`).
 */
import {
  AverageSegmenter,
  FlippingSegmenter,
  inSidesOf,
  type PlaneSegmenter,
  ReclmisError,
  RewordingSegmenter,
  type StatedSides,
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
 * @param sides of the notes for the first model; exchanged for runs with the other convention
 * @throws OPTION_INVALID if image sizes differ, and as `openRun` and `loadModel`
 */
export function openEnsemble(
  first: LoadedModel,
  options: EnsembleOptions & LoadOptions,
  sides: StatedSides = 'unknown',
): Ensemble {
  const { ensemble = [], flips = false } = options;
  const further: LoadedModel[] = [];
  const reading: PlaneSegmenter[] = [first];
  const dispose = (): void => {
    for (const model of further) model.dispose();
  };
  try {
    for (const dir of ensemble) {
      const run = openRun(dir);
      const model = run.loadModel(options);
      further.push(model);
      reading.push(
        sides === 'unknown'
          ? model
          : new RewordingSegmenter(model, (note) => inSidesOf(note, run.sides, sides).text),
      );
      if (model.size === first.size) continue;
      throw new ReclmisError(
        'OPTION_INVALID',
        `${dir}: expected an image size of ${first.size} pixels, as in the first run, got ${model.size}`,
        { remedy: 'Average runs with one image size; `reclmis predict` can average different sizes.' },
      );
    }
    const all = reading.map((model) => (flips ? new FlippingSegmenter(model) : model));
    const members = further.map(({ checkpoint }, i) => ({ run: ensemble[i] ?? '', epoch: checkpoint.epoch }));
    return { opinion: all.length === 1 ? (all[0] ?? first) : new AverageSegmenter(all), members, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

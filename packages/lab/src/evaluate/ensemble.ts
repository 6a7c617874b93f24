/**
 * Several runs evaluated as one: the mean of their probabilities, and of each one's own on the mirror image with the mirrored note (core's
 * `ensemble.ts`). Scores are taken at the model's size, so all runs must have the same.
 */
import {
  AverageSegmenter,
  FlippingSegmenter,
  type PlaneSegmenter,
  ReclmisError,
  SidedSegmenter,
  type StatedSides,
} from '@reclmis/core';
import { type LoadedModel, type LoadOptions, openRun } from '../run/run.js';

/** What an evaluation asks. */
export type Opinion = Pick<PlaneSegmenter, 'size' | 'probabilities'>;

/** Who is asked besides a run itself. */
export interface EnsembleOptions {
  /** Further run folders. */
  readonly ensemble?: readonly string[];
  /** Segment each image's mirror image too. Default false. */
  readonly flips?: boolean;
}

/** The model of a run together with those of further ones. */
export interface Ensemble {
  readonly opinion: Opinion;
  /** The runs after the first, in the given order. */
  readonly members: readonly { readonly run: string; readonly epoch: number }[];
  /** Frees the further runs' models; the first is the caller's. */
  dispose(): void;
}

/**
 * @param sides whose left and right the notes mean as the first model reads them; a further run that has learnt the other ones gets them exchanged.
 * @throws OPTION_INVALID where the image sizes differ, and as `openRun` and `loadModel`
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
      reading.push(sides === 'unknown' ? model : new SidedSegmenter(model, run.sides, sides));
      if (model.size === first.size) continue;
      throw new ReclmisError(
        'OPTION_INVALID',
        `${dir}: expected images of ${first.size} pixels a side, as those of the first run, got ${model.size}`,
        { remedy: 'Average runs of one image size; `reclmis predict` averages those of several.' },
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

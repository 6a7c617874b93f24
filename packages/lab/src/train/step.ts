/**
 * One optimiser step, METHOD.md 7: forward, losses, backward, update. Everything in one scope, so that a step leaves no tensor behind.
 *
 * B cases, S side of the input.
 */
import { ReclmisError } from '@reclmis/core';
import { scope, Tensor } from '@reclmis/torch';
import type { Batch } from '../data/types.js';
import type { Engine } from '../engine.js';
import { imageTensor } from '../evaluate/segmenter.js';
import type { RecLMIS } from '../model/reclmis.js';
import type { NoteEncoder } from '../text/encoder.js';
import type { Optimizer } from './checkpoint.js';
import { type LossName, type LossWeights, objective } from './losses.js';

/** What a step works on and with. */
export interface StepParts {
  readonly model: RecLMIS;
  readonly encoder: NoteEncoder;
  readonly optimizer: Optimizer;
  readonly engine: Engine;
  /** The terms that must be there. */
  readonly required: readonly LossName[];
  readonly weights: LossWeights;
}

/** Each loss before weighting, and the weighted total. */
export type StepLosses = Readonly<Partial<Record<LossName, number>> & { total: number }>;

/**
 * Trains on one batch.
 * @param step number of the step, for messages. @param lr learning rate of this step.
 * @throws LOSS_MISSING, LOSS_NOT_FINITE, naming step, cases and terms; the weights are then as before the step.
 */
export function trainStep(parts: StepParts, batch: Batch, step: number, lr: number): StepLosses {
  const { model, encoder, optimizer, engine, required, weights } = parts;
  const S = model.options.imageSize;
  return scope(() => {
    const images = imageTensor(batch.images, batch.count, S, engine); // [B,3,S,S]
    const masks = Tensor.fromFloat32(batch.masks, [batch.count, 1, S, S], { device: engine.device });
    const note = model.readsNotes ? encoder.encode(batch.notes, engine.device) : null;
    const output = model.forwardTraining(images, note);
    const { total, values } = named(step, batch.ids, () => objective(output, masks, required, weights));
    optimizer.zeroGrad();
    total.backward();
    optimizer.lr = lr;
    optimizer.step();
    return values;
  });
}

/** Adds to a loss's error where it happened. */
function named<T>(step: number, ids: readonly string[], compute: () => T): T {
  try {
    return compute();
  } catch (cause) {
    if (!(cause instanceof ReclmisError) || !cause.code.startsWith('LOSS_')) throw cause;
    throw new ReclmisError(cause.code, `step ${step}: ${cause.message}; cases ${ids.join(', ')}`, { cause });
  }
}

/**
 * Looks through the model's state before it is saved: a gradient may overflow though the loss did not.
 * @throws LOSS_NOT_FINITE naming the parameter.
 */
export function requireFiniteState(model: RecLMIS, step: number): void {
  for (const [key, tensor] of model.stateDict()) {
    if (scope(() => tensor.isfinite().all().item()) === 0) {
      throw new ReclmisError(
        'LOSS_NOT_FINITE',
        `step ${step}: ${key} holds values that are not finite after the update`,
      );
    }
  }
}

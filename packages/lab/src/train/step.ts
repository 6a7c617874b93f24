/**
 * One optimiser step, METHOD.md 7: forward, losses, backward, update. Everything in one scope, so that a step leaves no tensor behind.
 *
 * B cases, S side of the input.
 */
import { ReclmisError } from '@reclmis/core';
import { type LossScaler, scope, Tensor } from '@reclmis/torch';
import type { Batch } from '../data/types.js';
import type { Engine } from '../engine.js';
import { imageTensor } from '../evaluate/segmenter.js';
import type { RecLMIS } from '../model/reclmis.js';
import { inPrecision } from '../precision.js';
import type { NoteEncoder } from '../text/encoder.js';
import type { Optimizer } from './checkpoint.js';
import { type LossName, type LossWeights, objective } from './losses.js';

/** What a step works on and with. */
export interface StepParts {
  readonly model: RecLMIS;
  readonly encoder: NoteEncoder;
  readonly optimizer: Optimizer;
  readonly engine: Engine;
  /** Of fp16's gradients; null in the other precisions. */
  readonly scaler: LossScaler | null;
  /** The terms that must be there. */
  readonly required: readonly LossName[];
  readonly weights: LossWeights;
  /** Told at the end of each phase of a step, for those who measure. */
  readonly onPhase?: (phase: StepPhase) => void;
}

/**
 * The phases of a step in their order. `data` ends with tensors on the device; `forward` holds CCL, CLR and CVR, `losses` Dice, cross-entropy
 * and the sum.
 */
export type StepPhase = 'data' | 'forward' | 'losses' | 'backward' | 'optimiser';

/**
 * The factor below which scaling is given up: 30 halvings in a row from PyTorch's 65536, where gradients are infinite for another
 * reason than their range.
 */
const LEAST_SCALE = 2 ** -14;

/** Each loss before weighting, and the weighted total. */
export type StepLosses = Readonly<Partial<Record<LossName, number>> & { total: number }>;

/**
 * Trains on one batch.
 * @param step number of the step, for messages. @param lr learning rate of this step.
 * Under fp16 a step whose gradients overflow leaves the weights as they are, as PyTorch's does.
 * @throws LOSS_MISSING, LOSS_NOT_FINITE, naming step, cases and terms; the weights are then as before the step.
 */
export function trainStep(parts: StepParts, batch: Batch, step: number, lr: number): StepLosses {
  const { model, encoder, optimizer, engine, scaler, required, weights, onPhase } = parts;
  const S = model.options.imageSize;
  return scope(() => {
    const images = imageTensor(batch.images, batch.count, S, engine); // [B,3,S,S]
    const masks = Tensor.fromFloat32(batch.masks, [batch.count, 1, S, S], { device: engine.device });
    const note = model.readsNotes ? encoder.encode(batch.notes, engine.device) : null;
    onPhase?.('data');
    const output = inPrecision(engine, () => model.forwardTraining(images, note));
    onPhase?.('forward');
    const { total, values } = named(step, batch.ids, () => objective(output, masks, required, weights));
    onPhase?.('losses');
    optimizer.zeroGrad();
    (scaler ? scaler.scale(total) : total).backward();
    onPhase?.('backward');
    optimizer.lr = lr;
    if (!scaler || scaler.unscale(model.parameters())) optimizer.step();
    else if (scaler.factor < LEAST_SCALE) throw overflowing(step, batch.ids, scaler.factor);
    onPhase?.('optimiser');
    return values;
  });
}

function overflowing(step: number, ids: readonly string[], factor: number): ReclmisError {
  return new ReclmisError(
    'LOSS_NOT_FINITE',
    `step ${step}: the gradients overflow even when scaled by ${factor}; cases ${ids.join(', ')}`,
    { remedy: 'Lower the learning rate, or train with --precision bf16 or fp32.' },
  );
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

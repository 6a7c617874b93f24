/**
 * One optimiser step, METHOD.md 7: forward, losses, backward, update. Everything in one scope, so that a step leaves no tensor behind.
 *
 * B cases in parts of b, S side of the input.
 */
import { Random, ReclmisError } from '@reclmis/core';
import { cat, type LossScaler, manualSeed, noGrad, scope, Tensor } from '@reclmis/torch';
import type { Batch } from '../data/types.js';
import type { Engine } from '../engine.js';
import { imageTensor } from '../evaluate/segmenter.js';
import { type ContrastiveInput, contrastiveLoss } from '../model/contrastive.js';
import type { RecLMIS } from '../model/reclmis.js';
import { inPrecision } from '../precision.js';
import type { NoteEncoder, NoteFeatures } from '../text/encoder.js';
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
  /** Of the run; decides the draws. */
  readonly seed: number;
  /** Parts into which a batch is cut. */
  readonly accumulate: number;
  /** What CCL compares where there are several parts. */
  readonly cclScope: 'batch' | 'part';
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
 * Trains on one batch, in as many parts as `accumulate` says: the gradients of the parts add up to those of the batch (but for batch
 * normalisation, which sees a part at a time), and memory is that of one part. Masks and dropout are drawn anew from the seed, the step
 * and the part, so that a step can be repeated without those before it.
 * @param step number of the step, from 1, for the draws and for messages. @param lr learning rate of this step.
 * Under fp16 a step whose gradients overflow leaves the weights as they are, as PyTorch's does.
 * @throws LOSS_MISSING, LOSS_NOT_FINITE, naming step, cases and terms; the weights are then as before the step.
 */
export function trainStep(parts: StepParts, batch: Batch, step: number, lr: number): StepLosses {
  const { model, encoder, optimizer, engine, scaler, required, weights, onPhase } = parts;
  return scope(() => {
    const notes = model.readsNotes ? encoder.encode(batch.notes, engine.device) : null;
    const cuts = cut(batch, notes, parts.accumulate);
    const whole = parts.cclScope === 'batch' && cuts.length > 1 && required.includes('ccl');
    const others = whole ? contrastInputs(parts, cuts, step) : null;
    optimizer.zeroGrad();
    const sums: Partial<Record<keyof StepLosses, number>> = {};
    cuts.forEach((part, index) => {
      scope(() => {
        const images = imagesOf(parts, part); // [b,3,S,S]
        const masks = masksOf(parts, part); // [b,1,S,S]
        onPhase?.('data');
        seedDraws(parts, step, index);
        const contrast = others
          ? (own: ContrastiveInput): Tensor => contrastiveLoss(among(own, index, others))
          : contrastiveLoss;
        const output = inPrecision(engine, () => model.forwardTraining(images, part.note, {}, contrast));
        onPhase?.('forward');
        const { total, values } = named(step, part.ids, () => objective(output, masks, required, weights));
        const loss = share(total, output.losses.ccl, part, weights.ccl, others !== null);
        onPhase?.('losses');
        (scaler ? scaler.scale(loss) : loss).backward();
        onPhase?.('backward');
        for (const [name, value] of Object.entries(values) as [keyof StepLosses, number][])
          sums[name] = (sums[name] ?? 0) + value * part.share;
      });
    });
    optimizer.lr = lr;
    if (!scaler || scaler.unscale(model.parameters())) optimizer.step();
    else if (scaler.factor < LEAST_SCALE) throw overflowing(step, batch.ids, scaler.factor);
    onPhase?.('optimiser');
    return { ...sums, total: sums.total ?? Number.NaN };
  });
}

/** Some of a batch's cases. */
interface Part {
  /** b cases from the batch's case `from` on. */
  readonly from: number;
  readonly count: number;
  /** Of the batch, in (0, 1]. */
  readonly share: number;
  readonly ids: readonly string[];
  readonly images: Float32Array;
  readonly masks: Float32Array;
  readonly note: NoteFeatures | null;
}

/** Cuts a batch into `parts` parts whose sizes differ by one case at most; fewer where it has fewer cases. */
function cut(batch: Batch, notes: NoteFeatures | null, parts: number): Part[] {
  const number = Math.min(parts, batch.count);
  const [image, mask] = [batch.images.length / batch.count, batch.masks.length / batch.count];
  return Array.from({ length: number }, (_, i) => {
    const from = Math.floor((i * batch.count) / number);
    const count = Math.floor(((i + 1) * batch.count) / number) - from;
    const to = from + count;
    const own = (all: Tensor): Tensor => (number === 1 ? all : all.narrow(0, from, count));
    return {
      from,
      count,
      share: count / batch.count,
      ids: batch.ids.slice(from, to),
      images: batch.images.subarray(from * image, to * image),
      masks: batch.masks.subarray(from * mask, to * mask),
      note: notes && { ...notes, features: own(notes.features), valid: own(notes.valid) },
    };
  });
}

function imagesOf({ model, engine }: StepParts, { images, count }: Part): Tensor {
  return imageTensor(images, count, model.options.imageSize, engine);
}

function masksOf({ model, engine }: StepParts, { masks, count }: Part): Tensor {
  const S = model.options.imageSize;
  return Tensor.fromFloat32(masks, [count, 1, S, S], { device: engine.device });
}

function seedDraws({ seed }: StepParts, step: number, part: number): void {
  manualSeed(Random.from(seed, 'step', step, part).uint32());
}

/**
 * What CCL compares of each part, without gradients: a first pass over the batch with the very draws of the second, as GradCache does (Gao et
 * al. 2021). The running statistics of batch normalisation, which it would count twice, are put back.
 */
function contrastInputs(parts: StepParts, cuts: readonly Part[], step: number): ContrastiveInput[] {
  const { model, engine } = parts;
  return noGrad(() => {
    const parameters = model.namedParameters();
    const buffers = [...model.stateDict()]
      .filter(([key]) => !parameters.has(key))
      .map(([, buffer]) => buffer);
    const before = buffers.map((buffer) => buffer.clone());
    const inputs = cuts.map((part, index) => {
      const { note } = part;
      if (!note) throw new ReclmisError('NOTE_MISSING', 'contrastive learning reads notes: got none');
      return scope(() => {
        seedDraws(parts, step, index);
        return inPrecision(engine, () => model.contrastInput(imagesOf(parts, part), note));
      });
    });
    buffers.forEach((buffer, i) => void buffer.copy_(before[i] ?? buffer));
    return inputs;
  });
}

/** The whole batch, of which part `index` is `own`, with its graph. */
function among(own: ContrastiveInput, index: number, others: readonly ContrastiveInput[]): ContrastiveInput {
  const joined = (name: 'patches' | 'tokens' | 'valid' | 'poi' | 'woi'): Tensor =>
    cat(others.map((other, i) => (i === index ? own : other)[name]));
  return {
    ...own,
    patches: joined('patches'),
    tokens: joined('tokens'),
    valid: joined('valid'),
    poi: joined('poi'),
    woi: joined('woi'),
  };
}

/**
 * A part's contribution to the batch's loss. Means over the part count by its share; CCL over the whole batch counts fully in each part,
 * since only the part's own features carry a graph there.
 */
function share(
  total: Tensor,
  ccl: Tensor | undefined,
  part: Part,
  weight: number,
  overWholeBatch: boolean,
): Tensor {
  if (part.share === 1) return total;
  const own = total.mul(part.share);
  return overWholeBatch && ccl ? own.add(ccl.mul(weight * (1 - part.share))) : own;
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

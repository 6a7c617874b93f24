/**
 * One optimiser step, docs/method.md 9: forward, losses, backward, update; one scope, so no tensor is left.
 *
 * B cases in parts of b, S side of the input.
 */
import { defined, Random, ReclmisError } from '@reclmis/core';
import {
  cat,
  distributed,
  float32,
  type LossScaler,
  manualSeed,
  nn,
  noGrad,
  optim,
  scope,
  Tensor,
  zeros,
} from '@reclmis/torch';
import { shareOf, type Batch } from '@reclmis/data';
import { type ContrastiveInput, contrastiveLoss } from '../model/contrastive.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import { inPrecision } from '../engine/precision.js';
import type { NoteEncoder } from '../text/encoder.js';
import type { Optimizer } from '../run/checkpoint.js';
import { type LossName, type LossWeights, objective } from '../model/losses.js';
import { cut, imagesOf, masksOf, type Part, type PartSettings, sideOf, taughtOf } from './batch-parts.js';
import type { WeightAverage } from './weight-average.js';

export interface StepParts extends PartSettings {
  readonly encoder: NoteEncoder;
  readonly optimizer: Optimizer;
  /** Null unless fp16. */
  readonly scaler: LossScaler | null;
  /** They must not be missing. */
  readonly required: readonly LossName[];
  readonly weights: LossWeights;
  readonly accumulate: number;
  /** Bound of the gradients' joint norm; 0: none. */
  readonly clipNorm: number;
  /** Null if none is kept. */
  readonly average: WeightAverage | null;
  /** Among several parts. */
  readonly cclScope: 'batch' | 'part';
  /** Null for one process. */
  readonly parallel: StepParallel | null;
  readonly onPhase?: (phase: StepPhase) => void;
}

export interface StepParallel {
  readonly rank: number;
  readonly size: number;
  /** On tensors of the model's device. */
  readonly group: distributed.Group;
  /** On CPU tensors. */
  readonly control: distributed.Group;
  readonly reducer: distributed.Reducer;
  readonly syncBatchNorm: boolean;
}

/**
 * In order. `data` ends with tensors on the device; `forward` includes CCL, CLR and CVR, `losses` Dice,
 * cross-entropy and the sum.
 */
export type StepPhase = 'data' | 'forward' | 'losses' | 'backward' | 'optimiser';

/** After 30 halvings from PyTorch's 65536, the range is not why gradients are infinite. */
const LEAST_SCALE = 2 ** -14;

export type StepLosses = Readonly<Partial<Record<LossName, number>> & { total: number }>;

export interface StepOutcome {
  readonly losses: StepLosses;
  /** Before clipping; absent without clipping, and where fp16 overflowed. */
  readonly gradientNorm?: number;
}

/**
 * Trains on one batch in `accumulate` parts, whose gradients add up to the batch's (except that batch
 * normalisation sees one part at a time). Draws follow from seed, step and part.
 *
 * Several processes share the batch and get one process's gradients: batch normalisation and CCL see the
 * whole batch, `reducer` averages gradients, and the losses returned are the whole batch's.
 *
 * Under fp16, overflowing gradients leave the weights unchanged.
 * @param step from 1. @param lr its learning rate @param taught the teacher's probabilities of the batch, [B,1,S,S], if there is one @throws LOSS_MISSING, LOSS_NOT_FINITE, naming step, cases
 * and terms; the weights are then unchanged
 */
export function trainStep(
  parts: StepParts,
  batch: Batch,
  step: number,
  lr: number,
  taught: Float32Array | null = null,
): StepOutcome {
  const { model, encoder, optimizer, engine, scaler, required, weights, parallel, onPhase } = parts;
  const size = parallel?.size ?? 1;
  return scope(() => {
    const notes = model.learnsFromNotes ? encoder.encode(batch.notes, engine.device) : null;
    const cuts = cut(batch, notes, taught, { parts: parts.accumulate, size, side: sideOf(parts, step) });
    const whole = parts.cclScope === 'batch' && required.includes('ccl') && (cuts.length > 1 || size > 1);
    // With one part per process, the forward pass gathers the others' features.
    const before =
      whole && cuts.length > 1 ? everyCase(parts, batch, contrastInputs(parts, cuts, step)) : null;
    optimizer.zeroGrad();
    const sums = new Map<keyof StepLosses, number>();
    cuts.forEach((part, index) => {
      scope(() => {
        const images = imagesOf(parts, part); // [b,3,s,s]
        const masks = masksOf(parts, part); // [b,1,s,s]
        onPhase?.('data');
        seedDraws(parts, step, index);
        const contrast = (own: ContrastiveInput): Tensor => {
          if (!whole) return contrastiveLoss(own);
          const all = before ?? everyCase(parts, batch, [own]);
          return contrastiveLoss(part.idle ? own : among(own, part, all));
        };
        const output = statistics(parts, part, () =>
          inPrecision(engine, () =>
            model.forwardTraining(images, part.note, { contrast, notes: part.notes, masks }),
          ),
        );
        onPhase?.('forward');
        const { total, values } = named(step, part.ids, () =>
          objective(output, masks, required, weights, taughtOf(parts, part)),
        );
        const loss = contribution(total, output.losses.ccl, part, { size, whole, weight: weights.ccl });
        onPhase?.('losses');
        const scaled = scaler ? scaler.scale(loss) : loss;
        if (index === cuts.length - 1) parallel?.reducer.prepare(scaled);
        scaled.backward();
        onPhase?.('backward');
        for (const [name, value] of Object.entries(values) as [keyof StepLosses, number][])
          sums.set(name, (sums.get(name) ?? 0) + value * part.share);
      });
    });
    optimizer.lr = lr;
    let gradientNorm: number | undefined;
    if (!scaler || scaler.unscale(model.parameters())) {
      gradientNorm = clip(parts, step, batch.ids);
      optimizer.step();
      parts.average?.update(model, step);
    } else if (scaler.factor < LEAST_SCALE) throw overflowing(step, batch.ids, scaler.factor);
    onPhase?.('optimiser');
    return { losses: overRanks(parallel, sums), ...defined({ gradientNorm }) };
  });
}

function statistics<R>({ parallel }: StepParts, { idle }: Part, forward: () => R): R {
  if (!parallel?.syncBatchNorm) return forward();
  return nn.withBatchStatistics(distributed.batchStatisticsOver(parallel.group, { counts: !idle }), forward);
}

function overRanks(parallel: StepParallel | null, sums: ReadonlyMap<keyof StepLosses, number>): StepLosses {
  const names = [...sums.keys()];
  if (!parallel) return { ...Object.fromEntries(sums), total: sums.get('total') ?? Number.NaN };
  const values = Tensor.fromFloat64(Float64Array.from(sums.values()), [names.length]);
  parallel.control.allReduce(values);
  const all = values.toFloat64Array();
  const losses = Object.fromEntries(names.map((name, i) => [name, all[i] ?? Number.NaN]));
  return { ...losses, total: losses['total'] ?? Number.NaN };
}

function seedDraws({ seed, parallel }: StepParts, step: number, part: number): void {
  manualSeed(Random.from(seed, 'step', step, part, parallel?.rank ?? 0).uint32());
}

/**
 * CCL's features of each part, without gradients: a first pass with the draws of the second, as in GradCache
 * (Gao et al. 2021). Restores batch normalisation's running statistics, which would count it twice.
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
      if (!note) throw new ReclmisError('NOTE_MISSING', 'contrastive learning needs notes, got none');
      return scope(() => {
        seedDraws(parts, step, index);
        return statistics(parts, part, () =>
          inPrecision(engine, () => model.contrastInput(imagesOf(parts, part), note)),
        );
      });
    });
    buffers.forEach((buffer, i) => void buffer.copy_(before[i] ?? buffer));
    const counting = inputs.filter((_, index) => cuts[index]?.idle !== true);
    return counting.length > 0 ? counting : inputs.slice(0, 1);
  });
}

type Compared = Record<'patches' | 'tokens' | 'valid' | 'poi' | 'woi', Tensor>;

/** `offset`: this process's first case. */
interface EveryCase {
  readonly input: Compared;
  readonly offset: number;
}

/** @param own this process's features, in order */
function everyCase({ parallel }: StepParts, batch: Batch, own: readonly ContrastiveInput[]): EveryCase {
  return noGrad(() => {
    const joined = (name: keyof Compared): Tensor => cat(own.map((input) => float32(input[name].detach())));
    if (!parallel) return { input: compared(joined), offset: 0 };
    const { rank, size, group } = parallel;
    const total = batch.shard?.total ?? batch.count;
    const counts = Array.from({ length: size }, (_, r) => shareOf(total, r, size)).map(
      (share) => share.to - share.from,
    );
    const most = Math.max(...counts);
    const input = compared((name) => {
      const mine = joined(name);
      const [rows = 0, ...rest] = mine.shape;
      const { dtype, device } = mine;
      const padded = rows < most ? cat([mine, zeros([most - rows, ...rest], { dtype, device })]) : mine;
      const all = group.allGather(padded);
      return cat(all.flatMap((x, r) => (counts[r] ? [x.narrow(0, 0, counts[r])] : [])));
    });
    return { input, offset: shareOf(total, rank, size).from };
  });
}

function compared(make: (name: keyof Compared) => Tensor): Compared {
  return {
    patches: make('patches'),
    tokens: make('tokens'),
    valid: make('valid'),
    poi: make('poi'),
    woi: make('woi'),
  };
}

function among(own: ContrastiveInput, { from, count }: Part, { input, offset }: EveryCase): ContrastiveInput {
  const start = offset + from;
  const mixed = compared((name) => {
    const all = input[name];
    const end = start + count;
    return cat([
      all.narrow(0, 0, start),
      float32(own[name]),
      all.narrow(0, end, (all.shape[0] ?? end) - end),
    ]);
  });
  return { ...own, ...mixed };
}

/**
 * The tensor for `backward()`: the parts' gradients, averaged over processes, are the batch's. Means count by
 * the part's share; CCL over the whole batch counts fully, since only the part's own features carry a graph.
 */
function contribution(
  total: Tensor,
  ccl: Tensor | undefined,
  { share, idle }: Part,
  { size, whole, weight }: { readonly size: number; readonly whole: boolean; readonly weight: number },
): Tensor {
  const factor = share * size;
  const own = factor === 1 ? total : total.mul(factor);
  const missing = whole && !idle ? size - factor : 0;
  return ccl && missing !== 0 ? own.add(ccl.mul(weight * missing)) : own;
}

/** @returns the norm before, the same in every process: gradients are averaged by now */
function clip({ model, clipNorm }: StepParts, step: number, ids: readonly string[]): number | undefined {
  if (clipNorm === 0) return undefined;
  const norm = optim.clipGradNorm(model.parameters(), clipNorm);
  if (Number.isFinite(norm)) return norm;
  throw new ReclmisError(
    'LOSS_NOT_FINITE',
    `step ${step}: expected gradients of a finite norm, got ${norm}; cases ${ids.join(', ')}`,
  );
}

function overflowing(step: number, ids: readonly string[], factor: number): ReclmisError {
  return new ReclmisError(
    'LOSS_NOT_FINITE',
    `step ${step}: the gradients overflow even when scaled by ${factor}; cases ${ids.join(', ')}`,
    { remedy: 'Lower the learning rate, or train with --precision bf16 or fp32.' },
  );
}

function named<T>(step: number, ids: readonly string[], compute: () => T): T {
  try {
    return compute();
  } catch (cause) {
    if (!(cause instanceof ReclmisError) || !cause.code.startsWith('LOSS_')) throw cause;
    throw new ReclmisError(cause.code, `step ${step}: ${cause.message}; cases ${ids.join(', ')}`, { cause });
  }
}

/** A gradient may overflow though the loss did not. @throws LOSS_NOT_FINITE naming the parameter */
export function requireFiniteState(model: SegmentationModel, step: number): void {
  for (const [key, tensor] of model.stateDict()) {
    if (scope(() => tensor.isfinite().all().item()) === 0) {
      throw new ReclmisError(
        'LOSS_NOT_FINITE',
        `step ${step}: ${key} contains non-finite values after the update`,
      );
    }
  }
}

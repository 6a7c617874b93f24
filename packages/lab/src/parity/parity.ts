/**
 * Comparing our model with the authors' code: METHOD.md 10.
 *
 * Weights and inputs are rebuilt from the golden file; the drawn masks are the file's, since top-k ties flip. Compared are every
 * output, the distributions of interest, every loss and the norm of every parameter's gradient, and how much probability our own
 * top-k masks hold beside the file's.
 */
import { ReclmisError } from '@reclmis/core';
import { readSafetensors, scope, type Tensor } from '@reclmis/torch';
import { drawMask } from '../model/masking.js';
import type { TrainingOutput } from '../model/reclmis.js';
import type { NoteFeatures } from '../text/encoder.js';
import { LOSS_NAMES, objective, PAPER_WEIGHTS } from '../train/losses.js';
import { type Golden, type OutputSummary, readGolden, tensorsBeside } from './golden.js';
import { rebuildInputs, rebuildModel } from './rebuild.js';

/** float32's relative rounding error. */
const FLOAT32_EPSILON = 2 ** -23;

/** How much may differ. */
export interface ParityTolerance {
  /** Absolute, for outputs, distributions and losses. */
  readonly output: number;
  /** Relative, for the norms of gradients. */
  readonly gradient: number;
}

/** Ten to a hundred times what float32 arithmetic in another order gives. */
export const PARITY_TOLERANCE: ParityTolerance = { output: 1e-4, gradient: 5e-3 };

/** One compared quantity. */
export interface ParityRow {
  readonly name: string;
  readonly kind: 'output' | 'mask' | 'loss' | 'gradient';
  /** Absolute, or relative for gradients. */
  readonly error: number;
  readonly tolerance: number;
  readonly ok: boolean;
  /** What was compared, or where the worst error lies. */
  readonly detail: string;
}

/** The outcome. */
export interface ParityReport {
  readonly golden: string;
  readonly rows: readonly ParityRow[];
  readonly worstOutput: number;
  readonly worstLoss: number;
  /**
   * Worst relative error of a gradient's norm. The divisor is at least the largest norm of the file times 2^-23: a norm below that
   * (of a parameter before a softmax over almost equal values, say) is what rounding leaves of a sum that cancels.
   */
  readonly worstGradient: number;
  readonly passed: boolean;
}

/**
 * Runs the comparison. Does not throw when it fails: see `passed`, or call `assertParity`.
 * @param path a golden JSON file.
 * @throws GOLDEN_INVALID, SAFETENSORS_INVALID
 */
export function runParity(
  path: string,
  options: { readonly tolerance?: ParityTolerance } = {},
): ParityReport {
  const tolerance = options.tolerance ?? PARITY_TOLERANCE;
  const golden = readGolden(path);
  const { model, tower } = rebuildModel(golden, path);
  try {
    const rows = scope(() => {
      const full = readFull(golden, path);
      const { images, masks, hiddenPatches, hiddenWords } = rebuildInputs(golden);
      const note = tower.encodeTokens(golden.tokens);
      const output = model.forwardTraining(images, note, { patches: hiddenPatches, words: hiddenWords });
      const { total, values } = objective(output, masks, LOSS_NAMES, PAPER_WEIGHTS);
      total.backward();
      return [
        ...compareOutputs(golden, full, output, note, tolerance.output),
        ...compareSegmentation(model.segment(images, note).probability, output, tolerance.output),
        ...compareMasks(golden, output, note, { hiddenPatches, hiddenWords }, tolerance.output),
        ...compareLosses(golden, values, tolerance.output),
        ...compareGradients(golden, path, model.namedParameters(), tolerance.gradient),
      ];
    });
    const worst = (...kinds: ParityRow['kind'][]): number =>
      rows.filter(({ kind }) => kinds.includes(kind)).reduce((most, { error }) => larger(most, error), 0);
    return {
      golden: path,
      rows,
      worstOutput: worst('output', 'mask'),
      worstLoss: worst('loss'),
      worstGradient: worst('gradient'),
      passed: rows.every(({ ok }) => ok),
    };
  } finally {
    model.dispose();
    tower.dispose();
  }
}

/** @throws PARITY_FAILED naming the quantities that differ, worst first. */
export function assertParity(report: ParityReport): void {
  if (report.passed) return;
  const failed = report.rows
    .filter(({ ok }) => !ok)
    .sort((a, b) => b.error / b.tolerance - a.error / a.tolerance);
  const shown = failed
    .slice(0, 3)
    .map(({ name, error, tolerance }) => `${name} by ${error.toExponential(1)} (at most ${tolerance})`)
    .join(', ');
  const more = failed.length > 3 ? ` and ${failed.length - 3} more` : '';
  throw new ReclmisError('PARITY_FAILED', `${report.golden}: differs in ${shown}${more}`);
}

/** The outputs that the golden safetensors file holds in full; none where there is no such file. */
function readFull(golden: Golden, path: string): ReadonlyMap<string, Tensor> {
  const beside = tensorsBeside(path);
  if (beside === null) return new Map();
  const { tensors } = readSafetensors(beside);
  const summaries: Record<string, OutputSummary | undefined> = summariesOf(golden);
  for (const [name, tensor] of tensors) {
    const expected = summaries[name]?.shape.join(' x ');
    const actual = tensor.shape.join(' x ');
    if (expected !== undefined && expected !== actual) {
      throw new ReclmisError('GOLDEN_INVALID', `${beside}: ${name}: expected ${expected}, got ${actual}`);
    }
  }
  return tensors;
}

function summariesOf({
  outputs,
}: Golden): Record<
  'probability' | 'clip_text' | 'f_image' | 'f_text' | 'ci_image' | 'ci_text',
  OutputSummary
> {
  const { probability, clip_text, f_image, f_text, ci_image, ci_text } = outputs;
  return { clip_text, f_image, f_text, ci_image, ci_text, probability };
}

function compareOutputs(
  golden: Golden,
  full: ReadonlyMap<string, Tensor>,
  output: TrainingOutput,
  note: NoteFeatures,
  tolerance: number,
): ParityRow[] {
  const ours: Record<string, Tensor | null> = {
    clip_text: note.features,
    f_image: output.imageFeatures,
    f_text: output.textFeatures,
    ci_image: output.interactedImage,
    ci_text: output.interactedText,
    probability: output.probability,
  };
  const rows = Object.entries(summariesOf(golden)).map(([name, summary]) => {
    const values = needed(ours[name] ?? null, name).toFloat32Array();
    const reference = full.get(name)?.toFloat32Array();
    const error = larger(summaryError(values, summary), reference ? worstDifference(values, reference) : 0);
    return row(
      name,
      'output',
      error,
      tolerance,
      reference ? 'every element' : 'mean, deviation, first elements',
    );
  });
  const interest = [
    ['poi', output.poi, golden.outputs.poi],
    ['woi', output.woi, golden.outputs.woi],
  ] as const;
  for (const [name, distribution, reference] of interest) {
    const error = worstDifference(needed(distribution, name).toFloat32Array(), reference.flat());
    rows.push(row(name, 'output', error, tolerance, 'every element'));
  }
  return rows;
}

/** The inference graph must give what training gave. */
function compareSegmentation(probability: Tensor, output: TrainingOutput, tolerance: number): ParityRow[] {
  const error = worstDifference(probability.toFloat32Array(), output.probability.toFloat32Array());
  return [row('segment', 'output', error, tolerance, 'inference graph against training graph')];
}

/** Ties aside, our top-k masks are the file's: they hold the same probability, and as many items. */
function compareMasks(
  golden: Golden,
  output: TrainingOutput,
  note: NoteFeatures,
  given: { hiddenPatches: Tensor; hiddenWords: Tensor },
  tolerance: number,
): ParityRow[] {
  const draws = [
    ['masked_patches', output.poi, null, golden.img_mask_rate, given.hiddenPatches],
    ['masked_words', output.woi, note.valid, golden.text_mask_rate, given.hiddenWords],
  ] as const;
  return draws.map(([name, distribution, valid, ratio, reference]) => {
    const probability = needed(distribution, name).detach();
    const drawn = drawMask({ probability, valid, ratio, strategy: 'topk' });
    const counts = [drawn, reference].map((mask) => mask.sum([1]).toInt64Array().join());
    const held = [drawn, reference].map((mask) => probability.mul(mask).sum([1]).toFloat32Array());
    const error =
      counts[0] === counts[1] ? worstDifference(held[0] ?? [], held[1] ?? []) : Number.POSITIVE_INFINITY;
    return row(
      name,
      'mask',
      error,
      tolerance,
      `top-k draws ${counts[0]}; the file ${counts[1]}; probability held`,
    );
  });
}

function compareLosses(
  golden: Golden,
  values: Readonly<Record<string, number | undefined>>,
  tolerance: number,
): ParityRow[] {
  const { dice = Number.NaN, bce = Number.NaN, ccl, clr, cvr, total } = values;
  const ours = { dice, bce, seg: (dice + bce) / 2, ccl, text_rec: clr, img_rec: cvr, total };
  return Object.entries(golden.outputs.losses).map(([name, reference]) => {
    const value = ours[name as keyof typeof ours] ?? Number.NaN;
    return row(
      name,
      'loss',
      Math.abs(value - reference),
      tolerance,
      `${value.toFixed(7)}, the file ${reference.toFixed(7)}`,
    );
  });
}

function compareGradients(
  golden: Golden,
  path: string,
  parameters: ReadonlyMap<string, Tensor>,
  tolerance: number,
): ParityRow[] {
  const entries = Object.entries(golden.gradient_norms);
  const floor = entries.reduce((most, [, norm]) => Math.max(most, norm), 0) * FLOAT32_EPSILON;
  const compared = entries.map(([key, reference]) => {
    const parameter = parameters.get(key);
    if (!parameter)
      throw new ReclmisError('GOLDEN_INVALID', `${path}: gradient_norms.${key}: no such parameter`);
    const gradient = parameter.grad;
    const norm = gradient ? gradient.norm().item() : 0;
    return row(
      key,
      'gradient',
      Math.abs(norm - reference) / Math.max(reference, floor),
      tolerance,
      `${norm.toExponential(3)}, the file ${reference.toExponential(3)}`,
    );
  });
  // Each parameter that trains must be in the file too, or a lost gradient would pass unseen.
  for (const [key, parameter] of parameters) {
    if (parameter.requiresGrad && golden.gradient_norms[key] === undefined) {
      throw new ReclmisError('GOLDEN_INVALID', `${path}: gradient_norms: expected ${key}, got none`);
    }
  }
  return compared;
}

function summaryError(values: Float32Array, { mean, std, first }: OutputSummary): number {
  let sum = 0;
  for (const value of values) sum += value;
  const average = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - average) ** 2;
  const deviation = Math.sqrt(squares / Math.max(1, values.length - 1)); // unbiased, as torch.std
  const begin = worstDifference(values.subarray(0, first.length), first);
  return [Math.abs(average - mean), Math.abs(deviation - std), begin].reduce(larger, 0);
}

/** Largest absolute difference; infinite for lists of unequal length, not a number where a value is none. */
function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++)
    worst = larger(worst, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)));
  return worst;
}

/** The larger one; not a number beats all, so that it cannot hide. */
function larger(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b);
}

function row(
  name: string,
  kind: ParityRow['kind'],
  error: number,
  tolerance: number,
  detail: string,
): ParityRow {
  return { name, kind, error, tolerance, ok: error <= tolerance, detail };
}

function needed(tensor: Tensor | null, name: string): Tensor {
  if (!tensor) throw new ReclmisError('INTERNAL', `parity: the model gave no ${name}`);
  return tensor;
}

/** Compares a model with a golden file: outputs, in full if the file has them, and gradient norms. */
import { ReclmisError } from '@reclmis/core';
import { readSafetensors, type Tensor } from '@reclmis/torch';
import { type OutputSummary, tensorsBeside } from './golden.js';

/** float32's relative rounding error. */
const FLOAT32_EPSILON = 2 ** -23;

export interface ParityTolerance {
  /** Absolute, for outputs, distributions and losses. */
  readonly output: number;
  /** Relative, for the norms of gradients. */
  readonly gradient: number;
}

/** Ten to a hundred times what another order of float32 sums changes. */
export const PARITY_TOLERANCE: ParityTolerance = { output: 1e-4, gradient: 5e-3 };

export interface ParityRow {
  readonly name: string;
  readonly kind: 'output' | 'mask' | 'loss' | 'gradient';
  /** Absolute, or relative for gradients. */
  readonly error: number;
  readonly tolerance: number;
  readonly ok: boolean;
  /** Or where the worst error is. */
  readonly detail: string;
}

export interface Comparison {
  readonly title: string;
  readonly rows: readonly ParityRow[];
}

/** The safetensors file, if any. @throws GOLDEN_INVALID, SAFETENSORS_INVALID */
export function readFull(
  summaries: Readonly<Record<string, OutputSummary>>,
  path: string,
): ReadonlyMap<string, Tensor> {
  const beside = tensorsBeside(path);
  if (beside === null) return new Map();
  const { tensors } = readSafetensors(beside);
  for (const [name, tensor] of tensors) {
    const expected = summaries[name]?.shape.join(' x ');
    const actual = tensor.shape.join(' x ');
    if (expected !== undefined && expected !== actual) {
      throw new ReclmisError('GOLDEN_INVALID', `${beside}: ${name}: expected ${expected}, got ${actual}`);
    }
  }
  return tensors;
}

/** Compares with the summary, and with all of the output if available. */
export function compareOutput(
  name: string,
  ours: Tensor,
  summary: OutputSummary,
  full: Tensor | undefined,
  tolerance: number,
): ParityRow {
  const values = ours.toFloat32Array();
  const reference = full?.toFloat32Array();
  const error = larger(summaryError(values, summary), reference ? worstDifference(values, reference) : 0);
  const detail = reference ? 'every element' : 'mean, deviation, first elements';
  return row(name, 'output', error, tolerance, detail);
}

/** Inference must give training's output. */
export function compareSegmentation(inference: Tensor, training: Tensor, tolerance: number): ParityRow {
  const error = worstDifference(inference.toFloat32Array(), training.toFloat32Array());
  return row('segment', 'output', error, tolerance, 'inference graph against training graph');
}

export function compareLosses(
  ours: Readonly<Record<string, number | undefined>>,
  references: Readonly<Record<string, number>>,
  tolerance: number,
): ParityRow[] {
  return Object.entries(references).map(([name, reference]) => {
    const value = ours[name] ?? Number.NaN;
    const detail = `${value.toFixed(7)}, the file ${reference.toFixed(7)}`;
    return row(name, 'loss', Math.abs(value - reference), tolerance, detail);
  });
}

export interface GradientRules {
  /** Relative. */
  readonly tolerance: number;
  /** Absent: the usual one. */
  readonly exception?: (
    key: string,
  ) => { readonly absolute?: number; readonly relative?: number } | undefined;
  /** Because no gradient reaches the parameter. */
  readonly mayLack?: (key: string) => boolean;
}

/**
 * For all trained parameters.
 * @param norms the file's, under `field`. @throws GOLDEN_INVALID
 */
export function compareGradients(
  norms: Readonly<Record<string, number>>,
  path: string,
  parameters: ReadonlyMap<string, Tensor>,
  { tolerance, exception, mayLack }: GradientRules,
  field = 'gradient_norms',
): ParityRow[] {
  const entries = Object.entries(norms);
  const floor = entries.reduce((most, [, norm]) => Math.max(most, norm), 0) * FLOAT32_EPSILON;
  const prefix = field === 'gradient_norms' ? '' : `${field}: `;
  const compared = entries.map(([key, reference]) => {
    const parameter = parameters.get(key);
    if (!parameter) throw new ReclmisError('GOLDEN_INVALID', `${path}: ${field}.${key}: no such parameter`);
    const gradient = parameter.grad;
    const norm = gradient ? gradient.norm().item() : 0;
    const { absolute, relative = tolerance } = exception?.(key) ?? {};
    const difference = Math.abs(norm - reference);
    return row(
      `${prefix}${key}`,
      'gradient',
      absolute === undefined ? difference / Math.max(reference, floor) : difference,
      absolute ?? relative,
      `${norm.toExponential(3)}, the file ${reference.toExponential(3)}${absolute === undefined ? '' : ', compared absolutely'}`,
    );
  });
  // A parameter missing from the file would hide a lost gradient.
  for (const [key, parameter] of parameters) {
    if (parameter.requiresGrad && norms[key] === undefined && mayLack?.(key) !== true) {
      throw new ReclmisError('GOLDEN_INVALID', `${path}: ${field}: expected ${key}, got none`);
    }
  }
  return compared;
}

export function summaryError(values: Float32Array, { mean, std, first }: OutputSummary): number {
  let sum = 0;
  for (const value of values) sum += value;
  const average = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - average) ** 2;
  const deviation = Math.sqrt(squares / Math.max(1, values.length - 1)); // unbiased, as torch.std
  const begin = worstDifference(values.subarray(0, first.length), first);
  return [Math.abs(average - mean), Math.abs(deviation - std), begin].reduce(larger, 0);
}

/** Infinite for unequal lengths, NaN if a value is. */
export function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++)
    worst = larger(worst, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)));
  return worst;
}

/** NaN wins. */
export function larger(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b);
}

export function row(
  name: string,
  kind: ParityRow['kind'],
  error: number,
  tolerance: number,
  detail: string,
): ParityRow {
  return { name, kind, error, tolerance, ok: error <= tolerance, detail };
}

export function needed(tensor: Tensor | null, name: string): Tensor {
  if (!tensor) throw new ReclmisError('INTERNAL', `parity: the model gave no ${name}`);
  return tensor;
}

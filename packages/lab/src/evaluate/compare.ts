/** Compares runs on the same cases by a paired bootstrap over patients, with Holm's correction. */
import { type BootstrapOptions, groupSums, holm, pairedBootstrap, ReclmisError } from '@reclmis/core';
import type { Evaluation } from './evaluate.js';
import { type Figure, FIGURES, figuresOfSums, finite, summands, SUMMANDS } from './summary.js';

/** The second run's figure minus the first's; null if not defined for both. */
export interface Difference extends Pick<Figure, 'key' | 'label' | 'form' | 'unit'> {
  /** Indices of the runs. */
  readonly first: number;
  readonly second: number;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Two-sided, for no difference. */
  readonly p: number | null;
  /** By Holm, over all pairs of runs, per figure. */
  readonly corrected: number | null;
}

/**
 * Compares all pairs of runs. Distances: between masks of the same size, over images with both.
 * @throws OPTION_INVALID unless all runs scored the same cases
 */
export function compareEvaluations(
  evaluations: readonly Evaluation[],
  options: BootstrapOptions = {},
): Difference[] {
  const [one] = evaluations;
  for (const other of evaluations) checkSameCases(one ?? other, other);
  const found: Omit<Difference, 'corrected'>[] = [];
  evaluations.forEach((a, first) => {
    evaluations.forEach((b, second) => {
      if (second > first) found.push(...comparePair(a, b, first, second, options));
    });
  });
  return FIGURES.flatMap(({ key }) => {
    const own = found.filter((difference) => difference.key === key);
    const corrected = holm(own.map(({ p }) => p ?? Number.NaN));
    return own.map((difference, i) => ({ ...difference, corrected: finite(corrected[i] ?? Number.NaN) }));
  });
}

function comparePair(
  a: Evaluation,
  b: Evaluation,
  first: number,
  second: number,
  options: BootstrapOptions,
): Omit<Difference, 'corrected'>[] {
  const others = new Map(b.rows.map((row) => [row.id, row]));
  const groups: string[] = [];
  const pairs = a.rows.map((left) => {
    const right = others.get(left.id) ?? left;
    groups.push(left.group);
    const both = left.hd95 !== null && right.hd95 !== null;
    const bothMm = left.hd95Mm !== null && right.hd95Mm !== null;
    const kept = [left, right].map((row) => ({
      ...row,
      ...(both ? {} : { hd95: null, assd: null }),
      ...(bothMm ? {} : { hd95Mm: null, assdMm: null }),
    }));
    return kept.flatMap(summands);
  });
  const differences = (sums: Float64Array): number[] => {
    const before = figuresOfSums(sums);
    return figuresOfSums(sums, SUMMANDS).map((value, i) => value - (before[i] ?? Number.NaN));
  };
  const results = pairedBootstrap(groupSums(pairs, groups), differences, options);
  return FIGURES.flatMap(({ key, label, form, unit }, i) => {
    const result = results[i];
    if (result === undefined || (unit === 'mm' && Number.isNaN(result.value))) return [];
    if (unit === 'px' && a.size !== b.size) return [];
    const { value, low, high, p } = result;
    return {
      ...{ key, label, form, unit, first, second },
      ...{ value: finite(value), low: finite(low), high: finite(high), p: finite(p) },
    };
  });
}

function checkSameCases(a: Evaluation, b: Evaluation): void {
  const ids = new Set(a.rows.map(({ id }) => id));
  const same = a.data.fingerprint === b.data.fingerprint && a.rows.length === b.rows.length;
  if (same && b.rows.every(({ id }) => ids.has(id))) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `${a.run} and ${b.run}: expected scores of the same cases, got ${a.rows.length} of ${a.data.name} (${a.data.fingerprint.slice(0, 12)}) and ${b.rows.length} of ${b.data.name} (${b.data.fingerprint.slice(0, 12)})`,
    { remedy: 'Evaluate all runs on one data set, given with --data.' },
  );
}

/** Compares our models with their authors' code: docs/method.md 11 and 12. Keys tell a file's model. */
import { ReclmisError } from '@reclmis/core';
import {
  type Comparison,
  larger,
  PARITY_TOLERANCE,
  type ParityRow,
  type ParityTolerance,
} from './compare.js';
import { keysOfGolden, readGoldenJson } from './golden.js';
import { modelOfKeys } from '../model/registry.js';
import { comparePeer } from './peer.js';
import { compareRecLMIS } from './reclmis.js';

export interface ParityReport {
  readonly golden: string;
  readonly model: string;
  readonly rows: readonly ParityRow[];
  readonly worstOutput: number;
  readonly worstLoss: number;
  /**
   * Relative. The divisor is at least the file's largest norm times 2^-23: a smaller norm is what rounding
   * leaves of a sum that cancels.
   */
  readonly worstGradient: number;
  readonly passed: boolean;
}

/**
 * Does not throw on failure: see `passed`, or call `assertParity`.
 * @param path a golden JSON file. @throws GOLDEN_INVALID, SAFETENSORS_INVALID
 */
export function runParity(
  path: string,
  options: { readonly tolerance?: ParityTolerance } = {},
): ParityReport {
  const { title, rows } = compare(path, options.tolerance ?? PARITY_TOLERANCE);
  const worst = (...kinds: ParityRow['kind'][]): number =>
    rows.filter(({ kind }) => kinds.includes(kind)).reduce((most, { error }) => larger(most, error), 0);
  return {
    golden: path,
    model: title,
    rows,
    worstOutput: worst('output', 'mask'),
    worstLoss: worst('loss'),
    worstGradient: worst('gradient'),
    passed: rows.every(({ ok }) => ok),
  };
}

function compare(path: string, tolerance: ParityTolerance): Comparison {
  const json = readGoldenJson(path);
  const name = modelOfKeys(keysOfGolden(json));
  return name === null || name === 'reclmis'
    ? compareRecLMIS(json, path, tolerance)
    : comparePeer(name, json, path, tolerance);
}

/** @throws PARITY_FAILED naming the differences, worst first. */
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

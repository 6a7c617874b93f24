/** `confidence.json`: the calibration of a run's predicted Dice, fitted by `reclmis calibrate`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ConfidenceCalibration,
  confidenceSchema,
  currentFormat,
  defined,
  readFormat,
  ReclmisError,
} from '@reclmis/core';
import { readTextSync, writeFileAtomicSync } from '@reclmis/files';

const FILE = 'confidence.json';
const FORMAT = currentFormat('confidence');

/** The weights for which it holds. */
export interface FittedCheckpoint {
  readonly epoch: number;
  readonly step: number;
  /** Their `weightsHash`; absent in files of earlier versions. */
  readonly weights?: string;
}

export interface RunConfidence {
  readonly checkpoint: FittedCheckpoint;
  readonly calibration: ConfidenceCalibration;
}

interface FoundConfidence {
  readonly calibration: ConfidenceCalibration | null;
  /** For the user. */
  readonly notice: string | null;
}

export const confidencePath = (runDir: string): string => join(runDir, FILE);

/** @throws OUTPUT_UNWRITABLE, DISK_FULL */
export function writeConfidence(runDir: string, { checkpoint, calibration }: RunConfidence): string {
  const path = confidencePath(runDir);
  const { epoch, step, weights } = checkpoint;
  const text = `${JSON.stringify({ format: FORMAT, checkpoint: { epoch, step, weights }, ...calibration }, null, 2)}\n`;
  writeFileAtomicSync(path, text, { sync: true });
  return path;
}

/** A run's calibration; null if it has none. @throws RUN_INVALID if it is damaged or of another version */
export function readConfidence(runDir: string): RunConfidence | null {
  const path = confidencePath(runDir);
  if (!existsSync(path)) return null;
  const again = `Fit it again with \`reclmis calibrate ${runDir}\`, or delete the file: results then come without predicted Dice.`;
  try {
    const { format, checkpoint, ...rest } = JSON.parse(readTextSync(path)) as Record<string, unknown>;
    readFormat('confidence', format, { where: path, code: 'RUN_INVALID', remedy: again });
    const { epoch, step, weights } = (checkpoint ?? {}) as Partial<FittedCheckpoint>;
    if (!isCount(epoch) || !isCount(step)) throw new Error('checkpoint: expected epoch and step');
    if (weights !== undefined && !/^[0-9a-f]{64}$/u.test(weights))
      throw new Error('checkpoint: weights: expected a SHA-256');
    const parsed = confidenceSchema.safeParse(rest);
    if (parsed.success)
      return { checkpoint: { epoch, step, ...defined({ weights }) }, calibration: parsed.data };
    const [issue] = parsed.error.issues;
    throw new Error([issue?.path.map(String).join('.'), issue?.message].filter((part) => part).join(': '));
  } catch (cause) {
    if (cause instanceof ReclmisError) throw cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new ReclmisError('RUN_INVALID', `${path}: ${what}`, { cause, remedy: again });
  }
}

export const UNCALIBRATED: FoundConfidence = { calibration: null, notice: null };

/**
 * The calibration for these weights, and a line for the user if there is only one for others.
 * @param weights their `weightsHash`, called only if there is a calibration: other weights may have the same epoch and step
 */
export function confidenceFor(
  runDir: string,
  { epoch, step }: Pick<FittedCheckpoint, 'epoch' | 'step'>,
  weights: () => string,
): FoundConfidence {
  const found = readConfidence(runDir);
  if (found === null) return UNCALIBRATED;
  const { checkpoint, calibration } = found;
  const again = `fit it again with \`reclmis calibrate ${runDir}\``;
  const refused = (what: string): FoundConfidence => ({
    calibration: null,
    notice: `${confidencePath(runDir)}: ${what}: no predicted Dice; ${again}`,
  });
  if (checkpoint.epoch !== epoch || checkpoint.step !== step)
    return refused(
      `fitted for the weights of epoch ${checkpoint.epoch} (step ${checkpoint.step}), not ${epoch} (step ${step})`,
    );
  if (checkpoint.weights === undefined)
    return {
      calibration,
      notice: `${confidencePath(runDir)} has no hash of the weights, as it was written by an earlier version: it may be of other weights of epoch ${epoch}; ${again}`,
    };
  if (checkpoint.weights !== weights()) return refused(`fitted for other weights of epoch ${epoch}`);
  return { calibration, notice: null };
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

/** `metrics.jsonl`: one line of JSON per epoch, rewritten whole. */
import { existsSync } from 'node:fs';
import { ReclmisError } from '@reclmis/core';
import { oneLine, readTextSync } from '@reclmis/files';
import { writeFileAtomicSync } from '@reclmis/files';
import type { LossName } from '../model/losses.js';

/** Unweighted means over the epoch's cases; `total` is weighted (eq. 10). Unused terms are absent. */
export interface EpochLosses extends AuxiliaryMeans {
  readonly total: number;
  readonly dice: number;
  readonly bce: number;
}

type AuxiliaryMeans = Readonly<Partial<Record<Exclude<LossName, 'dice' | 'bce'>, number>>>;

/** What `train.clipNorm` did. */
export interface EpochGradients {
  /** Mean over steps of the gradients' joint norm, before clipping. */
  readonly norm: number;
  /** Share of steps that were clipped, in [0, 1]. */
  readonly clipped: number;
}

/** Scores in [0, 1]: means over images (as in the paper), and pooled over all pixels. Never mix the two. */
export interface EpochScores {
  readonly images: number;
  readonly dice: number;
  readonly iou: number;
  readonly pooledDice: number;
  readonly pooledIou: number;
}

export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  readonly step: number;
  readonly losses: EpochLosses;
  /** Absent without clipping. */
  readonly gradients?: EpochGradients;
  readonly validation: EpochScores;
  /** By per-image Dice. */
  readonly best: boolean;
  /** At the epoch's last step. */
  readonly lr: number;
  /** Including waiting for data, without validation. */
  readonly secondsPerImage: number;
  /** For data, in [0, 1]. */
  readonly waitShare: number;
  /** Held by tensors, validation included. */
  readonly peakBytes: number;
  /** Over all sessions. */
  readonly seconds: number;
}

/** @throws OUTPUT_UNWRITABLE, DISK_FULL; the old log then stays */
export function writeEpochs(file: string, records: readonly EpochRecord[]): void {
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  writeFileAtomicSync(file, text, { sync: true });
}

/** None if there is no log. @throws RUN_INVALID */
export function readEpochs(file: string): EpochRecord[] {
  if (!existsSync(file)) return [];
  let lines: string[];
  try {
    lines = readTextSync(file).trimEnd().split('\n');
  } catch (cause) {
    throw new ReclmisError('RUN_INVALID', `${file}: cannot be read (${oneLine(cause)})`, { cause });
  }
  return lines
    .filter((line) => line !== '')
    .map((line, i) => {
      try {
        return JSON.parse(line) as EpochRecord;
      } catch (cause) {
        throw new ReclmisError('RUN_INVALID', `${file}: line ${i + 1} of ${lines.length} is not JSON`, {
          cause,
        });
      }
    });
}

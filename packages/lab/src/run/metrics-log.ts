/**
 * `metrics.jsonl`: one line of JSON per epoch. Holds figures only, never notes or pictures. It is rewritten after each epoch, which
 * is little work, so that it is always whole.
 */
import { existsSync } from 'node:fs';
import { ReclmisError } from '@reclmis/core';
import { oneLine, readTextSync } from '@reclmis/files';
import { writeFileAtomicSync } from '@reclmis/files';

/** Mean over the epoch's cases of every loss, unweighted; `total` is weighted (eq. 10). Terms that are switched off are absent. */
export interface EpochLosses {
  readonly total: number;
  readonly dice: number;
  readonly bce: number;
  readonly ccl?: number;
  readonly clr?: number;
  readonly cvr?: number;
}

/** Dice and IoU in [0, 1], as means over images (the paper's form) and pooled over all pixels (never to be mixed with the former). */
export interface EpochScores {
  readonly images: number;
  readonly dice: number;
  readonly iou: number;
  readonly pooledDice: number;
  readonly pooledIou: number;
}

/** What an epoch came to. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Optimiser steps since the run began. */
  readonly step: number;
  readonly losses: EpochLosses;
  readonly validation: EpochScores;
  /** Whether the validation's per-image Dice is the best so far. */
  readonly best: boolean;
  /** Learning rate of the epoch's last step. */
  readonly lr: number;
  /** Training time of the epoch per case, waiting for data included, validation excluded. */
  readonly secondsPerImage: number;
  /** Share of the training time that was spent waiting for data, in [0, 1]. */
  readonly waitShare: number;
  /** Most bytes that tensors held at once during the epoch, validation included. */
  readonly peakBytes: number;
  /** Seconds that the run had taken at the epoch's end, over all its sessions. */
  readonly seconds: number;
}

/** Writes the log of the epochs so far. @throws OUTPUT_UNWRITABLE, DISK_FULL; the log is then as it was. */
export function writeEpochs(file: string, records: readonly EpochRecord[]): void {
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  writeFileAtomicSync(file, text, { sync: true });
}

/**
 * The epochs of a log, in order; none where there is no log yet.
 * @throws RUN_INVALID
 */
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

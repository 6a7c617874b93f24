/**
 * `metrics.jsonl`: one line of JSON per epoch, appended as the run goes. Holds figures only, never notes or pictures.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { ReclmisError } from '@reclmis/core';

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
  /** Seconds since the run began, at the epoch's end. */
  readonly seconds: number;
}

/** Appends an epoch to the log. */
export function appendEpoch(file: string, record: EpochRecord): void {
  appendFileSync(file, `${JSON.stringify(record)}\n`);
}

/**
 * The epochs of a log, in order. A last line that was cut short by a crash is left out; any other damage is an error.
 * @throws RUN_INVALID
 */
export function readEpochs(file: string): EpochRecord[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  const unfinished = lines.pop() !== '' ? 1 : 0;
  return lines
    .filter((line) => line.trim() !== '')
    .map((line, i) => {
      try {
        return JSON.parse(line) as EpochRecord;
      } catch (cause) {
        throw new ReclmisError('RUN_INVALID', `${file}: line ${i + 1} of ${lines.length + unfinished} is not JSON`, { cause });
      }
    });
}

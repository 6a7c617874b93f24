/** Names and places of resume points. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { currentFormat } from '@reclmis/core';
import type { Config } from '../config/config.js';

export const RESUME_FORMAT = currentFormat('resume');
export const MODEL_PREFIX = 'model.';
export const OPTIMIZER_PREFIX = 'optim.';
/** Averaged weights, if the run keeps them. */
export const AVERAGE_PREFIX = 'average.';

/** Before the keys of the weights to use, in a checkpoint or resume point. */
export function weightsPrefix(format: string, { train }: Pick<Config, 'train'>): string {
  if (format !== RESUME_FORMAT) return '';
  return train.ema > 0 ? AVERAGE_PREFIX : MODEL_PREFIX;
}

const NAME = /^resume-(\d+)\.safetensors$/;

export function resumePath(folder: string, step: number): string {
  return join(folder, `resume-${String(step).padStart(8, '0')}.safetensors`);
}

export function resumePaths(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const step = NAME.exec(name)?.[1];
      return step === undefined ? [] : [{ name, step: Number(step) }];
    })
    .sort((a, b) => b.step - a.step)
    .map(({ name }) => join(folder, name));
}

/** How resume points lie in a run's folder of checkpoints, for those who write and those who read them. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** In the metadata of a resume point. */
export const RESUME_FORMAT = 'reclmis-resume/1';
/** Before the keys of the model's and of the optimiser's tensors. */
export const MODEL_PREFIX = 'model.';
export const OPTIMIZER_PREFIX = 'optim.';

const NAME = /^resume-(\d+)\.safetensors$/;

/** Where the resume point after `step` optimiser steps lies. */
export function resumePath(folder: string, step: number): string {
  return join(folder, `resume-${String(step).padStart(8, '0')}.safetensors`);
}

/** The resume points of a folder, newest first. */
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

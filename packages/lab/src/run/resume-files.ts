/** Names and places of resume points. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const RESUME_FORMAT = 'reclmis-resume/1';
export const MODEL_PREFIX = 'model.';
export const OPTIMIZER_PREFIX = 'optim.';

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

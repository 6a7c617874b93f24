/**
 * Sorts the authors' checkpoints (docs/method.md 12): the segmentation model, the CLIP tower under `clip.`,
 * and parameters that affect no output: the context stacks' cross-attention, PLAM's `conv_sig` and batch
 * normalisation's step counters.
 */
import { modelDescriptor } from './registry.js';

/** True for keys that affect no output. */
export function isUnusedKey(key: string): boolean {
  return modelDescriptor('reclmis').unusedKeys.some((pattern) => pattern.test(key));
}

export interface SortedCheckpoint<T> {
  /** With `clip.logit_scale`. */
  readonly model: Map<string, T>;
  /** Without the `clip.` prefix; empty without tower. */
  readonly clip: Map<string, T>;
  /** Keys that nothing reads. */
  readonly ignored: readonly string[];
}

/** Drops the `module.` of data-parallel training. */
export function plainKey(name: string): string {
  return name.replace(/^module\./, '');
}

export function sortCheckpoint<T>(entries: Iterable<readonly [string, T]>): SortedCheckpoint<T> {
  const model = new Map<string, T>();
  const clip = new Map<string, T>();
  const ignored: string[] = [];
  for (const [name, value] of entries) {
    const key = plainKey(name);
    if (isUnusedKey(key) || key.startsWith('clip.visual.')) ignored.push(key);
    else if (key.startsWith('clip.') && key !== 'clip.logit_scale')
      clip.set(key.slice('clip.'.length), value);
    else model.set(key, value);
  }
  return { model, clip, ignored };
}

/** Compares the gradients and losses of several processes with those of one. */
import { expect } from 'vitest';
import type { Overrides } from '../../config/config.js';
import { step, type StepResult } from './rank.js';
import { ranks } from './ranks.js';

export const NAMES = ['total', 'dice', 'bce', 'ccl', 'clr', 'cvr'] as const;

/** The root mean square of all differences over that of the reference. */
export function difference(own: StepResult['gradients'], reference: StepResult['gradients']): number {
  expect(Object.keys(own)).toEqual(Object.keys(reference));
  let [error, square] = [0, 0];
  for (const [key, expected] of Object.entries(reference)) {
    expected.forEach((value, i) => {
      error += (value - (own[key]?.[i] ?? NaN)) ** 2;
      square += value ** 2;
    });
  }
  return Math.sqrt(error / square);
}

/** No draws, which differ between processes; the most probable masks. */
export const STILL = {
  'model.dropout': 0,
  'model.maskStrategy': 'topk',
  'augment.mode': 'none',
} as const satisfies Overrides;

/** With other seeds a ReLU's input may lie so near zero that rounding cuts it off, which changes the gradient by 1e-3. */
const SEED = 4;

/** Expects `size` processes to have one process's gradients and losses in a training step. */
export async function expectOne(size: number, settings: Overrides): Promise<void> {
  const still = { ...STILL, ...settings, seed: SEED };
  const alone = await step(still, false, null);
  const all = await ranks<StepResult>(size, { kind: 'step', settings: still, evaluating: false });
  expect(all).toHaveLength(size);
  for (const { gradients, losses } of all) {
    expect(difference(gradients, alone.gradients)).toBeLessThan(1e-5);
    for (const name of NAMES) expect(losses[name]).toBeCloseTo(alone.losses[name] ?? NaN, 5); // float32
    expect(gradients).toEqual(all[0]?.gradients); // bit for bit: the ranks never drift apart
  }
}

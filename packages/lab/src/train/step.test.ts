import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@reclmis/core';
import { manualSeed, memory, noGrad, resetPeak, scope, Tensor } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Overrides } from '../config/config.js';
import type { Batch } from '@reclmis/data';
import { writeTinyData } from '@reclmis/data/testing';
import { RecLMIS } from '../model/reclmis.js';
import { openSession, openTrainingData, type Session } from './session.js';
import { type StepLosses, trainStep } from './step.js';
import { tinyConfig } from '../testing/tiny-run.js';

const SIZE = 32;
const CASES = 7;
const root = mkdtempSync(join(tmpdir(), 'reclmis-step-'));
beforeAll(() => writeTinyData(root, SIZE, { train: CASES, val: 2, test: 2 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function session(overrides: Overrides = {}): Promise<Session> {
  const config = tinyConfig(root, { 'train.batchSize': CASES, ...overrides });
  return openSession(config, await openTrainingData(config));
}

async function batchOf({ trainLoader }: Session): Promise<Batch> {
  for await (const batch of trainLoader.batches(1)) return batch;
  throw new Error('no batch');
}

/** Losses and gradients of one step. `evaluating`: batch normalisation uses its running statistics. */
async function gradients(
  overrides: Overrides,
  { evaluating = false, some = (batch: Batch): Batch => batch } = {},
): Promise<{ losses: StepLosses; gradients: Map<string, Float32Array>; buffers: Map<string, Float32Array> }> {
  const parts = await session(overrides);
  try {
    const batch = some(await batchOf(parts));
    if (evaluating) parts.model.eval();
    else parts.model.train();
    const { losses } = trainStep(parts, batch, 1, 0);
    const parameters = parts.model.namedParameters();
    const read = (tensors: Iterable<[string, Tensor]>): Map<string, Float32Array> =>
      new Map([...tensors].map(([key, tensor]) => [key, scope(() => tensor.toFloat32Array())]));
    return {
      losses,
      gradients: read(
        [...parameters].flatMap(([key, p]) => (p.grad ? [[key, p.grad] as [string, Tensor]] : [])),
      ),
      buffers: read([...parts.model.stateDict()].filter(([key]) => !parameters.has(key))),
    };
  } finally {
    await parts.close();
  }
}

function difference(a: Map<string, Float32Array>, b: Map<string, Float32Array>): number {
  expect([...a.keys()]).toEqual([...b.keys()]);
  let [worst, square] = [0, 0];
  for (const [key, values] of a) {
    values.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - (b.get(key)?.[i] ?? NaN)));
      square += value * value;
    });
  }
  return worst / Math.sqrt(square);
}

/** No draws and no batch statistics. */
const STILL = {
  'model.dropout': 0,
  'augment.mode': 'none',
  'model.components.clr': false,
  'model.components.cvr': false,
};
/** float32 sums in another order */
const ROUNDING = 1e-5;

describe('a step in parts', () => {
  it.each([2, 3, 7, 9])(
    '%i parts of 7 cases give the gradients of the whole, CCL over the batch',
    async (accumulate) => {
      const whole = await gradients(STILL, { evaluating: true });
      const cut = await gradients({ ...STILL, 'train.accumulate': accumulate }, { evaluating: true });
      expect(difference(whole.gradients, cut.gradients)).toBeLessThan(ROUNDING);
      for (const name of ['total', 'dice', 'bce', 'ccl'] as const)
        expect(cut.losses[name]).toBeCloseTo(whole.losses[name] ?? NaN, 5);
    },
  );

  it('compares within each part where asked to: another loss, the mean of the parts’ own', async () => {
    const overrides = { ...STILL, 'train.accumulate': 2, 'train.cclScope': 'part' } as const;
    const cut = await gradients(overrides, { evaluating: true });
    const whole = await gradients(STILL, { evaluating: true });
    const [first, second] = await Promise.all(
      [
        [0, 3],
        [3, 7],
      ].map(([from = 0, to = 0]) =>
        gradients(STILL, { evaluating: true, some: (batch) => casesOf(batch, from, to) }),
      ),
    );
    const mean = ((first?.losses.ccl ?? NaN) * 3 + (second?.losses.ccl ?? NaN) * 4) / 7;
    expect(cut.losses.ccl).toBeCloseTo(mean, 5);
    expect(Math.abs((cut.losses.ccl ?? NaN) - (whole.losses.ccl ?? NaN))).toBeGreaterThan(0.1); // ln 7 against ln 3.5
    expect(cut.losses.dice).toBeCloseTo(whole.losses.dice ?? NaN, 5);
  });

  it('counts each part once in the running statistics, though CCL looks at it twice', async () => {
    const [batch, part] = [
      await gradients({ 'train.accumulate': 2, 'train.cclScope': 'batch' }),
      await gradients({ 'train.accumulate': 2, 'train.cclScope': 'part' }),
    ];
    expect(batch.buffers.size).toBeGreaterThan(10);
    expect(batch.buffers).toEqual(part.buffers);
    expect(batch.losses.dice).toBe(part.losses.dice); // the very same draws of dropout
    expect(batch.losses.ccl).not.toBe(part.losses.ccl);
  });

  it('sees in the first pass what it sees in the second', async () => {
    const parts = await session({ 'model.dropout': 0.3 });
    try {
      parts.model.train();
      const batch = await batchOf(parts);
      scope(() => {
        const images = Tensor.fromFloat32(batch.images, [CASES, 3, SIZE, SIZE]);
        const note = parts.encoder.encode(batch.notes);
        manualSeed(5);
        const first = noGrad(() => parts.model.contrastInput(images, note));
        manualSeed(5);
        if (!(parts.model instanceof RecLMIS)) throw new TypeError('expected RecLMIS');
        const second = parts.model.forwardTraining(images, note);
        expect(second.poi?.toFloat32Array()).toEqual(first.poi.toFloat32Array());
        expect(second.woi?.toFloat32Array()).toEqual(first.woi.toFloat32Array());
        expect(second.textFeatures?.toFloat32Array()).toEqual(first.tokens.toFloat32Array());
      });
    } finally {
      await parts.close();
    }
  });

  it.each([
    [true, true, true, true],
    [true, true, true, false],
    [true, false, false, true],
    [false, true, true, true],
    [false, true, true, false],
    [false, true, false, true],
    [false, false, true, true],
    [false, false, false, true],
  ])(
    'ccl %s, clr %s, cvr %s, conditioned %s: knows whether parameters are left without a gradient',
    async (...on) => {
      const [ccl, clr, cvr, conditioned] = on;
      const components = { ci: true, ccl, clr, cvr };
      const conditions = { ccl: conditioned, clr: conditioned, cvr: conditioned };
      const parts = await session({ 'model.components': components, 'model.conditions': conditions });
      try {
        trainStep(parts, await batchOf(parts), 1, 0);
        const trained = parts.model.parameters().filter(({ requiresGrad }) => requiresGrad);
        const without = trained.filter((parameter) => scope(() => !parameter.grad)).length;
        expect(without > 0).toBe(parts.model.leavesUnused);
      } finally {
        await parts.close();
      }
    },
  );

  it('takes less memory', async () => {
    const peak = async (accumulate: number): Promise<number> => {
      const parts = await session({ 'train.accumulate': accumulate });
      try {
        const batch = await batchOf(parts);
        const before = memory().liveBytes;
        resetPeak();
        trainStep(parts, batch, 1, 0);
        return memory().peakBytes - before;
      } finally {
        await parts.close();
      }
    };
    // Seven parts hold a seventh of the activations each; the weights' gradients and CCL's features stay.
    expect(await peak(7)).toBeLessThan(0.6 * (await peak(1)));
  });

  it('draws by seed, step and part alone', async () => {
    const parts = await session({ 'train.accumulate': 2 });
    try {
      const batch = await batchOf(parts);
      parts.model.train();
      const at = (step: number): number => trainStep(parts, batch, step, 0).losses.total;
      const first = at(3);
      manualSeed(Random.from('something else').uint32());
      expect(at(4)).not.toBe(first);
      expect(at(3)).toBe(first); // learning rate 0, and training ignores running statistics
    } finally {
      await parts.close();
    }
  });
});

function casesOf(batch: Batch, from: number, to: number): Batch {
  const [image, mask] = [3 * SIZE * SIZE, SIZE * SIZE];
  return {
    ...batch,
    count: to - from,
    ids: batch.ids.slice(from, to),
    notes: batch.notes.slice(from, to),
    images: batch.images.slice(from * image, to * image),
    masks: batch.masks.slice(from * mask, to * mask),
  };
}

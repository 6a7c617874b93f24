/** Settings that may get more out of an epoch: what each one does, and that a resumed run does the same to the bit. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors, scope, Tensor } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Overrides } from '../config/config.js';
import type { Batch } from '@reclmis/data';
import { writeTinyData } from '@reclmis/data/testing';
import { evaluateRun } from '../evaluate/evaluate.js';
import { objective } from '../model/losses.js';
import { checkpointPath } from '../run/checkpoint.js';
import { readEpochs } from '../run/metrics-log.js';
import { openRun } from '../run/run.js';
import { tinyConfig } from '../testing/tiny-run.js';
import { resumeTraining } from './resume.js';
import { openSession, openTrainingData, type Session } from './session.js';
import { type StepOutcome, trainStep } from './step.js';
import { expectSame, fourEpochs, stopAfter } from './testing/resumed.js';
import { train } from './train.js';
import { averageDecay } from './weight-average.js';

const SIZE = 32;
const root = mkdtempSync(join(tmpdir(), 'reclmis-levers-'));
const data = join(root, 'data');
const { tiny, place } = fourEpochs(root);

beforeAll(() => writeTinyData(data, SIZE, { train: 10, val: 6, test: 2 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function withSession<R>(
  overrides: Overrides,
  use: (session: Session, batch: Batch) => R | Promise<R>,
): Promise<R> {
  const config = tinyConfig(data, overrides);
  const session = openSession(config, await openTrainingData(config));
  try {
    for await (const batch of session.trainLoader.batches(1)) return await use(session, batch);
    throw new Error('no batch');
  } finally {
    await session.close();
  }
}

type Numbers = Map<string, Float32Array>;

const weightsOf = (model: Session['model']): Numbers =>
  new Map([...model.stateDict()].map(([key, tensor]) => [key, scope(() => tensor.toFloat32Array())]));

/** Expects a run that is interrupted after step 4 of 6 to end like one that was not. */
async function expectResumed(overrides: Overrides): Promise<string> {
  const [whole, dir] = [place(), place()];
  const config = tiny({ 'train.epochs': 2, ...overrides });
  await train(config, { out: whole });
  expect((await train(config, { out: dir, ...stopAfter(4) })).status).toBe('interrupted');
  await resumeTraining(dir);
  expectSame(dir, whole);
  return whole;
}

describe('the moving average of weights (train.ema)', () => {
  it('forgets the first steps sooner', () => {
    expect(averageDecay(0.99, 1)).toBeCloseTo(2 / 11, 12);
    expect(averageDecay(0.99, 100)).toBeCloseTo(101 / 110, 12);
    expect(averageDecay(0.99, 10_000)).toBe(0.99);
    expect(averageDecay(0.5, 8)).toBe(0.5);
  });

  it('is that of the weights and running statistics after each step, and leaves training as it is', async () => {
    const courseOf = (ema: number): Promise<{ course: Numbers[]; average: Numbers | null }> =>
      withSession({ 'train.ema': ema }, (session, batch) => {
        const { model, average } = session;
        model.train();
        average?.begin(model);
        const course = [weightsOf(model)];
        for (let step = 1; step <= 12; step++) {
          trainStep(session, batch, step, 2e-3);
          course.push(weightsOf(model));
        }
        return { course, average: average && weightsOf(average.model) };
      });
    const { course, average } = await courseOf(0.5);
    let worst = 0;
    for (const [key, values] of average ?? [])
      values.forEach((value, i) => {
        let expected = course[0]?.get(key)?.[i] ?? NaN;
        for (let step = 1; step <= 12; step++) {
          const d = Math.min(0.5, (1 + step) / (10 + step));
          expected = d * expected + (1 - d) * (course[step]?.get(key)?.[i] ?? NaN);
        }
        worst = Math.max(worst, Math.abs(value - expected) / Math.max(1, Math.abs(expected)));
      });
    expect([...(average?.keys() ?? [])]).toContain('inc.norm.running_mean');
    expect(worst).toBeLessThan(1e-6); // twelve roundings of float32
    const alone = await courseOf(0);
    expect(alone.average).toBeNull();
    expect(alone.course.at(-1)).toEqual(course.at(-1));
  });

  it('is what a run validates, keeps and is evaluated by, and resumes to the bit', async () => {
    const dir = await expectResumed({ 'train.ema': 0.9 });
    const plain = place();
    await train(tiny({ 'train.epochs': 2 }), { out: plain });
    const [own, other] = [dir, plain].map((run) => readEpochs(join(run, 'metrics.jsonl')));
    expect(own?.map(({ losses }) => losses)).toEqual(other?.map(({ losses }) => losses)); // trained alike
    scope(() => {
      const [held, trained] = [dir, plain].map((run) => readSafetensors(checkpointPath(run, 'last')).tensors);
      using loaded = openRun(dir).loadModel({ checkpoint: 'last' });
      for (const [key, tensor] of loaded.model.stateDict()) {
        const [average, model] = [held?.get(`average.${key}`), held?.get(`model.${key}`)];
        expect(tensor.toBytes(), key).toEqual(average?.toBytes());
        expect(model?.toBytes(), key).toEqual(trained?.get(`model.${key}`)?.toBytes());
        if (key === 'inc.conv.weight') expect(average?.toBytes()).not.toEqual(model?.toBytes());
      }
    });
    for (const checkpoint of ['best', 'last'] as const) {
      const { summary } = await evaluateRun(dir, { split: 'val', checkpoint });
      const epochs = openRun(dir).epochs();
      const stored = checkpoint === 'last' ? epochs.at(-1) : epochs.findLast(({ best }) => best);
      expect(summary.mean.dice).toBe(stored?.validation.dice);
      expect(summary.pooled.iou).toBe(stored?.validation.pooledIou);
    }
  }, 300_000); // four trainings and two evaluations
});

describe('clipping of gradients (train.clipNorm)', () => {
  const normOf = ({ model }: Session): number => {
    const squares = model
      .parameters()
      .map(({ grad }) => (grad ? scope(() => grad.toFloat32Array().reduce((sum, g) => sum + g * g, 0)) : 0));
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  };
  const stepWith = (overrides: Overrides): Promise<StepOutcome & { readonly left: number }> =>
    withSession({ 'model.dropout': 0, 'model.maskStrategy': 'topk', ...overrides }, (session, batch) => {
      session.model.eval(); // batch statistics would depend on the parts
      const outcome = trainStep(session, batch, 1, 0);
      return { ...outcome, left: normOf(session) };
    });

  it('scales the step’s gradients to the bound, and gives their norm before', async () => {
    const free = await stepWith({});
    expect(free.gradientNorm).toBeUndefined();
    const bound = free.left / 4;
    const clipped = await stepWith({ 'train.clipNorm': bound });
    expect(clipped.gradientNorm).toBeCloseTo(free.left, 4);
    expect(clipped.left / bound).toBeCloseTo(1, 5); // 1e-6 is added to the norm
    const loose = await stepWith({ 'train.clipNorm': 2 * free.left });
    expect(loose.left).toBe(free.left);
    const parts = await stepWith({ 'train.clipNorm': bound, 'train.accumulate': 3 });
    expect(Math.abs((parts.gradientNorm ?? NaN) / free.left - 1)).toBeLessThan(1e-5); // the whole batch’s, once
    expect(parts.left / bound).toBeCloseTo(1, 5);
  });

  it('is logged for each epoch and resumes to the bit', async () => {
    const epochs = readEpochs(join(await expectResumed({ 'train.clipNorm': 0.01 }), 'metrics.jsonl'));
    expect(epochs.map(({ gradients }) => gradients?.clipped)).toEqual([1, 1]);
    for (const { gradients } of epochs) expect(gradients?.norm).toBeGreaterThan(0.01);
    const loose = place();
    await train(tiny({ 'train.clipNorm': 1e6, 'train.epochs': 1 }), { out: loose });
    expect(readEpochs(join(loose, 'metrics.jsonl'))[0]?.gradients?.clipped).toBe(0);
  });
});

describe('mixed sizes (train.sizes)', () => {
  const STILL = { 'model.dropout': 0, 'model.maskStrategy': 'topk' } as const;
  const stepAt = (sizes: number[], model = 'reclmis'): Promise<StepOutcome['losses']> =>
    withSession({ ...STILL, 'model.name': model, 'train.sizes': sizes }, (session, batch) => {
      session.model.train();
      return trainStep(session, batch, 1, 0).losses;
    });

  it('train at the drawn size, on images and masks resampled to it', async () => {
    expect(await stepAt([32])).toEqual(await stepAt([]));
    const losses = await stepAt([48]);
    const expected = await withSession(STILL, ({ model, encoder, required, weights }, batch) =>
      scope(() => {
        model.train();
        const images = Tensor.fromFloat32(batch.images, [batch.count, 3, 32, 32]);
        const masks = Tensor.fromFloat32(batch.masks, [batch.count, 1, 32, 32]);
        const output = model.forwardTraining(
          images.upsampleBilinear2d([48, 48], false),
          encoder.encode(batch.notes),
        );
        const hard = masks.upsampleBilinear2d([48, 48], false).ge(0.5).to({ dtype: 'float32' });
        expect(() => model.eval().segment(images.upsampleBilinear2d([48, 48], false), null)).toThrow(
          /expected \[B, 3, 32, 32\]/,
        );
        return objective(output, hard, required, weights).values;
      }),
    );
    expect(expected.dice).not.toBe((await stepAt([])).dice);
    // The same operators on differently laid out images: rounding of float32.
    for (const [name, value] of Object.entries(expected))
      expect(losses[name as keyof typeof losses], name).toBeCloseTo(value, 4);
  });

  it('draw among all sizes by seed and step', async () => {
    const course = (seed: number): Promise<number[]> =>
      withSession({ 'model.name': 'unet', 'train.sizes': [32, 48], seed }, (session, batch) => {
        session.model.train();
        return Array.from({ length: 12 }, (_, i) => trainStep(session, batch, i + 1, 0).losses.total);
      });
    const losses = await course(1);
    expect(new Set(losses).size).toBe(2); // batch statistics alone: a size, a loss
    expect(await course(1)).toEqual(losses);
    const order = (values: number[]): boolean[] => values.map((value) => value === values[0]);
    expect(order(await course(2))).not.toEqual(order(losses));
  });

  it('resume to the bit', async () => {
    await expectResumed({ 'train.sizes': [32, 48, 64] });
  });

  it.each<[string, number[], RegExp]>([
    ['lvit', [48], /^train\.sizes: expected none with LViT, which is built for images of one size, got 48$/],
    ['unet', [32, 40], /expected multiples of 16 from half to twice model\.imageSize \(32\), got 40/],
    ['nnunet', [80], /expected multiples of 8 from half to twice model\.imageSize \(32\), got 80/],
  ])('refuses %s at %j', async (name, sizes, message) => {
    const config = tinyConfig(data, { 'model.name': name, 'model.baseWidth': 8, 'train.sizes': sizes });
    const opened = await openTrainingData(config);
    expect(() => openSession(config, opened)).toThrow(message);
  });
});

describe('decay of some parameters alone (train.decayAll)', () => {
  it('leaves biases and the scales of normalisations to their gradients', async () => {
    const after = (settings: Overrides): Promise<Numbers> =>
      withSession({ 'model.name': 'unet', ...settings }, (session, batch) => {
        session.model.train();
        trainStep(session, batch, 1, 0.01);
        return weightsOf(session.model);
      });
    const adamw = { 'train.optimizer': 'adamw', 'train.weightDecay': 0.5 };
    const none = await after({ ...adamw, 'train.weightDecay': 0 });
    const all = await after(adamw);
    const some = await after({ ...adamw, 'train.decayAll': false });
    for (const key of ['inc.conv.bias', 'inc.norm.weight', 'outc.bias'])
      expect(some.get(key), key).toEqual(none.get(key));
    expect(some.get('inc.conv.weight')).toEqual(all.get('inc.conv.weight'));
    expect(all.get('inc.norm.weight')).not.toEqual(none.get('inc.norm.weight'));
    // 1 in the beginning: 1 - lr decay, and Adam's first step of lr either way.
    all.get('inc.norm.weight')?.forEach((value, i) => {
      expect(value - (none.get('inc.norm.weight')?.[i] ?? NaN)).toBeCloseTo(-0.005, 6);
    });
  });

  it('resumes to the bit', async () => {
    await expectResumed({
      'train.optimizer': 'adamw',
      'train.weightDecay': 0.1,
      'train.decayAll': false,
      'train.schedule': 'one-cycle',
      'train.lossWeights.lovasz': 1,
      'train.lossWeights.boundary': 1,
      'model.deepSupervision': true,
    });
  }, 300_000);
});

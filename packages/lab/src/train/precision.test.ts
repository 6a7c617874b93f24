import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LossScaler, manualSeed, scope, Tensor } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Config, type Overrides } from '../config/config.js';
import { evaluateRun } from '../evaluate/evaluate.js';
import { RecLMIS } from '../model/reclmis.js';
import { TINY, tinyBatch } from '../model/testing.js';
import { inPrecision, precisionNotice } from '../engine/precision.js';
import { openRun } from '../run/run.js';
import { writeTinyData } from '@reclmis/data/testing';
import { checkpointPath, readCheckpoint, saveBest } from '../run/checkpoint.js';
import { objective } from '../model/losses.js';
import { trainStep } from './step.js';
import { type StepReport, train } from './train.js';
import { tinyConfig } from '../testing/tiny-run.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-precision-'));
const data = join(root, 'data');
let serial = 0;
const place = (): string => join(root, `run-${++serial}`);

const tiny = (overrides: Overrides = {}): Config => tinyConfig(data, overrides);

const BATCH = {
  ids: ['a', 'b'],
  notes: ['upper left lung', 'lower right lung'],
  images: new Float32Array(2 * 3 * 32 * 32).map((_, i) => 0.5 + 0.4 * Math.sin(i)),
  masks: new Float32Array(2 * 32 * 32).fill(1, 300, 900),
  count: 2,
  waitMs: 0,
};

/** Finite losses but infinite gradients, as in float16. */
class Overflowing extends LossScaler {
  override scale(loss: Tensor): Tensor {
    return loss.mul(Infinity);
  }
}

beforeAll(() => writeTinyData(data, 32, { train: 12, val: 4, test: 4 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('bf16', () => {
  const runs = new Map<string, StepReport[]>();
  const dirs = { fp32: place(), bf16: place() };
  const notices: string[] = [];

  beforeAll(async () => {
    for (const precision of ['fp32', 'bf16'] as const) {
      const steps: StepReport[] = [];
      await train(tiny({ 'train.precision': precision }), {
        out: dirs[precision],
        onStep: (report) => steps.push(report),
        onNotice: (line) => notices.push(line),
      });
      runs.set(precision, steps);
    }
  });

  it('training follows fp32 step by step', () => {
    const [exact, rounded] = [runs.get('fp32') ?? [], runs.get('bf16') ?? []];
    expect(rounded).toHaveLength(6);
    rounded.forEach(({ losses, ids }, i) => {
      const reference = exact[i]?.losses ?? { total: NaN };
      expect(ids).toEqual(exact[i]?.ids);
      // bfloat16 rounds by 2^-9 = 0.2 % some twenty times; batch normalisation over few values multiplies
      // that.
      expect(Math.abs(losses.total / reference.total - 1)).toBeLessThan(0.05);
    });
    expect(rounded.map(({ losses }) => losses.total)).not.toEqual(exact.map(({ losses }) => losses.total));
  });

  it('leaves weights and moments in float32', () => {
    scope(() => {
      const config = openRun(dirs.bf16).config;
      expect(config.train.precision).toBe('bf16');
      const { tensors } = readCheckpoint(dirs.bf16, 'last', config);
      expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['float32']));
    });
    expect(openRun(dirs.bf16).info.engine.precision).toBe('bf16');
  });

  it('is the precision of the run’s evaluation too, unless another is asked for', async () => {
    using own = openRun(dirs.bf16).loadModel();
    expect(own.engine.precision).toBe('bf16');
    const stored = own.checkpoint.validation;
    const again = await evaluateRun(dirs.bf16, { split: 'val' });
    expect(again.summary.mean.dice).toBeCloseTo(stored?.dice ?? NaN, 12);
    using wide = openRun(dirs.bf16).loadModel({ precision: 'fp32' });
    expect(wide.engine.precision).toBe('fp32');
    const images = new Float32Array(3 * 32 * 32).fill(0.4);
    const note = ['Unilateral pulmonary infection, one infected area, lower left lung.'];
    const [a, b] = [own, wide].map((model) => model.probabilities(images, note));
    const difference = Math.max(...(a ?? []).map((p, i) => Math.abs(p - (b?.[i] ?? NaN))));
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.05); // logits of size 1 after twenty roundings of 0.2 %, halved by the sigmoid's slope
  });

  it('tells the user where the processor emulates it', () => {
    const expected = precisionNotice({ device: 'cpu', precision: 'bf16' });
    expect(notices.filter((line) => line.includes('bfloat16'))).toEqual(expected === null ? [] : [expected]);
  });
});

describe('the model in bf16', () => {
  it('computes losses, conditions and logits in float32, and gradients reach every weight that they reach in fp32', () => {
    scope(() => {
      const batch = tinyBatch();
      manualSeed(7);
      const model = new RecLMIS({ ...TINY, dropout: 0 });
      // Running statistics: over batches this small, a change of 2^-9 in the weights turns even float32's
      // gradients by 10 to 30 degrees.
      model.eval();
      const hidden = {
        patches: Tensor.fromUint8([1, 0, 1, 0, 0, 1, 0, 1], [2, 4], { dtype: 'bool' }),
        words: Tensor.fromUint8([0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [2, 6], { dtype: 'bool' }),
      };
      const run = (precision: 'fp32' | 'bf16'): Map<string, Tensor> => {
        for (const parameter of model.parameters()) parameter.clearGrad();
        const output = inPrecision({ device: 'cpu', precision }, () =>
          model.forwardTraining(batch.images, batch.note, hidden),
        );
        expect(output.imageFeatures.dtype).toBe(precision === 'bf16' ? 'bfloat16' : 'float32');
        const { logits, probability, poi, woi, losses } = output;
        for (const x of [logits, probability, poi, woi, losses.ccl, losses.clr, losses.cvr])
          expect(x?.dtype).toBe('float32');
        objective(output, batch.masks, ['dice', 'bce', 'ccl', 'clr', 'cvr']).total.backward();
        return new Map(
          [...model.namedParameters()].flatMap(([key, { grad }]) => (grad ? [[key, grad.clone()]] : [])),
        );
      };
      const exact = run('fp32');
      const rounded = run('bf16');
      expect([...rounded.keys()]).toEqual([...exact.keys()]);
      const flat = (gradients: Map<string, Tensor>): number[] =>
        [...gradients.values()].flatMap((gradient) => [...gradient.toFloat32Array()]);
      const [a, b] = [flat(exact), flat(rounded)];
      const dot = (x: number[], y: number[]): number => x.reduce((sum, v, i) => sum + v * (y[i] ?? NaN), 0);
      // Some forty roundings of 0.2 % add up to a few per cent; the cosine sees the square.
      expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThan(0.99);
      model.dispose();
    });
  });
});

describe('fp16', () => {
  it('is refused on a CPU, before anything is written', async () => {
    const out = place();
    await expect(train(tiny({ 'train.precision': 'fp16' }), { out })).rejects.toMatchObject({
      code: 'PRECISION_UNSUPPORTED',
    });
    expect(() => readFileSync(join(out, 'run.json'))).toThrow('ENOENT');
    await train(tiny({ 'train.epochs': 1 }), { out });
    expect(() => openRun(out).loadModel({ precision: 'fp16' })).toThrow(
      expect.objectContaining({ code: 'PRECISION_UNSUPPORTED' }) as Error,
    );
  });

  async function oneStep(
    scaler: LossScaler | null,
  ): Promise<{ before: Float32Array[]; after: Float32Array[] }> {
    const weights: Float32Array[][] = [];
    await train(tiny({ 'train.epochs': 1 }), {
      out: place(),
      onStart: (session) => {
        const look = (): number =>
          weights.push([...session.model.parameters()].map((parameter) => parameter.toFloat32Array()));
        look();
        manualSeed(5);
        trainStep({ ...session, scaler }, BATCH, 9, 1e-3);
        look();
      },
    });
    return { before: weights[0] ?? [], after: weights[1] ?? [] };
  }

  it('takes the step that fp32 takes where nothing overflows', async () => {
    const scaled = await oneStep(new LossScaler());
    const plain = await oneStep(null);
    expect(scaled.after.length).toBeGreaterThan(50);
    expect(plain.after).not.toEqual(plain.before);
    expect(scaled.after).toEqual(plain.after); // powers of two scale without rounding
  });

  it('leaves the weights alone where a gradient overflows, and goes on with half the factor', async () => {
    const scaler = new Overflowing();
    const { before, after } = await oneStep(scaler);
    expect(after).toEqual(before);
    expect(scaler.factor).toBe(32768);
  });

  it('ends the run by name where no factor helps', async () => {
    const scaler = new Overflowing();
    scaler.restore({ scale: 2 ** -14, goodSteps: 0 });
    await expect(oneStep(scaler)).rejects.toMatchObject({
      code: 'LOSS_NOT_FINITE',
      message: expect.stringMatching(/^step 9: the gradients overflow .* cases a, b$/) as string,
    });
  });

  it('keeps the scaler’s state in the checkpoint', async () => {
    const out = place();
    await train(tiny({ 'train.epochs': 1 }), { out });
    const { config } = openRun(out);
    const scaler = new LossScaler();
    scaler.restore({ scale: 2 ** 12, goodSteps: 77 });
    using model = openRun(out).loadModel({ checkpoint: 'last' });
    saveBest(out, { ...model.checkpoint, lossScaler: scaler.state }, model.model);
    const { info } = scope(() => readCheckpoint(out, 'best', config));
    expect(info.lossScaler).toEqual({ scale: 2 ** 12, goodSteps: 77 });
    expect(readFileSync(checkpointPath(out, 'best').replace('.safetensors', '.json'), 'utf8')).toContain(
      '"goodSteps": 77',
    );
    const other = new LossScaler();
    if (info.lossScaler) other.restore(info.lossScaler);
    expect(other.state).toEqual(scaler.state);
  });
});

describe('the notice of a slow precision', () => {
  const intel = 'flags\t\t: fpu avx512f avx512_bf16 amx_bf16';
  const old = 'flags\t\t: fpu avx avx2 fma';
  it.each([
    ['cpu', 'bf16', old, true],
    ['cpu', 'bf16', intel, false],
    ['cpu', 'bf16', 'Features\t: fp asimd bf16 i8mm', false],
    ['cpu', 'bf16', null, false],
    ['cpu', 'fp32', old, false],
    ['cuda:0', 'bf16', old, false],
  ] as const)('%s, %s, "%s": %s', (device, precision, processor, told) => {
    expect(precisionNotice({ device, precision }, processor) !== null).toBe(told);
  });
});

/** Training on CUDA compared with the CPU. Needs `LIBTORCH_USE_PYTORCH=1 npm run setup`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { devices, distributed, memory } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Overrides } from '../config/config.js';
import { openRun } from '../run/run.js';
import { writeTinyData } from '@reclmis/data/testing';
import { tensorHashes } from '../testing/tensor-hashes.js';
import { TINY_RUN_SIZE as S, tinyConfig } from '../testing/tiny-run.js';
import { checkpointPath } from '../run/checkpoint.js';
import { Parallel } from './parallel.js';
import { resumeTraining } from './resume.js';
import { step, type StepResult } from './testing/rank.js';
import { train, type TrainListeners } from './train.js';

const device = 'cuda:0';
const root = mkdtempSync(join(tmpdir(), 'reclmis-cuda-'));
const data = join(root, 'data');
let serial = 0;
const place = (): string => join(root, `run-${++serial}`);

/** No draws and no batch statistics. */
const STILL: Overrides = {
  'model.dropout': 0,
  'augment.mode': 'none',
  'model.components.clr': false,
  'model.components.cvr': false,
};

const stepOn = (where: string, overrides: Overrides = {}): Promise<StepResult> =>
  step(tinyConfigOf({ ...STILL, device: where, ...overrides }), true, null);

function tinyConfigOf(overrides: Overrides): Overrides {
  return {
    'model.baseWidth': 4,
    'model.imageSize': S,
    'model.layers': 1,
    'text.encoder': 'words',
    'text.contextLength': 12,
    'data.dir': data,
    'data.workers': 0,
    'train.batchSize': 4,
    ...overrides,
  };
}

function difference(a: StepResult, b: StepResult): number {
  expect(Object.keys(b.gradients)).toEqual(Object.keys(a.gradients));
  let [apart, whole] = [0, 0];
  for (const [key, values] of Object.entries(a.gradients)) {
    values.forEach((value, i) => {
      apart += (value - (b.gradients[key]?.[i] ?? NaN)) ** 2;
      whole += value ** 2;
    });
  }
  return Math.sqrt(apart / whole);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(!devices().includes(device))('training on CUDA', () => {
  beforeAll(() => writeTinyData(data, S, { train: 10, val: 6, test: 4 }));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it.each([
    // cuDNN multiplies in TF32: 10 bits, so 2^-11 per factor, in some 20 layers.
    ['fp32', 2e-2],
    // 8 bits per activation.
    ['bf16', 0.2],
    // 11 bits, and scaled gradients.
    ['fp16', 0.1],
  ] as const)('a step in %s has the losses and gradients of the CPU’s in fp32', async (precision, limit) => {
    const expected = await stepOn('cpu');
    const actual = await stepOn(device, { 'train.precision': precision });
    for (const name of ['total', 'dice', 'bce', 'ccl'] as const)
      expect(actual.losses[name]).toBeCloseTo(expected.losses[name] ?? NaN, precision === 'fp32' ? 3 : 1);
    if (precision !== 'fp16') expect(difference(expected, actual)).toBeLessThan(limit);
  });

  it('counts the device’s memory', async () => {
    const peaks: number[] = [];
    await train(tinyConfig(data, { device, 'train.epochs': 1 }), {
      out: place(),
      onEpoch: ({ peakBytes }) => peaks.push(peakBytes),
    });
    expect(peaks[0]).toBeGreaterThan(1e5);
    expect(memory(device).peakBytes).toBeGreaterThan(1e5);
  });

  it.each(['fp32', 'bf16', 'fp16'] as const)(
    'gives the same weights again, and those of a run that was stopped and resumed, bit for bit in %s',
    async (precision) => {
      const config = tinyConfig(data, {
        device,
        'train.deterministic': true,
        'train.precision': precision,
        'train.epochs': 2,
      });
      const [first, second, stopped] = [place(), place(), place()];
      await train(config, { out: first });
      await train(config, { out: second });
      const controller = new AbortController();
      const stop: TrainListeners = {
        signal: controller.signal,
        onStep: ({ step: done }) => {
          if (done === 4) controller.abort();
        },
      };
      expect((await train(config, { out: stopped, ...stop })).status).toBe('interrupted');
      await resumeTraining(stopped);
      const expected = tensorHashes(checkpointPath(first, 'last'));
      expect(tensorHashes(checkpointPath(second, 'last'))).toEqual(expected);
      expect(tensorHashes(checkpointPath(stopped, 'last'))).toEqual(expected);
    },
  );

  it('a run of the device segments on the CPU as there', async () => {
    const dir = place();
    await train(tinyConfig(data, { device }), { out: dir });
    const image = Float32Array.from({ length: 3 * S * S }, (_, i) => (i % 97) / 97);
    const [here, there] = ['cpu', device].map((where) => {
      using model = openRun(dir).loadModel({ device: where });
      return model.probabilities(image, [
        'Unilateral pulmonary infection, one infected area, lower left lung.',
      ]);
    });
    const worst = Math.max(...(here ?? []).map((value, i) => Math.abs(value - (there?.[i] ?? NaN))));
    expect(worst).toBeLessThan(5e-3); // TF32, as above
  });

  it.skipIf(!distributed.distributedBackends().includes('nccl'))(
    'a group of one trains by NCCL as a process without a group',
    async () => {
      const config = tinyConfig(data, { ...STILL, device: 'cuda', 'train.epochs': 1 });
      const alone = await train({ ...config, device }, { out: place() });
      const meeting = { host: '127.0.0.1', port: await freePort() };
      const only = { rank: 0, size: 1, localRank: 0, localSize: 1 };
      const plan = { kind: 'worker', source: 'torchrun', ...only, meeting } as const;
      const parallel = await Parallel.join(plan, device, '127.0.0.1');
      const together = await train(config, { out: place(), parallel });
      await parallel.leave();
      // Batch statistics are summed in another order.
      expect(together.records[0]?.losses.total).toBeCloseTo(alone.records[0]?.losses.total ?? NaN, 2);
    },
  );
});

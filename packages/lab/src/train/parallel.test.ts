import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distributed } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../config/config.js';
import { Loader } from '../data/loader.js';
import type { Case } from '../data/types.js';
import { writeTinyData } from '../testing/tiny-data.js';
import { step, type StepResult } from './testing/rank.js';
import { ranks, smallRun } from './testing/ranks.js';
import { told } from './train.js';

const SIZE = 32;
const MINUTES = 60_000;
const root = mkdtempSync(join(tmpdir(), 'reclmis-parallel-'));

beforeAll(() => writeTinyData(root, SIZE, { train: 10, val: 7, test: 2 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SETTINGS = smallRun(root, SIZE);

function difference(own: StepResult['gradients'], reference: StepResult['gradients']): number {
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
const STILL = {
  ...SETTINGS,
  'model.dropout': 0,
  'model.maskStrategy': 'topk',
  'augment.mode': 'none',
};

/** With other seeds a ReLU's input may lie so near zero that rounding cuts it off, which changes the gradient by 1e-3. */
const SEED = 4;

const NAMES = ['total', 'dice', 'bce', 'ccl', 'clr', 'cvr'] as const;

describe.skipIf(!distributed.distributedBackends().includes('gloo'))('several processes', () => {
  it.each([
    [2, 8, 'equal shares', 'libtorch'],
    [2, 7, 'uneven shares', 'auto'],
    [3, 2, 'a rank without a case', 'libtorch'],
  ] as const)(
    '%i processes, batch %i, %s, %s convolutions: the gradients and losses of one process, in training',
    async (size, batch, _, convolutions) => {
      const settings = { ...STILL, seed: SEED, 'train.batchSize': batch, 'train.convolutions': convolutions };
      const alone = await step(settings, false, null);
      const all = await ranks<StepResult>(size, { kind: 'step', settings, evaluating: false });
      expect(all).toHaveLength(size);
      for (const { gradients, losses } of all) {
        expect(difference(gradients, alone.gradients)).toBeLessThan(1e-5);
        for (const name of NAMES) expect(losses[name]).toBeCloseTo(alone.losses[name] ?? NaN, 5); // float32
        expect(gradients).toEqual(all[0]?.gradients); // bit for bit: the ranks never drift apart
      }
    },
    2 * MINUTES,
  );

  it(
    'in bf16 too: what is summed over the processes is float32',
    async () => {
      // Without reconstruction: rounding may change which patches are the most probable.
      const still = {
        ...STILL,
        'train.batchSize': 8,
        'train.precision': 'bf16',
        'model.components.clr': false,
        'model.components.cvr': false,
      };
      const alone = await step(still, false, null);
      const exact = await step({ ...still, 'train.precision': 'fp32' }, false, null);
      const rounding = difference(alone.gradients, exact.gradients);
      const all = await ranks<StepResult>(2, { kind: 'step', settings: still, evaluating: false });
      for (const { gradients, losses } of all) {
        expect(difference(gradients, exact.gradients)).toBeLessThan(1.5 * rounding); // different rounding, of the same size
        for (const name of ['total', 'dice', 'bce', 'ccl'] as const)
          expect(losses[name]).toBeCloseTo(alone.losses[name] ?? NaN, 1);
        expect(gradients).toEqual(all[0]?.gradients);
      }
    },
    2 * MINUTES,
  );

  it(
    'in parts besides: CCL over all parts of all processes',
    async () => {
      // A batch's own statistics depend on how it is cut.
      const settings = { ...STILL, 'train.batchSize': 9 };
      const alone = await step(settings, true, null);
      const cut = { ...settings, 'train.accumulate': 3 };
      for (const { gradients, losses } of await ranks<StepResult>(2, {
        kind: 'step',
        settings: cut,
        evaluating: true,
      })) {
        expect(difference(gradients, alone.gradients)).toBeLessThan(1e-5);
        for (const name of NAMES) expect(losses[name]).toBeCloseTo(alone.losses[name] ?? NaN, 5);
      }
    },
    2 * MINUTES,
  );

  it(
    'meet by the store of torchrun’s agent, which has the port and keeps it over attempts',
    async () => {
      using agent = new distributed.Store({ host: '127.0.0.1', port: 0, isServer: true });
      const settings = { ...STILL, 'train.batchSize': 2 };
      for (const attempt of ['0', '1']) {
        const all = await ranks<StepResult>(
          2,
          { kind: 'step', settings, evaluating: true },
          {
            MASTER_PORT: String(agent.port),
            TORCHELASTIC_USE_AGENT_STORE: 'True',
            TORCHELASTIC_RESTART_COUNT: attempt,
          },
        );
        expect(all.map(({ losses }) => losses)).toEqual([all[0]?.losses, all[0]?.losses]);
      }
    },
    2 * MINUTES,
  );

  it('would differ with CCL over each process’s own cases', async () => {
    const settings = { ...STILL, 'train.batchSize': 8 };
    const alone = await step(settings, true, null);
    const [first] = await ranks<StepResult>(2, {
      kind: 'step',
      settings: { ...settings, 'train.cclScope': 'part' },
      evaluating: true,
    });
    expect(difference(first?.gradients ?? {}, alone.gradients)).toBeGreaterThan(1e-3);
  });
});

describe('the device of a process', () => {
  const of = (device: string, localRank: number, localSize: number): string => {
    const parallel = { localRank, localSize, told: <T>(config: T): T => config };
    return told(loadConfig(undefined, { ...SETTINGS, device }), { parallel }).device;
  };

  it('is that of its local rank, in a run that is begun and in one whose configuration already names rank 0’s', () => {
    expect(['cuda', 'cuda:0', 'cpu'].map((device) => of(device, 1, 2))).toEqual(['cuda:1', 'cuda:1', 'cpu']);
  });

  it('is the one that was asked for where it is the only process of its machine', () => {
    expect(['cuda', 'cuda:0', 'cuda:3'].map((device) => of(device, 0, 1))).toEqual([
      'cuda:0',
      'cuda:0',
      'cuda:3',
    ]);
  });
});

describe('shares of batches', () => {
  const cases = Array.from({ length: 11 }, (_, i): Case => ({ id: `${i}` }) as Case);
  const taken = (size: number, by: 'case' | 'batch', epoch: number): number[][][] =>
    Array.from({ length: size }, (_, rank) => {
      const loader = new Loader({ cases, size: 16, batchSize: 4, shuffle: true, shard: { rank, size, by } });
      return (
        loader as unknown as { shares(epoch: number): { indices: number[]; shard?: { idle: boolean } }[] }
      )
        .shares(epoch)
        .map(({ indices, shard }) => (shard?.idle ? [] : indices));
    });
  const whole = new Loader({ cases, size: 16, batchSize: 4, shuffle: true });

  it.each([1, 2, 3, 4, 5])('of %i processes join to the batches of one, each case once', (size) => {
    for (const epoch of [1, 2]) {
      const shares = taken(size, 'case', epoch);
      whole.plan(epoch).forEach((batch, b) => {
        expect(shares.flatMap((own) => own[b] ?? [])).toEqual(batch);
        const counts = shares.map((own) => own[b]?.length ?? 0);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      });
    }
  });

  it('or are whole batches in turn', () => {
    const [a, b] = taken(2, 'batch', 1);
    const [first, second, third] = whole.plan(1);
    expect([a, b]).toEqual([[first, third], [second]]);
  });
});

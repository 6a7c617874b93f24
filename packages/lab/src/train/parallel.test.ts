import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distributed } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../config/config.js';
import { Loader, type Case } from '@reclmis/data';
import { writeTinyData } from '@reclmis/data/testing';
import { difference, expectOne, NAMES, STILL } from './testing/gradients.js';
import { step, type StepResult } from './testing/rank.js';
import { ranks, smallRun } from './testing/ranks.js';
import { told } from './train.js';

const SIZE = 32;
const MINUTES = 60_000;
const root = mkdtempSync(join(tmpdir(), 'reclmis-parallel-'));

beforeAll(() => writeTinyData(root, SIZE, { train: 10, val: 7, test: 2 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SETTINGS = smallRun(root, SIZE);

describe.skipIf(!distributed.distributedBackends().includes('gloo'))('several processes', () => {
  it(
    'with uneven shares: the gradients and losses of one process, in training',
    () => expectOne(2, { ...SETTINGS, 'train.batchSize': 7, 'train.convolutions': 'auto' }),
    2 * MINUTES,
  );

  it(
    'clip the gradients of the whole batch to one norm',
    async () => {
      const settings = { ...STILL, ...SETTINGS, 'train.batchSize': 7, 'train.clipNorm': 0.25 };
      const alone = await step(settings, true, null);
      for (const one of await ranks<StepResult>(2, { kind: 'step', settings, evaluating: true })) {
        expect(difference(one.gradients, alone.gradients)).toBeLessThan(1e-5);
        expect((one.gradientNorm ?? NaN) / (alone.gradientNorm ?? NaN)).toBeCloseTo(1, 5);
        const squares = Object.values(one.gradients)
          .flat()
          .map((g) => g * g);
        expect(Math.sqrt(squares.reduce((sum, square) => sum + square, 0))).toBeCloseTo(0.25, 5);
      }
    },
    2 * MINUTES,
  );

  it(
    'in parts besides: CCL over all parts of all processes',
    async () => {
      // A batch's own statistics depend on how it is cut.
      const settings = { ...STILL, ...SETTINGS, 'train.batchSize': 9 };
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
      const loader = new Loader({
        cases,
        size: 16,
        resize: 'area',
        batchSize: 4,
        shuffle: true,
        shard: { rank, size, by },
      });
      return (
        loader as unknown as { shares(epoch: number): { indices: number[]; shard?: { idle: boolean } }[] }
      )
        .shares(epoch)
        .map(({ indices, shard }) => (shard?.idle ? [] : indices));
    });
  const whole = new Loader({ cases, size: 16, resize: 'area', batchSize: 4, shuffle: true });

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

/** Several processes against one: gradients, losses, evaluation, whole runs. Each rank has a loopback address of its own. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { distributed, readSafetensors, scope } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type Overrides } from '../config/config.js';
import { Loader } from '../data/loader.js';
import type { Case } from '../data/types.js';
import { evaluateRun } from '../evaluate/evaluate.js';
import { freePort } from '../launch/local.js';
import { openRun } from '../run/run.js';
import { writeTinyData } from '../testing/tiny-data.js';
import { checkpointPath } from '../run/checkpoint.js';
import type { EpochRecord } from '../run/metrics-log.js';
import { resumeTraining } from './resume.js';
import { type Job, step, type StepResult } from './testing/rank.js';
import { told } from './train.js';

const RANK = fileURLToPath(new URL('./testing/rank.js', import.meta.url));
const SIZE = 32;
const MINUTES = 60_000;
const root = mkdtempSync(join(tmpdir(), 'reclmis-parallel-'));
let serial = 0;
const place = (): string => join(root, `run-${++serial}`);

beforeAll(() => writeTinyData(root, SIZE, { train: 10, val: 7, test: 2 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SETTINGS: Overrides = {
  'model.baseWidth': 4,
  'model.imageSize': SIZE,
  'model.layers': 1,
  'text.encoder': 'words',
  'text.contextLength': 12,
  'data.dir': root,
  'data.workers': 0,
  'train.epochs': 3,
  'train.batchSize': 4,
  'train.lr': 2e-3,
  'train.threads': 1,
};

/** @param variables of the launcher's besides. */
async function ranks<R>(size: number, job: Job, variables: Record<string, string> = {}): Promise<R[]> {
  const port = await freePort();
  const ended = await Promise.all(
    Array.from({ length: size }, (_, rank) => {
      const env = {
        ...process.env,
        RANK: `${rank}`,
        WORLD_SIZE: `${size}`,
        MASTER_ADDR: '127.0.0.1',
        MASTER_PORT: `${port}`,
        ADDRESS: `127.0.0.${rank + 1}`,
        ...variables,
      };
      const child = spawn(process.execPath, [RANK, JSON.stringify(job)], { env });
      let [out, err] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      return new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
        child.on('close', (code) => resolve({ code, out, err })),
      );
    }),
  );
  return ended.map(({ code, out, err }) => {
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out) as R;
  });
}

/** Length of the gradients' difference, relative to the length of the gradient. */
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

function hashes(path: string): Record<string, string> {
  return scope(() => {
    const { tensors } = readSafetensors(path);
    return Object.fromEntries(
      [...tensors].map(([key, tensor]) => [key, createHash('sha256').update(tensor.toBytes()).digest('hex')]),
    );
  });
}

/** Every loss, but no draws, which differ from process to process: masks are the most probable ones. */
const STILL = {
  ...SETTINGS,
  'model.dropout': 0,
  'model.maskStrategy': 'topk',
  'augment.mode': 'none',
};

/**
 * Weights with which no ReLU's input lies so near zero that it is cut off in one process's form of batch normalisation and not in several's. With two of the
 * first twelve seeds one does, which changes the gradient by 1e-3.
 */
const SEED = 4;

const NAMES = ['total', 'dice', 'bce', 'ccl', 'clr', 'cvr'] as const;

describe.skipIf(!distributed.distributedBackends().includes('gloo'))('several processes', () => {
  it.each([
    [2, 8, 'equal shares', 'libtorch'],
    [2, 7, 'uneven shares', 'libtorch'],
    [3, 2, 'a rank without a case', 'libtorch'],
    [2, 8, 'equal shares', 'auto'],
    [2, 7, 'uneven shares', 'auto'],
    [3, 2, 'a rank without a case', 'auto'],
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
        expect(gradients).toEqual(all[0]?.gradients); // bit for bit: the ranks' weights never part
      }
    },
    2 * MINUTES,
  );

  it(
    'in bf16 too: what is summed over the processes is float32',
    async () => {
      // Without reconstruction: a rounding may change which patches are the most probable.
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
        expect(difference(gradients, exact.gradients)).toBeLessThan(1.5 * rounding); // other roundings, of the same size
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
      // By running statistics: those of a batch depend on how it is cut.
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

  it(
    'train a run that rank 0 alone writes, that evaluates to its figures, and that any number of processes resumes',
    async () => {
      /** `points`: the resume points that lay there when the process was through. */
      type Result = { status: string; steps: number; records: EpochRecord[]; points: string[] };
      const whole = place();
      const all = await ranks<Result>(2, { kind: 'train', settings: SETTINGS, out: whole });
      expect(all.map(({ status, steps }) => [status, steps])).toEqual([
        ['finished', 9],
        ['finished', 9],
      ]);
      const figures = (records: readonly EpochRecord[]): unknown[] =>
        records.map(({ losses, validation, best }) => ({ losses, validation, best }));
      expect(figures(all[1]?.records ?? [])).toEqual(figures(all[0]?.records ?? []));
      expect(readdirSync(whole)).toContain('run.json');
      expect(existsSync(join(whole, '.lock'))).toBe(false);

      // Shared among two processes and scored by one: the same masks, so the same figures.
      const { summary, rows } = await evaluateRun(whole, { split: 'val', checkpoint: 'last' });
      const stored = openRun(whole).epochs().at(-1)?.validation;
      expect(rows).toHaveLength(7);
      expect(stored).toMatchObject({ images: 7, dice: summary.mean.dice, pooledIou: summary.pooled.iou });

      // Rank 1 is asked to stop, so all stop after the same step, and two resume to the very weights.
      const stopped = place();
      const halves = await ranks<Result>(2, {
        kind: 'train',
        settings: SETTINGS,
        out: stopped,
        stop: { rank: 1, step: 4 },
      });
      expect(halves.map(({ status, steps, points }) => [status, steps, points[0]])).toEqual([
        ['interrupted', 4, 'resume-00000004.safetensors'],
        ['interrupted', 4, 'resume-00000004.safetensors'],
      ]);
      await ranks<Result>(2, { kind: 'resume', settings: {}, out: stopped });
      expect(hashes(checkpointPath(stopped, 'last'))).toEqual(hashes(checkpointPath(whole, 'last')));
      expect(figures(openRun(stopped).epochs())).toEqual(figures(openRun(whole).epochs()));

      // One process goes on with what two began, and three with what one did.
      const other = place();
      await ranks<Result>(2, { kind: 'train', settings: SETTINGS, out: other, stop: { rank: 0, step: 2 } });
      const controller = new AbortController();
      const { status, steps } = await resumeTraining(other, {
        signal: controller.signal,
        onStep: ({ step: done }) => {
          if (done === 5) controller.abort();
        },
      });
      expect([status, steps]).toEqual(['interrupted', 5]);
      const last = await ranks<Result>(3, { kind: 'resume', settings: {}, out: other });
      expect(last.map((result) => [result.status, result.steps])).toEqual([
        ['finished', 9],
        ['finished', 9],
        ['finished', 9],
      ]);
    },
    4 * MINUTES,
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

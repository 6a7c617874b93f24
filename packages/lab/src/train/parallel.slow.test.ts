import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distributed } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateRun } from '../evaluate/evaluate.js';
import { checkpointPath } from '../run/checkpoint.js';
import type { EpochRecord } from '../run/metrics-log.js';
import { openRun } from '../run/run.js';
import { tensorHashes } from '../testing/tensor-hashes.js';
import { writeTinyData } from '@reclmis/data/testing';
import { resumeTraining } from './resume.js';
import { difference, expectOne, STILL } from './testing/gradients.js';
import { step, type StepResult } from './testing/rank.js';
import { ranks, smallRun } from './testing/ranks.js';

const SIZE = 32;
const MINUTES = 60_000;
const root = mkdtempSync(join(tmpdir(), 'reclmis-parallel-runs-'));
let serial = 0;
const place = (): string => join(root, `run-${++serial}`);

beforeAll(() => writeTinyData(root, SIZE, { train: 10, val: 7, test: 2 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SETTINGS = smallRun(root, SIZE);

describe.skipIf(!process.env['RECLMIS_SLOW'] || !distributed.distributedBackends().includes('gloo'))(
  'several processes',
  () => {
    it.each<[string, Record<string, unknown>]>([
      ['nnunet', {}], // deep supervision
      ['gloria', { blocks: [1, 1, 1, 1] }], // contrast
      ['tganet', { wordWidth: 8 }], // labels
      ['lavt', { width: 8, depths: [2, 2], heads: [1, 2], window: 4, dropPath: 0.3 }],
      ['vilt', { patch: 16, tokens: 12 }],
    ])(
      'train %s to the same figures in each of them',
      async (name, options) => {
        type Result = { status: string; records: EpochRecord[] };
        const settings = {
          ...SETTINGS,
          'train.epochs': 1,
          'model.name': name,
          'model.imageSize': 2 * SIZE, // batch normalisation needs several places where a rank has one case
          'model.baseWidth': 8,
          'model.options': options,
        };
        const [first, second] = await ranks<Result>(2, { kind: 'train', settings, out: place() });
        expect([first?.status, second?.status]).toEqual(['finished', 'finished']);
        const figures = ({ records }: Result): unknown[] =>
          records.map(({ losses, validation }) => ({ losses, validation }));
        expect(first && figures(first)).toHaveLength(1);
        expect(first && figures(first)).toEqual(second && figures(second));
      },
      MINUTES,
    );

    it(
      'keep one moving average of weights, of a student of another run, in each of them',
      async () => {
        type Result = { status: string; steps: number; records: EpochRecord[] };
        const teacher = place();
        await ranks<Result>(2, { kind: 'train', settings: { ...SETTINGS, 'train.epochs': 1 }, out: teacher });
        const settings = { ...SETTINGS, 'train.ema': 0.9, 'train.clipNorm': 1, 'train.teacher': teacher };
        const whole = place();
        const [first, second] = await ranks<Result>(2, { kind: 'train', settings, out: whole });
        expect(first?.records.map(({ losses }) => losses.distil)).toEqual([
          expect.any(Number),
          expect.any(Number),
          expect.any(Number),
        ]);
        const figures = (result: Result | undefined): unknown[] =>
          (result?.records ?? []).map(({ losses, gradients, validation }) => ({
            losses,
            gradients,
            validation,
          }));
        expect(figures(second)).toEqual(figures(first));
        const { summary } = await evaluateRun(whole, { split: 'val', checkpoint: 'last' });
        expect(openRun(whole).epochs().at(-1)?.validation.dice).toBe(summary.mean.dice);

        const stopped = place();
        const stop = { rank: 1, step: 4 };
        await ranks<Result>(2, { kind: 'train', settings, out: stopped, stop });
        await ranks<Result>(2, { kind: 'resume', settings: {}, out: stopped });
        const [own, other] = [stopped, whole].map((run) => tensorHashes(checkpointPath(run, 'last')));
        expect(own).toEqual(other);
      },
      4 * MINUTES,
    );

    it(
      'train a run that rank 0 alone writes, that evaluates to its figures, and that any number of processes resumes',
      async () => {
        /** `points`: the resume points left when the process ended. */
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

        // Validated by two processes, scored here by one.
        const { summary, rows } = await evaluateRun(whole, { split: 'val', checkpoint: 'last' });
        const stored = openRun(whole).epochs().at(-1)?.validation;
        expect(rows).toHaveLength(7);
        expect(stored).toMatchObject({ images: 7, dice: summary.mean.dice, pooledIou: summary.pooled.iou });

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
        expect(tensorHashes(checkpointPath(stopped, 'last'))).toEqual(
          tensorHashes(checkpointPath(whole, 'last')),
        );
        expect(figures(openRun(stopped).epochs())).toEqual(figures(openRun(whole).epochs()));

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

    it.each([
      [2, 8, 'equal shares'],
      [3, 2, 'a rank without a case'],
    ] as const)(
      '%i processes, batch %i, %s: the gradients and losses of one process, in training',
      (size, batch, _) =>
        expectOne(size, { ...SETTINGS, 'train.batchSize': batch, 'train.convolutions': 'libtorch' }),
      2 * MINUTES,
    );

    it(
      'in bf16 too: what is summed over the processes is float32',
      async () => {
        // Without reconstruction: rounding may change which patches are the most probable.
        const still = {
          ...STILL,
          ...SETTINGS,
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
      'meet by the store of torchrun’s agent, which has the port and keeps it over attempts',
      async () => {
        using agent = new distributed.Store({ host: '127.0.0.1', port: 0, isServer: true });
        const settings = { ...STILL, ...SETTINGS, 'train.batchSize': 2 };
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
      const settings = { ...STILL, ...SETTINGS, 'train.batchSize': 8 };
      const alone = await step(settings, true, null);
      const [first] = await ranks<StepResult>(2, {
        kind: 'step',
        settings: { ...settings, 'train.cclScope': 'part' },
        evaluating: true,
      });
      expect(difference(first?.gradients ?? {}, alone.gradients)).toBeGreaterThan(1e-3);
    });
  },
);

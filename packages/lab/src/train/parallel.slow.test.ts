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
import { writeTinyData } from '../testing/tiny-data.js';
import { resumeTraining } from './resume.js';
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
  },
);

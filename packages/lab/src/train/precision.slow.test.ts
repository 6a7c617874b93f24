/**
 * bf16 against fp32 in whole runs from the same seeds; minutes on a processor without bfloat16.
 *
 * Dice is compared on squares, which fp32 always learns, and on phantoms from trained weights: on phantoms from
 * scratch, fp32 runs alone end between 0.68 and 0.91, depending on when the notes take hold.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPreset, type Overrides } from '../config/config.js';
import { writePhantom } from '@reclmis/data';
import { writeTinyData } from '@reclmis/data/testing';
import { evaluateRun } from '../evaluate/evaluate.js';
import type { Precision } from '../config/precisions.js';
import { train } from './train.js';

const MINUTES = 60_000;

describe.skipIf(!process.env['RECLMIS_SLOW'])('bf16 and fp32, whole runs', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-precision-slow-'));
  const squares = join(root, 'squares');
  const phantoms = join(root, 'phantoms');

  beforeAll(async () => {
    await writeTinyData(squares, 32, { train: 160, val: 60, test: 60 });
    await writePhantom(phantoms, { count: 240, seed: 11, size: 64 });
  }, 5 * MINUTES);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  async function run(out: string, precision: Precision, settings: Overrides): Promise<number> {
    const overrides = {
      'data.workers': 0,
      'model.baseWidth': 8,
      'train.threads': 1,
      'train.precision': precision,
      ...settings,
    };
    await train(loadPreset('phantom', overrides), { out });
    return dice(out);
  }

  async function dice(out: string, precision?: Precision): Promise<number> {
    const { summary } = await evaluateRun(out, { split: 'test', ...(precision ? { precision } : {}) });
    return summary.mean.dice;
  }

  it(
    'learn squares that only the note tells apart, within one point of Dice of each other',
    async () => {
      const settings = {
        'data.dir': squares,
        'model.imageSize': 32,
        'text.contextLength': 12,
        'train.epochs': 8,
        'train.lr': 2e-3,
      };
      const exact = await run(join(root, 'squares-fp32'), 'fp32', settings);
      const rounded = await run(join(root, 'squares-bf16'), 'bf16', settings);
      console.log(`squares: fp32 ${exact.toFixed(4)}, bf16 ${rounded.toFixed(4)}`);
      expect(exact).toBeGreaterThan(0.95); // 2/3 at most without the note
      expect(Math.abs(rounded - exact)).toBeLessThan(0.01);
    },
    30 * MINUTES,
  );

  it(
    'learn phantoms, and segment them with the same weights within one point of Dice of each other',
    async () => {
      const settings = { 'data.dir': phantoms, 'model.imageSize': 64, 'train.epochs': 10 };
      for (const precision of ['fp32', 'bf16'] as const) {
        const out = join(root, `phantoms-${precision}`);
        const own = await run(out, precision, settings);
        const exact = await dice(out, 'fp32');
        const rounded = await dice(out, 'bf16');
        console.log(
          `phantoms trained in ${precision}: at work in fp32 ${exact.toFixed(4)}, in bf16 ${rounded.toFixed(4)}`,
        );
        expect(own).toBe(precision === 'fp32' ? exact : rounded); // a run is evaluated in its own precision
        expect(own).toBeGreaterThan(0.4); // under 0.1 without learning
        expect(Math.abs(rounded - exact)).toBeLessThan(0.01);
      }
    },
    60 * MINUTES,
  );
});

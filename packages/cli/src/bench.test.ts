/** `reclmis bench` of a model small enough to count by hand; times are not asserted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writePhantom } from '@reclmis/data';
import type { BenchReport } from '@reclmis/lab';
import { afterAll, describe, expect, it } from 'vitest';
import { batchFigures } from './bench/exported.js';
import type { Turn } from './bench/exported-messages.js';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-bench-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const MINUTE = 60_000;

const reclmis = reclmisHere(root);

const [W, S] = [4, 32];
const SMALL = `--model.baseWidth ${W} --model.imageSize ${S} --model.layers 1 --text.encoder words --batch 2 --threads 1 --steps 2 --warmup 1`;
const small = (kind: string, ...more: string[]): ReturnType<typeof reclmis> =>
  reclmis('bench', kind, ...SMALL.split(' '), ...more);

/** Forward FLOP of an image's 2-d convolutions: 2 k^2 in out per pixel. */
function convolutions(): number {
  const conv = (k: number, before: number, after: number, side: number): number =>
    2 * k * k * before * after * side * side;
  const pair = (before: number, after: number, side: number): number =>
    conv(3, before, after, side) + conv(3, after, after, side);
  /** Decoder at a level: PLAM's two 1x1 on the skip, then two 3x3 on both halves. */
  const up = (channels: number, after: number, side: number): number =>
    2 * conv(1, channels, channels, side) + pair(2 * channels, after, side);
  return (
    conv(3, 3, W, S) +
    pair(W, 2 * W, S / 2) +
    pair(2 * W, 4 * W, S / 4) +
    pair(4 * W, 8 * W, S / 8) +
    pair(8 * W, 8 * W, S / 16) +
    up(8 * W, 4 * W, S / 8) +
    up(4 * W, 2 * W, S / 4) +
    up(2 * W, W, S / 2) +
    up(W, W, S) +
    conv(1, W, 1, S)
  );
}

/** 1-d convolution of width 3 over 24 tokens of 512 features. */
const ADAPTER = 2 * 3 * 512 * 8 * W * 24;

describe('bench infer', () => {
  it(
    'reports everything as JSON, with the FLOPs of the convolutions as counted by hand',
    async () => {
      const { status, stdout, stderr } = await small('infer', '--json');
      expect({ status, stderr: stderr.includes('error') }).toEqual({ status: 0, stderr: false });
      const report = JSON.parse(stdout) as BenchReport;
      expect(report).toMatchObject({
        kind: 'infer',
        batchSize: 2,
        steps: 2,
        data: 'made',
        waitShare: null,
        engine: { device: 'cpu', threads: 1, precision: 'fp32' },
        model: { baseWidth: W, imageSize: S, layers: 1, variant: 'paper' },
      });
      const { flops } = report;
      expect(flops.convolutionPerImage).toBe(convolutions() + ADAPTER);
      expect(flops.forwardPerImage).toBe(flops.convolutionPerImage + flops.matrixProductPerImage);
      expect(flops.stepPerImage).toBe(flops.forwardPerImage);
      expect(Object.keys(report.secondsPerPhase)).toEqual([
        'preprocess',
        'copy',
        'text',
        'forward',
        'threshold',
      ]);
      const { median, min, max } = report.secondsPerImage;
      expect(min).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(min);
      expect(max).toBeGreaterThanOrEqual(median);
      expect(report.imagesPerSecond).toBeCloseTo(1 / median, 6);
      expect(report.achieved).toBeCloseTo(flops.stepPerImage / median / 1e9, 6);
      expect(report.peak?.convolution.best).toBeGreaterThan(0);
      expect(report.shareOfPeak).toBeCloseTo(report.achieved / (report.peak?.convolution.best ?? NaN), 9);
      expect(report.memory.peakTensorBytes).toBeGreaterThan(2 * 3 * S * S * 4);
      expect(report.memory.peakResidentBytes).toBeGreaterThan(report.memory.peakTensorBytes);
    },
    MINUTE,
  );
});

describe('bench infer of exported models', () => {
  it('takes ratios turn by turn', () => {
    const turn = (milliseconds: number): Turn => ({
      kind: 'turn',
      milliseconds,
      processorMilliseconds: 2 * milliseconds,
      networkMilliseconds: milliseconds / 2,
    });
    // The machine slows down twofold at each turn, for both models.
    const figures = batchFigures(2, [20, 40, 80].map(turn), [60, 120, 240].map(turn), 1e9);
    expect(figures).toMatchObject({
      perImage: { median: 20, min: 10 },
      processor: { median: 40 },
      imagesPerSecond: 50,
      speedup: 3,
      achieved: 100,
    });
  });

  it('refuses other folders', async () => {
    const nothing = await reclmis('bench', 'infer', '--model', 'nowhere');
    expect([nothing.status, nothing.stderr]).toEqual([4, expect.stringContaining('MODEL_MISSING')]);
    const list = await reclmis('bench', 'infer', '--model', 'nowhere', '--batches', '1,x');
    expect([list.status, list.stderr]).toEqual([2, expect.stringContaining('--batches')]);
    const alone = await small('infer', '--batches', '1');
    expect([alone.status, alone.stderr]).toEqual([2, expect.stringContaining('--model')]);
  });
});

describe('bench train', () => {
  it(
    'reports a step of three times the forward’s work, less what needs no gradient, and its phases',
    async () => {
      const { status, stdout } = await small('train', '--json', '--no-peak', '--profile');
      expect(status).toBe(0);
      const report = JSON.parse(stdout) as BenchReport;
      const { flops } = report;
      expect(flops.forwardPerImage).toBeGreaterThan(convolutions() + ADAPTER);
      // Gradients of inputs and weights each take as much work as the forward pass; images and notes need
      // none.
      expect(flops.stepPerImage / flops.forwardPerImage).toBeGreaterThan(2.5);
      expect(flops.stepPerImage / flops.forwardPerImage).toBeLessThan(3);
      expect(Object.keys(report.secondsPerPhase)).toEqual([
        'data',
        'forward',
        'losses',
        'backward',
        'optimiser',
      ]);
      expect([report.peak, report.shareOfPeak]).toEqual([null, null]);
      expect(report.profile?.map(({ phase }) => phase)).toEqual([
        'data',
        'forward',
        'losses',
        'backward',
        'optimiser',
      ]);
      const forward = report.profile?.[1]?.operators.map(({ name }) => name) ?? [];
      expect(forward.some((name) => name.includes('conv'))).toBe(true);
    },
    MINUTE,
  );

  it(
    'reads real data by the loader, with the share of time spent waiting',
    async () => {
      const data = join(root, 'data');
      await writePhantom(data, { count: 12, seed: 1, size: S });
      const { status, stdout } = await small(
        'train',
        '--json',
        '--no-peak',
        '--data',
        data,
        '--workers',
        '1',
      );
      expect(status).toBe(0);
      const report = JSON.parse(stdout) as BenchReport;
      expect(report.data).toBe('data');
      expect(report.waitShare).toBeGreaterThanOrEqual(0);
      expect(report.waitShare).toBeLessThan(1);
      expect(Object.keys(report.secondsPerPhase)).toContain('wait');
    },
    MINUTE,
  );

  it(
    'shows a table that says what is counted, with the settings of a preset whose warm-up is longer than any run here',
    async () => {
      const { status, stdout } = await small('train', '--preset', 'phantom');
      expect(status).toBe(0);
      for (const title of [
        'seconds per image',
        'images per second',
        'peak tensor memory',
        'peak resident memory',
        'GFLOP per image',
        'GFLOP/s reached',
        'share of the peak',
      ])
        expect(stdout).toMatch(new RegExp(`^${title} `, 'm'));
      expect(stdout).toContain('A multiply-add counts as two FLOP');
    },
    MINUTE,
  );

  it('refuses impossible measurements', async () => {
    const none = await small('train', '--steps', '0');
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('--steps')]);
    const device = await small('infer', '--device', 'cuda:63');
    expect([device.status, device.stderr]).toEqual([5, expect.stringContaining('DEVICE_MISSING')]);
  });
});

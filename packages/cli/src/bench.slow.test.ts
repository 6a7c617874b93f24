/** `reclmis bench infer` of exported models; times are not asserted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ExportedReport } from './bench/exported.js';
import { smallModel, smallRun } from './testing/exported.js';
import { reclmisIn } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-bench-exported-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const MINUTE = 60_000;
const reclmis = reclmisIn(root);

describe.skipIf(!process.env['RECLMIS_SLOW'])('bench infer of exported models', () => {
  it(
    'measures several models, interleaved, each in its own process',
    async () => {
      const run = await smallRun(join(root, 'small'));
      await smallModel(run, join(root, 'float'));
      await smallModel(run, join(root, 'half'), 'fp16');
      const args = 'bench infer --model float half --batches 1,3 --steps 3 --warmup 1 --starts 2 --threads 1';
      const { status, stdout, stderr } = reclmis(...args.split(' '), '--json', '-q');
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const report = JSON.parse(stdout) as ExportedReport;
      expect(report).toMatchObject({ kind: 'infer-exported', device: 'cpu', threads: 1, steps: 3 });
      expect(report.models.map(({ dir, precision }) => [dir, precision])).toEqual([
        ['float', 'fp32'],
        ['half', 'fp16'],
      ]);
      for (const { bytes, flopsPerImage, coldStart, batches, notes, memory } of report.models) {
        expect(notes?.first.min).toBeGreaterThan(0);
        expect(notes?.further.min).toBeGreaterThan(0);
        expect(notes?.share).toBeGreaterThan(0);
        expect(bytes).toBeGreaterThan(10_000);
        expect(flopsPerImage).toBeGreaterThan(1e6);
        expect(coldStart.load.median).toBeGreaterThan(0);
        expect(coldStart.firstMask.min).toBeGreaterThan(coldStart.load.min);
        expect(memory.firstMaskBytes).toBeGreaterThan(2 ** 24); // Node alone needs more
        expect(memory.peakBytes).toBeGreaterThanOrEqual(memory.firstMaskBytes / 2);
        expect(batches.map(({ batch }) => batch)).toEqual([1, 3]);
        for (const { perImage, network, processor, imagesPerSecond, achieved } of batches) {
          expect(perImage.min).toBeGreaterThan(0);
          expect(perImage.median).toBeGreaterThanOrEqual(perImage.min);
          expect(perImage.p90).toBeGreaterThanOrEqual(perImage.median);
          expect(network.median).toBeLessThan(perImage.p90);
          expect(processor.median).toBeGreaterThan(0);
          expect(imagesPerSecond).toBeCloseTo(1000 / perImage.median, 6);
          expect(achieved).toBeCloseTo((flopsPerImage ?? 0) / network.median / 1e6, 6);
        }
      }
      expect(report.models[0]?.notes?.price).toBe(1);
      expect(report.models[0]?.batches.map(({ speedup }) => speedup)).toEqual([1, 1]);
    },
    MINUTE,
  );
});

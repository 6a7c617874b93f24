import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseManifest } from '@reclmis/core';
import type { ExportReport } from '@reclmis/export';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallRun } from './testing/exported.js';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-export-cli-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const MINUTE = 60_000;

const reclmis = reclmisHere(root);

beforeAll(async () => {
  await smallRun(root);
}, MINUTE);

describe('export', () => {
  it(
    'says what it made and how near it is to libtorch',
    async () => {
      const { status, stdout } = await reclmis('export', 'run', '-o', 'model', '--threads', '1');
      expect(status).toBe(0);
      expect(stdout).toMatch(/segmenter\.onnx +0\.\d/);
      expect(stdout).toMatch(/largest difference from libtorch: \d\.\de-\d+ of a probability/);
      expect(readdirSync(join(root, 'model')).sort()).toEqual([
        'manifest.json',
        'segmenter.onnx',
        'text-encoder.onnx',
      ]);
      expect(await reclmis('export', 'run', '-o', 'model')).toMatchObject({
        status: 7,
        stderr: expect.stringContaining('OUTPUT_EXISTS') as string,
      });
    },
    MINUTE,
  );

  it(
    'gives its report as JSON, and what servers want',
    async () => {
      const { status, stdout, stderr } = await reclmis(
        ...'export run -o served --precision int8 --calibration-cases 4 --threads 1 --json -q'.split(' '),
        ...'--target kserve --storage-uri pvc://models/x/triton --name lungs'.split(' '),
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const report = JSON.parse(stdout) as ExportReport;
      const manifest: unknown = JSON.parse(readFileSync(join(root, 'served', 'manifest.json'), 'utf8'));
      expect(parseManifest(manifest, 'served')).toEqual(report.manifest);
      expect(report.manifest).toMatchObject({ name: 'lungs', precision: 'int8' });
      expect(readdirSync(join(root, 'served')).sort()).toEqual([
        'inference-service.yaml',
        'manifest.json',
        'segmenter.onnx',
        'text-encoder.onnx',
        'triton',
      ]);
    },
    MINUTE,
  );

  it('refuses what it cannot do, and leaves nothing', async () => {
    const cases: [string[], number, string][] = [
      [['export', 'run'], 2, 'OPTION_INVALID'],
      [['export', 'run', '-o', 'x', '--precision', 'int4'], 2, 'OPTION_INVALID'],
      [['export', 'run', '-o', 'x', '--target', 'kserve'], 2, 'OPTION_INVALID'],
      [['export', 'run', '-o', 'x', '--name', 'a b'], 2, 'OPTION_INVALID: name: expected 1 to 64 letters'],
      [['export', 'nowhere', '-o', 'x'], 4, 'RUN_MISSING'],
    ];
    for (const [args, status, code] of cases) {
      const result = await reclmis(...args);
      expect([args.join(' '), result.status]).toEqual([args.join(' '), status]);
      expect(result.stderr).toContain(code);
    }
    expect(existsSync(join(root, 'x'))).toBe(false);
  });
});

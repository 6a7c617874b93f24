/** Exports in int8 of the systems that are convolutional, each with its check against libtorch. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTinyRun } from '@reclmis/lab/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { exportModel } from './export.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-export-int8-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const RESNET = { blocks: [1, 1, 1, 1] };
const MINUTE = 60_000;

describe.skipIf(!process.env['RECLMIS_SLOW'])('in int8', () => {
  it.each<[string, Record<string, unknown>]>([
    ['unet', {}],
    ['attunet', {}],
    ['unetpp', RESNET],
    ['nnunet', {}],
    ['convirt', RESNET],
    ['gloria', RESNET],
    ['tganet', { wordWidth: 8 }],
    ['uctransnet', { layers: 2, heads: 2 }],
  ])(
    '%s gives the masks that libtorch gives',
    async (name, options) => {
      const run = await makeTinyRun(join(root, name), {
        'model.name': name,
        'model.baseWidth': 8,
        'model.options': options,
      });
      const out = join(root, name, 'model');
      const { check, manifest } = await exportModel(run, { out, precision: 'int8', threads: 1 });
      expect(manifest.precision).toBe('int8');
      expect(check).toMatchObject({ cases: 5, real: 5 });
      expect(check.agreement).toBeGreaterThan(0.95); // a model of two epochs: probabilities near the threshold flip
    },
    MINUTE,
  );
});

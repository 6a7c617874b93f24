import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelDescriptor } from '@reclmis/lab';
import { makeTinyRun } from '@reclmis/lab/testing';
import { afterAll, expect, it } from 'vitest';
import { exportModel } from './export.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-export-peers-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const RESNET = { blocks: [1, 1, 1, 1] };

it.each<[string, boolean, Record<string, unknown>]>([
  ['unet', false, {}],
  ['lvit', true, {}],
  ['transunet', false, { width: 16, layers: 2, heads: 2 }],
  ['uctransnet', false, { layers: 2, heads: 2 }],
  ['unetpp', false, RESNET],
  ['convirt', false, RESNET],
  ['gloria', false, RESNET],
  ['swinunet', false, { width: 8, depths: [2, 2], heads: [1, 2], window: 3 }], // maps of 8 and 4 are padded
  ['lavt', true, { width: 8, depths: [2, 2], heads: [1, 2], window: 3, fusionHeads: 2 }],
  ['attunet', false, {}],
  ['nnunet', false, {}],
  ['tganet', false, { wordWidth: 8 }],
  ['clipseg', true, {}],
  ['vilt', true, { patch: 16, tokens: 12 }],
])('%s is exported to a graph that computes the same', async (name, reads, options) => {
  const run = await makeTinyRun(join(root, name), {
    'model.name': name,
    'model.baseWidth': 8,
    'model.options': options,
  });
  const out = join(root, name, 'model');
  const report = await exportModel(run, { out, threads: 1 });
  // float32 rounding; a wrong graph differs by whole probabilities.
  expect(report.check.worst).toBeLessThan(1e-5);
  expect(report.check).toMatchObject({ cases: 6, agreement: 1 });
  expect(readdirSync(out).includes('text-encoder.onnx')).toBe(reads);
  expect(report.manifest.name).toBe(`${name}-data`);
  expect(report.manifest.note === null).toBe(!reads);
  // Parts ahead of the note were compared too, where there are any.
  const cut = reads && modelDescriptor(name).noteEntersEarly === undefined;
  expect(report.manifest.segmenter.features !== null).toBe(cut);
});

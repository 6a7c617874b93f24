/** Exported systems of Table 1 at work in the runtime and behind the server: one that reads no note, two that read features (of words, of CLIP's tower), one that reads words. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng } from '@reclmis/files';
import { exportModel } from '@reclmis/export';
import { openRun } from '@reclmis/lab';
import { importTinyClip, makeTinyRun } from '@reclmis/lab/testing';
import { loadModel } from '@reclmis/runtime';
import { createServer } from '@reclmis/server';
import { imageToPlanes } from '@reclmis/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'reclmis-exported-systems-'));
const home = process.env['RECLMIS_HOME'];
beforeAll(async () => {
  if (!process.env['RECLMIS_SLOW']) return;
  process.env['RECLMIS_HOME'] = join(root, 'home');
  await importTinyClip(root, join(root, 'home'));
});
afterAll(() => {
  if (home === undefined) delete process.env['RECLMIS_HOME'];
  else process.env['RECLMIS_HOME'] = home;
  rmSync(root, { recursive: true, force: true });
});
const MINUTES = 120_000;
const S = 32;
const IMAGE = { width: S, height: S, data: Uint8Array.from({ length: 3 * S * S }, (_, i) => (i * 37) % 256) };
const [LEFT, RIGHT] = ['lower left lung', 'upper right lung'];

describe.skipIf(!process.env['RECLMIS_SLOW'])('an exported model', () => {
  it.each<[string, string, boolean, Record<string, unknown>]>([
    ['attunet', 'words', false, {}],
    ['lavt', 'words', true, { width: 8, depths: [2, 2], heads: [1, 2], window: 4 }],
    ['lavt', 'clip-vit-b-32', true, { width: 8, depths: [2, 2], heads: [1, 2], window: 4 }],
    ['vilt', 'words', true, { patch: 16, tokens: 12 }],
  ])(
    'of %s (notes by %s) segments as its run does, in the runtime and behind the server',
    async (name, encoder, reads, options) => {
      const place = join(root, `${name}-${encoder}`);
      const run = await makeTinyRun(place, {
        'model.name': name,
        'model.baseWidth': 8,
        'model.options': options,
        'text.encoder': encoder,
      });
      const out = join(place, 'model');
      const { manifest } = await exportModel(run, { out, threads: 1 });
      expect(manifest.note?.tokenizer.kind === 'clip').toBe(encoder !== 'words');
      using own = openRun(run).loadModel();
      const planes = imageToPlanes(IMAGE, S, 'area');
      const model = await loadModel(out, { threads: 1 });
      try {
        const given: Float32Array[] = [];
        for (const note of [LEFT, RIGHT]) {
          const { probability } = await model.segment(IMAGE, note);
          const expected = own.probabilities(planes, [note]);
          const worst = Math.max(...probability.map((p, i) => Math.abs(p - (expected[i] ?? Number.NaN))));
          expect(worst).toBeLessThan(1e-5); // float32 rounding
          given.push(probability);
        }
        if (reads) expect(given[0]).not.toEqual(given[1]);
        else expect(given[0]).toEqual(given[1]);

        const server = await createServer(model, { version: '0.0.0' });
        const address = await server.listen('127.0.0.1', 0);
        try {
          const form = new FormData();
          form.append('image', new Blob([Uint8Array.from(await encodePng(IMAGE, 3))]), 'image.png');
          if (reads) form.append('note', LEFT);
          const answer = await fetch(`${address}/segment`, {
            method: 'POST',
            body: form,
            headers: { accept: 'application/json' },
          });
          expect(answer.status).toBe(200);
          const { mask } = await model.segment(IMAGE, reads ? LEFT : '');
          const pixels = mask.data.reduce((sum, value) => sum + Number(value > 0), 0);
          expect(await answer.json()).toMatchObject({ width: S, height: S, pixels });
        } finally {
          await server.stop();
        }
      } finally {
        await model.dispose();
      }
    },
    MINUTES,
  );
});

/** Exported systems of Table 1 at work in the runtime and behind the server: one that reads no note, one that reads features, one that reads words. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng } from '@reclmis/files';
import { exportModel } from '@reclmis/export';
import { makeTinyRun } from '@reclmis/lab/testing';
import { loadModel } from '@reclmis/runtime';
import { createServer } from '@reclmis/server';
import { openRun } from '@reclmis/lab';
import { imageToPlanes } from '@reclmis/core';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'reclmis-exported-systems-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const MINUTES = 120_000;
const S = 32;
const IMAGE = { width: S, height: S, data: Uint8Array.from({ length: 3 * S * S }, (_, i) => (i * 37) % 256) };
const [LEFT, RIGHT] = ['lower left lung', 'upper right lung'];

describe.skipIf(!process.env['RECLMIS_SLOW'])('an exported model', () => {
  it.each<[string, boolean, Record<string, unknown>]>([
    ['attunet', false, {}],
    ['lavt', true, { width: 8, depths: [2, 2], heads: [1, 2], window: 4 }],
    ['vilt', true, { patch: 16, tokens: 12 }],
  ])(
    'of %s segments as its run does, in the runtime and behind the server',
    async (name, reads, options) => {
      const run = await makeTinyRun(join(root, name), {
        'model.name': name,
        'model.baseWidth': 8,
        'model.options': options,
      });
      const out = join(root, name, 'model');
      await exportModel(run, { out, threads: 1 });
      using own = openRun(run).loadModel();
      const planes = imageToPlanes(IMAGE, S);
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

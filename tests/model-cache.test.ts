/** Models that a browser keeps by their SHA-256, in a real Chromium. Skipped without Chromium. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, CHROMIUM, openPage, type OpenPage, ORT_FILES, RUNTIME_PAGE } from './browser-page.js';
import { makeSmallModel } from './small-model.js';

describe.skipIf(!CHROMIUM)('the cache of models in Chromium', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-cache-'));
  let open: OpenPage;
  let asked: string[] = [];

  beforeAll(async () => {
    const { model } = await makeSmallModel(root);
    await bundle(RUNTIME_PAGE, join(root, 'page'));
    open = await openPage({ folders: { '/': join(root, 'page'), '/model/': model, '/ort/': ORT_FILES } });
    open.page.on('request', (request) => asked.push(request.url()));
  });
  afterAll(async () => {
    await open.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** Loads the model. @returns progress, and the files that were asked for */
  async function load(cache: boolean): Promise<{ files: string[]; progress: readonly [number, number] }> {
    asked = [];
    const progress = await open.page.evaluate(async (keep) => {
      let last: [number, number] = [0, 0];
      const model = await runtime.loadModel('/model/', {
        cache: keep,
        wasmPaths: '/ort/',
        onProgress: (loaded, total) => (last = [loaded, total]),
      });
      await model.dispose();
      return last;
    }, cache);
    return { files: asked.filter((url) => url.endsWith('.onnx')).map((url) => url.replace(/.*\//, '')), progress }; // prettier-ignore
  }
  const kept = (): Promise<number> =>
    open.page.evaluate(async () => (await (await caches.open('reclmis-models')).keys()).length);

  it('loads files once, if asked to keep them, and tells of the progress all the same', async () => {
    expect((await load(false)).files).toEqual(['segmenter.onnx', 'text-encoder.onnx']);
    expect(await kept()).toBe(0);
    expect((await load(true)).files).toEqual(['segmenter.onnx', 'text-encoder.onnx']);
    expect(await kept()).toBe(2);
    const again = await load(true);
    expect(again.files).toEqual([]);
    expect(again.progress[0]).toBe(again.progress[1]);
    expect(again.progress[1]).toBeGreaterThan(10_000);
  });

  it('loads a file again whose kept bytes are not those of its SHA-256', async () => {
    await open.page.evaluate(async () => {
      const cache = await caches.open('reclmis-models');
      const [first] = await cache.keys();
      await cache.put(first!, new Response(Uint8Array.of(1, 2, 3)));
    });
    expect((await load(true)).files).toHaveLength(1);
    expect((await load(true)).files).toEqual([]);
  });
});

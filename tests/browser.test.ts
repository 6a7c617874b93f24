/**
 * The runtime in a real Chromium gives the masks of Node and libtorch. Skipped without Chromium (`npm run
 * test:browser` installs it).
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threshold } from '@reclmis/core';
import { decodeImage } from '@reclmis/files';
import { loadModel, type Model, type Segmentation } from '@reclmis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, openPage, type OpenPage } from './browser-page.js';
import { imageFiles } from './image-files.js';
import {
  difference,
  makeRuntimeSite,
  type RuntimeSite,
  openedOnPage,
  segmentOnPage,
} from './runtime-site.js';
import type { Picture } from './small-model.js';

/** A page's result for a note with a side. */
interface SidedResult {
  readonly mask: number[];
  readonly bits: number[];
  readonly read: Segmentation['note'];
  readonly sides: Segmentation['warnings'];
}

describe.skipIf(!CHROMIUM)('the runtime in Chromium', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-browser-'));
  let site: RuntimeSite;
  let node: Model;
  let open: OpenPage;

  beforeAll(async () => {
    site = await makeRuntimeSite(root);
    expect(site.sorted.at(-1)! - site.sorted[0]!).toBeGreaterThan(0.1); // otherwise rounding would decide
    node = await loadModel(site.folders['/model/'], { threads: 1 });
    open = await openPage(site);
  });
  afterAll(async () => {
    await open.close();
    await node.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  it('gives the masks of Node and of libtorch, with threads', async () => {
    const { pictures, byTorch, least } = site;
    const [first] = pictures;
    const [right, wrong] = await node.segmentBatch(
      [first!.note, 'lower right lung'].map((note) => ({ image: first!.bytes, note })),
    );
    const turned = right!.probability.map((value, p) => Math.abs(value - wrong!.probability[p]!));
    expect(Math.max(...turned)).toBeGreaterThan(1e-3); // the note matters
    const { device, masks } = await segmentOnPage(open, site, { wasmPaths: '/ort/' });
    expect(device).toBe('wasm');
    expect(open.page.workers().length).toBeGreaterThan(0);
    for (const [i, { bytes, note }] of pictures.entries()) {
      const own = await node.segment(bytes, note, { threshold: least });
      const torch = threshold(byTorch[i]!, own.width, own.height, least);
      const share = torch.data.filter((value) => value === 1).length / torch.data.length;
      expect(share).toBeGreaterThan(0.02);
      expect(share).toBeLessThan(0.98);
      // 1 pixel in 10,000: sums in another order may move probabilities across the threshold.
      expect(difference(own.mask.data, torch.data)).toBeLessThanOrEqual(1e-4);
      expect(difference(masks[i]!, torch.data)).toBeLessThanOrEqual(1e-4);
      expect(difference(masks[i]!, own.mask.data)).toBeLessThanOrEqual(1e-4);
    }
  });

  it('gives them on a page of one thread, with onnxruntime as bundled', async () => {
    const { pictures, least } = site;
    const plain = await openPage({ folders: site.folders, isolated: false });
    try {
      const { masks } = await segmentOnPage(plain, site);
      expect(await plain.page.evaluate(() => crossOriginIsolated)).toBe(false);
      expect(plain.page.workers()).toEqual([]);
      for (const [i, { bytes, note }] of pictures.entries()) {
        const own = await node.segment(bytes, note, { threshold: least });
        expect(difference(masks[i]!, own.mask.data)).toBeLessThanOrEqual(1e-4);
      }
    } finally {
      await plain.close();
    }
  });

  it('decodes images to the pixels of Node, and refuses what Node refuses', async () => {
    const found: [string, unknown][] = [];
    for (const { name, bytes, worst, code } of await imageFiles()) {
      const seen = await open.page.evaluate(async (text) => {
        const file = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        try {
          const { image } = await decodeInBrowser(file, { maxPixels: 10_000 });
          const { width, height, data } = image;
          return { width, height, data: [...data] };
        } catch (error) {
          return (error as { code: string }).code;
        }
      }, Buffer.from(bytes).toString('base64'));
      if (typeof seen === 'string' || code !== undefined) {
        found.push([name, seen]);
        expect([name, seen]).toEqual([name, code]);
        continue;
      }
      const own = await decodeImage(bytes, name);
      expect([name, seen.width, seen.height]).toEqual([name, own.width, own.height]);
      const differences = own.data.map((value, i) => Math.abs(value - seen.data[i]!));
      expect([name, Math.max(...differences)]).toEqual([name, worst]);
    }
    expect(found.length).toBeGreaterThan(0);
  });

  it('caches notes, computes overlapping calls of two models in order, and obeys a signal', async () => {
    const result = await open.page.evaluate(async () => {
      const options = { wasmPaths: '/ort/' };
      const load = (noteCache: number): Promise<Model> =>
        runtime.loadModel('/model/', { ...options, noteCache });
      const [kept, forgetful] = await Promise.all([load(2), load(0)]);
      const image = await (await fetch('/images/0.png')).blob();
      const notes = ['left lung', 'right lung', 'left lung', 'upper left lung'];
      const both = [kept, forgetful];
      const overlapping = await Promise.all(
        both.flatMap((model) => notes.map((note) => model.segment(image, note))),
      );
      const batch = await kept.segmentBatch(notes.map((note) => ({ image, note })));
      const worst = Math.max(
        ...overlapping.map(({ probability }, i) =>
          Math.max(...probability.map((value, p) => Math.abs(value - batch[i % 4]!.probability[p]!))),
        ),
      );
      const again = (await kept.segment(image, notes[3]!)).timings.text;
      const computed = (await forgetful.segment(image, notes[3]!)).timings.text;

      const control = new AbortController();
      const running = kept.segment(image, 'left lung');
      const waiting = kept.segment(image, 'left lung', { signal: control.signal });
      control.abort(new Error('no longer wanted'));
      const ended = await codeOf(waiting);
      const unharmed = await codeOf(running);

      const last = kept.segment(image, 'left lung');
      const closed = kept.dispose();
      const refused = await codeOf(kept.segment(image, 'left lung'));
      await Promise.all([closed, kept.dispose(), forgetful.dispose()]);
      return {
        worst,
        again,
        computed: computed > 0,
        ended,
        unharmed,
        refused,
        finished: await codeOf(last),
        different: overlapping[0]!.probability.some((value, p) => value !== overlapping[1]!.probability[p]),
      };
    });
    expect(result).toEqual({
      worst: expect.closeTo(0, 5) as number, // batches sum in another order
      again: 0,
      computed: true,
      ended: 'no longer wanted',
      unharmed: 'none',
      refused: 'INFERENCE_FAILED',
      finished: 'none',
      different: true,
    });
  });

  it('gives an open image’s notes what `segment` gives, bit for bit', async () => {
    const { opened, alone, fromWhole, cut } = await openedOnPage(open, { wasmPaths: '/ort/' });
    expect(cut).toBe(true);
    expect(opened.map((values, i) => difference(values, alone[i]!))).toEqual([0, 0, 0]);
    // onnxruntime joins other operators across the cut, which rounds sums otherwise.
    expect(fromWhole).toBeLessThan(2e-6);
    expect(difference(opened[0]!, opened[1]!)).toBeGreaterThan(0.1); // the note matters
  });

  it('gives the interest of Node, and opens its graph when first asked', async () => {
    const [{ bytes, note }] = site.pictures as [Picture];
    const found = await open.page.evaluate(async (text) => {
      const model = await runtime.loadModel('/model/', { wasmPaths: '/ort/' });
      const image = await model.open(await (await fetch('/images/0.png')).blob());
      const before = await image.segment(text);
      const { interest, probability } = await image.segment(text, { interest: true });
      const same = before.probability.every((value, p) => value === probability[p]);
      await model.dispose();
      return { same, none: before.interest === undefined, map: [...interest!.map], words: interest!.words };
    }, note);
    const { interest } = await node.segment(bytes, note, { interest: true });
    expect([found.same, found.none]).toEqual([true, true]);
    expect(found.map).toHaveLength(interest!.map.length);
    found.map.forEach((share, i) => expect(Math.abs(share - interest!.map[i]!)).toBeLessThan(1e-5));
    expect(found.words.map(({ text }) => text)).toEqual(interest!.words.map(({ text }) => text));
    found.words.forEach(({ weight }, i) => expect(Math.abs(weight - interest!.words[i]!.weight)).toBeLessThan(1e-5)); // prettier-ignore
  });

  it('mirrors notes of other sides than the model’s, bit for bit, and says so', async () => {
    const found = await open.page.evaluate(async (least) => {
      const model = await runtime.loadModel('/model/', { wasmPaths: '/ort/', noteCache: 0 });
      const image = await (await fetch('/images/2.png')).blob();
      const segment = async (
        note: string,
        sides?: 'patient' | 'image',
        noteStyle: 'free' | 'as-is' = 'as-is',
      ): Promise<SidedResult> => {
        const options = { threshold: least, noteStyle, ...(sides === undefined ? {} : { sides }) };
        const { mask, probability, note: read, warnings } = await model.segment(image, note, options);
        return {
          mask: [...mask.data],
          bits: [...new Uint32Array(probability.buffer, probability.byteOffset, probability.length)],
          read,
          sides: warnings.filter(({ code }) => code.startsWith('SIDES_')),
        };
      };
      const notes = ['upper left lung', 'upper right lung'] as const;
      const own = await segment(notes[0]);
      const same = await segment(notes[0], 'patient');
      const others = await segment(notes[1], 'image');
      const unmirrored = await segment(notes[1]);
      const foreign = await segment('upper right lung, rechts oben', 'image');
      const { read: free } = await segment('RUL opacity', 'image', 'free');
      const learnt = model.manifest.note?.sides;
      await model.dispose();
      return { learnt, own, same, others, unmirrored, foreign, free };
    }, site.least);
    const { learnt, own, same, others, unmirrored, foreign, free } = found;
    expect(learnt).toBe('patient');
    const share = own.mask.filter((value) => value === 1).length / own.mask.length;
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.98);
    const asIs = { style: 'as-is', sent: 'upper left lung', read: null };
    expect(own.read).toEqual({ ...asIs, sides: 'patient', mirrored: false });
    expect(same).toEqual(own);
    expect(others).toEqual({ ...own, read: { ...asIs, sides: 'image', mirrored: true } });
    expect(unmirrored.bits).not.toEqual(own.bits); // the side matters
    expect(difference(unmirrored.mask, own.mask)).toBeGreaterThan(0);
    expect(own.sides).toEqual([]);
    const sent = 'Unilateral pulmonary infection, upper left lung.';
    expect(free).toMatchObject({ sides: 'image', mirrored: true, style: 'free', sent });
    expect(foreign.read).toMatchObject({ sides: 'image', mirrored: true });
    expect(foreign.sides).toEqual([
      {
        code: 'SIDES_NOT_MIRRORED',
        message:
          'the note means the image’s sides and the model learnt the patient’s, but "rechts" was left as written',
      },
    ]);
  });

  it('says that a model does not state its sides', async () => {
    await open.page.route('**/unstated/*', async (route) => {
      const name = new URL(route.request().url()).pathname.replace('/unstated/', '');
      const bytes = readFileSync(join(site.folders['/model/'], name));
      const json = name.endsWith('.json')
        ? (JSON.parse(bytes.toString()) as { note: { sides?: string } })
        : null;
      if (json) delete json.note.sides;
      await route.fulfill({
        body: json ? JSON.stringify(json) : bytes,
        contentType: 'application/octet-stream',
      });
    });
    const found = await open.page.evaluate(async () => {
      const [stated, unstated] = await Promise.all(
        ['/model/', '/unstated/'].map((at) => runtime.loadModel(at, { wasmPaths: '/ort/' })),
      );
      const image = await (await fetch('/images/0.png')).blob();
      const plain = await stated!.segment(image, 'upper left lung');
      const results = [];
      for (const [note, options] of [
        ['upper left lung', { noteStyle: 'as-is' }],
        ['upper left lung', { noteStyle: 'as-is', sides: 'image' }],
        ['both lungs', { noteStyle: 'as-is', sides: 'image' }],
      ] as const) {
        const { probability, note: read, warnings } = await unstated!.segment(image, note, options);
        results.push({
          read,
          asItStands: probability.every((value, p) => value === plain.probability[p]),
          sides: warnings.filter(({ code }) => code.startsWith('SIDES_')).map(({ message }) => message),
        });
      }
      const sides = unstated!.manifest.note?.sides;
      await Promise.all([stated!.dispose(), unstated!.dispose()]);
      return { sides, results };
    });
    const unknown = (asked: string): string =>
      `the note names a side, and the model does not record whose left and right it learnt${asked}; the note is read as written`;
    const asked = ', so it is unclear whether a note that means the image’s sides must be mirrored';
    expect(found).toMatchObject({
      sides: 'unknown',
      results: [
        { read: { sides: 'unknown', mirrored: false }, asItStands: true, sides: [unknown('')] },
        { read: { sides: 'image', mirrored: false }, asItStands: true, sides: [unknown(asked)] },
        { read: { sides: 'image', mirrored: false }, asItStands: false, sides: [] },
      ],
    });
  });

  it('obeys a signal while loading, and shows progress', async () => {
    const control = (): Promise<[string, boolean]> =>
      open.page.evaluate(async () => {
        const control = new AbortController();
        const done: number[] = [];
        const loading = runtime.loadModel('/model/', {
          wasmPaths: '/ort/',
          signal: control.signal,
          onProgress: (loaded, total) => {
            done.push(loaded / total);
            control.abort(new Error('enough'));
          },
        });
        return [await codeOf(loading), done.length > 0 && done[0]! <= 1];
      });
    expect(await control()).toEqual(['enough', true]);
  });

  it('refuses unsupported options with a code', async () => {
    await open.page.route('**/damaged/*', async (route) => {
      const name = new URL(route.request().url()).pathname.replace('/damaged/', '');
      const bytes = readFileSync(join(site.folders['/model/'], name));
      if (name === 'segmenter.onnx') bytes.fill(7, 0, 1000);
      await route.fulfill({ body: bytes, contentType: 'application/octet-stream' });
    });
    const codes = await open.page.evaluate(async () => {
      const load = (address: string, options = {}): Promise<Model> =>
        runtime.loadModel(address, { wasmPaths: '/ort/', ...options });
      const model = await load('/model/');
      const grey = { width: 20, height: 30, data: new Uint8Array(1800) };
      const works: Record<string, Promise<unknown>> = {
        nowhere: load('/nowhere/'),
        nothing: load('http://'),
        damaged: load('/damaged/'),
        refused: load('/damaged/', { verify: false }),
        device: load('/model/', { device: 'cuda' }),
        gpu: load('/model/', { device: 'webgpu' }),
        threads: load('/model/', { threads: 0 }),
        note: model.segment(grey, ' '),
        path: model.segment('chest.png', 'left lung'),
        pixels: model.segment({ ...grey, width: 21 }, 'left lung'),
        large: model.segment(await (await fetch('/images/1.png')).blob(), 'left lung', { maxPixels: 39_999 }),
      };
      const codes: Record<string, string> = {};
      for (const [name, work] of Object.entries(works)) codes[name] = await codeOf(work);
      return codes;
    });
    expect(codes).toEqual({
      nowhere: 'MODEL_MISSING',
      nothing: 'MODEL_MISSING',
      damaged: 'MODEL_INVALID',
      refused: 'MODEL_INVALID',
      device: 'DEVICE_MISSING',
      gpu: 'DEVICE_MISSING',
      threads: 'OPTION_INVALID',
      note: 'NOTE_EMPTY',
      path: 'IMAGE_UNSUPPORTED',
      pixels: 'IMAGE_UNREADABLE',
      large: 'IMAGE_TOO_LARGE',
    });
  });

  it('uses WebAssembly if WebGPU is slow or fails, and says if neither starts', async () => {
    const found = await open.page.evaluate(async () => {
      const devices: string[] = [];
      for (const adapter of [{ info: { isFallbackAdapter: true } }, { info: {}, features: new Set() }]) {
        const gpu = { requestAdapter: () => Promise.resolve(adapter) };
        Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
        const model = await runtime.loadModel('/model/', { wasmPaths: '/ort/' });
        devices.push(model.device);
        await model.dispose();
      }
      return devices;
    });
    expect(found).toEqual(['wasm', 'wasm']);
    await open.page.reload(); // a page starts onnxruntime once
    const missing = await open.page.evaluate(() =>
      codeOf(runtime.loadModel('/model/', { wasmPaths: '/images/' })),
    );
    expect(missing).toBe('RUNTIME_MISSING');
  });
});

/** The runtime on Chromium's WebGPU; the processor computes its shaders, slowly. Skipped without Chromium. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MANIFEST_FILE, parseManifest, threshold } from '@reclmis/core';
import type { Model } from '@reclmis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, openPage, type OpenPage } from './browser-page.js';
import {
  difference,
  makeRuntimeSite,
  openedOnPage,
  type RuntimeSite,
  segmentOnPage,
} from './runtime-site.js';

const SLOW = process.env['RECLMIS_SLOW'] === '1';

describe.skipIf(!CHROMIUM || !SLOW)('the runtime on WebGPU', { timeout: 600_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-webgpu-'));
  let site: RuntimeSite;
  let open: OpenPage;

  beforeAll(async () => {
    site = await makeRuntimeSite(root);
    open = await openPage({ folders: site.folders, webgpu: true });
    open.page.setDefaultTimeout(500_000); // the processor compiles and computes shaders
    await open.page.route('**/other/*', async (route) => {
      const name = new URL(route.request().url()).pathname.replace('/other/', '');
      let bytes = readFileSync(join(site.folders['/model/'], name));
      if (name === MANIFEST_FILE) {
        const manifest = parseManifest(JSON.parse(bytes.toString()), name);
        const probe = manifest.check.probe?.map((value) => 1 - value);
        bytes = Buffer.from(JSON.stringify({ ...manifest, check: { ...manifest.check, probe } }));
      }
      await route.fulfill({ body: bytes, contentType: 'application/octet-stream' });
    });
  }, 600_000);
  afterAll(async () => {
    await open.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('gives the masks of libtorch', async () => {
    const { byTorch, least } = site;
    const { device, masks, probabilities } = await segmentOnPage(open, site, {
      device: 'webgpu',
      wasmPaths: '/ort/',
    });
    expect(device).toBe('webgpu');
    const names = await open.page.evaluate(async () => {
      const { gpu } = navigator as unknown as {
        gpu: { requestAdapter(): Promise<{ info: { architecture: string } } | null> };
      };
      return (await gpu.requestAdapter())?.info.architecture;
    });
    expect(names).toBe('swiftshader'); // no other device answered
    for (const [i, expected] of byTorch.entries()) {
      const worst = expected.reduce((most, value, p) => {
        return Math.max(most, Math.abs(value - probabilities[i]![p]!));
      }, 0);
      expect(worst).toBeLessThan(1e-4); // the exporter's limit
      const mask = threshold(expected, 1, expected.length, least);
      expect(difference(masks[i]!, mask.data)).toBeLessThanOrEqual(1e-4); // 1 pixel in 10,000, at the threshold
    }
  });

  it('gives an open image’s notes what `segment` gives, bit for bit', async () => {
    const { opened, alone, fromWhole, cut } = await openedOnPage(open, {
      device: 'webgpu',
      wasmPaths: '/ort/',
    });
    expect(cut).toBe(true);
    expect(opened.map((values, i) => difference(values, alone[i]!))).toEqual([0, 0, 0]);
    // onnxruntime joins other operators across the cut, which rounds sums otherwise.
    expect(fromWhole).toBeLessThan(2e-5);
    expect(difference(opened[0]!, opened[1]!)).toBeGreaterThan(0.1); // the note matters
  });

  it('is refused, or left for WebAssembly, if its results differ from the export check', async () => {
    const code = await open.page.evaluate(() =>
      codeOf(runtime.loadModel('/other/', { device: 'webgpu', wasmPaths: '/ort/' })),
    );
    expect(code).toBe('DEVICE_WRONG');
    const device = await open.page.evaluate(async () => {
      // Software adapters are not chosen by default, so this one claims to be none.
      const { gpu } = navigator as unknown as { gpu: { requestAdapter(): Promise<object> } };
      const adapter = await gpu.requestAdapter();
      Object.defineProperty(adapter, 'info', { value: { isFallbackAdapter: false } });
      gpu.requestAdapter = () => Promise.resolve(adapter);
      const model: Model = await runtime.loadModel('/other/', { wasmPaths: '/ort/' });
      await model.dispose();
      return model.device;
    });
    expect(device).toBe('wasm');
  });

  it('goes on with WebAssembly when the device is lost, with the same masks', async () => {
    const { pictures } = site;
    const [first] = pictures;
    const fresh = await openPage({ folders: site.folders, webgpu: true });
    fresh.page.setDefaultTimeout(500_000);
    try {
      const found = await fresh.page.evaluate(
        async ({ file, note }) => {
          interface Device {
            destroy(): void;
          }
          const { gpu } = navigator as unknown as {
            gpu: { requestAdapter(): Promise<{ requestDevice(...of: unknown[]): Promise<Device> }> };
          };
          const adapter = await gpu.requestAdapter();
          Object.defineProperty(adapter, 'info', { value: { isFallbackAdapter: false } });
          const devices: Device[] = [];
          const request = adapter.requestDevice.bind(adapter);
          adapter.requestDevice = async (...of) => {
            const device = await request(...of);
            devices.push(device);
            return device;
          };
          gpu.requestAdapter = () => Promise.resolve(adapter);
          const told: string[] = [];
          const model: Model = await runtime.loadModel('/model/', {
            wasmPaths: '/ort/',
            onFallback: ({ code }) => told.push(code),
          });
          const image = await (await fetch(`/images/${file}`)).blob();
          const opened = await model.open(image);
          const before = await opened.segment(note);
          const on = model.device;
          for (const device of devices) device.destroy();
          const after = await opened.segment(`${note} `); // not the note whose features are kept
          const again = await model.segment(image, note);
          const result = [before, after, again].map(({ probability }) => [...probability]);
          return { on, off: model.device, told, devices: devices.length, result };
        },
        { file: first!.file, note: first!.note },
      );
      expect(found).toMatchObject({ on: 'webgpu', off: 'wasm', told: ['INFERENCE_FAILED'] });
      expect(found.devices).toBeGreaterThan(0);
      const [before, after, again] = found.result;
      for (const other of [after!, again!])
        expect(Math.max(...other.map((value, p) => Math.abs(value - before![p]!)))).toBeLessThan(1e-4);
    } finally {
      await fresh.close();
    }
  });
});

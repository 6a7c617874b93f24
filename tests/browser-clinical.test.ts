/**
 * DICOM and NIfTI in a real Chromium, under a strict Content-Security-Policy, give the masks of Node; a page that reads
 * PNG fetches nothing of their reader. Skipped without Chromium (`npm run test:browser` installs it).
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encodeFrame, type Encoding, imageFile, niftiFile, phantomFrame } from '@reclmis/clinical/testing';
import { loadModel, type Model } from '@reclmis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, openPage, type OpenPage } from './browser-page.js';
import { difference, makeRuntimeSite, type RuntimeSite } from './runtime-site.js';

/** Allows WebAssembly, but neither `eval` nor other sites. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'";
const NOTE = 'upper left lung';
const [WIDTH, HEIGHT] = [70, 50];
/** The compressed transfer syntaxes of PS3.5 A.4. */
const SYNTAXES = {
  jpegLs: '1.2.840.10008.1.2.4.80',
  jpeg2000: '1.2.840.10008.1.2.4.90',
  htJpeg2000: '1.2.840.10008.1.2.4.201',
  jpeg: '1.2.840.10008.1.2.4.50',
  rle: '1.2.840.10008.1.2.5',
} as const satisfies Record<Encoding, string>;
/** WebAssembly for the folder of `decoders`, as the packages' exports name it. */
const WASM = [
  '@cornerstonejs/codec-charls/decodewasm',
  '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm',
  '@cornerstonejs/codec-openjpeg/decodewasm',
  '@cornerstonejs/codec-openjph/wasm',
];
/** A UID root that every DICOM reader contains. */
const READER = '1.2.840.10008';

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly frame?: number;
}

async function compressed(encoding: Encoding, stored: number): Promise<Case> {
  const frame = phantomFrame(WIDTH, HEIGHT, { stored });
  const bytes = await encodeFrame(frame, encoding, encoding === 'jpeg' ? { lossy: true } : {}); // baseline
  const image = { width: WIDTH, height: HEIGHT, allocated: frame.allocated, stored };
  const pixels = { fragments: [new Uint8Array(), bytes] };
  return { name: encoding, bytes: imageFile({ ...image, pixels }, { syntax: SYNTAXES[encoding] }) };
}

async function cases(): Promise<Case[]> {
  const { data } = phantomFrame(WIDTH, HEIGHT, { stored: 12 });
  const plain = { width: WIDTH, height: HEIGHT, stored: 12, pixels: [...data] };
  const slices = [1, 2, 3].flatMap((seed) => [...phantomFrame(WIDTH, HEIGHT, { stored: 8, seed }).data]);
  const volume = niftiFile({ dims: [3, WIDTH, HEIGHT, 3], voxels: Uint8Array.from(slices) });
  return [
    { name: 'uncompressed', bytes: imageFile(plain) },
    await compressed('jpegLs', 12),
    await compressed('jpeg2000', 12),
    await compressed('htJpeg2000', 12),
    await compressed('jpeg', 8),
    await compressed('rle', 12),
    { name: 'nii.gz', bytes: gzipSync(volume), frame: 1 },
  ];
}

interface Found {
  readonly mask?: number[];
  readonly probability?: number[];
  readonly frame?: boolean;
  readonly code?: string;
  readonly message?: string;
}

describe.skipIf(!CHROMIUM)('DICOM and NIfTI in Chromium', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-browser-clinical-'));
  const decoders = join(root, 'decoders');
  let site: RuntimeSite;
  let node: Model;
  let open: OpenPage;
  const asked: string[] = [];
  const problems: string[] = [];

  beforeAll(async () => {
    site = await makeRuntimeSite(root);
    mkdirSync(decoders);
    const require = createRequire(import.meta.resolve('@reclmis/clinical'));
    for (const file of WASM.map((name) => require.resolve(name)))
      copyFileSync(file, join(decoders, basename(file)));
    node = await loadModel(site.folders['/model/'], { threads: 1 });
    open = await openPage({ folders: { ...site.folders, '/decoders/': decoders }, policy: POLICY });
    open.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    open.page.on('console', (line) => {
      if (/content security policy/i.test(line.text())) problems.push(line.text());
    });
    await open.page.reload(); // with the listeners
  });
  afterAll(async () => {
    await open.close();
    await node.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  /** Segments on the page. */
  const segmented = ({ bytes, frame }: Case, decoders?: string): Promise<Found> =>
    open.page.evaluate(
      async ({ text, note, options }) => {
        const model = await runtime.loadModel('/model/', { wasmPaths: '/ort/' });
        try {
          const file = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
          const { mask, probability, clinical } = await model.segment(file, note, options);
          return { mask: [...mask.data], probability: [...probability], frame: clinical !== undefined };
        } catch (error) {
          const { code, message } = error as { code?: string; message: string };
          return { code: code ?? 'none', message };
        } finally {
          await model.dispose();
        }
      },
      {
        text: Buffer.from(bytes).toString('base64'),
        note: NOTE,
        options: {
          threshold: site.least,
          ...(frame === undefined ? {} : { frame }),
          ...(decoders === undefined ? {} : { decoders }),
        },
      },
    );

  /** The page's scripts, other than its first, that contain the reader. */
  const readers = (): string[] => {
    const assets = join(site.folders['/'], 'assets');
    return readdirSync(assets)
      .filter((file) => file.endsWith('.js') && readFileSync(join(assets, file), 'utf8').includes(READER))
      .map((file) => `/assets/${file}`);
  };

  /** Decoders that the page fetched from a folder, without the bundler's hashes. */
  const fetched = (folder: string): string[] => {
    const files = asked.filter((path) => path.startsWith(folder) && /_decode|openjph/.test(path));
    return [...new Set(files.map((path) => basename(path).split(/[-.]/)[0]!))].sort();
  };

  it('fetches no reader for a page that reads PNG', async () => {
    const page = readFileSync(join(site.folders['/'], 'index.html'), 'utf8');
    const lazy = readers();
    expect(lazy.length).toBe(1);
    expect(page).not.toContain(lazy[0]); // neither run nor preloaded
    const [picture] = site.pictures;
    const found = await segmented({ name: 'png', bytes: picture!.bytes });
    expect(found).toMatchObject({ frame: false });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((path) => lazy.includes(path) || /worker|_decode|openjph/.test(path))).toEqual([]);
  });

  it('segments them as Node does, with decoders as bundled and from a folder', async () => {
    for (const one of await cases()) {
      const { threshold, frame } = { threshold: site.least, frame: one.frame };
      const own = await node.segment(one.bytes, NOTE, {
        threshold,
        ...(frame === undefined ? {} : { frame }),
      });
      const share = own.mask.data.filter((value) => value === 1).length / own.mask.data.length;
      expect([one.name, share > 0.02 && share < 0.98]).toEqual([one.name, true]);
      for (const decoders of [undefined, '/decoders/', 'decoders']) {
        const { mask, probability, frame: clinical, ...failed } = await segmented(one, decoders);
        expect([one.name, decoders, failed]).toEqual([one.name, decoders, {}]);
        expect([one.name, clinical]).toEqual([one.name, true]);
        const worst = own.probability.reduce(
          (most, value, i) => Math.max(most, Math.abs(value - probability![i]!)),
          0,
        );
        expect([one.name, worst < 1e-4]).toEqual([one.name, true]); // float32 sums in another order
        // 1 pixel in 3,500: probabilities that close may lie on both sides of the threshold.
        expect([one.name, difference(mask!, own.mask.data) <= 1 / 3500]).toEqual([one.name, true]);
      }
    }
    expect(asked).toEqual(expect.arrayContaining(readers()));
    const all = ['charlswasm_decode', 'libjpegturbowasm_decode', 'openjpegwasm_decode', 'openjphjs'];
    for (const folder of ['/assets/', '/decoders/']) expect([folder, fetched(folder)]).toEqual([folder, all]);
    expect(problems).toEqual([]);
  });

  it('says that decoders are missing or a frame is damaged, and goes on', async () => {
    const [plain, jpegLs] = await cases();
    const missing = await segmented(jpegLs!, '/nowhere/');
    expect(missing).toEqual({
      code: 'IMAGE_UNSUPPORTED',
      message: expect.stringContaining('the decoder of its compression does not start') as string,
    });
    expect(await segmented(plain!, 'http://')).toMatchObject({ code: 'OPTION_INVALID' });
    const image = { width: WIDTH, height: HEIGHT, stored: 12 };
    const whole = await encodeFrame(phantomFrame(WIDTH, HEIGHT, { stored: 12 }), 'jpegLs');
    const half = { fragments: [new Uint8Array(), whole.slice(0, whole.length / 2)] };
    const damaged = imageFile({ ...image, pixels: half }, { syntax: SYNTAXES.jpegLs });
    expect(await segmented({ name: 'damaged', bytes: damaged })).toMatchObject({ code: 'IMAGE_UNREADABLE' });
    expect(await segmented(jpegLs!)).toMatchObject({ frame: true });
  });

  it('says so if the site does not serve the worker’s script', async () => {
    const [, jpegLs] = await cases();
    await open.page.reload(); // a new page has no worker yet
    await open.page.route('**/web-worker*', (route) => route.fulfill({ status: 404, body: '' }));
    expect(await segmented(jpegLs!)).toMatchObject({ code: 'IMAGE_UNSUPPORTED' });
    await open.page.unroute('**/web-worker*');
    expect(await segmented(jpegLs!)).toMatchObject({ frame: true });
  });
});

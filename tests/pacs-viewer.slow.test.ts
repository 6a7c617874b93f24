/**
 * The guide for a PACS as written, against a real Orthanc: its commands on radiographs of a phantom, then a SEG of slices
 * over its images in a page with Cornerstone3D. `RECLMIS_VIEWER_PICTURE=docs/images/viewer.png` saves the picture.
 * Takes some minutes: it trains on phantoms, for a picture on as many as `npm run demo`.
 */
import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Pacs, readSeg, type SegObject } from '@reclmis/clinical';
import { imageFile, type Orthanc, orthancMissing, startOrthanc } from '@reclmis/clinical/testing';
import { decodeImage, type GreyImage } from '@reclmis/files';
import { drawPhantom } from '@reclmis/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, CHROMIUM, openPage } from './browser-page.js';
import { readPage, ROOT } from './markdown.js';
import { pack } from './packed.js';
import { CORNERSTONE_SEG, install, REGISTRY } from './registry.js';

const execFileAsync = promisify(execFile);
const GUIDE = 'docs/guide/clinical.md';
const ADDRESS = 'https://pacs.example/dicom-web';
/** Enough for a mask; the picture deserves a better one. */
const TRAINING = process.env['RECLMIS_VIEWER_PICTURE'] === undefined ? '--count 400 --epochs 6' : '';
/** As in the guide. */
const [STUDY, SERIES] = ['1.2.840.113', '1.2.840.113.1'];
const [CT_STUDY, CT_SERIES] = ['1.2.840.114', '1.2.840.114.1'];
const NOTE = 'Opacity in the upper left lung.';
const SIZE = 256;
const SLICES = 7;
const MIDDLE = 3;
const [DX, CT] = ['1.2.840.10008.5.1.4.1.1.1.1', '1.2.840.10008.5.1.4.1.1.2'];

const lack =
  orthancMissing() ?? (REGISTRY ? (CHROMIUM === null ? 'Chromium' : null) : 'RECLMIS_SLOW and a registry');

/** The first one in whose upper left lung alone its note names an opacity. */
function phantom(): GreyImage {
  for (let index = 0; ; index++) {
    const { image, named } = drawPhantom(5, index, SIZE);
    if (named.length === 1 && named[0]?.side === 'left' && named[0].zone === 'upper') return image;
  }
}

const { data } = phantom();

function radiograph(): Uint8Array {
  return imageFile(
    {
      ...{
        width: SIZE,
        height: SIZE,
        stored: 8,
        allocated: 8,
        pixels: Uint8Array.from(data),
        modality: 'DX',
      },
      more: [
        [0x00080016, 'UI', DX],
        [0x00080018, 'UI', `${SERIES}.1`],
        [0x00080020, 'DA', '20260110'],
        [0x0020000d, 'UI', STUDY],
        [0x0020000e, 'UI', SERIES],
        [0x00200020, 'CS', 'L\\F'],
        [0x00281050, 'DS', '128'],
        [0x00281051, 'DS', '256'],
      ],
    },
    { object: { sopClass: DX, instance: `${SERIES}.1` } },
  );
}

/** Coronal, so they look like a radiograph; each a little brighter than the one before it. */
function slice(at: number): Uint8Array {
  return imageFile(
    {
      ...{ width: SIZE, height: SIZE, stored: 12, modality: 'CT' },
      pixels: Array.from(data, (grey) => 8 * Math.min(255, grey + 2 * at)),
      more: [
        [0x00080016, 'UI', CT],
        [0x00080018, 'UI', `${CT_SERIES}.${at + 1}`],
        [0x00080020, 'DA', '20260111'],
        [0x0020000d, 'UI', CT_STUDY],
        [0x0020000e, 'UI', CT_SERIES],
        [0x00180050, 'DS', '2'],
        [0x00200013, 'IS', String(at + 1)],
        [0x00200032, 'DS', `-160\\${2 * at}\\160`],
        [0x00200037, 'DS', '1\\0\\0\\0\\0\\-1'],
        [0x00200052, 'UI', '1.2.840.114.9'],
        [0x00280030, 'DS', '1.25\\1.25'],
        [0x00281050, 'DS', '0'],
        [0x00281051, 'DS', '2048'],
        [0x00281052, 'DS', '-1024'],
        [0x00281053, 'DS', '1'],
      ],
    },
    { object: { sopClass: CT, instance: `${CT_SERIES}.${at + 1}` } },
  );
}

describe.skipIf(lack !== null)(`${GUIDE}, with Orthanc${lack === null ? '' : ` (needs ${lack})`}`, () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-pacs-viewer-'));
  let orthanc: Orthanc;
  let pacs: Pacs;
  const env = { ...process.env, PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` };

  /** Orthanc is reached through this process, so commands may not block it. @returns standard output */
  async function shell(script: string, timeout = 300_000): Promise<string> {
    const child = execFileAsync('bash', ['-ec', script], { cwd: root, env, timeout });
    return (await child).stdout;
  }
  /** The guide's block of commands that contains a text, at Orthanc's address. */
  function commands(holding: string): string {
    const block = readPage(GUIDE).blocks.find(
      ({ language, lines }) => language === 'sh' && lines.join('\n').includes(holding),
    );
    return (block?.lines ?? []).join('\n').replace(ADDRESS, orthanc.url);
  }
  const segOf = async (study: string): Promise<SegObject> => {
    const { found } = await pacs.series(study, { Modality: 'SEG' });
    const { found: instances } = await pacs.instances(study, found.at(-1)!.series);
    return readSeg((await pacs.retrieveInstance(study, found.at(-1)!.series, instances[0]!.instance)).bytes);
  };

  beforeAll(async () => {
    mkdirSync(join(root, 'bin'));
    const program = join(root, 'bin', 'reclmis');
    writeFileSync(
      program,
      `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'packages/cli/bin/reclmis.js')}' "$@"\n`,
    );
    chmodSync(program, 0o755);
    await shell(`reclmis demo ${TRAINING} -q && mkdir runs && mv outputs/demo/run runs/chest`, 800_000);
    writeFileSync(join(root, 'token'), 'any', { mode: 0o600 });
    orthanc = await startOrthanc();
    pacs = new Pacs(orthanc.url, { retries: 0 });
    await pacs.store([radiograph(), ...Array.from({ length: SLICES }, (_, at) => slice(at))]);
  }, 900_000);
  afterAll(async () => {
    await (orthanc as Orthanc | undefined)?.stop(); // undefined if it did not come so far
    rmSync(root, { recursive: true, force: true });
  });

  it('leads from a search to a SEG in the PACS', { timeout: 300_000 }, async () => {
    const said = await shell(commands('reclmis pacs store'));
    expect(said).toContain(STUDY);
    expect(said).toContain(SERIES);
    expect(said).toMatch(/^1 files \(0\.1 MB\) in series$/mu);
    expect(said).toMatch(/^stored 1 file/mu);
    expect(readdirSync(join(root, 'masks'))).toEqual(
      expect.arrayContaining(['0001_seg.dcm', '0001_measures.json']),
    );
    const seg = await segOf(STUDY);
    expect(seg.frames.map(({ sources }) => sources[0]?.sopInstance)).toEqual([`${SERIES}.1`]);
    const mask = await decodeImage(readFileSync(join(root, 'masks/0001_mask.png')), 'mask');
    expect([...seg.pixels(0).data]).toEqual(
      Array.from({ length: SIZE * SIZE }, (_, p) => mask.data[3 * p]! / 255),
    );
  });

  it('segments in one command', { timeout: 300_000 }, async () => {
    const before = (await pacs.series(STUDY, { Modality: 'SEG' })).found.length;
    const said = await shell(`URL=${orthanc.url}\n${commands('pacs segment')}`);
    expect(said).toMatch(/^1 image segmented; stored as SEG 2\.25\.\d+$/mu);
    expect((await pacs.series(STUDY, { Modality: 'SEG' })).found.length).toBe(before + 1);
  });

  it('segments on a server', { timeout: 300_000 }, async () => {
    const [serve = '', ...curl] = commands('reclmis serve').split('\n');
    const port = await freePort();
    const server = spawn('bash', ['-ec', `exec ${serve} --port ${port}`], { cwd: root, env: { ...env, URL: orthanc.url }, stdio: ['ignore', 'ignore', 'pipe'] }); // prettier-ignore
    try {
      await expect
        .poll(
          () =>
            fetch(`http://127.0.0.1:${port}/v2/health/ready`).then(
              ({ ok }) => ok,
              () => false,
            ),
          { timeout: 60_000 },
        ) // prettier-ignore
        .toBe(true);
      const answer = JSON.parse(await shell(curl.join('\n').replace(':8000', `:${port}`))) as Record<
        string,
        unknown
      >;
      expect(answer).toMatchObject({ study: STUDY, series: SERIES, images: 1, segmentations: [{ study: STUDY, frames: 1 }] }); // prettier-ignore
    } finally {
      server.kill();
      await new Promise((resolve) => server.once('close', resolve));
    }
  });

  it('shows a SEG over its images in a viewer', { timeout: 600_000 }, async () => {
    const project = join(root, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
    install(project, ...CORNERSTONE_SEG, ...pack(join(root, 'archives')));
    cpSync(join(ROOT, 'examples', 'pacs-viewer'), join(project, 'viewer'), { recursive: true });
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const compilerOptions = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, target: 'ES2022', types: [], module: 'ESNext', moduleResolution: 'bundler', noEmit: true, skipLibCheck: true }; // prettier-ignore
    writeFileSync(
      join(project, 'viewer/tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['*.ts'] }),
    );
    await shell(`'${process.execPath}' '${tsc}' -p project/viewer && ln -s '${join(ROOT, 'node_modules/vite')}' project/node_modules/vite`); // prettier-ignore
    await bundle(join(project, 'viewer'), join(root, 'page'));

    await shell(
      `reclmis pacs segment models/chest --url ${orthanc.url} --study ${CT_STUDY} --note "${NOTE}"`,
    );
    const seg = await segOf(CT_STUDY);
    const frame = seg.frames.findIndex(
      ({ sources }) => sources[0]?.sopInstance === `${CT_SERIES}.${MIDDLE + 1}`,
    );
    const mask = seg.pixels(frame).data;
    const { page, url, close } = await openPage({ folders: { '/': join(root, 'page') }, webgl: true });
    try {
      await page.route('**/dicom-web/**', async (route) => {
        const { pathname, search } = new URL(route.request().url());
        const path = pathname.replace('/dicom-web', '');
        await route.fulfill({ response: await route.fetch({ url: `${orthanc.url}${path}${search}` }) });
      });
      await page.setViewportSize({ width: 960, height: 672 });
      await page.goto(`${url}?study=${CT_STUDY}&series=${CT_SERIES}`);
      await page
        .getByRole('status')
        .getByText(`Slice ${MIDDLE + 1} of ${SLICES}`)
        .waitFor();
      await page.getByRole('listitem').getByText('Described region').waitFor();

      /** Pixels of the image whose place on the screen is coloured. */
      const coloured = async (): Promise<number[]> => {
        const shown = await decodeImage(await page.locator('#viewport').screenshot(), 'screenshot');
        const scale = shown.width / SIZE;
        return Array.from({ length: SIZE * SIZE }, (_, p) => {
          const [x, y] = [p % SIZE, Math.floor(p / SIZE)].map((at) => Math.floor((at + 0.5) * scale)) as [number, number]; // prettier-ignore
          const [r = 0, g = 0, b = 0] = shown.data.subarray(3 * (y * shown.width + x));
          return Math.max(r, g, b) - Math.min(r, g, b) > 20 ? 1 : 0;
        });
      };
      expect(mask.filter((value) => value > 0).length).toBeGreaterThan(100);
      // The rim is drawn wider than its pixels.
      await expect
        .poll(async () => different(await coloured(), mask), { timeout: 60_000 })
        .toBeLessThan(0.01);
      const picture = process.env['RECLMIS_VIEWER_PICTURE'];
      if (picture !== undefined) writeFileSync(join(ROOT, picture), await page.screenshot());
    } finally {
      await close();
    }
  });
});

/** Share of pixels. */
function different(one: readonly number[], other: ArrayLike<number>): number {
  return one.filter((value, p) => value !== other[p]).length / one.length;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** `reclmis pacs segment`: from a series of a PACS to a SEG in it, in memory and with a real Orthanc. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pacs, readFileHead, readSeg, SR_STORAGE } from '@reclmis/clinical';
import {
  orthancMissing,
  type PlainFileValues,
  plainDicomFile,
  startOrthanc,
  withPacs,
} from '@reclmis/clinical/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallRun } from './testing/exported.js';
import { BIN, type Finished, reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-pacs-segment-'));
const temporary = join(root, 'tmp');
mkdirSync(temporary);
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeAll(async () => {
  await smallRun(root);
});

const NAME = 'Secret^Person';
const ID = 'ID-4711';
const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';
const image = (n: number, more: Partial<PlainFileValues> = {}): PlainFileValues => ({
  ...{ study: '1.2.1', series: '1.2.1.1', instance: `1.2.1.1.${n}`, number: n },
  ...{ patientName: NAME, patientId: ID, rows: 33, columns: 41 }, // an odd size
  pixels: Uint8Array.from({ length: 33 * 41 }, (_, i) => (i * 7 * n) & 255),
  ...more,
});
const segment = (url: string, ...args: string[]): Promise<Finished> =>
  reclmisHere(root, { TMPDIR: temporary })('pacs', 'segment', 'run', '--url', url, '--note', NOTE, ...args);

it('stores a SEG of all images, and leaves no file and no name behind', () =>
  withPacs(async ({ url, add, stored }) => {
    add(image(1), image(2), image(3, { series: '1.2.1.2', modality: 'SEG' }));
    const { status, stdout, stderr } = await segment(url, '--patient-id', ID);
    expect([status, stderr]).toEqual([0, expect.any(String)]);
    const [instance = ''] = [...stored.keys()];
    expect(stored.size).toBe(1);
    expect(stdout).toBe(`2 images segmented; stored as SEG ${instance}\n`);
    expect(readFileHead(stored.get(instance)!)?.sopClass).toBe('1.2.840.10008.5.1.4.1.1.66.4');
    const text = stored.get(instance)!.toString('latin1');
    for (const held of ['1.2.1.1.1', '1.2.1.1.2', NAME, ID]) expect(text).toContain(held);
    expect(text).not.toContain('upper left lung');
    expect(stderr).not.toMatch(/Secret|4711|1\.2\.1\b|upper left/);
    expect(readdirSync(temporary)).toEqual([]);
  }));

it('keeps the results where asked to, under names that identify no one', () =>
  withPacs(async ({ url, add }) => {
    add(image(1));
    const args = ['--study', '1.2.1', '--series', '1.2.1.1', '-o', 'kept'];
    expect((await segment(url, ...args)).status).toBe(0);
    const names = readdirSync(join(root, 'kept'), { recursive: true }).map(String);
    expect(names).toContain('0001_mask.png');
    expect(names).toContain('0001_seg.dcm');
    expect(names.join()).not.toMatch(/Secret|4711|1\.2\.1\b/);
    expect((await segment(url, ...args)).stderr).toMatch(/^error OUTPUT_EXISTS/);
  }));

it('stores a report of each SEG if asked', () =>
  withPacs(async ({ url, add, stored }) => {
    add(image(1), image(2));
    const { status, stdout } = await segment(url, '--study', '1.2.1', '--report', '--json');
    expect(status).toBe(0);
    const { segmentations, reports } = JSON.parse(stdout) as Record<'segmentations' | 'reports', string[]>;
    expect([segmentations.length, reports.length, stored.size]).toEqual([1, 1, 2]);
    const [seg, sr] = [segmentations[0]!, reports[0]!].map((instance) => stored.get(instance)!);
    expect(readFileHead(seg!)?.sopClass).toBe('1.2.840.10008.5.1.4.1.1.66.4');
    expect(readFileHead(sr!)?.sopClass).toBe(SR_STORAGE);
    const text = sr!.toString('latin1');
    for (const held of [segmentations[0]!, '1.2.1.1.1', 'Imaging Measurement Report', 'at the detector'])
      expect(text).toContain(held);
    expect(text).not.toContain('upper left lung');
  }));

it('stores a SEG for each size, all in one series', () =>
  withPacs(async ({ url, add, stored }) => {
    const small = { rows: 16, columns: 24, pixels: Uint8Array.from({ length: 384 }, (_, i) => i & 255) };
    add(image(1), image(2, small), image(3));
    const { status, stdout } = await segment(url, '--study', '1.2.1', '-o', 'sizes');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^3 images segmented; stored as SEG 2\.25\.\d+, 2\.25\.\d+\n$/)]); // prettier-ignore
    const segs = [...stored.values()].map((bytes) => readSeg(new Uint8Array(bytes)));
    expect(
      segs.map(({ width, height, frames }) => [
        width,
        height,
        frames.map(({ sources }) => sources[0]?.sopInstance),
      ]),
    ).toEqual([
      // prettier-ignore
      [41, 33, ['1.2.1.1.1', '1.2.1.1.3']],
      [24, 16, ['1.2.1.1.2']],
    ]);
    const texts = [...stored.values()].map((bytes) => bytes.toString('latin1'));
    const series = segs.map((seg) => seg.series);
    expect([series.length, new Set(series).size, series[0]?.slice(0, 5)]).toEqual([2, 1, '2.25.']);
    for (const text of texts) expect(text).toContain('RecLMIS segmentation');
    const names = readdirSync(join(root, 'sizes')).filter((name) => name.endsWith('.dcm'));
    expect(names.sort()).toEqual([
      expect.stringMatching(/^series-[0-9a-f]{8}_seg-2\.dcm$/u),
      expect.stringMatching(/^series-[0-9a-f]{8}_seg\.dcm$/u),
    ]);
  }));

it.each(['SIGINT', 'SIGTERM'] as const)('leaves no folder behind when %s ends it', async (signal) => {
  const hangs = join(root, `hangs-${signal}`);
  mkdirSync(hangs);
  await withPacs(
    async ({ url, add }) => {
      add(image(1));
      const args = ['pacs', 'segment', 'run', '--url', url, '--note', NOTE, '--study', '1.2.1'];
      const child = spawn(process.execPath, [BIN, ...args], {
        cwd: root,
        env: { ...process.env, TMPDIR: hangs },
      });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await expect.poll(() => readdirSync(hangs).length, { timeout: 60_000 }).toBe(1);
      child.kill(signal);
      await ended;
      expect(readdirSync(hangs)).toEqual([]);
    },
    ({ path, headers }) => !path.includes('instances') && String(headers.accept).includes('multipart'), // never answers
  );
});

it('stores nothing if an image cannot be segmented', () =>
  withPacs(async ({ url, add, stored }) => {
    add(image(1), image(2, { pixels: new Uint8Array(10) }));
    const { status, stderr } = await segment(url, '--study', '1.2.1');
    expect([status, stderr]).toEqual([
      6,
      expect.stringMatching(/^error PREDICT_INCOMPLETE: .*1 of 2 images/m),
    ]);
    expect(stderr).not.toMatch(/Secret|4711|1\.2\.1\b/);
    expect(stored.size).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  }));

const lack = orthancMissing();
describe.skipIf(lack !== null)(`with Orthanc${lack === null ? '' : ` (needs ${lack})`}`, () => {
  it('stores, finds, fetches and segments; the SEG comes back identical and readable', async () => {
    const orthanc = await startOrthanc();
    try {
      const run = reclmisHere(root, { TMPDIR: temporary });
      const [study, series] = ['1.2.826.0.1.3680043.10.9.1', '1.2.826.0.1.3680043.10.9.1.1'];
      mkdirSync(join(root, 'files'));
      for (const n of [1, 2])
        writeFileSync(
          join(root, 'files', `${n}.dcm`),
          plainDicomFile(image(n, { study, series, instance: `${series}.${n}` })),
        );
      const stored = await run('pacs', 'store', '--url', orthanc.url, 'files');
      expect([stored.status, stored.stdout]).toEqual([0, expect.stringMatching(/^stored 2 files/)]);
      const found = await run('pacs', 'find', '--url', orthanc.url, '--modality', 'DX', '--json');
      expect(JSON.parse(found.stdout)).toMatchObject({ studies: [{ study, instances: 2, patientId: ID }] });

      const done = await segment(orthanc.url, '--study', study, '-o', 'round', '--json');
      expect(done.status).toBe(0);
      const { segmentations } = JSON.parse(done.stdout) as { segmentations: string[] };
      const pacs = new Pacs(orthanc.url, { retries: 0 });
      const { found: all } = await pacs.series(study, { Modality: 'SEG' });
      expect(all).toHaveLength(1);
      // Unchanged since it was written, and its references are those of the series.
      const back = await run(
        'pacs',
        'fetch',
        '--url',
        orthanc.url,
        '--study',
        study,
        '--modality',
        'SEG',
        '-o',
        'back',
      );
      expect(back.status).toBe(0);
      const bytes = readFileSync(join(root, 'back', '0001.dcm'));
      const [name = ''] = readdirSync(join(root, 'round')).filter((one) => one.endsWith('_seg.dcm'));
      expect(bytes.equals(readFileSync(join(root, 'round', name)))).toBe(true);
      expect(readFileHead(bytes)?.sopInstance).toBe(segmentations[0]);
      expect(JSON.stringify(readSeg(bytes))).toContain(`${series}.2`);
      // A second time: the SEG in the study is not taken for an image.
      expect((await segment(orthanc.url, '--study', study)).status).toBe(0);
    } finally {
      await orthanc.stop();
    }
  });

  it.skipIf(spawnSync('storescu', ['--version']).status !== 0)(
    'segments what a modality has sent to Orthanc by C-STORE (needs storescu)',
    async () => {
      const orthanc = await startOrthanc();
      try {
        const [study, series] = ['1.2.826.0.1.3680043.10.9.2', '1.2.826.0.1.3680043.10.9.2.1'];
        mkdirSync(join(root, 'sent'));
        for (const n of [1, 2])
          writeFileSync(
            join(root, 'sent', `${n}.dcm`),
            plainDicomFile(image(n, { study, series, instance: `${series}.${n}` })),
          );
        const arguments_ = [
          '-aec',
          'ORTHANC',
          '+sd',
          '127.0.0.1',
          `${orthanc.dicomPort}`,
          join(root, 'sent'),
        ];
        const sent = spawn('storescu', arguments_, { stdio: 'ignore' });
        expect(await new Promise((resolve) => sent.on('close', resolve))).toBe(0);
        const done = await segment(orthanc.url, '--study', study, '--json');
        expect([done.status, JSON.parse(done.stdout)]).toMatchObject([0, { study, series, images: 2 }]);
        const { found } = await new Pacs(orthanc.url, { retries: 0 }).series(study, { Modality: 'SEG' });
        expect(found).toHaveLength(1);
      } finally {
        await orthanc.stop();
      }
    },
  );
});

/** POST /segment with DICOM and NIfTI: masks on the pixels as stored, and DICOM SEG. */
import { readNifti, readSeg } from '@reclmis/clinical';
import { imageFile, niftiFile } from '@reclmis/clinical/testing';
import { readLabels } from '@reclmis/files';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { greyPng, segment, serving } from '../testing.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-segment-clinical-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Bright in the upper left quarter of 12 x 10 pixels. */
const QUARTER = Array.from({ length: 120 }, (_, p) => (p % 12 < 6 && p < 60 ? 1000 : 0));
const QUARTER_MASK = QUARTER.map((level) => (level > 0 ? 255 : 0));
const radiograph = (patient: string | null, laterality = ''): Uint8Array =>
  imageFile({
    width: 12,
    height: 10,
    pixels: QUARTER,
    more: [
      [0x00281050, 'DS', '500'],
      [0x00281051, 'DS', '1000'],
      [0x00181164, 'DS', '0.5\\0.25'],
      ...(patient === null ? [] : ([[0x00200020, 'CS', patient]] as const)),
      ...(laterality === '' ? [] : ([[0x00200062, 'CS', laterality]] as const)),
    ],
  });

async function maskOf(png: Uint8Array): Promise<number[]> {
  const path = join(root, 'mask.png');
  writeFileSync(path, png);
  return [...(await readLabels(path)).data];
}

const NOTE = { note: 'left lung' };
const accepting = (type: string): { headers: Record<string, string> } => ({ headers: { accept: type } });

describe('POST /segment', () => {
  it.each(['L\\F', 'R\\F', 'R\\H', 'F\\L', 'H\\R'])(
    'gives the mask on the pixels as stored: %s',
    async (patient) => {
      await serving({}, async ({ url }) => {
        const answer = await segment(url, radiograph(patient), NOTE);
        expect(answer.status).toBe(200);
        expect(await maskOf(answer.body)).toEqual(QUARTER_MASK);
      });
    },
  );

  it('measures in the file’s millimetres, and says what the file leaves open', async () => {
    await serving({}, async ({ url }) => {
      const figures = (await segment(url, radiograph(null, 'R'), NOTE, accepting('application/json'))).json();
      expect(figures).toMatchObject({
        ...{ width: 12, height: 10, pixels: 30 },
        ...{ spacing: [0.25, 0.5], spacingAt: 'detector', areaMm2: 3.75 },
      });
      const codes = (figures['warnings'] as { code: string }[]).map(({ code }) => code);
      expect(codes).toEqual(expect.arrayContaining(['ORIENTATION_UNKNOWN', 'LATERALITY_DIFFERS']));
    });
  });

  it('shows the image in the window asked for', async () => {
    await serving({}, async ({ url }) => {
      const answer = await segment(url, radiograph('L\\F'), { ...NOTE, window: '-50/10' });
      expect(await maskOf(answer.body)).toEqual(QUARTER_MASK.map(() => 255));
      const unknown = await segment(url, radiograph('L\\F'), { ...NOTE, window: 'LUNG' });
      expect([unknown.status, unknown.json()['code']]).toEqual([422, 'IMAGE_WINDOW_UNKNOWN']);
      expect((await segment(url, radiograph('L\\F'), { ...NOTE, window: '1/0' })).status).toBe(400);
    });
  });

  it('gives a DICOM SEG if asked', async () => {
    await serving({}, async ({ url }) => {
      const answer = await segment(url, radiograph('R\\F'), NOTE, accepting('application/dicom'));
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/dicom']);
      const seg = readSeg(new Uint8Array(answer.body));
      expect([...seg.pixels(0).data]).toEqual(QUARTER_MASK.map((value) => value / 255));
      expect(seg.frames[0]?.sources[0]?.sopInstance).toBe('1.2.3.4.5');
    });
  });

  it('gives NIfTI, NRRD and outlines of a DICOM image', async () => {
    await serving({}, async ({ url }) => {
      const nifti = await segment(url, radiograph('R\\F'), NOTE, accepting('application/x-nifti'));
      expect([nifti.status, nifti.headers['content-type'], nifti.headers['content-disposition']]).toEqual([
        200,
        'application/x-nifti',
        'attachment; filename="mask.nii.gz"',
      ]);
      const back = await readNifti(new Uint8Array(nifti.body));
      expect([back.size, back.placed]).toEqual([[12, 10, 1], false]);
      expect([...back.valuesOf(0)!]).toEqual(QUARTER_MASK.map((value) => value / 255));
      expect(back.geometryOf(0).pixel).toMatchObject({ width: 0.25, height: 0.5 });

      const nrrd = await segment(url, radiograph('R\\F'), NOTE, accepting('application/x-nrrd'));
      expect([nrrd.status, nrrd.headers['content-type']]).toEqual([200, 'application/x-nrrd']);
      const [header = '', ...rest] = nrrd.body.toString('latin1').split('\n\n');
      expect(header).toContain('\nsizes: 12 10 1\n');
      expect(header).toContain('\nSegment0_Name:=Described region\n');
      expect([...gunzipSync(Buffer.from(rest.join('\n\n'), 'latin1'))]).toEqual(
        QUARTER_MASK.map((value) => value / 255),
      );

      const outlines = await segment(url, radiograph('R\\F'), NOTE, accepting('application/geo+json'));
      expect([outlines.status, outlines.headers['content-type']]).toEqual([200, 'application/geo+json']);
      const { features } = outlines.json() as { features: { properties: unknown; geometry: { coordinates: number[][][] } }[] }; // prettier-ignore
      expect(features.map(({ properties }) => properties)).toEqual([
        {
          frame: 1,
          segment: 'Described region',
          value: 1,
          component: 1,
          area: 30,
          areaMm2: 3.75,
          at: 'detector',
        },
      ]);
      const [ring = []] = features[0]!.geometry.coordinates;
      expect(new Set(ring.map(String))).toEqual(new Set(['0,0', '6,0', '6,5', '0,5']));
    });
  });

  it('takes one slice of a volume, which gives no SEG', async () => {
    const voxels = Uint8Array.from([...QUARTER_MASK, ...QUARTER_MASK.toReversed()]);
    const sform = [-2, 0, 0, 50, 0, 3, 0, -60, 0, 0, 4, 7];
    const volume = niftiFile({ dims: [3, 12, 10, 2], voxels, sform });
    await serving({}, async ({ url }) => {
      const second = await segment(url, volume, { ...NOTE, frame: '1' });
      expect(await maskOf(second.body)).toEqual(QUARTER_MASK.toReversed());
      const all = await segment(url, volume, NOTE);
      expect([all.status, all.json()['error']]).toEqual([415, 'image: expected one image, got 2 slices']);
      for (const frame of ['2', '-1', 'x'])
        expect((await segment(url, volume, { ...NOTE, frame })).status).toBe(400);
      const seg = await segment(url, volume, { ...NOTE, frame: '1' }, accepting('application/dicom'));
      expect([seg.status, seg.json()['error']]).toEqual([400, expect.stringContaining('a DICOM SEG refers to a DICOM image')]); // prettier-ignore
      const nifti = await segment(url, volume, { ...NOTE, frame: '1' }, accepting('application/x-nifti'));
      const back = await readNifti(new Uint8Array(nifti.body));
      expect(back.size).toEqual([12, 10, 1]);
      expect(back.affine).toEqual([-2, 0, 0, 50, 0, 3, 0, -60, 0, 0, 4, 11, 0, 0, 0, 1]); // a step up
      expect([...back.valuesOf(0)!]).toEqual(QUARTER_MASK.toReversed().map((value) => value / 255));
    });
  });

  it('gives outlines of a picture, and no volume', async () => {
    const picture = greyPng(12, 10, 200);
    await serving({}, async ({ url }) => {
      const outlines = await segment(url, picture, NOTE, accepting('application/geo+json'));
      expect(outlines.json()).toMatchObject({ features: [{ properties: { frame: 1, area: 120 } }] });
      for (const type of ['application/x-nifti', 'application/x-nrrd', 'application/dicom']) {
        const answer = await segment(url, picture, NOTE, accepting(type));
        expect([type, answer.status, answer.json()['code']]).toEqual([type, 400, 'REQUEST_INVALID']);
      }
    });
  });

  it('names nobody in an error', async () => {
    const whole = radiograph('L\\F');
    await serving({}, async ({ url }) => {
      const answer = await segment(url, whole.subarray(0, whole.length - 9), NOTE);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.body.toString('latin1')).not.toMatch(/PLANTED/u);
    });
  });
});

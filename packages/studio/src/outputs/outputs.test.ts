import { readNifti, readNrrd, readSeg } from '@reclmis/clinical';
import { niftiFile, plainDicomFile } from '@reclmis/clinical/testing';
import type { Mask } from '@reclmis/core';
import { decode } from 'fast-png';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { clinicalSubject, pictureSubject, testMask } from '../testing.js';
import { FORMAT, FORMATS } from './formats.js';
import { stemOf } from './stem.js';
import { measuresOf, storedMask, type Subject } from './subject.js';
import { assertSame, writeAll, writeOutput, zipped } from './write.js';

const uids = { instance: '1.2.3.1', series: '1.2.3.2', study: '1.2.3.3' };
const dicom = (orientation: string): Uint8Array => plainDicomFile({ ...uids, rows: 10, columns: 14, orientation });
const volume = (sform: readonly number[]): Uint8Array =>
  niftiFile({ dims: [3, 14, 10, 3], sform, voxels: Uint8Array.from({ length: 420 }, (_, i) => i % 250) });

const subjects: readonly (readonly [string, () => Promise<Subject>])[] = [
  ['a picture', () => Promise.resolve(pictureSubject())],
  ['a picture with a size of pixels', () => Promise.resolve(pictureSubject(17, 9, { spacing: [0.2, 0.3], spacingFrom: 'user' }))],
  ['an empty mask', () => Promise.resolve(pictureSubject(9, 8, { mask: { width: 9, height: 8, data: new Uint8Array(72) } }))],
  ['a DICOM radiograph', () => clinicalSubject('a.dcm', dicom('L\\F'))],
  ['a mirrored one', () => clinicalSubject('a.dcm', dicom('R\\F'))],
  ['one on its side', () => clinicalSubject('a.dcm', dicom('F\\L'))],
  ['one that does not say how it lies', () => clinicalSubject('a.dcm', dicom(''))],
  ['a NIfTI slice', () => clinicalSubject('v.nii.gz', volume([0.5, 0, 0, -3, 0, 0.7, 0, 4, 0, 0, 2, 1]), 1)],
  ['a turned NIfTI slice', () => clinicalSubject('v.nii', volume([0, -0.7, 0, 4, -0.5, 0, 0, -3, 0, 0, 2, 1]), 2)],
  ['a NIfTI slice without a place', async () => {
    const file = niftiFile({ dims: [3, 14, 10, 1], sformCode: 0, voxels: new Uint8Array(140) });
    return clinicalSubject('v.nii', file);
  }],
]; // prettier-ignore

describe.each(subjects)('outputs of %s', (_, make) => {
  it('hold the pixels of the mask, read back', async () => {
    const subject = await make();
    for (const name of FORMATS) {
      if (FORMAT[name].obstacle(subject) !== null) continue;
      const { bytes, name: file } = await writeOutput(name, subject);
      expect(bytes.length, file).toBeGreaterThan(0);
      // A pixel more, or another place, is noticed.
      const mask = { ...subject.mask, data: subject.mask.data.map((value, p) => (p === 2 ? 1 - value : value)) };
      await expect(assertSame(name, file, bytes, { ...subject, mask }), file).rejects.toMatchObject({
        code: 'OUTPUT_DIFFERS',
      });
    }
  });
});

describe('outputs', () => {
  it('say why a format does not work', async () => {
    expect(FORMAT.seg.obstacle(pictureSubject())).toBe('needsDicom');
    expect(FORMAT.seg.obstacle(await clinicalSubject('v.nii', niftiFile(), 0).catch(() => pictureSubject()))).toBe('needsDicom');
    const nameless = plainDicomFile({ ...uids, series: '', rows: 10, columns: 14 });
    expect(FORMAT.seg.obstacle(await clinicalSubject('a.dcm', nameless))).toBe('needsIdentifiers');
    expect(FORMAT.seg.obstacle(await clinicalSubject('a.dcm', dicom('L\\F')))).toBeNull();
  });

  it('write masks as the file stores its pixels, and overlays as they are displayed', async () => {
    const subject = await clinicalSubject('a.dcm', dicom('R\\F'));
    const mask = decode((await writeOutput('mask', subject)).bytes);
    expect(mask.channels).toBe(1);
    const expected = testMask(14, 10);
    for (let y = 0; y < 10; y++)
      for (let x = 0; x < 14; x++) expect(mask.data[y * 14 + x]).toBe(255 * expected.data[y * 14 + 13 - x]!);
    const shown = decode((await writeOutput('overlay', subject)).bytes);
    expect([shown.width, shown.height, shown.channels]).toEqual([14, 10, 3]);
    const seg = readSeg((await writeOutput('seg', subject)).bytes);
    expect(seg.segments[0]?.label).toBe('Described region'); // no word of the note
  });

  it('draw R and L at the edges of the overlay', async () => {
    const grey = { width: 280, height: 280, data: new Uint8Array(280 * 280 * 3).fill(100) };
    const mask: Mask = { width: 280, height: 280, data: new Uint8Array(280 * 280) };
    const subject = pictureSubject(0, 0, { image: grey, mask });
    const { data } = decode((await writeOutput('overlay', subject)).bytes);
    const rows = (x0: number, x1: number): string[] =>
      Array.from({ length: 16 }, (_, j) =>
        Array.from({ length: x1 - x0 }, (__, i) => (data[((5 + j) * 280 + x0 + i) * 3]! > 127 ? '#' : '.')).join(''),
      );
    expect(rows(5, 19)).toEqual([
        '..............',
        '..............',
        '..............',
        '...######.....',
        '...#######....',
        '...##...##....',
        '...##...##....',
        '...##...##....',
        '...######.....',
        '...##..##.....',
        '...##..##.....',
        '...##...##....',
        '...##...##....',
        '..............',
        '..............',
        '..............',
    ]);
    expect(rows(261, 275)).toEqual([
        '..............',
        '..............',
        '..............',
        '....##........',
        '....##........',
        '....##........',
        '....##........',
        '....##........',
        '....##........',
        '....##........',
        '....##........',
        '....######....',
        '....######....',
        '..............',
        '..............',
        '..............',
    ]);
    const without = decode((await writeOutput('overlay', { ...subject, ends: null })).bytes).data;
    expect([...without]).toEqual([...grey.data]);
  });

  it('measure in millimetres where the size of pixels is known', async () => {
    const pixels = storedMask(pictureSubject()).data.reduce((sum, value) => sum + value, 0);
    expect(measuresOf(pictureSubject()).segments[0]?.frames[0]).toMatchObject({ pixels, areaMm2: null });
    const sized = pictureSubject(16, 12, { spacing: [0.5, 2] });
    expect(measuresOf(sized).segments[0]?.frames[0]).toMatchObject({ pixels, areaMm2: pixels, components: 2 });
    const side = await clinicalSubject('a.dcm', dicom('F\\L'));
    expect(measuresOf(side).pixel).toEqual({ width: 0.2, height: 0.2, at: 'detector' });
  });

  it('place volumes where their picture lies', async () => {
    const sform = [0.5, 0, 0, -3, 0, 0.7, 0, 4, 0, 0, 2, 1];
    const subject = await clinicalSubject('v.nii', volume(sform), 1);
    const nifti = await readNifti((await writeOutput('nifti', subject)).bytes);
    expect(nifti.size).toEqual([14, 10, 1]);
    [0.5, 0, 0, -3, 0, 0.7, 0, 4, 0, 0, 2, 3].forEach((value, i) => expect(nifti.affine[i]).toBeCloseTo(value, 5));
    const nrrd = await readNrrd((await writeOutput('nrrd', subject)).bytes);
    expect(nrrd.header.get('space')).toBe('left-posterior-superior');
    expect(nrrd.header.get('Segment0_Name')).toBe('Described region');
  });

  it('keep note, model, warnings and measures in the record', async () => {
    const { bytes, name } = await writeOutput('record', pictureSubject());
    expect(name).toBe('phantom_0853_record.json');
    expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({
      image: { name: 'phantom_0853.png', width: 16, left: 'R', right: 'L', spacing: null },
      note: { text: 'Upper left lung.', sides: 'patient' },
      model: { name: 'phantom' },
      corrected: true,
      warnings: [{ code: 'NOTE_CUT' }],
      measures: { segments: [{ segment: 'Described region', frames: [{ components: 2 }] }] },
      mask: { size: [12, 16] },
    });
  });

  it('come all together as a ZIP', async () => {
    const subject = await clinicalSubject('chest/a.dcm', dicom('L\\F'));
    const { name, bytes } = await writeAll(subject);
    expect(name).toBe('a.zip');
    const files = unzipSync(bytes);
    expect(Object.keys(files)).toEqual(['a_mask.png', 'a_overlay.png', 'a_seg.dcm', 'a_seg.nii.gz', 'a.seg.nrrd', 'a_contours.geojson', 'a_record.json']); // prettier-ignore
    for (const format of FORMATS)
      await assertSame(format, format, files[`a${FORMAT[format].ending}`]!, subject);
    expect(Object.keys(unzipSync((await writeAll(pictureSubject())).bytes))).toHaveLength(6);
    const twice = { name: 'a', bytes: new Uint8Array(1) };
    expect(() => zipped('x.zip', [twice, twice])).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }) as Error);
  });

  it('have names that every file system takes', () => {
    expect(stemOf('chest.NII.gz')).toBe('chest');
    expect(stemOf('sub\\a:b?.dcm')).toBe('a_b_');
    expect(stemOf('../..')).toBe('image');
    expect(stemOf('1.2.840.1')).toBe('1.2.840.1');
    expect(stemOf('<script>.png')).toBe('_script_');
    expect(stemOf('a\u202Egnp.png')).toBe('a_gnp');
  });
});

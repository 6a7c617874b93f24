/** Notes for some slices of a volume: NIfTI volumes, DICOM files of several frames, and series of single images. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readNifti } from '@reclmis/clinical';
import { imageFile, niftiFile } from '@reclmis/clinical/testing';
import { encodeWorkbook } from '@reclmis/files';
import { afterAll, describe, expect, it } from 'vitest';
import { type CaseSource, describeUnused, predictionCases } from './cases.js';
import { predict } from './predict.js';
import { describeLeftOut } from './slice-notes.js';
import { BRIGHTNESS, Brightness } from './testing/brightness.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-slice-notes-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const volume = (slices: number): Uint8Array =>
  niftiFile({
    dims: [3, 2, 3, slices],
    voxels: Uint8Array.from({ length: 6 * slices }, (_, i) => (i % 6 < 2 ? 200 : 0)),
  });

const single = (number: string, series = '1.2.3.4.2'): Uint8Array =>
  imageFile({
    ...{ width: 2, height: 2, allocated: 8, pixels: [0, 1, 2, 3] },
    more: [
      [0x0020000e, 'UI', series],
      [0x00200013, 'IS', number],
    ],
  });

let serial = 0;
function folderOf(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = join(root, `in-${++serial}`);
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

function table(text: string | Uint8Array, ending = 'csv'): string {
  const path = join(root, `notes-${++serial}.${ending}`);
  writeFileSync(path, text);
  return path;
}

interface Listed {
  /** "id: note". */
  readonly cases: readonly string[];
  readonly said: readonly string[];
}

async function listed(image: string, notes: string, source: Partial<CaseSource> = {}): Promise<Listed> {
  const said: string[] = [];
  const cases = await predictionCases({
    ...{ image, notes, out: join(root, 'out') },
    onUnused: (rows) => said.push(describeUnused(rows)),
    onLeftOut: (volumes) => said.push(...volumes.map(describeLeftOut)),
    ...source,
  });
  return { cases: cases.map(({ id, note, refused }) => `${id}: ${refused?.code ?? note}`), said };
}

describe('notes for slices', () => {
  it('of the only volume need no name; slices without one are left out and counted', async () => {
    const image = join(folderOf({ 'scan.nii': volume(6) }), 'scan.nii');
    const notes = table('slices,note\n2-3,upper\n5,lower\n');
    expect(await listed(image, notes)).toEqual({
      cases: ['scan_2: upper', 'scan_3: upper', 'scan_5: lower'],
      said: ['scan.nii: slices 1, 4, 6 (3 of 6) have no note and were left out'],
    });
    const { cases, said } = await listed(image, notes, { emptyNotes: true });
    expect([cases[0], cases[1], said]).toEqual(['scan_1: ', 'scan_2: upper', []]);
  });

  it('are read from workbooks and JSON lines alike, with spacings', async () => {
    const image = join(folderOf({ 'scan.nii': volume(2) }), 'scan.nii');
    const all = ['scan_1: upper', 'scan_2: lower'];
    const book = await encodeWorkbook([['Slices', 'Description'], ['1', 'upper'], ['2 \u2013 2', 'lower']]); // prettier-ignore
    expect((await listed(image, table(book, 'xlsx'))).cases).toEqual(all);
    const lines = '{"slices": 1, "note": "upper", "spacing": 0.5}\n{"slices": "2", "note": "lower"}\n';
    const notes = table(lines, 'jsonl');
    expect((await listed(image, notes)).cases).toEqual(all);
    const cases = await predictionCases({ image, notes, out: join(root, 'out') });
    expect(cases.map(({ spacing }) => spacing)).toEqual([[0.5, 0.5], null]);
  });

  it('of several volumes name them; other images have notes as before', async () => {
    const png = new Uint8Array(1);
    const folder = folderOf({ 'a.nii': volume(2), 'b.nii': volume(2), 'c.png': png });
    const rows = 'image,slices,note\na.nii,1-2,upper\nb,2,lower\nc.png,,whole\nd,1,none\n';
    expect(await listed(folder, table(rows))).toEqual({
      cases: ['a_1: upper', 'a_2: upper', 'b_2: lower', 'c: whole'],
      said: [
        expect.stringContaining('1 of 4 rows with a note matches none of the images (d)'),
        'b.nii: slice 1 (1 of 2) has no note and was left out',
      ],
    });
  });

  it('of a series of single images follow Instance Numbers, not names of files', async () => {
    const folder = folderOf({
      'one/a.dcm': single('30'),
      'one/b.dcm': single('10'),
      'one/c.dcm': single('20'),
      'two/a.dcm': single('1', '1.2.3.4.3'),
    });
    const rows = 'image,slices,note\none,1-2,first two\none,3,last\ntwo,1,other\n';
    const due = ['one/a: last', 'one/b: first two', 'one/c: first two', 'two/a: other'];
    expect((await listed(`${folder}/*/*.dcm`, table(rows))).cases).toEqual(due);
    // A folder is the only series: it needs no name.
    expect((await listed(join(folder, 'one'), table('slices,note\n1,top\n'))).cases).toEqual(['b: top']);
    const unclear = folderOf({ 'a.dcm': single('1'), 'b.dcm': single('1') });
    await expect(listed(unclear, table('slices,note\n1,top\n'))).rejects.toMatchObject({
      code: 'NOTES_UNREADABLE',
      message: expect.stringMatching(/line 2: .* Instance Numbers/u) as string,
    });
  });

  it.each([
    [
      'slices,note\n1-3,a\n3-4,b\n',
      'NOTES_CONFLICT',
      /lines 2 and 3 have different notes for slice 3 of s\.nii/u,
    ],
    ['slices,note\n1-3,a\n4-5,b\n', 'NOTES_UNREADABLE', /line 3: is for slices 4-5, but s\.nii has 4/u],
    ['slices,note\n5,a\n', 'NOTES_UNREADABLE', /line 2: is for slices 5, but s\.nii has 4/u],
    [
      'slices,note\n0-2,a\n',
      'NOTES_UNREADABLE',
      /line 2: expected slices such as 81 or 1-40, counted from 1, got "0-2"/u,
    ],
    ['slices,note\n3-2,a\n', 'NOTES_UNREADABLE', /got "3-2"/u],
    ['slices,note\nall,a\n', 'NOTES_UNREADABLE', /got "all"/u],
    ['image,slices,note\ns.nii,,a\ns.nii,1,b\n', 'NOTES_CONFLICT', /all its slices, others for some/u],
    ['slices,note,spacing\n1,a,0\n', 'NOTES_UNREADABLE', /line 2/u],
  ])('are refused, naming the row: %j', async (text, code, message) => {
    const image = join(folderOf({ 's.nii': volume(4) }), 's.nii');
    const error: unknown = await listed(image, table(text)).catch((one: unknown) => one);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it('may overlap where they say the same', async () => {
    const image = join(folderOf({ 's.nii': volume(2) }), 's.nii');
    const { cases } = await listed(image, table('slices,note\n1-2,a\n2,a\n'));
    expect(cases).toEqual(['s_1: a', 's_2: a']);
  });

  it('are refused for pictures, and without a name for several volumes', async () => {
    const notes = table('slices,note\n1,a\n');
    const refused = (image: string): Promise<void> =>
      expect(listed(image, notes)).rejects.toMatchObject({ code: 'NOTES_UNREADABLE' });
    await refused(folderOf({ 'a.png': new Uint8Array(1) }));
    await refused(folderOf({ 'a.nii': volume(2), 'b.nii': volume(2) }));
  });

  it('make a volume whose other slices are empty, and say so', async () => {
    const image = join(folderOf({ 'scan.nii': volume(3) }), 'scan.nii');
    const out = join(root, `out-${++serial}`);
    const cases = await predictionCases({ image, out, notes: table('slices,note\n2,bright\n') });
    const { series } = await predict({
      ...{ segmenter: new Brightness(), model: BRIGHTNESS, cases, out },
      formats: ['nifti', 'measures'],
    });
    expect(series?.[0]).toMatchObject({
      slices: 1,
      missing: 0,
      advice: ['scan_seg.nii.gz: 2 of 3 slices have no note and are empty'],
    });
    const found = await readNifti(new Uint8Array(readFileSync(join(out, 'scan_seg.nii.gz'))));
    const empty = [0, 0, 0, 0, 0, 0];
    const masks = [0, 1, 2].map((z) => [...(found.valuesOf(z) ?? [])]);
    expect(masks).toEqual([empty, [1, 1, 0, 0, 0, 0], empty]);
    const { remarks, segments } = JSON.parse(readFileSync(join(out, 'scan_measures.json'), 'utf8')) as {
      remarks: string[];
      segments: { frames: { frame: number }[] }[];
    };
    expect(remarks).toContain('2 slices had no note and are not measured.');
    expect(segments[0]?.frames.map(({ frame }) => frame)).toEqual([2]);
  });
});

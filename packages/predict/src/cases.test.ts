import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CaseSource,
  describeUnused,
  type PredictionCase,
  predictionCases,
  type UnusedRows,
} from './cases.js';
import { withSlashes } from './images.js';
import { casesOf, parsePart } from './part.js';

describe('a pattern', () => {
  it('may have backslashes on Windows, where no name holds one', () => {
    expect(withSlashes('scans\\**\\*.png', 'win32')).toBe('scans/**/*.png');
    expect(withSlashes('scans/a\\*b.png', 'linux')).toBe('scans/a\\*b.png');
  });
});

const root = mkdtempSync(join(tmpdir(), 'reclmis-cases-'));
const images = join(root, 'images');
const tree = join(root, 'tree');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const casesFor = (source: Partial<CaseSource>): Promise<PredictionCase[]> =>
  predictionCases({ image: images, out: join(root, 'out'), ...source });
const file = (name: string, text: string): string => {
  writeFileSync(join(root, name), text);
  return join(root, name);
};

beforeAll(() => {
  mkdirSync(images);
  for (const name of ['a.png', 'b.png', 'c.png', 'readme.txt', '.hidden.png'])
    writeFileSync(join(images, name), '');
  for (const dir of ['p1', 'p2', 'p2/late', '.git']) mkdirSync(join(tree, dir), { recursive: true });
  for (const name of ['p1/x.png', 'p2/x.png', 'p2/late/y.TIF', '.git/z.png', 'p1/notes.txt', 'p1/a [1].jpg'])
    writeFileSync(join(tree, name), '');
  symlinkSync(tree, join(tree, 'p2', 'around'));
});

describe('images', () => {
  const ids = async (image: string): Promise<string[]> =>
    (await casesFor({ image, note: 'x' })).map(({ id }) => id);

  it('of a file, of a folder without its subfolders, of a pattern with them', async () => {
    expect(await ids(join(images, 'a.png'))).toEqual(['a']);
    expect(await ids(images)).toEqual(['a', 'b', 'c']);
    expect(await ids(`${tree}/*/*.png`)).toEqual(['p1/x', 'p2/x']);
    expect(await ids(`${tree}/p2/**`)).toEqual(expect.arrayContaining(['late/y', 'x']));
    expect(await ids(`${tree}/{p1,p2}/?.png`)).toEqual(['p1/x', 'p2/x']);
    expect(await ids(join(tree, 'p1', 'a [1].jpg'))).toEqual(['a [1]']); // a name that looks like a pattern
  });

  it('are found despite a circular link', async () => {
    const found = await ids(`${tree}/**/*.{png,TIF}`);
    expect(found).toEqual(expect.arrayContaining(['p1/x', 'p2/late/y', 'p2/x']));
    expect(found.length).toBeLessThan(20);
    expect(found.some((id) => id.startsWith('.git'))).toBe(false);
  });

  it('exclude what systems and file servers keep next to them', async () => {
    const litter = join(root, 'litter');
    for (const dir of ['@eaDir/a.png', '$RECYCLE.BIN', 'p1/.ipynb_checkpoints', 'p1/#recycle'])
      mkdirSync(join(litter, dir), { recursive: true });
    for (const name of ['a.png', '@eaDir/a.png/SYNOPHOTO_THUMB_M.png', '$RECYCLE.BIN/$R1.png', 'p1/b.png'])
      writeFileSync(join(litter, name), '');
    for (const name of ['Icon\r', '._a.png', 'p1/.ipynb_checkpoints/b.png', 'p1/#recycle/c.png', '~$a.png'])
      writeFileSync(join(litter, name), '');
    expect(await ids(litter)).toEqual(['a']);
    expect(await ids(`${litter}/**/*.png`)).toEqual(['a', 'p1/b']);
  });

  it('refuses folders without images, and images that share a name', async () => {
    const refused = (image: string): ReturnType<typeof expect<Promise<unknown>>>['rejects'] =>
      expect(casesFor({ image, note: 'x' })).rejects;
    await refused(join(root, 'none.png')).toMatchObject({ code: 'IMAGE_MISSING' });
    await refused(`${root}/nowhere/*.png`).toMatchObject({ code: 'IMAGE_MISSING' });
    await refused(`${tree}/*/*.gif`).toMatchObject({ code: 'DATA_SPLIT_EMPTY' });
    mkdirSync(join(root, 'empty'));
    await refused(join(root, 'empty')).toMatchObject({ code: 'DATA_SPLIT_EMPTY' });
    const twins = join(root, 'twins');
    mkdirSync(twins);
    for (const name of ['x.png', 'x.jpg']) writeFileSync(join(twins, name), '');
    await refused(twins).toMatchObject({ code: 'OUTPUT_EXISTS' });
    await refused(`${tree}/p2/*/../../../twins/x.png`).toMatchObject({ code: 'OPTION_INVALID' }); // its results would be above --out
    await expect(casesFor({ out: images, note: 'x' })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });
});

describe('notes', () => {
  const notesOf = async (source: Partial<CaseSource>): Promise<string[]> =>
    (await casesFor(source)).map(({ note, refused }) => refused?.code ?? note);

  it('are found by names of images or masks, in CSV and JSONL', async () => {
    const csv = file('notes.csv', 'Image,Description\nmask_a.png,bright\nb.tif,dark\nc.png,bright\n');
    expect(await notesOf({ notes: csv })).toEqual(['bright', 'dark', 'bright']);
    const jsonl = file(
      'notes.jsonl',
      '{"image":"a.png","note":" bright "}\n\n{"image":"./b","note":"dark","spacing":[1,2]}\r\n{"image":"mask_c.png","note":"bright","spacing":0.5}',
    );
    expect(await notesOf({ notes: jsonl })).toEqual(['bright', 'dark', 'bright']);
    expect((await casesFor({ notes: jsonl, spacing: [3, 3] })).map(({ spacing }) => spacing)).toEqual([
      [3, 3],
      [1, 2],
      [0.5, 0.5],
    ]);
  });

  it('prefer an exact name if names differ only in an inner extension or mask_', async () => {
    const close = join(root, 'close');
    mkdirSync(close);
    for (const name of ['a.jpg', 'a.png.jpg', 'mask_a.jpg', 'b.tif']) writeFileSync(join(close, name), '');
    const all = file(
      'close.csv',
      'Image,Description,Spacing\na.jpg,one,1\na.png.jpg,two,2\nmask_a.jpg,three,3\nb.png,four,4\nb.bmp,four,\n',
    );
    const found = await casesFor({ image: close, notes: all });
    expect(found.map(({ id, note, spacing }) => [id, note, spacing?.[0]])).toEqual([
      ['a', 'one', 1],
      ['a.png', 'two', 2],
      ['b', 'four', 4],
      ['mask_a', 'three', 3],
    ]);
    const lone = file('lone.csv', 'Image,Description\na.png.jpg,two\n');
    expect(await notesOf({ image: join(close, 'a.png.jpg'), notes: lone })).toEqual(['two']);
    const torn = file('torn.csv', 'Image,Description\nb.png,secret\nmask_b.png,hidden\n./c.png,x\nc.png,y\n');
    for (const image of [join(close, 'b.tif'), join(images, 'c.png')]) {
      const error: unknown = await casesFor({ image, notes: torn }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'NOTES_CONFLICT' });
      expect(String(error)).not.toMatch(/secret|hidden/);
    }
  });

  it('say spacings in a column of a table', async () => {
    const csv = file('spaced.csv', 'Spacing;Image;Description\n0.2,0.1;a.png;x\n;b.png;x\n0.3;c.png;x\n');
    expect((await casesFor({ notes: csv })).map(({ spacing }) => spacing)).toEqual([
      [0.2, 0.1],
      null,
      [0.3, 0.3],
    ]);
    const wrong = file('wrong.csv', 'Image,Description,Spacing\na.png,x,-1\n');
    await expect(casesFor({ notes: wrong })).rejects.toMatchObject({ code: 'NOTES_UNREADABLE' });
  });

  it('are whole, or their table is refused', async () => {
    const torn = file('torn-row.csv', 'Image,Description\na.png,one, two\n');
    await expect(casesFor({ notes: torn })).rejects.toMatchObject({
      code: 'NOTES_UNREADABLE',
      message: expect.stringContaining(
        'torn-row.csv: line 2: expected 2 fields, as in the header, got 3',
      ) as string,
    });
    const nameless = file('nameless.csv', 'Image,Description\na.png,one\n,two\n');
    await expect(casesFor({ notes: nameless })).rejects.toMatchObject({
      message: expect.stringContaining('line 3 has a note but no image') as string,
    });
    const comma = file('comma.csv', 'Image;Description;Spacing\na.png;one, two;1,4\n');
    await expect(casesFor({ notes: comma })).rejects.toMatchObject({
      code: 'NOTES_UNREADABLE',
      message: expect.stringContaining('"1,4" can be read as 1.4 mm or as 1 x 4 mm') as string,
    });
  });

  it('match names in any Unicode form, but no lookalikes', async () => {
    const names = join(root, 'names');
    mkdirSync(names);
    for (const name of ['Mu\u0308ller.png', 'x 1.png', '007.png']) writeFileSync(join(names, name), '');
    const csv = file('names.csv', 'Image,Description\nM\u00fcller.png,one\nX1.png,two\n7.png,three\n');
    const found = await casesFor({ image: names, notes: csv });
    expect(found.map(({ note, refused }) => refused?.code ?? note)).toEqual([
      'NOTE_MISSING',
      'one',
      'NOTE_MISSING',
    ]);
    expect(found[2]?.refused?.message).toContain(
      'found "X1.png", which differs in case and spaces from "x 1.png"',
    );
    writeFileSync(join(names, 'M\u00fcller.png'), '');
    await expect(casesFor({ image: names, notes: csv })).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: expect.stringContaining('("Mu\\u{308}ller")') as string,
    });
  });

  it('are found by path if file names are shared', async () => {
    const csv = file(
      'paths.csv',
      'Image,Description\np1/x.png,one\nx.png,any\nlate/y.tif,other\ny.tif,late\n',
    );
    const found = await casesFor({ image: `${tree}/p?/{x.png,late/*}`, notes: csv });
    expect(found.map(({ id, note, refused }) => [id, refused?.code ?? note])).toEqual([
      ['p1/x', 'one'],
      ['p2/late/y', 'late'],
      ['p2/x', 'NOTE_MISSING'],
    ]);
    expect(found[2]!.refused!.message).toContain('2 images are called x');
  });

  it('that belong to no image are counted and named', async () => {
    const unused = async (text: string, source: Partial<CaseSource> = {}): Promise<UnusedRows[]> => {
      const rows: UnusedRows[] = [];
      const notes = file('unused.csv', `Image,Description\n${text}`);
      await casesFor({ ...source, notes, onUnused: (one) => rows.push(one) });
      return rows;
    };
    const notes = join(root, 'unused.csv');
    expect(await unused('a.png,x\nmask_b.tif,y\nc,z\n')).toEqual([]);
    const some = await unused('a.png,x\nb.png,x\nc.png,x\n1.png,y\nB1.png,y\n2.png,y\n3.png,y\nd.png,\n');
    expect(some).toEqual([{ notes, rows: 4, of: 7, first: ['1.png', 'B1.png', '2.png'] }]);
    expect(some.map(describeUnused)).toEqual([
      `${notes}: 4 of 7 rows with a note match none of the images (1.png, B1.png, 2.png, ...)`,
    ]);
    const one = { image: join(images, 'a.png') };
    expect(await unused('a.png,x\nmask_a.png,y\n', one)).toMatchObject([{ rows: 1, first: ['mask_a.png'] }]);
    expect(await unused('a.png,x\nmask_a.png,x\n', one)).toEqual([]); // both rows say the same
    expect(await unused('p1/x.png,x\nx.png,y\nlate/y.tif,z\n', { image: `${tree}/p?/x.png` })).toMatchObject([
      { rows: 2, of: 3, first: ['x.png', 'late/y.tif'] },
    ]);
  });

  it('that are missing refuse a case, or are empty by choice', async () => {
    const short = file('short.csv', 'Image,Description\na.png,bright\nb.png,\n');
    expect(await notesOf({ notes: short })).toEqual(['bright', 'NOTE_MISSING', 'NOTE_MISSING']);
    expect(await notesOf({ notes: short, emptyNotes: true })).toEqual(['bright', '', '']);
    expect(await notesOf({ emptyNotes: true })).toEqual(['', '', '']);
    expect(await notesOf({ required: false })).toEqual(['', '', '']);
    expect(await notesOf({ note: ' bright ' })).toEqual(['bright', 'bright', 'bright']);
  });

  it('that are invalid are refused, and never quoted', async () => {
    const code = (source: Partial<CaseSource>, expected: string): Promise<void> =>
      expect(casesFor(source)).rejects.toMatchObject({ code: expected });
    await code({}, 'NOTE_MISSING');
    await code({ note: ' ' }, 'NOTE_EMPTY');
    await code({ note: 'x', notes: 'x.csv' }, 'OPTION_INVALID');
    await code({ note: 'x', emptyNotes: true }, 'OPTION_INVALID');
    await code({ notes: join(root, 'none.csv') }, 'NOTES_MISSING');
    for (const line of [
      '{"image":"a.png","note":"secret"',
      '{"note":"secret"}',
      '{"image":"a","note":["secret"]}',
      '7',
    ]) {
      const notes = file('bad.jsonl', `{"image":"b.png","note":"x"}\n${line}\n`);
      const error: unknown = await casesFor({ notes }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: 'NOTES_UNREADABLE',
        message: expect.stringMatching(/bad\.jsonl: line 2: /) as unknown,
      });
      expect(String(error)).not.toContain('secret');
    }
  });
});

describe('part', () => {
  it('is read from text', () => {
    expect(parsePart('2/8')).toEqual({ index: 2, of: 8 });
    for (const text of ['0/3', '4/3', '1', '1/0', 'a/b', '-1/2'])
      expect(() => parsePart(text)).toThrow(/I\/N/);
  });

  it('parts are disjoint and complete', () => {
    const all = Array.from({ length: 11 }, (_, i) => i);
    const parts = [1, 2, 3].map((index) => [...casesOf(all, { index, of: 3 })]);
    expect(parts.map((part) => part.length)).toEqual([4, 4, 3]);
    expect(parts.flat().sort((a, b) => a - b)).toEqual(all);
    expect([...casesOf(all, null)]).toEqual(all);
  });
});

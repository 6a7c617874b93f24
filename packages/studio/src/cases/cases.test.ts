import { loadCsv, type Mask } from '@reclmis/core';
import { strToU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { rgbPng } from '../outputs/png.js';
import { type CaseItem, neighbour, orderOf, scrollTo, search, visibleRows } from '../state/case-order.js';
import { Edits } from '../edit/edits.js';
import { Engine } from '../engine/engine.js';
import { Rasters } from '../rasters.js';
import { NO_CASES } from '../state/cases.js';
import { FIRST, type Result } from '../state/state.js';
import { createStore } from '../state/store.js';
import { testImage, testMask } from '../testing.js';
import { Cases } from './cases.js';
import { type ReviewedCase, writeDataset, ZipSink } from './dataset.js';
import { type Entry, folderOfList } from './entries.js';
import { findCases } from './find-cases.js';

import { Thumbnails } from './thumbnails.js';
import { readTruth } from './truth.js';

const entry = (path: string, content: string | Uint8Array<ArrayBuffer> = ''): Entry => ({
  path,
  file: () => Promise.resolve(new File([content], path)),
});
const code = (expected: string): object => expect.objectContaining({ code: expected }) as object;

describe('folderOfList', () => {
  it('lists files below the folder as people count, without what systems leave behind', () => {
    const file = (path: string): File =>
      Object.defineProperty(new File([], path.split('/').at(-1)!), 'webkitRelativePath', { value: path });
    const { name, entries } = folderOfList(
      ['set/images/10.png', 'set/images/2.png', 'set/.DS_Store', 'set/Thumbs.db', 'set/u\u0308.png'].map(
        file,
      ),
    );
    expect(name).toBe('set');
    expect(entries.map(({ path }) => path)).toEqual(['images/2.png', 'images/10.png', 'ü.png']);
  });
});

describe('findCases', () => {
  const csv = [
    'image,mask,note,sides,spacing,patient,split',
    'a.png,a.png,"Upper left lung, one area.",patient,0.2,P1,train',
    'images/b.png,,Lower right lung.,image,,P2,val',
    'images/b.png,,Another note.,,,P2,val',
    'c.png,c.png,Missing.,,,,',
    'a.png,a.png,Sides wrong.,left,,,',
    'd.png,gone.png,"Mask, gone.",,1\\2,,',
  ].join('\n');

  it('reads a table of cases, finds images and masks, and names what is unclear', async () => {
    const paths = ['images/a.png', 'images/b.png', 'images/d.png', 'masks/a.png', 'masks/b_mask.png'];
    const { items, files, problems, name } = await findCases({
      name: 'set',
      entries: [entry('cases.csv', csv), ...paths.map((path) => entry(path))],
    });
    expect(name).toBe('set');
    expect(items).toEqual([
      { id: 'images/a.png', name: 'a', note: 'Upper left lung, one area.', sides: 'patient', spacing: [0.2, 0.2], patient: 'P1', split: 'train', hasTruth: true },
      { id: 'images/b.png', name: 'b', note: 'Lower right lung.', sides: 'image', spacing: null, patient: 'P2', split: 'val', hasTruth: true },
      { id: 'images/b.png@4', name: 'b', note: 'Another note.', sides: null, spacing: null, patient: 'P2', split: 'val', hasTruth: true },
      { id: 'images/d.png', name: 'd', note: 'Mask, gone.', sides: null, spacing: null, patient: '', split: '', hasTruth: false },
    ]); // prettier-ignore
    expect(files.get('images/b.png@4')?.image.path).toBe('images/b.png');
    expect(files.get('images/b.png')?.truth?.path).toBe('masks/b_mask.png');
    expect(problems).toEqual([
      'cases.csv: line 5: c.png is missing',
      'cases.csv: line 6: expected the sides patient or image, got "left"',
      'cases.csv: line 7: gone.png is missing',
      expect.stringContaining('can be read as'),
    ]);
  });

  it('reads workbooks and JSON lines by the same rules, and names their rows and lines', async () => {
    const cell = (text: string): string => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
    const rows = [
      ['Image', 'Note', 'Sides'],
      ['a.png', 'Left lung.', 'image'],
      ['gone.png', 'Right lung.', ''],
    ];
    const sheet = rows.map((row) => `<row>${row.map(cell).join('')}</row>`).join('');
    const office = 'http://schemas.openxmlformats.org';
    const relation = (id: string, type: string, target: string): Uint8Array =>
      strToU8(
        `<Relationships xmlns="${office}/package/2006/relationships"><Relationship Id="${id}" Type="${office}/officeDocument/2006/relationships/${type}" Target="${target}"/></Relationships>`,
      );
    const workbook = zipSync({
      '_rels/.rels': relation('r1', 'officeDocument', 'xl/workbook.xml'),
      'xl/workbook.xml': strToU8(
        `<workbook xmlns:r="${office}/officeDocument/2006/relationships"><sheets><sheet name="Cases" sheetId="1" r:id="s1"/></sheets></workbook>`,
      ),
      'xl/_rels/workbook.xml.rels': relation('s1', 'worksheet', 'worksheets/../worksheets/sheet1.xml'),
      'xl/worksheets/sheet1.xml': strToU8(`<worksheet><sheetData>${sheet}</sheetData></worksheet>`),
    });
    const lines =
      '{"image":"a.png","note":"Left lung.","sides":"image"}\n\n{"image":"gone.png","note":"Right lung."}';
    for (const [name, content, place] of [
      ['cases.xlsx', workbook, 'row 3'],
      ['cases.jsonl', lines, 'line 3'],
    ] as const) {
      const found = await findCases({ name: 'set', entries: [entry(name, content), entry('a.png')] });
      expect(found.items.map(({ id, note, sides }) => [id, note, sides])).toEqual([
        ['a.png', 'Left lung.', 'image'],
      ]);
      expect(found.problems).toEqual([`${name}: ${place}: gone.png is missing`]);
    }
    const damaged = [entry('a.png'), entry('cases.xlsx', workbook.subarray(0, workbook.length - 40))];
    await expect(findCases({ name: 'set', entries: damaged })).rejects.toEqual(code('NOTES_UNREADABLE'));
  });

  it('takes each image of a folder without a table', async () => {
    const paths = ['images/1.png', 'images/2.DCM', 'masks/1.png', 'readme.txt', 'labels/9.png', 'v.nii.gz'];
    const { items, files } = await findCases({ name: 'x', entries: paths.map((path) => entry(path)) });
    expect(items.map(({ id, name, hasTruth }) => [id, name, hasTruth])).toEqual([
      ['images/1.png', '1', true],
      ['images/2.DCM', '2', false],
      ['v.nii.gz', 'v', false],
    ]);
    expect(files.get('images/1.png')?.truth?.path).toBe('masks/1.png');
  });

  it('refuses what could be read in two ways, or not at all', async () => {
    const table = 'image,note\na.png,One.';
    const entries = [entry('a.png'), entry('a.csv', table), entry('b.csv', table)];
    await expect(findCases({ name: 'x', entries })).rejects.toEqual(code('DATA_LAYOUT_UNCLEAR'));
    await expect(findCases({ name: 'x', entries: [entry('a.txt')] })).rejects.toEqual(code('IMAGE_MISSING'));
    const cut = [entry('a.png'), entry('a.csv', 'image,note,remark\na.png,Unilateral, left')];
    await expect(findCases({ name: 'x', entries: cut })).rejects.toEqual(code('NOTES_UNREADABLE'));
    const one = [entry('a.png'), entry('a.csv', table), entry('other.csv', 'x,y\n1,2')];
    expect((await findCases({ name: 'x', entries: one })).items).toHaveLength(1);
  });
});

const item = (id: string, more: Partial<CaseItem> = {}): CaseItem => ({
  ...{ id, name: id, note: '', sides: null, spacing: null, patient: '', split: '', hasTruth: false },
  ...more,
});

describe('order', () => {
  const items = ['case 10', 'case 9', 'Köln', 'a'].map((id) => item(id));
  const byId = new Map(items.map((one) => [one.id, one]));
  const none = { dice: null, confidence: null, area: null };

  it('sorts by name as people count, by figures that need a look first, unknown ones last', () => {
    const figures = {
      a: { dice: 0.9, confidence: 0.1, area: 7 },
      Köln: { dice: 0.2, confidence: 0.3, area: 70 },
    };
    expect(orderOf(items, 'name', {})).toEqual(['a', 'case 9', 'case 10', 'Köln']);
    expect(orderOf(items, 'dice', figures)).toEqual(['Köln', 'a', 'case 9', 'case 10']);
    expect(orderOf(items, 'confidence', figures)).toEqual(['a', 'Köln', 'case 9', 'case 10']);
    expect(orderOf(items, 'area', { ...figures, 'case 10': none })).toEqual([
      'Köln',
      'a',
      'case 9',
      'case 10',
    ]);
  });

  it('searches names and notes, whatever case and accents', () => {
    const order = ['a', 'case 9', 'case 10', 'Köln'];
    expect(search(byId, order, '')).toEqual(order);
    expect(search(byId, order, ' CASE 1 ')).toEqual(['case 10']);
    expect(search(byId, order, 'koln')).toEqual(['Köln']);
    expect(search(new Map([['a', item('a', { note: 'Upper left lung' })]]), ['a'], 'LEFT a')).toEqual(['a']);
    expect(search(byId, order, 'nothing')).toEqual([]);
  });

  it('steps to neighbours and stays at the ends', () => {
    expect(neighbour(['a', 'b'], null, 1)).toBe('a');
    expect(neighbour(['a', 'b'], 'a', 1)).toBe('b');
    expect(neighbour(['a', 'b'], 'b', 1)).toBe('b');
    expect(neighbour(['a', 'b'], 'a', -1)).toBe('a');
    expect(neighbour(['a', 'b'], 'gone', -1)).toBe('a');
    expect(neighbour([], null, 1)).toBeNull();
  });

  it('draws the rows in view and a few more', () => {
    expect(visibleRows(1000, 56, 0, 560)).toEqual({ first: 0, end: 14 });
    expect(visibleRows(1000, 56, 5600, 560)).toEqual({ first: 96, end: 114 });
    expect(visibleRows(1000, 56, 56_000, 560)).toEqual({ first: 996, end: 1000 });
    expect(visibleRows(3, 56, 99_999, 560)).toEqual({ first: 3, end: 3 });
    expect(scrollTo(0, 56, 300, 560)).toBe(0);
    expect(scrollTo(12, 56, 0, 560)).toBe(168);
    expect(scrollTo(5, 56, 0, 560)).toBe(0);
  });
});

describe('Thumbnails', () => {
  it('makes what is wanted now, keeps to its bytes, and frees what goes', async () => {
    const made: string[] = [];
    const closed: string[] = [];
    const ready: string[] = [];
    const store = new Thumbnails(
      async (id) => {
        await Promise.resolve();
        if (id === 'bad') throw new Error('no image');
        made.push(id);
        return { width: 10, height: 10, close: () => closed.push(id) };
      },
      (id) => ready.push(id),
      1000,
    );
    store.want(['a', 'b', 'z']);
    store.want(['b', 'bad', 'c']); // a is being made, z is no longer wanted
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(made).toEqual(['a', 'b', 'c']);
    expect(ready).toEqual(['a', 'b', 'bad', 'c']);
    expect(closed).toEqual(['a']); // 400 bytes each
    expect([store.bytes, store.get('a'), store.isFailed('bad')]).toEqual([800, null, true]);
    store.get('b');
    store.want(['d', 'bad']);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(closed).toEqual(['a', 'c']); // b was shown since
    store.close();
    expect(closed).toEqual(['a', 'c', 'b', 'd']);
    expect(store.bytes).toBe(0);
  });
});

describe('readTruth', () => {
  it('reads PNG by the rule for masks, and refuses another size', async () => {
    const grey = { width: 12, height: 9, data: new Uint8Array(324) };
    testMask(12, 9).data.forEach((value, p) => grey.data.fill(value * 200, 3 * p, 3 * p + 3));
    const found = await readTruth(rgbPng(grey), 'm.png', { width: 12, height: 9 }, null);
    expect(found).toEqual(testMask(12, 9));
    await expect(readTruth(rgbPng(grey), 'm.png', { width: 9, height: 12 }, null)).rejects.toEqual(code('MASK_SIZE_MISMATCH')); // prettier-ignore
    await expect(readTruth(Uint8Array.of(1, 2, 3), 'm.png', grey, null)).rejects.toEqual(
      code('IMAGE_UNREADABLE'),
    );
  });
});

describe('writeDataset', () => {
  const reviewed = (id: string, more: Partial<ReviewedCase> = {}): ReviewedCase => ({
    ...{ id, note: `Note of\n ${id}.`, sides: 'patient', spacing: null, patient: '', split: '' },
    mask: testMask(12, 9),
    image: () => Promise.resolve(rgbPng(testImage(12, 9))),
    pixels: () => Promise.reject(new Error('a PNG needs none')),
    ...more,
  });

  it('writes images as they came, masks, and a table that reads back', async () => {
    const sink = new ZipSink();
    const nifti = { image: () => Promise.resolve(Uint8Array.of(1, 2, 3)), pixels: () => Promise.resolve(testImage(12, 9)) }; // prettier-ignore
    const cases = [
      reviewed('set/a.png', { spacing: [0.2, 0.4] }),
      reviewed('set/a.png@7', { note: 'A second, of the same image.' }),
      reviewed('other/A.nii', nifti),
      reviewed('b.png', { note: ' ' }),
    ];
    expect(await writeDataset(cases, sink)).toEqual({ cases: 3, withoutNote: ['b.png'] });
    const files = unzipSync(new Uint8Array(await sink.end().arrayBuffer()));
    expect(Object.keys(files)).toEqual(['images/set-a.png', 'masks/set-a.png', 'masks/set-a-2.png', 'images/other-A.png', 'masks/other-A.png', 'cases.csv']); // prettier-ignore
    expect(files['images/set-a.png']).toEqual(rgbPng(testImage(12, 9)));
    const { parseCsv } = await loadCsv();
    const { caseForm } = await import('@reclmis/core');
    const text = new TextDecoder().decode(files['cases.csv']).replaceAll('\r\n', '\n');
    const { rows } = parseCsv(text, 'cases.csv', { form: caseForm({}) });
    expect(rows.map(({ image, mask, description, sides, spacing }) => [image, mask, description, sides, spacing])).toEqual([
      ['images/set-a.png', 'masks/set-a.png', 'Note of set/a.png.', 'patient', '0.2 x 0.4'],
      ['images/set-a.png', 'masks/set-a-2.png', 'A second, of the same image.', 'patient', ''],
      ['images/other-A.png', 'masks/other-A.png', 'Note of other/A.nii.', 'patient', ''],
    ]); // prettier-ignore
    expect(text.split('\n')[0]).toBe('image,mask,note,sides,spacing'); // patient and split are unknown
  });

  it('refuses to write a data set without notes', async () => {
    await expect(writeDataset([reviewed('a.png', { note: '' })], new ZipSink())).rejects.toEqual(
      code('DATA_INVALID'),
    );
  });

  it('leaves sides out unless all rows state them', async () => {
    const files: Record<string, string> = {};
    const sink = { write: (path: string, bytes: Uint8Array) => Promise.resolve(void (files[path] = new TextDecoder().decode(bytes))) }; // prettier-ignore
    await writeDataset([reviewed('a.png'), reviewed('b.png', { sides: null })], sink);
    expect(files['cases.csv']?.split('\r\n')[0]).toBe('image,mask,note');
  });

  it('takes an empty mask', async () => {
    const mask: Mask = { width: 12, height: 9, data: new Uint8Array(108) };
    expect(await writeDataset([reviewed('a.png', { mask })], new ZipSink())).toEqual({
      cases: 1,
      withoutNote: [],
    });
  });
});

describe('decisions', () => {
  const item = (id: string): CaseItem => ({
    ...{
      id,
      name: id,
      note: 'Left lung.',
      sides: null,
      spacing: null,
      patient: '',
      split: '',
      hasTruth: false,
    },
  });
  const note = { text: 'Left lung.', sides: null };
  const result: Result = {
    ...{
      id: 'r',
      picture: 'p',
      note,
      threshold: 0.5,
      area: 1,
      areas: 1,
      warnings: [],
      confidence: null,
      interest: null,
    },
    reading: {
      text: note.text,
      sides: 'patient',
      places: [],
      unknown: [],
      chips: [],
      sent: null,
      warnings: [],
    },
    ...{ measures: [], milliseconds: 1, gained: 0, lost: 0 },
  };

  it('are about the current case, never about another whose picture is still on the stage', () => {
    const items = ['a.png', 'b.png', 'c.png'].map(item);
    const order = items.map(({ id }) => id);
    const cases = { ...NO_CASES, items, order, current: 'a.png', shown: 'a.png' };
    const store = createStore({ ...FIRST, note, result, cases });
    const rasters = new Rasters();
    rasters.model = rasters.mask = testMask(16, 12);
    const edits = new Edits(store, rasters);
    const engine = new Engine({ post: () => undefined, onReply: () => undefined }, store, rasters);
    const list = new Cases(store, rasters, engine, edits);
    const judgements = (): unknown[] => order.map((id) => store.state.cases.reviews[id]?.judgement);

    list.judge('accept');
    expect([store.state.cases.current, store.state.cases.shown]).toEqual(['b.png', 'a.png']); // b is being read
    list.judge('accept'); // a double press
    expect(judgements()).toEqual(['accepted', undefined, undefined]);
    list.judge('skip'); // b cannot be read
    expect(judgements()).toEqual(['accepted', 'skipped', undefined]);
    expect(store.state.cases.current).toBe('c.png');
  });
});

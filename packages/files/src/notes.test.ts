import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { DERIVED, readNotes, writeNotes } from './notes.js';
import { encodeWorkbook } from './encode-workbook.js';
import { readTable } from './tables.js';
import { errorOf, inFolder, writeFiles } from './testing.js';

describe('readNotes', () => {
  const rows = [
    ['', ''],
    [' DESCRIPTION ', 'Remark', ' image'],
    ['  Left lung.  ', 'x', ' mask_a.png '],
    ['', '', ''],
    ['left lung.', '', 'mask_b.png'],
    ['Left lung.', '', 'mask_a.png'],
    ['A <tag> & "quotes", ümlaut', '', 'mask_c.png'],
    ['', '', 'mask_d.png'],
    ['no image', '', ''],
    [' ', '', ' '],
  ];
  const expected = [
    ['mask_a.png', 'Left lung.'],
    ['mask_b.png', 'left lung.'],
    ['mask_c.png', 'A <tag> & "quotes", ümlaut'],
  ];

  it('reads XLSX: columns in any order and case, spaces trimmed, blank rows skipped, case kept', async () => {
    await inFolder(async (dir) => {
      await writeFiles(dir, { 'a.xlsx': await encodeWorkbook(rows) });
      const table = await readNotes(join(dir, 'a.xlsx'));
      expect([...table.notes]).toEqual(expected);
      expect(table.blank).toEqual(['mask_d.png']);
      expect(table.unnamed).toHaveLength(1);
    });
  });

  it('writes notes, source included, only in formats that it reads back', async () => {
    await inFolder(async (dir) => {
      const written = [
        { image: 'mask_a.png', note: 'A, "b"; \n c', source: DERIVED },
        { image: 'mask_b.png', note: 'd', source: 'a reader' },
      ];
      for (const name of ['n.xlsx', 'n.csv', 'n.jsonl']) {
        await writeNotes(join(dir, name), written);
        const { notes, derived } = await readNotes(join(dir, name));
        expect([...notes]).toEqual(written.map(({ image, note }) => [image, note]));
        expect([...derived]).toEqual(['mask_a.png']);
      }
      expect(await errorOf(writeNotes(join(dir, 'n.txt'), written))).toMatchObject({
        code: 'OPTION_INVALID',
      });
    });
  });

  it('reads the same from CSV, and names the row without an image', async () => {
    await inFolder(async (dir) => {
      const csv = rows
        .map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(','))
        .join('\r\n');
      await writeFiles(dir, { 'a.csv': csv });
      const table = await readNotes(join(dir, 'a.csv'));
      expect([...table.notes]).toEqual(expected);
      expect(table.unnamed).toEqual([9]);
    });
  });

  it('refuses two different notes for one mask, naming both rows', async () => {
    await inFolder(async (dir) => {
      await writeFiles(dir, { 'a.csv': 'Image,Description\nm.png,one\nn.png,x\nm.png,One\n' });
      const error = await errorOf(readNotes(join(dir, 'a.csv')));
      expect(error.code).toBe('NOTES_CONFLICT');
      expect(error.message).toContain('lines 2 and 4 have different notes for m.png');
    });
  });

  it('distinguishes empty, headless, damaged, foreign and missing files', async () => {
    await inFolder(async (dir) => {
      const whole = await encodeWorkbook([
        ['Image', 'Description'],
        ['m.png', 'note'],
      ]);
      const damaged = whole.slice();
      damaged.fill(0x55, 40, 90);
      await writeFiles(dir, {
        'empty.xlsx': await encodeWorkbook([]),
        'head.xlsx': await encodeWorkbook([['Image', 'Description']]),
        'empty.csv': '',
        'columns.csv': 'Image,Text\na,b\n',
        'cut.xlsx': whole.subarray(0, whole.length - 30),
        'damaged.xlsx': damaged,
        'text.xlsx': 'this is no workbook, whatever its name says',
        'latin.csv': Uint8Array.from([0x49, 0xfc, 0x2c, 0x61]),
        'zip.xlsx': zipSync({ 'a.txt': strToU8('not a workbook') }),
        'a.ods': 'x',
      });
      const code = async (name: string): Promise<string> => (await errorOf(readNotes(join(dir, name)))).code;
      for (const name of ['empty.xlsx', 'head.xlsx', 'empty.csv'])
        expect(await code(name), name).toBe('NOTES_EMPTY');
      for (const name of [
        'columns.csv',
        'cut.xlsx',
        'damaged.xlsx',
        'text.xlsx',
        'latin.csv',
        'zip.xlsx',
        'a.ods',
      ]) {
        expect(await code(name), name).toBe('NOTES_UNREADABLE');
      }
      expect(await code('none.xlsx')).toBe('NOTES_MISSING');
    });
  });

  it('refuses a workbook that unpacks beyond the limit, whatever sizes it states', async () => {
    await inFolder(async (dir) => {
      const bomb = zipSync({ 'xl/worksheets/sheet1.xml': new Uint8Array(65 * 1024 * 1024) }, { level: 1 });
      const at = Buffer.from(bomb.buffer).indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
      new DataView(bomb.buffer).setUint32(at + 24, 100, true); // claims 100 bytes
      await writeFiles(dir, { 'bomb.xlsx': bomb });
      const error = await errorOf(readTable(join(dir, 'bomb.xlsx')));
      expect(error.code).toBe('NOTES_UNREADABLE');
      expect(error.message).toContain('unpacks to more than');
    });
  }, 30_000);
});

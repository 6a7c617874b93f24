import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadWorkbook, ReclmisError } from '@reclmis/core';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { encodeWorkbook } from './encode-workbook.js';
import { cells, inFolder, makeWorkbook, type MadeWorkbook, writeFiles } from './testing.js';

const { parseWorkbook } = await loadWorkbook();

const HEAD = cells('Image', 'Description');
const NOTES = HEAD + cells('a.png', 'left lung');

const read = (book: Uint8Array): ReturnType<typeof parseWorkbook> => parseWorkbook('n.xlsx', book);
const pairs = (book: MadeWorkbook): string[][] =>
  read(makeWorkbook(book)).rows.map(({ image, description }) => [image, description]);
const sheet = (data: string, after = ''): MadeWorkbook => ({ sheets: [{ name: 'S', data, after }] });

function refusal(book: MadeWorkbook | Uint8Array): { code: string; message: string; remedy: string } {
  try {
    read(book instanceof Uint8Array ? book : makeWorkbook(book));
  } catch (error) {
    if (!(error instanceof ReclmisError)) throw error;
    return { code: error.code, message: error.message, remedy: error.remedy };
  }
  throw new Error('expected a refusal');
}

describe('the sheet', () => {
  const other = HEAD + cells('a.png', 'upper right lung');

  it('is the first visible one that has the columns, behind hidden ones and a "Read me"', () => {
    for (const state of ['hidden', 'veryHidden'] as const)
      expect(
        pairs({
          sheets: [
            { name: 'Old', state, data: other },
            { name: 'Read me', data: cells('How to fill this in') + cells('<c t="e"><v>#REF!</v></c>', 'x') },
            { name: 'Empty', data: '' },
            { name: 'Chart', data: other, type: 'chartsheet' },
            { name: 'Notes', state: 'visible', data: NOTES },
            { name: 'Template', data: HEAD },
          ],
        }),
      ).toEqual([['a.png', 'left lung']]);
  });

  it('is refused if two visible ones have notes, or if it is hidden', () => {
    const two = refusal({
      sheets: [
        { name: 'One', data: NOTES },
        { name: 'Two', data: other },
      ],
    });
    expect(two).toMatchObject({
      code: 'NOTES_CONFLICT',
      message:
        'n.xlsx: expected one visible sheet with the columns Image and Description, got "One" and "Two"',
    });
    const hidden = refusal({
      sheets: [
        { name: 'Read me', data: cells('Hello') },
        { name: 'Notes', state: 'hidden', data: NOTES },
      ],
    });
    expect(hidden.message).toBe(
      'n.xlsx: expected the columns Image and Description in the first row of a visible sheet, got Hello; "Notes" is hidden and not read',
    );
    expect(hidden.remedy).toContain('Unhide the sheet');
    expect(refusal(sheet(cells('Image', 'Text'))).message).toContain('got Image, Text');
    expect(refusal(sheet(cells('Image', 'Description', 'image'))).message).toContain(
      'expected one column Image, got two',
    );
  });
});

describe('cells', () => {
  it('need no positions', () => {
    expect(
      pairs(
        sheet(
          `<row/>${HEAD}<row r="5"><c r="B5" t="inlineStr"><is><t>x</t></is></c></row>` +
            `${cells('b', 'y')}<row><c/><c t="inlineStr"><is><t>z</t></is></c></row>`,
        ),
      ),
    ).toEqual([
      ['', 'x'],
      ['b', 'y'],
      ['', 'z'],
    ]);
    expect(read(makeWorkbook(sheet(`<row/>${NOTES}`))).rows[0]).toMatchObject({ number: 3 });
  });

  it('may be shared, rich, phonetic, escaped, computed, or under any prefix', () => {
    const strings =
      '<si><t>a.png</t></si><si><r><rPr><b/></rPr><t>left </t></r><r><t xml:space="preserve">lung</t></r><rPh sb="0" eb="1"><t>hidari</t></rPh></si>' +
      '<si><t>x &amp; y_x000D_z _x005F_x0041_ &#228;<![CDATA[ <b>]]></t></si>';
    const shared = (i: number): string => `<c t="s"><v>${i}</v></c>`;
    const data =
      HEAD +
      cells(shared(0), shared(1)) +
      cells('b.png', shared(2)) +
      cells('<c t="str"><f>A1&amp;B1</f><v>c.png</v></c>', '<c t="str"><f>""</f><v></v></c>');
    expect(pairs({ ...sheet(data), strings })).toEqual([
      ['a.png', 'left lung'],
      ['b.png', 'x & y\rz _x0041_ ä <b>'],
      ['c.png', ''],
    ]);
    const prefixed = `<x:worksheet xmlns:x="m"><x:sheetData>${NOTES.replaceAll(/<(\/?)/gu, '<$1x:')}</x:sheetData></x:worksheet>`;
    expect(pairs({ sheets: [{ name: 'S', data: '', whole: prefixed }] })).toEqual([['a.png', 'left lung']]);
    const utf16 = Buffer.from(`\uFEFF<worksheet><sheetData>${NOTES}</sheetData></worksheet>`, 'utf16le');
    expect(pairs({ sheets: [{ name: 'S', data: '', whole: utf16 }] })).toEqual([['a.png', 'left lung']]);
  });

  it('count in hidden or filtered rows and columns', () => {
    const data = `${HEAD}<row hidden="1"><c t="inlineStr"><is><t>a</t></is></c><c t="inlineStr"><is><t>b</t></is></c></row>`;
    expect(pairs(sheet(data, '<autoFilter ref="A1:B2"/>'))).toEqual([['a', 'b']]);
  });

  it('are refused if they differ from what was typed', () => {
    const styles =
      '<numFmts><numFmt numFmtId="164" formatCode="00000"/><numFmt numFmtId="165" formatCode="dd\\.mm\\.yy"/><numFmt numFmtId="166" formatCode="0.000&quot; mm&quot;"/></numFmts>' +
      '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="165"/><xf numFmtId="10"/><xf numFmtId="164"/><xf numFmtId="166"/><xf numFmtId="49"/></cellXfs>';
    const number = (value: string, style?: number): string =>
      `<c${style === undefined ? '' : ` s="${style}"`}><v>${value}</v></c>`;
    const named = (cell: string, properties = ''): { message: string; remedy: string } =>
      refusal({ ...sheet(HEAD + cells(cell, 'note')), styles, properties });
    const where = 'n.xlsx: sheet "S": cell A2 ';
    expect(named(number('45356', 1)).message).toBe(
      `${where}is a date (2024-03-05), expected text: the spreadsheet program took what was typed for a date`,
    );
    expect(named(number('45356', 1)).remedy).toContain('Format the column as text and type the name again');
    expect(named(number('45356.5', 2)).message).toContain('is a date (2024-03-05 12:00:00)');
    expect(named(number('43894', 1), '<workbookPr date1904="1"/>').message).toContain(
      'is a date (2024-03-05)',
    );
    expect(named('<c t="d"><v>2024-03-05</v></c>').message).toContain('is a date (2024-03-05)');
    expect(named(number('0.5', 3)).message).toContain('is a percentage (50 %)');
    expect(named(number('123', 4)).message).toContain(
      'is the number 123 in a format that shows it differently',
    );
    expect(named(number('1.5')).message).toContain('is the number 1.5, expected a file name as text');
    expect(named(number('1.2345678901234567E+19')).message).toContain('expected a file name');
    expect(named('<c t="b"><v>1</v></c>').message).toContain('is TRUE, expected text');
    expect(named('<c t="e"><v>#N/A</v></c>').message).toContain('holds the error #N/A');
    expect(named('<c><f>B1</f></c>').message).toContain('is a formula without a stored result');
    expect(named('<c t="s"><v>7</v></c>').message).toContain('refers to a text that is not in the workbook');
    expect(named('<c t="s"><v>-1</v></c>').message).toContain('refers to a text');
    expect(named(number('1', 99)).message).toContain('has no style');
    expect(named('<c t="q"><v>1</v></c>').message).toContain('unknown type "q"');

    const rest = HEAD.replace(
      '</row>',
      '<c t="inlineStr"><is><t>Spacing</t></is></c><c t="inlineStr"><is><t>When</t></is></c></row>',
    );
    const row = (spacing: string): MadeWorkbook => ({
      ...sheet(rest + cells(number('123', 6), 'note', spacing, number('45356', 1))),
      styles,
    });
    expect(read(makeWorkbook(row(number('0.143', 5)))).rows).toEqual([
      { number: 2, image: '123', description: 'note', spacing: '0.143', source: '', numericName: 'A2' },
    ]);
    expect(refusal(row(number('45383', 1))).message).toContain(
      'cell C2 is a date (2024-04-01), expected a number',
    );
    expect(refusal(row(number('0.143', 3))).message).toContain('cell C2 is a percentage (14.3 %)');
  });

  it('are refused if several rows are merged', () => {
    const merged = (ref: string): MadeWorkbook =>
      sheet(NOTES + cells('b.png', ''), `<mergeCells count="1"><mergeCell ref="${ref}"/></mergeCells>`);
    expect(refusal(merged('B2:B3')).message).toContain(
      'cells B2:B3 are merged, so only row 2 has their content',
    );
    expect(refusal(merged('A1:C9')).message).toContain('are merged');
    for (const ref of ['C2:C3', 'B2:C2', 'B9:B12']) expect(pairs(merged(ref)), ref).toHaveLength(2);
  });
});

describe('a workbook that lies', () => {
  const NOTE_CELL = '<is><t>x</t></is></c>';

  it('is refused before allocating memory between two cells', () => {
    const before = process.memoryUsage().rss;
    const far = `<row r="1048576"><c r="XFD1048576" t="inlineStr">${NOTE_CELL}</row>`;
    expect(refusal(sheet(NOTES + far)).message).toContain(
      'cell XFD1048576 makes the sheet 1048576 rows by 16384 columns, more than 4000000 cells',
    );
    expect(
      refusal(
        sheet(`${NOTES}<row r="4294967295"><c r="A4294967295" t="inlineStr"><is><t> </t></is></c></row>`),
      ).message,
    ).toContain('expected rows 1 to 1048576, got row 4294967295');
    expect(refusal(sheet(far)).message).toContain('more than 4000000 cells');
    for (const bad of ['0', '-1', '1.5', 'x', '1e9'])
      expect(refusal(sheet(`${NOTES}<row r="${bad}"/>`)).message, bad).toContain(
        'expected rows 1 to 1048576',
      );
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  it('may hold formats far out, and cells in the last row', () => {
    const far = '<row r="1048576"><c r="XFD1048576" s="0"/></row>';
    expect(pairs(sheet(NOTES + far))).toHaveLength(1);
    expect(
      pairs(sheet(`${NOTES}<row r="1048576"><c r="A1048576" t="inlineStr">${NOTE_CELL}</row>`)),
    ).toHaveLength(2);
  });

  it('is refused if positions contradict each other', () => {
    const at = (reference: string): string =>
      `<row r="5"><c r="${reference}" t="inlineStr">${NOTE_CELL}</row>`;
    for (const reference of ['A6', 'XFE5', 'ZZZ5', '5', 'A', ''])
      expect(refusal(sheet(NOTES + at(reference))).message, reference).toContain('row 5 holds a cell at');
    expect(refusal(sheet(NOTES + at('A5') + at('B5'))).message).toContain('row 5 comes after row 5');
    expect(refusal(sheet(`${NOTES}<row r="5"><c r="A5"/><c r="A5"/></row>`)).message).toContain(
      'cell A5 occurs twice',
    );
  });

  it('is refused for document types, broken XML and depth', () => {
    const whole = (xml: string): MadeWorkbook => ({ sheets: [{ name: 'S', data: '', whole: xml }] });
    const bomb =
      '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet>&b;</worksheet>';
    expect(refusal(whole(bomb)).message).toContain('has a document type');
    for (const xml of [
      '<worksheet><sheetData>',
      '<worksheet></sheetData>',
      '',
      'x',
      '<worksheet>&nbsp;</worksheet>',
    ])
      expect(refusal(whole(xml)).message, xml).toContain('is not well-formed XML');
    expect(refusal(whole('<a>'.repeat(200))).message).toContain('is not a worksheet');
    expect(refusal(whole(`<worksheet>${'<a>'.repeat(200)}`)).message).toContain('elements nested more than');
    const many = Array.from({ length: 300 }, (_, i) => `a${i}=""`).join(' ');
    expect(refusal(whole(`<worksheet><a ${many}/></worksheet>`)).message).toContain(
      'more than 200 attributes',
    );
    for (const message of [bomb, '<worksheet>'].map((xml) => refusal(whole(xml)).message))
      expect(message).not.toMatch(/undefined|TypeError|\n/u);
  });

  it('is refused if its archive is no workbook, encrypted, or damaged', async () => {
    expect(refusal(zipSync({ 'a.txt': strToU8('x') })).message).toContain(
      'is a zip archive but not a workbook',
    );
    expect(
      refusal(Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)])).message,
    ).toContain('password-protected');
    const stored = Buffer.from(
      zipSync(
        Object.fromEntries(Object.entries({ 'xl/a.xml': 'left lung' }).map(([n, t]) => [n, strToU8(t)])),
        { level: 0 },
      ),
    );
    stored[stored.indexOf('left lung')] = 0x4c;
    expect(refusal(stored).message).toContain('the content of xl/a.xml is wrong');
    const whole = await encodeWorkbook([['Image', 'Description']]);
    for (let length = 0; length < whole.length; length += 97)
      expect(refusal(whole.subarray(0, length)).code, String(length)).toBe('NOTES_UNREADABLE');
    expect(
      refusal({ ...sheet(NOTES), parts: { 'xl/_rels/workbook.xml.rels': '<Relationships/>' } }).message,
    ).toContain('does not state where the sheet "S" is');
  });

  it('is refused if its directory contradicts its parts', async () => {
    const whole = Buffer.from(await encodeWorkbook([['Image', 'Description']]));
    const directory = whole.indexOf('PK\u0001\u0002', 'latin1');
    const end = whole.length - 22;
    const changed = (change: (bytes: Buffer) => void): string => {
      const bytes = Buffer.from(whole);
      change(bytes);
      return refusal(bytes).message;
    };
    expect(changed((bytes) => bytes.writeUInt16LE(1, directory + 8))).toContain('is password-protected');
    expect(changed((bytes) => bytes.writeUInt16LE(12, directory + 10))).toContain('compression method 12');
    // Believing the size would read only a part's beginning, or take a gigabyte.
    for (const size of [4, 2 ** 30])
      expect(
        changed((bytes) => bytes.writeUInt32LE(size, directory + 24)),
        String(size),
      ).toMatch(/the content of .* is wrong/u);
    expect(
      changed((bytes) => {
        bytes.writeUInt16LE(60, end + 8);
        bytes.writeUInt16LE(60, end + 10);
      }),
    ).toMatch(/states 60 entries in a directory of \d+ bytes, too few/u);
    expect(changed((bytes) => bytes.writeUInt32LE(whole.length, end + 16))).toContain('beyond byte');
    const twice = Buffer.from(zipSync({ 'xl/a.xml': strToU8('left'), 'xl/b.xml': strToU8('right') }));
    twice[twice.lastIndexOf('b.xml')] = 'A'.charCodeAt(0);
    expect(refusal(twice).message).toContain('contains xl/a.xml twice');
  });

  it('is read with trailing bytes, which some programs append', async () => {
    const whole = await encodeWorkbook([
      ['Image', 'Description'],
      ['a.png', 'left lung'],
    ]);
    expect(read(Buffer.concat([whole, Buffer.from('\n\n')])).rows).toHaveLength(1);
  });

  it('never fails differently, whichever byte is changed', async () => {
    const whole = Buffer.from(
      await encodeWorkbook([
        ['Image', 'Description'],
        ['a.png', 'left lung'],
      ]),
    );
    for (let at = 0; at < whole.length; at += 3) {
      const bent = Buffer.from(whole);
      bent[at] = (bent[at] ?? 0) ^ 0x55;
      try {
        const { rows } = read(bent);
        expect(rows, String(at)).toMatchObject([{ image: 'a.png', description: 'left lung' }]);
      } catch (error) {
        expect(error, String(at)).toBeInstanceOf(ReclmisError);
      }
    }
  });
});

describe('encodeWorkbook', () => {
  it('writes what can be read back, escapes included', async () => {
    await inFolder(async (dir) => {
      await writeFiles(dir, {
        'a.xlsx': await encodeWorkbook([
          ['Image', 'Description'],
          ['_x0041_.png', 'x & <y> "z"'],
        ]),
      });
      const { rows } = parseWorkbook('a.xlsx', await readFile(join(dir, 'a.xlsx')));
      expect(rows).toMatchObject([{ image: '_x0041_.png', description: 'x & <y> "z"' }]);
    });
  });
});

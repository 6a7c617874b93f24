import { describe, expect, it } from 'vitest';
import { ReclmisError } from '../errors.js';
import { parseCsv } from './csv.js';
import { encodeCsv } from './encode-csv.js';
import { decodeText } from './text.js';

const HEAD = 'Image,Description';

const pairs = (text: string): string[][] =>
  read(Buffer.from(text)).rows.map(({ image, description }) => [image, description]);

function read(bytes: Uint8Array): ReturnType<typeof parseCsv> {
  return parseCsv(
    decodeText('n.csv', bytes, { code: 'NOTES_UNREADABLE', remedy: 'Save it again.' }),
    'n.csv',
  );
}

function refusal(text: string | Uint8Array): { message: string; remedy: string } {
  try {
    read(typeof text === 'string' ? Buffer.from(text) : text);
  } catch (error) {
    if (!(error instanceof ReclmisError)) throw error;
    expect(error.code).toBe('NOTES_UNREADABLE');
    return { message: error.message, remedy: error.remedy };
  }
  throw new Error('expected a refusal');
}

describe('parseCsv', () => {
  it('reads quotes, with doubled ones, separators and line ends inside, and spaces around', () => {
    expect(pairs(`${HEAD}\n a.png , "x, y" \nb.png,"say ""hi""\nthere"\n\n,,\n"c.png",z,,\n`)).toEqual([
      ['a.png', 'x, y'],
      ['b.png', 'say "hi"\nthere'],
      ['c.png', 'z'],
    ]);
  });

  it('reads LF, CRLF and CR, mixed too, with and without one at the end', () => {
    for (const end of ['\n', '\r\n', '\r'])
      for (const last of ['', end])
        expect(pairs(`${HEAD}${end}a,"1${end}2"${end}b,3${last}`)).toEqual([
          ['a', '1\n2'],
          ['b', '3'],
        ]);
    expect(pairs(`${HEAD}\r\na,1\nb,2\rc,3`)).toHaveLength(3);
  });

  it('finds the separator by the head’s columns, not by frequency', () => {
    const note = 'x, y; z';
    for (const separator of [',', ';', '\t']) {
      const rows = [
        ['Remark; 1, or a\ttab, or 2; 3', 'Image', 'Description'],
        ['', 'a', note],
      ];
      const text = rows.map((row) => row.map((field) => `"${field}"`).join(separator)).join('\n');
      expect(pairs(text), JSON.stringify(separator)).toEqual([['a', note]]);
    }
    expect(pairs('Image;Description\na;b, c')).toEqual([['a', 'b, c']]);
    expect(pairs('Image\tDescription\na\tb, c; d')).toEqual([['a', 'b, c; d']]);
  });

  it('accepts a separator stated by the first line, and counts that line', () => {
    for (const first of ['sep=;', 'SEP=;', '"sep=;"', 'sep=;;', '\uFEFFsep=;'])
      expect(pairs(`${first}\r\nImage;Description\r\na;b, c\r\n`), first).toEqual([['a', 'b, c']]);
    expect(pairs('sep=|\nImage|Description\na|b, c; d')).toEqual([['a', 'b, c; d']]);
    expect(refusal('sep=;\nImage;Description\na;b\nc;d;e').message).toContain('line 4: expected 2 fields');
    expect(refusal('sep=;\nImage,Description\na,b').message).toContain(
      'separated by semicolon; got Image,Description',
    );
    expect(refusal('sep=\nImage,Description\na,b').message).toContain(
      'line 1: expected one character after sep=',
    );
  });

  it('refuses a row with more fields than the head, whose note would be cut at its first separator', () => {
    expect(refusal(`${HEAD}\na.png,"x, y"\n\nb.png,Unilateral infection, one area, left lung.\n`)).toEqual({
      message:
        'n.csv: line 4: expected 2 fields, as in the header, got 4: one of them contains a comma without quotes',
      remedy:
        'Put fields that contain a comma, a line break or a quotation mark in double quotes, or save the table with another separator or as XLSX.',
    });
    expect(refusal('Image;Description\na;b; c').message).toContain('contains a semicolon without quotes');
    expect(refusal('Image\tDescription\na\tb\tc').message).toContain('contains a tab without quotes');
    expect(refusal('Description,Image\nleft lung, upper,a.png').message).toContain(
      'line 2: expected 2 fields',
    );
    // The last field may be an empty remark, and "upper" part of the note.
    expect(refusal('Image,Description,Remark\na.png,left lung, upper,').message).toContain(
      'got 4, the last of them empty',
    );
  });

  it('refuses a row whose note is cut although the number of fields is right, as its last columns are left out', () => {
    const cut = [
      'Image,Description,Remark\na.png,Unilateral, left',
      'Image,Description,Remark\nb.png,right lung,blurred\na.png,Unilateral, left',
      'Image,Description,Remark\nb.png,"Bilateral, all lung",\na.png,Unilateral, left',
      'Image,Description,Remark\na.png,Unilateral, with a large effusion',
      'Image,Description,Remark\na.png,Unilateral,left lung',
      'Image, Description, Remark\na.png, Unilateral, basal',
      'Image, Description, Remark\nb.png, "Bilateral, all lung", \na.png,Unilateral, left',
      'Image, Description,Remark\nb.png,"Bilateral, all lung",\na.png,Unilateral, left',
      'Image,Description,Remark\na.png,左肺,上部',
      'Image;Description;Remark\na.png;Unilateral; left',
      'Image\tDescription\tRemark\na.png\tUnilateral\t left',
      'sep=|\nImage|Description|Remark\na.png|Unilateral| left',
      'Image,Description,Age,Remark\na.png,Unilateral, left,63',
      'Image,Description,Count,Remark\na.png,Unilateral, 2, left',
      'Image,Description,Remark,More\na.png,Unilateral, left,',
      'Image,Remark,Description,Source\na.png,see, left lung,Unilateral infection',
      'Description,Image,Remark\nUnilateral, left,a.png',
      'Image,Description,Remark\nscan, 1.png,left lung',
      'Image,Description,Spacing\na.png,Unilateral,basal',
      'Image,Description,Spacing\na.png,Unilateral,2 areas',
    ];
    for (const text of cut)
      expect(refusal(text).message, text).toMatch(/line \d: field \d may be the rest of/u);
    expect(refusal('Image,Description,Remark\nb.png,right lung,blurred\na.png,Unilateral, left')).toEqual({
      message:
        'n.csv: line 3: field 3 may be the rest of field 2, cut at its comma: a space follows the comma before it',
      remedy:
        'Put field 2 in double quotes, including the comma if it is part of it, or save the table as XLSX.',
    });
  });

  it('accepts tables with further columns that are filled, quoted where needed, or hold values', () => {
    const sound = [
      'Image,Description,Remark\na.png,"Unilateral, left",\nb.png,left lung,blurred',
      'Image,Description,Remark\na.png,"Unilateral", left\nb.png,"left lung", blurred',
      'Image,Description,Remark\na.png,"Unilateral, left",\nb.png,left lung,"blurred, rotated"',
      'Image,Description,Side\na.png,"Infection, one area",left\nb.png,Infection,right',
      'Image, Description, Remark\na.png, "Unilateral, left", blurred\nb.png, left lung, blurred',
      'Image, Description, Spacing\na.png, left lung, 0.143\nb.png, left lung, 0.1 x 0.2 mm',
      'Image,Description,Spacing,Source\na.png, left lung, 0.143,derived from masks\nb.png,left,.2,',
      'Image,Description,Patient,Age,Taken\na.png,left lung,P-017,63,2020-03-01 12:30\nb.png,left,P-018, 7,',
      'Image;Description;Side\na.png;one area, left lung;left\nb.png;all, both lungs;both',
      'Image\tDescription\tSide\na.png\tone area, left lung\tleft\nb.png\tall\tboth',
      'Description,Image,Remark\nleft lung,a.png,blurred\nright lung, b.png,',
      'Split,Image,Description\ntrain,a.png,left lung\ntest, b.png, right lung',
      'Image,Description,Remark,More\na.png,left lung,blurred, rotated\nb.png,left lung,,',
      'Image,Description,Bemerkung\na.png,左肺の上部,\nb.png,"左肺, 上部",不明',
      'Image,Description\na.png, left lung\nb.png, left',
    ];
    for (const text of sound) expect(read(Buffer.from(text)).rows, text).toHaveLength(2);
    expect(pairs(sound[1] ?? '')).toEqual([
      ['a.png', 'Unilateral'],
      ['b.png', 'left lung'],
    ]);
  });

  it('refuses a row with fewer fields, whose note would be cut at a line end', () => {
    expect(refusal(`${HEAD}\na.png,left lung,\nupper\n`).message).toContain(
      'line 3: expected 2 fields, as in the header, got 1',
    );
    expect(refusal('Image,Description,Spacing\na.png,left\nlung,0.5\n').message).toContain(
      'line 2: expected 3 fields',
    );
  });

  it('ignores empty fields at the end of head and rows', () => {
    expect(pairs('Image,Description,,\na,b\nc,d,\ne,f,,,,\n')).toEqual(
      [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ].slice(0, 3),
    );
    const [row] = read(Buffer.from('Image,Description,Spacing\na,b,0.5,\n')).rows;
    expect(row).toMatchObject({ image: 'a', description: 'b', spacing: '0.5', number: 2 });
  });

  it('names the line of quotes that are unclosed or inside a field', () => {
    expect(refusal(`${HEAD}\na,"1\n2"\nc,"d\ne`).message).toBe(
      'n.csv: the row that begins on line 4 opens a quote that is never closed',
    );
    for (const row of ['"a"b,c', 'a,say "hi"', 'a,"b" c'])
      expect(refusal(`${HEAD}\n${row}`).message, row).toBe(
        'n.csv: line 2 contains a quotation mark within a field',
      );
  });

  it('refuses tables that lack a column or have it twice', () => {
    expect(refusal('Image,Text\na,b').message).toContain('expected the columns Image and Description');
    expect(refusal('Image,Text\na,b').message).toContain('got Image, Text');
    expect(refusal('Image|Description\na|b').message).toContain('got Image|Description');
    expect(refusal('Image,Note,Description\na,b,c').message).toContain(
      'expected either the column Description or Note, got both',
    );
    expect(refusal(`${HEAD},description\na,b,c`).message).toContain(
      'expected one column Description, got two',
    );
    expect(pairs('')).toEqual([]);
    expect(pairs(' \n,,\n')).toEqual([]);
  });

  it('reads UTF-8 and UTF-16 with byte order marks, and refuses every other encoding with its line', () => {
    const text = 'Image\tDescription\r\nMüller.png\tlinke Lunge, größer\r\n';
    const utf16 = Buffer.from(`\uFEFF${text}`, 'utf16le');
    for (const bytes of [Buffer.from(text), Buffer.from(`\uFEFF${text}`), utf16, Buffer.from(utf16).swap16()])
      expect(read(bytes).rows).toMatchObject([{ image: 'Müller.png', description: 'linke Lunge, größer' }]);
    expect(refusal(Buffer.from(text, 'latin1'))).toEqual({
      message: 'n.csv: is not UTF-8 text: line 2 has bytes of another encoding',
      remedy: 'Save it again.',
    });
    expect(refusal(utf16.subarray(0, -1)).message).toContain('not valid UTF-16');
    expect(refusal(Buffer.from(`${HEAD}\na,b`, 'utf16le')).message).toContain(
      'line 1 contains a NUL character',
    );
    expect(refusal(`${HEAD}\na,M\uFFFDller`).message).toContain(
      'line 2 contains the replacement character U+FFFD',
    );
    expect(refusal(`${HEAD}\na,b\u0007`).message).toContain('control character (U+0007)');
  });

  it('refuses millions of fields before allocating memory', () => {
    for (const sign of [',', '\n']) {
      const text = `${HEAD}\n${sign.repeat(4_100_000)}`;
      expect(refusal(text).message).toContain('has more than 4000000 fields');
    }
  });

  it('reads what it writes', () => {
    const rows = [
      ['Image', 'Description'],
      ['a, b.png', ' "x";\ty\nz '],
    ];
    expect(pairs(encodeCsv(rows))).toEqual([['a, b.png', '"x";\ty\nz']]);
  });
});

import { describe, expect, it } from 'vitest';
import { formatTable, right, wrapText } from './table.js';

const COLUMNS = [{ title: 'model' }, right('trained'), right('ms'), right('memory, MiB')];
const ROWS = [
  ['U-Net', '14.8', '316', '475'],
  ['LViT', '29.5', '1030', '686'],
];

describe('formatTable', () => {
  it('is one table where there is room', () => {
    const whole = [
      'model  trained    ms  memory, MiB',
      '─────────────────────────────────',
      'U-Net     14.8   316          475',
      'LViT      29.5  1030          686',
    ].join('\n');
    expect(formatTable(COLUMNS, ROWS)).toBe(whole);
    expect(formatTable(COLUMNS, ROWS, 33)).toBe(whole);
  });

  it('is cut between columns where there is none, each part with the first column', () => {
    expect(formatTable(COLUMNS, ROWS, 32)).toBe(
      [
        'model  trained    ms',
        '────────────────────',
        'U-Net     14.8   316',
        'LViT      29.5  1030',
        '',
        'model  memory, MiB',
        '──────────────────',
        'U-Net          475',
        'LViT           686',
      ].join('\n'),
    );
  });

  it('gives every column a place, however narrow the terminal', () => {
    const titles = formatTable(COLUMNS, ROWS, 1)
      .split('\n')
      .filter((line) => line.startsWith('model'));
    expect(titles.map((line) => line.split(/ {2,}/).slice(1))).toEqual([
      ['trained'],
      ['ms'],
      ['memory, MiB'],
    ]);
  });
});

describe('wrapText', () => {
  it('breaks between words alone', () => {
    expect(wrapText('its 24.1 G count a multiply-add as one', 12)).toBe(
      'its 24.1 G\ncount a\nmultiply-add\nas one',
    );
    expect(wrapText('multiply-adds in one line', Number.POSITIVE_INFINITY)).toBe('multiply-adds in one line');
    expect(wrapText('', 10)).toBe('');
  });
});

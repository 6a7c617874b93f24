import { describe, expect, it } from 'vitest';
import { grammarOf, inGrammar, statedGrammar } from './note-grammar.js';

const LVIT = [
  'Unilateral pulmonary infection, one infected area, upper left lung.',
  'Bilateral pulmonary infection, two infected areas, all left lung and middle lower right lung.',
  'bilateral pulmonary infection,two infected areas, upper leftlung, lower rigth lung',
  'All lung.',
];
const many = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${LVIT[0] ?? ''.slice(0, -1)} ${'left lung. '.repeat(i)}`);

describe('grammarOf', () => {
  it('is LViT’s for notes in its words', () => {
    expect(grammarOf(LVIT)).toBe('lvit');
  });

  it.each([
    ['a radiologist’s words', ['RUL opacity', 'Infiltrate at the left base']],
    ['nuclei in other words', ['The nuclei are scattered.']],
    [
      'the grammar with another finding',
      ['Unilateral pleural effusion, one infected area, lower left lung.'],
    ],
    ['the grammar in another order or other words', ['Left upper lobe', 'Right lung, lower']],
    ['what is not there', ['No infection in the left lung']],
    ['no place', ['Bilateral pulmonary infection.']],
  ])('is another for %s', (_, notes) => {
    expect(grammarOf(notes)).toBe('other');
  });

  it('allows one distinct note in twenty to differ, however often it occurs', () => {
    const own = many(19);
    expect(new Set(own).size).toBe(19);
    expect(grammarOf([...own, ...Array<string>(50).fill('RUL opacity')])).toBe('lvit');
    expect(grammarOf([...own, 'RUL opacity', 'LLL opacity'])).toBe('other');
  });

  it('is unknown without notes', () => {
    expect(grammarOf([])).toBe('unknown');
  });
});

describe('inGrammar', () => {
  it('needs all to be understood, and a place', () => {
    expect(inGrammar('Left upper lobe')?.places).toEqual([{ side: 'left', zones: ['upper'] }]);
    for (const note of ['left lung, fever', 'pulmonary infection', 'No pneumonia, left lung', ''])
      expect(inGrammar(note)).toBeNull();
  });
});

describe('statedGrammar', () => {
  it('is unknown in older files, or if damaged', () => {
    expect(['lvit', 'other', undefined, 3, 'LViT'].map(statedGrammar)).toEqual([
      'lvit',
      'other',
      'unknown',
      'unknown',
      'unknown',
    ]);
  });
});

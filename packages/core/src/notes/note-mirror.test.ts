import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flipNoteVertically, mirrorNote, namesPlace, namesSide } from './note-mirror.js';
import { formatNote, parseNote } from './note.js';

const word = fc
  .tuple(
    fc.constantFrom(
      ...'left right upper lower middle lung leftlung lowerright left-sided rightmost bright copyright slower top bottom base nuclei ß é'.split(
        ' ',
      ),
    ),
    fc.constantFrom(
      (s: string) => s,
      (s: string) => s.toUpperCase(),
      (s: string) => s.charAt(0).toUpperCase() + s.slice(1),
    ),
  )
  .map(([text, inCase]) => inCase(text));
const glue = fc.constantFrom(' ', '  ', ', ', '.', '-', '/', '\n', ' (');
const text = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 5, arbitrary: word },
        { weight: 1, arbitrary: fc.constantFrom('RUL', 'LLL', 'rml', '42', '👍') },
      ),
      glue,
    ),
  )
  .map((list) => list.flat().join(''));

describe('mirrorNote', () => {
  it.each([
    [
      'Bilateral pulmonary infection, upper left lung and lower right lung.',
      'Bilateral pulmonary infection, upper right lung and lower left lung.',
    ],
    ['LEFT-sided;  Right , leftlung', 'RIGHT-sided;  Left , rightlung'],
    ['The nuclei density in the left is high.', 'The nuclei density in the right is high.'],
    ['Leftmost RUL nodule, copyright, bright, leftover', 'Rightmost LUL nodule, copyright, bright, leftover'],
    ['lEfT', 'right'],
    ['lower rigth lung, Lfet lung, uper lung', 'lower left lung, Right lung, uper lung'],
    ['no side', 'no side'],
  ])('%s -> %s', (note, mirrored) => {
    expect(mirrorNote(note)).toBe(mirrored);
  });

  it('is its own inverse, and changes nothing if no side is named', () => {
    fc.assert(
      fc.property(text, (note) => {
        expect(mirrorNote(mirrorNote(note))).toBe(note);
        expect(mirrorNote(note) === note).toBe(!namesSide(note));
      }),
      { numRuns: 1000 },
    );
  });

  it('mirrors what parseNote reads', () => {
    const mirrored = parseNote(
      mirrorNote('Bilateral pulmonary infection, two infected areas, all left lung and lower right lung.'),
    );
    expect(mirrored.places).toEqual([
      { side: 'right', zones: ['all'] },
      { side: 'left', zones: ['lower'] },
    ]);
    expect(formatNote(mirrored)).toBe(
      'Bilateral pulmonary infection, two infected areas, all right lung and lower left lung.',
    );
  });
});

describe('slips', () => {
  it('are mirrored as parsed: every reading of a slipped note has its sides swapped', () => {
    const slipped = fc
      .tuple(fc.constantFrom('left', 'right', 'upper', 'lower', 'middle'), fc.nat(), fc.constantFrom(0, 1, 2))
      .map(([one, n, kind]) => {
        const at = n % (one.length - 1);
        if (kind === 0) return one.slice(0, at) + one.charAt(at + 1) + one.charAt(at) + one.slice(at + 2);
        return kind === 1 ? one.slice(0, at + 1) + one.slice(at) : one.slice(0, at + 1) + one.slice(at + 2);
      });
    fc.assert(
      fc.property(fc.array(slipped, { minLength: 1, maxLength: 3 }), (words) => {
        const note = `${words.join(' ')} lung`;
        const exchanged = parseNote(note).places.map(({ side, zones }) => ({
          side: side === null ? null : side === 'left' ? 'right' : 'left',
          zones,
        }));
        expect(parseNote(mirrorNote(note)).places).toEqual(exchanged);
      }),
      { numRuns: 500 },
    );
  });
});

describe('flipNoteVertically', () => {
  it('exchanges heights, keeps sides and casing, and is its own inverse', () => {
    expect(flipNoteVertically('Upper left lung, MIDDLE lower right lung; base, LLL, slower')).toBe(
      'Lower left lung, MIDDLE upper right lung; apex, LUL, slower',
    );
    expect(flipNoteVertically('Uper left lung')).toBe('Lower left lung');
    fc.assert(
      fc.property(text, (note) => {
        expect(flipNoteVertically(flipNoteVertically(note))).toBe(note);
      }),
    );
  });
});

describe('namesSide and namesPlace', () => {
  it.each([
    ['upper left lung', true, true],
    ['lowerright', true, true],
    ['LUL', true, true],
    ['lower zones', false, true],
    ['middle', false, true],
    ['Right-sided', true, true],
    ['Unilateral infection, rigth lung', true, true],
    ['uper lungs', false, true],
    ['The nuclei are evenly distributed.', false, false],
    ['The nuclei density is higher around.', false, false],
    ['brightly coloured', false, false],
    ['all nuclei', false, false],
  ])('%s', (note, side, anyPlace) => {
    expect(namesSide(note)).toBe(side);
    expect(namesPlace(note)).toBe(anyPlace);
  });
});

/** How notes are understood, by core's reader, with the model's own words. */
import { parseManifest, ResultChecks, wordReader, WordTokenizer } from '@reclmis/core';
import { manifestJson } from '@reclmis/core/testing';
import { describe, expect, it } from 'vitest';
import { changedWords, piecesOf } from './pieces.js';
import { type NoteModel, readingOf, replaced, withPlace } from './reading.js';
import { stepName } from './step-name.js';
import { zoneAt, zoneRects } from './zone-rects.js';

const WORDS = 'bilateral pulmonary infection one two three infected area areas upper middle lower left right lung and unilateral'; // prettier-ignore

function model(sides: 'patient' | 'image', grammar = 'lvit'): NoteModel {
  const file = (name: string): object => ({ name, sha256: '0'.repeat(64), bytes: 1 });
  const json = manifestJson({ size: 2, tokens: 24, width: 1, words: WORDS, note: { sides, grammar }, file });
  const manifest = parseManifest(json, 'test');
  const { tokenizer } = manifest.note!;
  if (tokenizer.kind !== 'words') throw new Error('expected words');
  const words = WordTokenizer.fromJSON(tokenizer.vocabulary);
  return { manifest, checks: new ResultChecks({ ...wordReader(words, 24), sides }) };
}

describe('a note', () => {
  it('names places with their parts of the text, a number and zones', () => {
    const text = 'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.';
    const { places, chips, unknown, sent, sides } = readingOf({ text, sides: null }, model('patient'));
    expect(places.map(({ number, label, spans }) => [number, label, spans.map(({ start, end }) => text.slice(start, end))])).toEqual([
      [1, 'Upper left', ['upper left lung']],
      [2, 'Lower right', ['lower right lung']],
    ]); // prettier-ignore
    expect(chips).toEqual(['Bilateral', '2 areas']);
    expect([unknown, sent, sides]).toEqual([[], null, 'patient']);
    expect(places.map(({ zones }) => zones)).toEqual([0b000_001, 0b100_000]);
  });

  it('has unknown words where they are, with the nearest known one, and says what the model is given', () => {
    const text = 'Two infcted areas, upper left lung.';
    const { unknown, sent } = readingOf({ text, sides: null }, model('patient'));
    expect(unknown).toEqual([{ start: 4, end: 11, word: 'infcted', nearest: 'infected', mended: true }]);
    expect(sent).toBe('Unilateral pulmonary infection, two infected areas, upper left lung.');
    const { unknown: ignored } = readingOf({ text: 'upper left lung xyzzyq', sides: null }, model('patient', 'unknown')); // prettier-ignore
    expect(ignored).toEqual([{ start: 16, end: 22, word: 'xyzzyq', nearest: null, mended: false }]);
  });

  it('is read in the sides that the user states', () => {
    const read = readingOf({ text: 'left lung', sides: 'image' }, model('patient'));
    expect([read.sides, read.sent]).toEqual(['image', 'right lung']);
    expect(read.places).toMatchObject([{ label: 'Left', zones: 0b000_111 }]);
  });

  it('that is blank says nothing and warns of nothing', () => {
    expect(readingOf({ text: ' ', sides: null }, model('patient'))).toMatchObject({ places: [], chips: [], warnings: [] }); // prettier-ignore
  });
});

it('a suggestion replaces the word alone, with its capital', () => {
  expect(replaced('Two infcted areas', { start: 4, end: 11 }, 'infected')).toBe('Two infected areas');
  expect(replaced('Uper lung', { start: 0, end: 4 }, 'upper')).toBe('Upper lung');
});

it.each([
  ['', 'Upper left lung.'],
  ['Infection, lower right lung.', 'Infection, lower right lung and upper left lung.'],
  ['Infection,  ', 'Infection and upper left lung.'],
])('a zone is written after %j', (text, after) => {
  expect(withPlace(text, 'upper left lung')).toBe(after);
});

describe('pieces', () => {
  const text = 'upper left lung, smal';
  const reading = {
    text,
    sides: 'patient' as const,
    places: [{ number: 1, label: 'Upper left', zones: 1, spans: [{ start: 0, end: 15 }] }],
    unknown: [{ start: 17, end: 21, word: 'smal', nearest: null, mended: false }],
    chips: [],
    sent: null,
    warnings: [],
  };
  it('join to the text, each with its marks', () => {
    const pieces = piecesOf(text, reading);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    expect(pieces.map(({ place, unknown, ends }) => [place, unknown, ends])).toEqual([
      [1, false, true],
      [null, false, false],
      [null, true, false],
    ]);
  });
  it('keep no marks beyond what an older reading has read', () => {
    const pieces = piecesOf('upper left lung, small', reading);
    expect(pieces.filter(({ place }) => place === 1).map((piece) => piece.text)).toEqual(['upper left lung']);
    expect(pieces.some(({ unknown }) => unknown)).toBe(false);
    expect(piecesOf('lower', reading).every(({ place }) => place === null)).toBe(true);
  });
});

it('changed words are those that the other note lacks', () => {
  const [a, b] = [
    'upper left lung and lower right lung.',
    'Upper left lung and middle right lung, two areas.',
  ];
  const { a: gone, b: come } = changedWords(a, b);
  expect(gone.map(({ start, end }) => a.slice(start, end))).toEqual(['lower']);
  expect(come.map(({ start, end }) => b.slice(start, end))).toEqual(['middle', 'two', 'areas']);
  expect(changedWords(a, a)).toEqual({ a: [], b: [] });
});

it('a step of the history is what the note gained', () => {
  const from = { text: 'upper left lung.', sides: null };
  const name = (text: string): string =>
    stepName({ id: 1, area: 3, kind: 'note', from, to: { text, sides: null } });
  expect(name('upper left lung and lower right lung.')).toBe('Note, and lower right lung');
  expect(stepName({ id: 1, area: 3, kind: 'note', from, to: { ...from, sides: 'image' } })).toBe(
    'Sides, Image',
  );
});

describe('zones on the image', () => {
  it('are those of the masks’ check: the patient’s left is on the right', () => {
    const rects = zoneRects(120, 90, 'patient');
    expect(rects.find(({ name }) => name === 'upper left')).toMatchObject({
      x: 60,
      y: 0,
      width: 60,
      height: 30,
    });
    expect(rects.find(({ name }) => name === 'lower right')).toMatchObject({
      x: 0,
      y: 45,
      width: 60,
      height: 45,
    });
    expect(zoneRects(120, 90, 'image').find(({ name }) => name === 'upper left')?.x).toBe(0);
    expect(zoneAt(rects, 119, 31)?.name).toBe('middle left');
    expect(zoneAt(rects, 121, 31)).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import { FlippingSegmenter } from '../ensemble.js';
import { SHIPS } from '../testing/ships.js';
import { meaningOf } from './note-meaning.js';
import { flippedNote, mirroredNote, namesAnyPlace, namesAnySide } from './note-motion.js';
import { mirrorZones, namedZones } from './zone-map.js';

const LVIT = 'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.';

describe('mirroredNote', () => {
  it.each([
    [LVIT, 'Bilateral pulmonary infection, two infected areas, upper right lung and lower left lung.'],
    ['The nuclei density in the left is high.', 'The nuclei density in the right is high.'],
    ['Opacity at both bases', 'Opacity at both bases'],
    ['beide Unterfelder', 'beide Unterfelder'],
    ['Consolidation in the RUL', 'Consolidation in the LUL'],
    ['LLZ', null],
    ['Infiltrat links basal', null],
    ['Upper left lung, none rechts.', null],
    ['opacité du poumon gauche', null],
  ])('of "%s" is %s', (note, mirrored) => {
    expect(mirroredNote(note)).toBe(mirrored);
  });

  it('knows a vocabulary’s own sentences', () => {
    expect(mirroredNote('Hole, port.', SHIPS)).toBe('Hole, starboard.');
    expect(mirroredNote('a hole at port', SHIPS)).toBeNull();
  });

  it('names the zones of the other side, if there is one', () => {
    for (const note of [LVIT, 'consolidation at the left base', 'RUL and left lower zone opacities']) {
      const [own, other] = [note, mirroredNote(note)].map((text) => namedZones(meaningOf(text ?? '')));
      expect(other).toBe(mirrorZones(own ?? 0));
    }
  });
});

describe('flippedNote', () => {
  it.each([
    [LVIT, 'Bilateral pulmonary infection, two infected areas, lower left lung and upper right lung.'],
    ['Opacity in the left upper zone', 'Opacity in the left lower zone'],
    ['Opacity in both lungs', 'Opacity in both lungs'],
    ['llz', null],
    ['beide Unterfelder', null],
    ['Zorg at the rlz', null],
  ])('of "%s" is %s', (note, flipped) => {
    expect(flippedNote(note)).toBe(flipped);
  });
});

describe('namesAnyPlace', () => {
  it.each([
    [LVIT, true],
    ['llz', true],
    ['beide Unterfelder', true],
    ['Verschattung links', true],
    ['infiltrats bibasaux', true],
    ['oben oder unten', true],
    ['zorg Unterfeld zorg', true],
    ['both lungs', false],
    ['beide Lungen', false],
    ['The nuclei are evenly distributed.', false],
    ['No pulmonary infection.', false],
    ['polyp', false],
    ['', false],
  ])('of "%s" is %s', (note, placed) => {
    expect(namesAnyPlace(note)).toBe(placed);
  });

  it('knows a vocabulary’s words', () => {
    expect(['a hole at port', 'hole, bow', 'hole'].map((note) => namesAnyPlace(note, SHIPS))).toEqual([
      true,
      true,
      false,
    ]);
  });
});

it('tells whether the mirror image needs another note', () => {
  expect([LVIT, 'llz', 'rechts', 'both bases', 'polyp', ''].map((note) => namesAnySide(note))).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

it('leaves the mirror image of "llz" out of a mean', async () => {
  const asked: string[][] = [];
  const model = {
    size: 2,
    probabilities(images: Float32Array, notes: readonly string[]): Float32Array {
      asked.push([...notes]);
      return images.slice(0, 4 * notes.length);
    },
  };
  const image = Float32Array.from({ length: 12 }, (_, i) => i);
  const mean = await new FlippingSegmenter(model).probabilities(image.slice(), ['Opacity, llz']);
  expect([...mean]).toEqual([0, 1, 2, 3]);
  expect(asked).toEqual([['Opacity, llz'], ['Opacity, llz']]);
});

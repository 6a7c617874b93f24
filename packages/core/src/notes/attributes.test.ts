import { describe, expect, it } from 'vitest';
import { drawnMask } from '../testing.js';
import { attributesOf } from './attributes.js';

describe('attributesOf', () => {
  it.each([
    ['Unilateral pulmonary infection, one infected area, upper left lung.', 0, 0],
    ['Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.', 1, 0],
    ['Bilateral pulmonary infection, two infected areas, all left lung and lower right lung.', 1, 1],
    ['Unilateral pulmonary infection, one infected area, upper middle lower right lung.', 0, 1],
    ['Bilateral pulmonary infection, four infected areas, all left lung and middle lower right lung.', 1, 2],
    ['Bilateral pulmonary infection, three infected areas, all left lung and all right lung.', 1, 2],
  ])('reads number and zones of "%s"', (note, count, size) => {
    expect(attributesOf(note)).toEqual({ count, size });
  });

  it('knows nothing that the note does not say', () => {
    expect(attributesOf('')).toEqual({ count: null, size: null });
    expect(attributesOf('No pulmonary infection.')).toEqual({ count: null, size: null });
    expect(attributesOf('Pulmonary infection, two infected areas.')).toEqual({ count: 1, size: null });
    expect(attributesOf('Infection of the lower left lung.')).toEqual({ count: null, size: 0 });
  });

  it('reads other words', () => {
    expect(attributesOf('Opacity, llz')).toEqual({ count: null, size: 0 });
    expect(attributesOf('Zwei Infiltrate im linken Oberlappen')).toEqual({ count: 1, size: 0 });
  });

  it.each([
    ['#...../....../....../......', 0], // 1 of 24 pixels
    ['##..../##..../....../......', 1], // 4 of 24
    ['####../####../....../......', 2], // 8 of 24
    ['####../####../....../.....#', 0], // the last component decides
    ['#...../....../..####/..####', 2],
    ['#..#../....#./....../......', 1], // joined by a corner: a box of 4
  ])('takes the size of nuclei from the mask %s', (drawn, size) => {
    const note = 'The nuclei are sparsely distributed.';
    expect(attributesOf(note, () => drawnMask(drawn))).toEqual({ count: 1, size });
  });

  it('leaves the size of nuclei open without a mask, or with an empty one', () => {
    const note = 'The nuclei density in the lower left is high.';
    expect(attributesOf(note)).toEqual({ count: 1, size: null });
    expect(attributesOf(note, () => drawnMask('..../....'))).toEqual({ count: 1, size: null });
  });
});

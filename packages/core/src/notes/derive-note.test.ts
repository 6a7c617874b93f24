import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveNote } from './derive-note.js';
import { mirrorNote } from './note-mirror.js';
import { formatNote, parseNote } from './note.js';
import { mirror } from '../images/raster.js';
import { anyMask, drawnMask } from '../testing.js';
import { imageFrame, lungFrame } from './zone-map.js';

const noteOf = (rows: string, sides: 'patient' | 'image' = 'patient'): string => {
  const mask = drawnMask(rows);
  return formatNote(deriveNote(mask, imageFrame(mask.width, mask.height, [1 / 3, 2 / 3]), { sides }));
};

describe('deriveNote', () => {
  it('names side, number and zones, by the convention of sides', () => {
    const rows = '####......../............/............';
    expect(noteOf(rows)).toBe('Unilateral pulmonary infection, one infected area, upper right lung.');
    expect(noteOf(rows, 'image')).toBe('Unilateral pulmonary infection, one infected area, upper left lung.');
    expect(noteOf('##.........#/............/##........##')).toBe(
      'Bilateral pulmonary infection, four infected areas, upper lower left lung and upper lower right lung.',
    );
  });

  it('says "all" of one area, and lists the zones of several', () => {
    expect(noteOf('#.../#.../#...')).toBe(
      'Unilateral pulmonary infection, one infected area, all right lung.',
    );
    expect(noteOf('#...../#...../..#.../#...../#...../#.....')).toBe(
      'Unilateral pulmonary infection, three infected areas, upper middle lower right lung.',
    );
  });

  it('counts an area to each side that holds a quarter of it', () => {
    expect(noteOf('..##../....../......')).toBe(
      'Bilateral pulmonary infection, one infected area, upper left lung and upper right lung.',
    );
    expect(noteOf('.........########./................../..................')).toBe(
      'Unilateral pulmonary infection, one infected area, upper left lung.',
    );
    expect(noteOf('........########../................../..................')).toBe(
      'Unilateral pulmonary infection, one infected area, upper left lung.', // 1 of 8 on the right
    );
  });

  it('ignores specks, and says that there is no finding', () => {
    expect(noteOf('../../..')).toBe('No pulmonary infection.');
    const size = 100; // 10 pixels are the least area
    const data = new Uint8Array(size * size);
    data.fill(1, 0, 9);
    const mask = { width: size, height: size, data };
    const frame = imageFrame(size, size);
    expect(deriveNote(mask, frame, { sides: 'image' }).count).toBe(null);
    data.fill(1, 0, 10);
    expect(deriveNote(mask, frame, { sides: 'image' }).count).toBe(1);
    expect(deriveNote(mask, frame, { sides: 'image', minArea: 0.01 }).count).toBe(null);
    expect(deriveNote(mask, frame, { sides: 'image', finding: 'nodule' }).finding).toBe('nodule');
  });

  it('uses the zones of the lungs, also for areas outside them', () => {
    const lungs = drawnMask('......../##....##/##....##/##....##/......../......../......../........');
    const mask = drawnMask('......../......../.......#/......../......../......../......../#.......');
    expect(deriveNote(mask, lungFrame(lungs), { sides: 'image' }).places).toEqual([
      { side: 'left', zones: ['lower'] },
      { side: 'right', zones: ['middle'] },
    ]);
  });

  it('mirrors with the mask, and parses back', () => {
    fc.assert(
      fc.property(anyMask, (mask) => {
        const frame = imageFrame(mask.width, mask.height);
        const note = deriveNote(mask, frame, { sides: 'patient' });
        expect(parseNote(formatNote(note))).toEqual(note);
        const places = (text: string): unknown[] =>
          [...parseNote(text).places].sort((a, b) => ((a.side ?? '') < (b.side ?? '') ? -1 : 1));
        const mirrored = deriveNote(mirror(mask), frame, { sides: 'patient' });
        expect(places(formatNote(mirrored))).toEqual(places(mirrorNote(formatNote(note))));
        expect(mirrored.count).toBe(note.count);
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNote } from './note.js';
import { mirrorNote } from './note-mirror.js';
import { mirror } from '../images/raster.js';
import { anyMask, drawnMask } from '../testing.js';
import {
  countZones,
  imageFrame,
  lungFrame,
  mirrorZones,
  namedZones,
  zoneBit,
  zoneMap,
  zoneNames,
} from './zone-map.js';

const named = (note: string): string[] | null => {
  const zones = namedZones(parseNote(note));
  return zones === null ? null : zoneNames(zones);
};

describe('namedZones', () => {
  it.each<[string, string[] | null]>([
    ['Unilateral pulmonary infection, one infected area, upper left lung.', ['upper left']],
    ['all left lung', ['upper left', 'middle left', 'lower left']],
    ['right lung', ['upper right', 'middle right', 'lower right']],
    ['lower zones', ['lower left', 'lower right']],
    ['lower left lung and middle lower right lung', ['lower left', 'middle right', 'lower right']],
    ['Bilateral pulmonary infection, two infected areas.', null],
    ['The nuclei density in the lower left is high.', null],
    ['', null],
  ])('%s', (note, zones) => {
    expect(named(note)).toEqual(zones);
  });

  it('mirrors as the note does', () => {
    const note = 'Bilateral pulmonary infection, two infected areas, upper left lung and all right lung.';
    expect(namedZones(parseNote(mirrorNote(note)))).toBe(mirrorZones(namedZones(parseNote(note)) ?? 0));
  });
});

/** The map as letters: u, m, l of the left, U, M, L of the right, . for none, + for several. */
const drawn = (map: Uint8Array, width: number): string =>
  [...map]
    .map((bits) => (bits === 0 ? '.' : countZones(bits) > 1 ? '+' : 'umlUML'[Math.log2(bits)]))
    .join('')
    .replace(new RegExp(`(.{${width}})(?=.)`, 'g'), '$1/');

describe('zoneMap', () => {
  it('splits the image by its halves and at a third and half of the height', () => {
    const frame = imageFrame(2, 6);
    expect(drawn(zoneMap(frame, 'image'), 2)).toBe('uU/uU/mM/lL/lL/lL');
    expect(drawn(zoneMap(frame, 'patient'), 2)).toBe('Uu/Uu/Mm/Ll/Ll/Ll');
    expect(drawn(zoneMap(imageFrame(3, 3, [1 / 3, 2 / 3]), 'image'), 3)).toBe('u+U/m+M/l+L');
  });

  it('follows given lungs: the gap between them, thirds of each', () => {
    const frame = lungFrame(
      drawnMask('##....../##...##./##...##./##...##./##...##./##...##./......../........'),
    );
    expect(frame.midline).toBe(3.5);
    expect(frame.imageLeft).toEqual([2, 4]);
    expect(frame.imageRight[0]).toBeCloseTo(1 + 5 / 3, 12);
    expect(drawn(zoneMap(frame, 'image'), 8)).toBe(
      'uu....../uu...UU./mm...UU./mm...MM./ll...LL./ll...LL./......../........',
    );
  });

  it('ignores specks, and uses the image’s middle and the other’s lines for a missing lung', () => {
    const rows = Array.from({ length: 12 }, (_, y) =>
      y < 6 ? '.####.......' : y === 11 ? '...........#' : '............',
    );
    const frame = lungFrame(drawnMask(rows.join('/'))); // 24 pixels and 1
    expect(frame.midline).toBe(6);
    expect(frame.imageLeft).toEqual([2, 4]);
    expect(frame.imageRight).toEqual([2, 4]);
    expect(frame.lungs?.data.reduce((sum, v) => sum + v, 0)).toBe(24);
  });

  it('refuses a mask without lungs', () => {
    expect(() => lungFrame(drawnMask('..../....'))).toThrow(/lung mask is empty/);
  });

  it('mirrors with the lungs', () => {
    fc.assert(
      fc.property(
        anyMask.filter(({ data }) => data.includes(1)),
        (mask) => {
          const one = imageFrame(mask.width, mask.height);
          const map = { width: mask.width, height: mask.height, data: zoneMap(one, 'patient') };
          expect([...mirror(map).data].map(mirrorZones)).toEqual([...map.data]);
          const lungs = zoneMap(lungFrame(mask), 'image');
          expect(lungs.every((bits, p) => bits === 0 || mask.data[p] === 1)).toBe(true);
        },
      ),
    );
  });

  it('gives every zone its own bit', () => {
    const bits = (['left', 'right'] as const).flatMap((side) =>
      (['upper', 'middle', 'lower'] as const).map((third) => zoneBit(side, third)),
    );
    expect(new Set(bits).size).toBe(6);
    expect(bits.reduce((sum, bit) => sum | bit, 0)).toBe(63);
  });
});

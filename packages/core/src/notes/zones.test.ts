import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flip, mirror, type Mask } from '../images/raster.js';
import { lungZones } from './zones.js';

const mask = (rows: string): Mask => {
  const lines = rows.split('/');
  return {
    width: lines[0]!.length,
    height: lines.length,
    data: Uint8Array.from([...lines.join('')].map((c) => (c === '#' ? 1 : 0))),
  };
};

const reached = (any: Mask): Record<string, number> =>
  Object.fromEntries(
    lungZones(any, 'patient')
      .filter(({ area }) => area > 0)
      .map(({ zone, side, area }) => [`${zone} ${side}`, area]),
  );

describe('lungZones', () => {
  it('has the patient’s left on the image’s right', () => {
    expect(reached(mask('...#/..../....'))).toEqual({ 'upper left': 1 });
    expect(reached(mask('..../..../##..'))).toEqual({ 'lower right': 2 });
    expect(reached(mask('..../.##./....'))).toEqual({ 'middle right': 1, 'middle left': 1 });
  });

  it('gives the same places other names for the image’s left and right', () => {
    const zones = lungZones(mask('...#/..../##..'), 'image').filter(({ area }) => area > 0);
    expect(zones.map(({ zone, side, area }) => [zone, side, area])).toEqual([
      ['upper', 'right', 1],
      ['lower', 'left', 2],
    ]);
  });

  it('gives shares of the mask and of each zone', () => {
    const zones = lungZones(mask('##../#.../....'), 'patient');
    expect(zones).toHaveLength(6);
    expect(zones[0]).toEqual({ zone: 'upper', side: 'right', area: 2, share: 2 / 3, coverage: 1 });
    expect(zones[2]).toEqual({ zone: 'middle', side: 'right', area: 1, share: 1 / 3, coverage: 1 / 2 });
    expect(zones[5]).toEqual({ zone: 'lower', side: 'left', area: 0, share: 0, coverage: 0 });
  });

  it('halves the middle column of an odd width', () => {
    expect(reached(mask('.#.'))).toEqual({ 'middle right': 0.5, 'middle left': 0.5 });
    expect(reached(mask('#'))).toEqual({ 'middle right': 0.5, 'middle left': 0.5 });
  });

  it('is all 0 for an empty mask and all 1 for a full one', () => {
    expect(
      lungZones(mask('../../..'), 'patient').every(
        ({ area, share, coverage }) => !area && !share && !coverage,
      ),
    ).toBe(true);
    expect(lungZones(mask('###/###/###/###'), 'image').every(({ coverage }) => coverage === 1)).toBe(true);
  });

  it('adds up to the mask, and mirrors with it', () => {
    const masks = fc
      .record({ width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }) })
      .chain(({ width, height }) =>
        fc
          .uint8Array({ minLength: width * height, maxLength: width * height, max: 1 })
          .map((data): Mask => ({ width, height, data })),
      );
    fc.assert(
      fc.property(masks, (any) => {
        const areas = lungZones(any, 'patient').map(({ area }) => area);
        const [a, b, c, d, e, f] = areas;
        expect(lungZones(any, 'image').map(({ area }) => area)).toEqual(areas); // the same places under other names
        expect(areas.reduce((x, y) => x + y)).toBe(any.data.reduce((x, y) => x + y, 0));
        expect(lungZones(mirror(any), 'patient').map(({ area }) => area)).toEqual([b, a, d, c, f, e]);
        expect(lungZones(flip(any), 'patient').map(({ area }) => area)).toEqual([e, f, c, d, a, b]);
      }),
    );
  });
});

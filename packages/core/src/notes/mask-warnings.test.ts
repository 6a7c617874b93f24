import { describe, expect, it } from 'vitest';
import { insideNamedZones, maskWarnings, type MaskContext } from './mask-warnings.js';
import { parseNote } from './note.js';
import type { Mask } from '../images/raster.js';

const S = 60;
const mask = (...boxes: readonly (readonly [number, number, number, number])[]): Mask => {
  const data = new Uint8Array(S * S);
  for (const [x, y, w, h] of boxes) for (let j = y; j < y + h; j++) data.fill(1, j * S + x, j * S + x + w);
  return { width: S, height: S, data };
};
const codes = (given: Mask, note: string | null, more: Partial<MaskContext> = {}): string[] =>
  maskWarnings(given, { note: note === null ? null : parseNote(note), sides: 'image', ...more }).map(
    ({ code }) => code,
  );
const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';
const UPPER_LEFT = [8, 5, 10, 10] as const;
const UPPER_RIGHT = [42, 5, 10, 10] as const;
const LOWER_LEFT = [8, 45, 10, 10] as const;

describe('a mask', () => {
  it('in the right place passes', () => expect(codes(mask(UPPER_LEFT), NOTE)).toEqual([]));

  it('that is empty gets a warning, unless the note denies the finding', () => {
    expect(codes(mask(), NOTE)).toEqual(['MASK_EMPTY']);
    expect(codes(mask(), null)).toEqual(['MASK_EMPTY']);
    expect(codes(mask(), 'No pulmonary infection.')).toEqual([]);
    expect(codes(mask([5, 5, 1, 1]), 'left lung')).not.toContain('MASK_EMPTY');
  });

  it('that covers nine tenths gets a warning', () => {
    expect(codes(mask([0, 0, S, 54]), null)).toEqual(['MASK_COVERS_ALL']);
    expect(codes(mask([0, 0, S, 53]), null)).toEqual([]);
  });

  it('on the wrong side or height gets a warning with the share', () => {
    expect(maskWarnings(mask(UPPER_RIGHT), { note: parseNote(NOTE), sides: 'image' })).toEqual([
      {
        code: 'MASK_OUTSIDE_ZONES',
        message:
          '100.0 % of the mask lies outside the zones that the note names (upper left), by the image’s left and right',
      },
    ]);
    expect(codes(mask(LOWER_LEFT), NOTE)).toEqual(['MASK_OUTSIDE_ZONES']);
    expect(codes(mask(UPPER_LEFT, UPPER_RIGHT), NOTE)).toEqual(['AREAS_DIFFER']); // half of it is inside
  });

  it('keeps to the sides of the convention', () => {
    expect(codes(mask(UPPER_LEFT), NOTE, { sides: 'patient' })).toEqual(['MASK_OUTSIDE_ZONES']);
    expect(codes(mask(UPPER_RIGHT), NOTE, { sides: 'patient' })).toEqual([]);
  });

  it('is checked for heights and number of sides if the convention is unknown', () => {
    const unknown = { sides: 'unknown' } as const;
    expect(codes(mask(UPPER_LEFT), NOTE, unknown)).toEqual([]);
    expect(codes(mask(UPPER_RIGHT), NOTE, unknown)).toEqual([]);
    expect(codes(mask(LOWER_LEFT), NOTE, unknown)).toEqual(['MASK_OUTSIDE_ZONES']);
    expect(insideNamedZones(mask(UPPER_LEFT, UPPER_RIGHT), parseNote(NOTE), 'unknown')?.inside).toBe(0.5);
  });

  it('may reach a tenth of the height beyond a zone: the lines are coarse', () => {
    expect(codes(mask([8, 18, 10, 7]), NOTE)).toEqual([]); // the zone ends at 20
    expect(codes(mask([8, 27, 10, 7]), NOTE)).toEqual(['MASK_OUTSIDE_ZONES']);
  });

  it('with another number of areas gets a warning; specks do not count', () => {
    const two = NOTE.replace('one infected area', 'two infected areas');
    expect(codes(mask(UPPER_LEFT), two)).toEqual(['AREAS_DIFFER']);
    expect(codes(mask(UPPER_LEFT, [22, 5, 5, 5]), two)).toEqual([]);
    expect(codes(mask(UPPER_LEFT, [22, 5, 1, 1]), NOTE)).toEqual([]);
    expect(codes(mask(UPPER_LEFT), 'upper left lung')).toEqual([]);
  });

  it('is not held to what the training masks do not follow', () => {
    expect(codes(mask(LOWER_LEFT), NOTE, { rules: { inside: null, areas: false } })).toEqual([]);
    expect(codes(mask(UPPER_LEFT, [22, 5, 5, 5]), NOTE, { rules: { inside: 0.3, areas: false } })).toEqual(
      [],
    );
  });

  it('is judged alike at any size', () => {
    const large = (given: Mask): Mask => {
      const side = 20 * S;
      const data = Uint8Array.from({ length: side * side }, (_, p) => {
        const [x, y] = [Math.floor((p % side) / 20), Math.floor(p / side / 20)];
        return given.data[y * S + x]!;
      });
      return { width: side, height: side, data };
    };
    expect(codes(large(mask(LOWER_LEFT, UPPER_RIGHT)), NOTE)).toEqual(['MASK_OUTSIDE_ZONES', 'AREAS_DIFFER']);
    expect(codes(large(mask(UPPER_LEFT)), NOTE)).toEqual([]);
    const speck = large(mask());
    speck.data[5] = 1;
    expect(codes(speck, null)).toEqual([]); // one pixel of 1,200 x 1,200 is something
  });

  it('of a note on nuclei has no zones', () => {
    expect(codes(mask(LOWER_LEFT), 'The nuclei density in the upper left is high.')).toEqual([]);
  });
});

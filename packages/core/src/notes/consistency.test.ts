import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { movedShare, noteConsistency, shareInside } from './consistency.js';
import { parseNote } from './note.js';
import { anyMask, drawnMask } from '../testing.js';
import { imageFrame, mirrorZones, namedZones, zoneMap } from './zone-map.js';
import { mirror } from '../images/raster.js';

const zones = (note: string): number => namedZones(parseNote(note)) ?? 0;
const map = zoneMap(imageFrame(4, 3, [1 / 3, 2 / 3]), 'patient'); // the patient's left is columns 2 and 3

describe('noteConsistency', () => {
  it('is the share of the mask inside the named zones, and of the named zones that it reaches', () => {
    const mask = drawnMask('..##/...#/#...'); // upper left 2, middle left 1, lower right 1
    expect(noteConsistency(mask, map, zones('upper left lung'))).toEqual({ inside: 0.5, reached: 1 });
    expect(noteConsistency(mask, map, zones('all left lung'))).toEqual({ inside: 0.75, reached: 2 / 3 });
    expect(noteConsistency(mask, map, zones('upper right lung'))).toEqual({ inside: 0, reached: 0 });
  });

  it('has no inside for an empty mask, which reaches no zone', () => {
    expect(noteConsistency(drawnMask('..../..../....'), map, zones('left lung'))).toEqual({
      inside: null,
      reached: 0,
    });
  });

  it('counts what lies outside the lungs as outside', () => {
    const lungsOnly = map.map((bits, p) => (p === 2 ? 0 : bits));
    expect(shareInside(drawnMask('..##/..../....'), lungsOnly, zones('upper left lung'))).toBe(0.5);
  });

  it('is 1 for all zones, adds up over zones of an even image, and mirrors with mask and note', () => {
    fc.assert(
      fc.property(anyMask, fc.integer({ min: 1, max: 63 }), (mask, set) => {
        const any = zoneMap(imageFrame(mask.width, mask.height), 'patient');
        const share = shareInside(mask, any, set);
        expect(shareInside(mirror(mask), any, mirrorZones(set))).toBe(share);
        if (share === null) return;
        expect(shareInside(mask, any, 63)).toBe(1);
        if (mask.width % 2 === 1) return;
        expect(share + (shareInside(mask, any, 63 & ~set) ?? 0)).toBeCloseTo(1, 12);
      }),
    );
  });
});

describe('movedShare', () => {
  const left = { mask: drawnMask('..##/..../....'), named: zones('upper left lung') };
  const right = { mask: drawnMask('##../..../....'), named: zones('upper right lung') };

  it('is 1 if all of the mask follows the note, 0 if it stays, negative if it leaves', () => {
    expect(movedShare(left, right, map)).toBe(1);
    expect(movedShare(left, { ...left, named: right.named }, map)).toBe(0);
    expect(movedShare(right, { ...left, named: zones('all right lung') }, map)).toBe(0);
    expect(movedShare({ ...right, named: left.named }, { ...left, named: right.named }, map)).toBe(-1);
  });

  it('has no value if the notes name the same zones, or a mask is empty', () => {
    const empty = drawnMask('..../..../....');
    expect(movedShare(left, left, map)).toBe(null);
    expect(movedShare(left, { mask: empty, named: right.named }, map)).toBe(null);
    expect(movedShare({ mask: empty, named: left.named }, right, map)).toBe(null);
  });
});

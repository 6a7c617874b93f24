import { describe, expect, it } from 'vitest';
import type { Compare } from '../state/state.js';
import { shownMasks, twoMasks } from './two-masks.js';

const mask = (value: number): { width: number; height: number; data: Uint8Array } => ({
  width: 1,
  height: 1,
  data: Uint8Array.of(value),
});
const [written, other, before] = [mask(1), mask(0), mask(1)];
const rasters = { mask: written, compared: other, before };
const compare = (more: Partial<Compare>): Compare =>
  ({ models: false, shown: 'difference', held: false, ...more }) as Compare;

describe('two masks', () => {
  it('are of two notes: A was kept, B is written; of two models: A is the first’s', () => {
    expect(twoMasks(compare({}), rasters)).toEqual({ a: other, b: written });
    expect(twoMasks(compare({ models: true }), rasters)).toEqual({ a: written, b: other });
  });

  it('are shown as chosen, A as long as the key is held, and A until B is known', () => {
    const shown = (more: Partial<Compare>, of = rasters as Parameters<typeof shownMasks>[1]): unknown[] => {
      const found = shownMasks(compare({ models: true, ...more }), of);
      return [found.mask, found.before];
    };
    expect(shownMasks(null, rasters)).toEqual({ mask: written, before });
    expect(shown({})[0]).toBe(other);
    expect(shown({})[1]).toBe(written);
    expect(shown({ shown: 'a' })).toEqual([written, null]);
    expect(shown({ shown: 'b' })).toEqual([other, null]);
    expect(shown({ shown: 'b', held: true })[0]).toBe(written);
    expect(shown({}, { ...rasters, compared: null })[0]).toBe(written);
  });
});

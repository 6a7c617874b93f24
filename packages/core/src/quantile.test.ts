import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectInPlace } from './quantile.js';

describe('selectInPlace', () => {
  it('gives what sorting would put there, with repeats and in any order', () => {
    const values = fc.array(fc.oneof(fc.constantFrom(0, 1, 2), fc.float({ noNaN: true })), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.nat(), (list, place) => {
        const at = place % list.length;
        const sorted = Float32Array.from(list).sort();
        // Equal values are alike: +0 and -0 count as one.
        expect(selectInPlace(Float32Array.from(list), at) === sorted[at]).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

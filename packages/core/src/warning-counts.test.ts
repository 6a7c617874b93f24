import { describe, expect, it } from 'vitest';
import { WarningCounts, warningLines } from './warning-counts.js';

describe('WarningCounts', () => {
  it('counts cases by code, in the catalogue’s order, and names the first three by id', () => {
    const counts = new WarningCounts();
    for (const id of ['d', 'b', 'c', 'a'])
      counts.add(id, [
        { code: 'MASK_EMPTY', message: `empty ${id}` },
        { code: 'MASK_EMPTY', message: 'again' },
        ...(id === 'b' ? [{ code: 'NOTE_CUT' as const, message: 'cut b' }] : []),
      ]);
    counts.add('e', []);
    expect(counts.cases).toBe(4);
    expect(warningLines(counts.byCode, 5, 'image')).toEqual([
      'warning NOTE_CUT: 1 of 5 images (b): cut b',
      'warning MASK_EMPTY: 4 of 5 images (a, b, c, ...): the first: empty a',
    ]);
  });

  it('uses the singular for one, and omits zero', () => {
    const counts = new WarningCounts();
    expect(warningLines(counts.byCode, 1, 'note')).toEqual([]);
    counts.add('a', [{ code: 'MASK_EMPTY', message: 'empty' }]);
    expect(warningLines(counts.byCode, 1, 'note')).toEqual(['warning MASK_EMPTY: 1 of 1 note (a): empty']);
  });
});

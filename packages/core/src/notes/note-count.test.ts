import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recountNote } from './note-count.js';
import { formatNote, parseNote, type ParsedNote } from './note.js';

describe('recountNote', () => {
  it.each([
    [
      'Unilateral pulmonary infection, one infected area, upper left lung.',
      'Unilateral pulmonary infection, two infected areas, upper left lung.',
    ],
    [
      'BILATERAL INFECTION, TWO INFECTED AREAS, left lung',
      'BILATERAL INFECTION, THREE INFECTED AREAS, left lung',
    ],
    ['3 regions in the left lung', '4 regions in the left lung'],
    ['Twenty infected areas.', '21 infected areas.'],
    ['Zero lesions', 'One lesion'],
    ['A single lesion; two areas', 'A two lesions; two areas'],
    ['The nuclei are evenly distributed.', 'The nuclei are evenly distributed.'],
    ['left lung', 'left lung'],
    ['', ''],
  ])('%s -> %s', (note, recounted) => {
    expect(recountNote(note)).toBe(recounted);
  });

  it('adds one to the count that parseNote reads, and changes nothing else', () => {
    const parsed = fc.record({
      laterality: fc.constantFrom('unilateral' as const, 'bilateral' as const, null),
      finding: fc.constantFrom('pulmonary infection', null),
      count: fc.integer({ min: 0, max: 30 }),
      places: fc.constantFrom<ParsedNote['places']>(
        [],
        [{ side: 'left', zones: ['all'] }],
        [
          { side: 'left', zones: ['upper', 'middle'] },
          { side: 'right', zones: ['lower'] },
        ],
      ),
      nuclei: fc.constant([]),
      remainder: fc.constant([]),
    });
    fc.assert(
      fc.property(parsed, (note) => {
        expect(parseNote(recountNote(formatNote(note)))).toEqual({ ...note, count: note.count + 1 });
      }),
    );
  });
});

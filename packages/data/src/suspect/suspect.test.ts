/** Planted faults in small sets of phantoms; each gives its suspicion with its cases. */
import { beforeAll, describe, expect, it } from 'vitest';
import { drawPhantom } from '../phantom.js';
import { subjectOf } from './testing.js';
import { findSuspicions } from './index.js';
import { turnedFrom } from './turns.js';
import type { Subject, Turn } from './types.js';

const COUNT = 80;
let clean: Subject[];

beforeAll(() => {
  clean = Array.from({ length: COUNT }, (_, i) => subjectOf(i, drawPhantom(7, i, 64)));
});

/** `CODE count` and the ids of each suspicion. */
const found = (subjects: readonly Subject[]): Record<string, string[]> =>
  Object.fromEntries(findSuspicions(subjects).map(({ code, cases }) => [code, cases.map(({ id }) => id)]));

const changed = (at: readonly number[], change: (one: Subject) => Subject): Subject[] =>
  clean.map((one, i) => (at.includes(i) ? change(one) : one));
const measured = (one: Subject, measure: Partial<Subject['measure']>): Subject => ({
  ...one,
  measure: { ...one.measure, ...measure },
});
const turned = (one: Subject, turn: Turn): Subject =>
  measured(one, { shape: Uint8Array.from(turnedFrom(turn, 32), (p) => one.measure.shape[p] as number) });

describe('findSuspicions', () => {
  it('says nothing of phantoms', () => {
    expect(found(clean)).toEqual({});
  });

  it.each(['mirror', 'flip', 'half turn', 'quarter turn left'] as const)(
    'tells that all masks are turned: %s',
    (turn) => {
      expect(found(clean.map((one) => turned(one, turn)))['PAIRS_TURNED']).toHaveLength(COUNT);
    },
  );

  it('tells masks of the neighbouring cases', () => {
    const shapes = clean.map((one, i) => measured(one, { shape: (clean[(i + 1) % COUNT] as Subject).measure.shape })); // prettier-ignore
    expect(found(shapes)['PAIRS_SHIFTED']?.length).toBeGreaterThan(COUNT - 3);
  });

  it('tells notes of the neighbouring cases, and notes that were mixed', () => {
    const notes = (of: (i: number) => number): Subject[] =>
      clean.map((one, i) => ({ ...one, note: clean[of(i) % COUNT]?.note ?? '' }));
    expect(found(notes((i) => i + 1))['PAIRS_SHIFTED']).toHaveLength(COUNT);
    expect(found(notes((i) => 7 * i + 11))['NOTES_UNRELATED']).toHaveLength(COUNT);
  });

  it('names masks that are inverted, empty, soft or labelled, and tags on one of a pair', () => {
    const values = (clean[0] as Subject).measure.values;
    expect(found(changed([3, 5], (one) => measured(one, { foreground: 0.97, border: 1, shape: new Uint8Array(1024).fill(250) })))['MASKS_INVERTED']).toEqual(['case-03', 'case-05']); // prettier-ignore
    expect(found(changed([4], (one) => measured(one, { foreground: 0, areas: 0, largeAreas: 0, shape: new Uint8Array(1024) })))).toEqual({ MASKS_LACK_AREAS: ['case-04'] }); // prettier-ignore
    expect(found(clean.map((one) => measured(one, { foreground: 0, shape: new Uint8Array(1024) })))['MASKS_ALL_EMPTY']).toHaveLength(COUNT); // prettier-ignore
    expect(found(changed([1], (one) => measured(one, { values: { ...values, rule: 'half', distinct: 90, between: 50, middle: 20 } })))).toEqual({ MASKS_BETWEEN: ['case-01'] }); // prettier-ignore
    expect(found(changed([2], (one) => measured(one, { values: { ...values, rule: 'labels', distinct: 3, between: 9, areasBetween: 5 } })))).toEqual({ MASKS_WITH_LABELS: ['case-02'] }); // prettier-ignore
    expect(found(changed([6], (one) => measured(one, { orientations: [6, 1] })))).toEqual({ ORIENTATION_TAGS_DIFFER: ['case-06'] }); // prettier-ignore
  });

  it('names images that are blank, dark, coloured, of another size or in two splits', () => {
    expect(found(changed([3], (one) => measured(one, { grey8: { min: 0, max: 0, mean: 0, sd: 0 } })))).toEqual({ IMAGES_BLANK: ['case-03'] }); // prettier-ignore
    expect(found(changed([3], (one) => measured(one, { bits: 16, grey8: { min: 0, max: 15, mean: 7, sd: 4 } })))).toEqual({ IMAGES_DARK: ['case-03'] }); // prettier-ignore
    expect(found(changed([3], (one) => measured(one, { grey: false })))).toEqual({
      IMAGES_MIXED: ['case-03'],
    });
    expect(found(changed([3], (one) => measured(one, { width: 1024, height: 1024 })))).toEqual({ IMAGES_SIZES_DIFFER: ['case-03'] }); // prettier-ignore
    const twin = { ...(clean[0] as Subject), id: 'twin', split: 'test' as const };
    expect(found([...clean, twin])['DUPLICATES_ACROSS_SPLITS']).toEqual(['case-00']);
  });

  it('names notes that are cut, names, single words, all the same, or against their masks', () => {
    const noted = (note: string): Record<string, string[]> =>
      found(changed([3], (one) => ({ ...one, note })));
    expect(noted('Bilateral pulmonary infection')).toEqual({ NOTES_CUT_OFF: ['case-03'] });
    expect(noted('mask_case-03.png')).toEqual({ NOTES_ARE_NAMES: ['case-03'] });
    expect(noted('case-03: llz')).not.toHaveProperty('NOTES_ARE_NAMES');
    expect(noted('17')).toEqual({ NOTES_ARE_NAMES: ['case-03'] });
    expect(noted('Infection')).toEqual({ NOTES_OF_ONE_WORD: ['case-03'] });
    expect(noted('No pulmonary infection.')).toEqual({ NOTES_DENY_AREAS: ['case-03'] });
    expect(noted('Pulmonary infection, nine infected areas.')).toEqual({ NOTES_COUNT_DIFFERS: ['case-03'] });
    expect(noted(`${'word '.repeat(80)}lung.`)).toEqual({ NOTES_TOO_LONG: ['case-03'] });
    expect(found(clean.map((one) => ({ ...one, note: 'Opacities in the lung.' })))['NOTES_ALL_EQUAL']).toHaveLength(COUNT); // prettier-ignore
  });
});

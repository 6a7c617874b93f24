/** Scores by class: figures by hand. */
import { score } from '@reclmis/core';
import { expect, it } from 'vitest';
import { classesToCsv, scoresByClass } from './by-class.js';
import type { CaseMeasure } from './measure.js';

/** Masks of 8 pixels in a row: `predicted` and `truth` from the left, the truth moved by `moved`. */
function row(
  id: string,
  group: string,
  name: string | undefined,
  predicted: number,
  truth: number,
  moved = 0,
): CaseMeasure {
  const line = (from: number, count: number): { width: number; height: number; data: Uint8Array } => ({
    width: 8,
    height: 1,
    data: Uint8Array.from({ length: 8 }, (_, x) => Number(x >= from && x < from + count)),
  });
  const { dice, iou, ...rest } = score(line(0, predicted), line(moved, truth));
  const distances = { hd95: null, assd: null, hd95Mm: null, assdMm: null };
  return { id, group, ...(name === undefined ? {} : { class: name }), dice, iou, ...rest, ...distances };
}

const ROWS = [
  row('a@heart', 'P1', 'heart', 4, 4), // Dice 1
  row('a@lung', 'P1', 'lung', 4, 4, 2), // 2 of 4 and 4: Dice 0.5, IoU 1/3
  row('b@heart', 'P2', 'heart', 1, 3), // 1 of 1 and 3: Dice 0.5, IoU 1/3
  row('b@lung-left', 'P2', 'lung', 0, 0), // both empty: 1
  row('b@lung-right', 'P2', 'lung', 1, 0), // 0
  row('c', 'P3', undefined, 2, 2),
];
const CASES = ROWS.map(({ id }) => ({ id, ...(id === 'c' ? {} : { imageId: id.slice(0, 1) }) }));

it('counts rows, images, patients and empty masks of each class, and scores it alone', () => {
  const { classes, withoutClass } = scoresByClass(ROWS, CASES, { resamples: 50, seed: 1 });
  expect(withoutClass).toBe(1);
  expect(classes.map(({ figures: _, ...counts }) => counts)).toEqual([
    { name: 'heart', rows: 2, images: 2, patients: 2, empty: 0 },
    { name: 'lung', rows: 3, images: 2, patients: 2, empty: 2 },
  ]);
  const figure = (name: string, key: string): (number | null | undefined)[] => {
    const found = classes.find((one) => one.name === name)?.figures.find((one) => one.key === key);
    return [found?.value, found?.low, found?.high];
  };
  // Two patients, of 1 and 0.5: a resample has the mean 0.5, 0.75 or 1.
  expect(figure('heart', 'dice')).toEqual([0.75, 0.5, 1]);
  expect(figure('heart', 'iou')[0]).toBeCloseTo((1 + 1 / 3) / 2, 12);
  // 2 (4 + 1) / (5 + 7).
  expect(figure('heart', 'pooledDice')[0]).toBeCloseTo(10 / 12, 12);
  expect(figure('lung', 'dice')[0]).toBeCloseTo((0.5 + 1 + 0) / 3, 12);
  // 2 * 2 / (4 + 0 + 1 + 4): the empty masks add nothing to the truth.
  expect(figure('lung', 'pooledDice')[0]).toBeCloseTo(4 / 9, 12);
});

it('has none for a data set without classes', () => {
  const bare = ROWS.map(({ class: _, ...one }) => one);
  expect(scoresByClass(bare, CASES)).toEqual({ classes: [], withoutClass: 6 });
});

it('writes a row for each class, with quotes where a name needs them', () => {
  const { classes } = scoresByClass([row('a', 'P', 'lung, left', 4, 4)], [{ id: 'a' }], { resamples: 10 });
  const [head, line, end] = classesToCsv(classes).split('\r\n');
  expect(head?.split(',').slice(0, 8).join()).toBe('class,rows,images,patients,empty,dice,diceLow,diceHigh');
  expect(line?.startsWith('"lung, left",1,1,1,0,1,1,1,1,1,1,')).toBe(true);
  expect(end).toBe('');
});

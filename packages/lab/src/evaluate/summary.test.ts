import { measuresOf, ReclmisError } from '@reclmis/core';
import { SHIPS } from '@reclmis/core/testing';
import { describe, expect, it } from 'vitest';
import { compareEvaluations } from './compare.js';
import type { Evaluation } from './evaluate.js';
import { chooseExamples } from './examples.js';
import type { CaseMeasure } from './measure.js';
import { noteClasses, strataOf } from './strata.js';
import { distributionsOf, figuresOf } from './summary.js';

/** A row from pixel counts. */
function row(
  id: string,
  intersection: number,
  predicted: number,
  truth: number,
  more: Partial<CaseMeasure> = {},
): CaseMeasure {
  const counts = { intersection, predicted, truth };
  const none = { hd95: null, assd: null, hd95Mm: null, assdMm: null };
  return { id, group: `case ${id}`, ...measuresOf(counts), ...counts, ...none, ...more };
}

const ROWS = [
  row('a', 10, 10, 10, { hd95: 0, assd: 0 }),
  row('b', 5, 10, 10, { hd95: 4, assd: 1 }),
  row('c', 0, 0, 20),
  row('d', 30, 40, 40, { hd95: 2, assd: 0.5 }),
];

describe('figuresOf', () => {
  it('by hand: means over images, pooled, and distances over those that have one', () => {
    const figures = figuresOf(ROWS);
    const of = (key: string) => figures.find((one) => one.key === key);
    expect(of('dice')?.value).toBeCloseTo((1 + 0.5 + 0 + 0.75) / 4, 12);
    expect(of('pooledDice')?.value).toBeCloseTo((2 * 45) / (60 + 80), 12);
    expect(of('pooledPrecision')?.value).toBeCloseTo(45 / 60, 12);
    expect(of('pooledRecall')?.value).toBeCloseTo(45 / 80, 12);
    expect(of('hd95')).toMatchObject({ value: 2, images: 3, unit: 'px' });
    expect(of('assd')?.value).toBeCloseTo(0.5, 12);
    expect(of('hd95Mm')).toBeUndefined(); // no image has a spacing
    const dice = of('dice');
    expect(dice?.low).toBeLessThan(dice?.value ?? 0);
    expect(dice?.high).toBeGreaterThan(dice?.value ?? 1);
  });

  it('says in mm what is known in mm, and nothing where nothing is', () => {
    const figures = figuresOf([
      row('a', 1, 2, 2, { hd95: 4, assd: 2, hd95Mm: 1, assdMm: 0.5 }),
      row('b', 1, 2, 2),
    ]);
    expect(figures.find(({ key }) => key === 'hd95Mm')).toMatchObject({ value: 1, images: 1, unit: 'mm' });
    expect(figuresOf([]).map(({ value }) => value)).toEqual(Array(10).fill(null));
    expect(figuresOf([row('c', 0, 0, 20)]).find(({ key }) => key === 'assd')).toMatchObject({
      value: null,
      low: null,
      images: 0,
    });
  });

  it('draws patients, not images: one patient alone leaves no doubt that could be measured', () => {
    const [dice] = figuresOf(ROWS.map((one) => ({ ...one, group: 'patient 1' })));
    expect([dice?.low, dice?.high]).toEqual([dice?.value, dice?.value]);
  });
});

describe('distributionsOf', () => {
  it('has quartiles over the images that have the measure', () => {
    const all = distributionsOf(ROWS);
    expect(all.map(({ key }) => key)).toEqual(['dice', 'iou', 'precision', 'recall', 'hd95', 'assd']);
    expect(all[0]).toEqual({
      key: 'dice',
      images: 4,
      min: 0,
      quartile1: 0.375,
      median: 0.625,
      quartile3: 0.8125,
      max: 1,
    });
    expect(all[4]).toMatchObject({ images: 3, min: 0, median: 2, max: 4 });
  });
});

describe('strata', () => {
  it('are what a note says', () => {
    expect(
      noteClasses('Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.'),
    ).toMatchObject({
      laterality: ['bilateral'],
      'infected areas': ['2'],
      'zone named': ['upper left', 'lower right'],
      'density of nuclei': ['not said'],
    });
    expect(noteClasses('Zwei Infiltrate, linker Oberlappen und rechter Unterlappen')).toMatchObject({
      laterality: ['bilateral'],
      'infected areas': ['2'],
      'zone named': ['upper left', 'lower right'],
    });
    expect(noteClasses('Opacity, llz')['zone named']).toEqual(['lower left']);
    expect(noteClasses('Hole, port, bow.', SHIPS)).toMatchObject({
      laterality: ['unilateral'],
      'zone named': ['not said'], // no lungs
    });
    expect(noteClasses('six infected areas')['infected areas']).toEqual(['4 or more']);
    expect(noteClasses('The nuclei are sparsely distributed.')).toMatchObject({
      laterality: ['not said'],
      'distribution of nuclei': ['sparsely'],
    });
  });

  it('leave out kinds of which no note says anything, and put each image into one class of a kind at least', () => {
    const notes = new Map([
      ['a', 'Unilateral pulmonary infection, upper left lung.'],
      ['b', 'Bilateral pulmonary infection, lower left lung and lower right lung.'],
    ]);
    const strata = strataOf(ROWS, notes, 10);
    const names = (kind: string) =>
      strata.filter((one) => one.kind === kind).map(({ name, images }) => `${name} ${images}`);
    expect(names('laterality')).toEqual(['bilateral 1', 'unilateral 1', 'not said 2']);
    expect(names('zone named')).toEqual(['lower left 1', 'lower right 1', 'upper left 1', 'not said 2']);
    expect([...new Set(strata.map(({ kind }) => kind))]).toEqual(['laterality', 'zone named']); // too few for sizes
  });

  it('have quarters by true area, those without any apart', () => {
    const rows = [0, 10, 20, 30, 40, 50, 60, 70, 80].map((truth, i) => row(String(i), 0, 0, truth));
    const sizes = strataOf(rows, new Map(), 10).filter(({ kind }) => kind === 'lesion size');
    // quartiles of 10 ... 80: 27.5, 45, 62.5 of 100 pixels
    expect(sizes.map(({ name, images }) => [name, images])).toEqual([
      ['1st quarter: to 27.5 % of the image', 2],
      ['2nd quarter: to 45.0 %', 2],
      ['3rd quarter: to 62.5 %', 2],
      ['4th quarter: above 62.5 %', 2],
      ['none', 1],
    ]);
  });
});

describe('compareEvaluations', () => {
  const evaluation = (
    run: string,
    rows: readonly CaseMeasure[],
    size = 10,
    fingerprint = 'same',
  ): Evaluation =>
    ({
      run,
      rows,
      size,
      data: { name: 'd', cases: rows.length, fingerprint, dir: 'd', split: 'test' },
    }) as unknown as Evaluation;
  const better = ROWS.map((one) => ({
    ...one,
    dice: Math.min(1, one.dice + 0.1),
    hd95: one.hd95 === null ? null : one.hd95 / 2,
  }));

  it('has differences of the second less the first, over the images for which both have a distance', () => {
    const reversed = evaluation(
      'b',
      [...better.slice(1), ...better.slice(0, 1)].map((one) =>
        one.id === 'd' ? { ...one, hd95: null, assd: null } : one,
      ),
    );
    const all = compareEvaluations([evaluation('a', ROWS), reversed]);
    const of = (key: string) => all.find((one) => one.key === key);
    expect(of('dice')?.value).toBeCloseTo(0.3 / 4, 12); // a is 1 already
    expect(of('pooledDice')).toMatchObject({ value: 0, low: 0, high: 0, p: 1, corrected: 1 });
    expect(of('hd95')?.value).toBeCloseTo(-1, 12); // for a and b: (0 + 2) / 2 - (0 + 4) / 2
    expect(of('hd95Mm')).toBeUndefined();
  });

  it('compares all pairs and corrects p for their number; pixels of different sizes are not compared', () => {
    const all = compareEvaluations([
      evaluation('a', ROWS),
      evaluation('b', better),
      evaluation('c', better, 20),
    ]);
    const dice = all.filter(({ key }) => key === 'dice');
    expect(dice.map(({ first, second }) => [first, second])).toEqual([
      [0, 1],
      [0, 2],
      [1, 2],
    ]);
    expect(dice[2]).toMatchObject({ value: 0, p: 1, corrected: 1 });
    expect(dice[0]?.corrected).toBeCloseTo(Math.min(1, 3 * (dice[0]?.p ?? NaN)), 12);
    expect(all.filter(({ key }) => key === 'hd95').map(({ first, second }) => [first, second])).toEqual([
      [0, 1],
    ]);
    expect(compareEvaluations([evaluation('a', ROWS)])).toEqual([]);
  });

  it('refuses other cases', () => {
    expect(() => compareEvaluations([evaluation('a', ROWS), evaluation('b', ROWS, 10, 'other')])).toThrow(
      ReclmisError,
    );
    expect(() => compareEvaluations([evaluation('a', ROWS), evaluation('b', ROWS.slice(1))])).toThrow(
      /same cases/,
    );
  });
});

describe('chooseExamples', () => {
  it.each([
    [0, []],
    [1, ['worst 0']],
    [2, ['worst 0', 'best 1']],
    [3, ['worst 0', 'median 1', 'best 2']],
    [4, ['worst 0', 'median 1', 'best 3']],
    [7, ['worst 0', 'worst 1', 'median 2', 'median 3', 'best 5', 'best 6']],
  ])('of %d takes none twice', (n, expected) => {
    const rows = Array.from({ length: n }, (_, i) => row(String(i), i, 10, 10));
    expect(chooseExamples(rows).map((one) => `${one.kind} ${one.row.id}`)).toEqual(expected);
  });

  it('takes the middle around the median, and equal ones by id', () => {
    const rows = Array.from({ length: 41 }, (_, i) => row(String(i).padStart(2, '0'), 40 - i, 40, 40));
    const medians = chooseExamples(rows, 3).filter(({ kind }) => kind === 'median');
    expect(medians.map(({ row: one }) => one.id)).toEqual(['21', '20', '19']);
    expect(chooseExamples([row('b', 1, 2, 2), row('a', 1, 2, 2)])[0]?.row.id).toBe('a');
  });
});

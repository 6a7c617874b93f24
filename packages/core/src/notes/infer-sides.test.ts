import { describe, expect, it } from 'vitest';
import {
  describeSides,
  inferSides,
  oneSideNamed,
  sideOfMask,
  sidesOfCase,
  tallySides,
} from './infer-sides.js';
import { drawnMask } from '../testing.js';

const note = (side: string): string =>
  `Unilateral pulmonary infection, one infected area, upper ${side} lung.`;

describe('oneSideNamed', () => {
  it.each([
    [note('left'), 'left'],
    [note('rigth'), 'right'],
    ['upper left and lower left lung', 'left'],
    ['upper left lung and lower right lung', null],
    ['all lung', null],
    ['', null],
    ['The nuclei density in the lower left is high.', 'left'],
    ['The nuclei density in the lower right is higher. The nuclei are sparsely distributed.', null],
    ['The nuclei density in the lower left is low.', null],
    ['The nuclei density in the upper is high.', null],
    ['Verschattung links', 'left'],
    ['RLL consolidation, left lung clear', 'right'],
    ['Seite unklar, Verschattung basal', null],
  ])('%s', (text, side) => {
    expect(oneSideNamed(text)).toBe(side);
  });
});

describe('sideOfMask', () => {
  it('is the half with more of it; a middle column is on neither', () => {
    expect(sideOfMask(drawnMask('##../#..#'))).toBe('left');
    expect(sideOfMask(drawnMask('...#/..##'))).toBe('right');
    expect(sideOfMask(drawnMask('#..#/#..#'))).toBeNull();
    expect(sideOfMask(drawnMask('.#./.#.'))).toBeNull();
    expect(sideOfMask(drawnMask('.##/.#.'))).toBe('right');
    expect(sideOfMask(drawnMask('..../....'))).toBeNull();
  });
});

describe('inferSides', () => {
  const left = drawnMask('##../##..'); // of the image
  const right = drawnMask('..##/..##');
  const of = (n: number, one: ReturnType<typeof sidesOfCase>): (typeof one)[] =>
    Array.from({ length: n }, () => one);

  it('tells the patient’s sides from the image’s', () => {
    expect(sidesOfCase(note('left'), right)).toBe('patient');
    expect(sidesOfCase(note('right'), left)).toBe('patient');
    expect(sidesOfCase(note('left'), left)).toBe('image');
    expect(sidesOfCase('all lung', left)).toBeNull();
    const notes = [note('left'), note('right')];
    const patient = Array.from({ length: 10 }, (_, i) =>
      sidesOfCase(notes[i % 2]!, i % 2 === 0 ? right : left),
    );
    expect(inferSides(tallySides(patient))).toEqual({
      sides: 'patient',
      tally: { patient: 10, image: 0 },
      reason: '10 of 10 notes that name one side fit the patient’s left and right',
      mixed: false,
    });
  });

  it('gives QaTa-COV19’s figure for its training split', () => {
    const found = inferSides({ patient: 9, image: 1056 });
    expect(describeSides(found)).toBe(
      '1,056 of 1,065 notes that name one side fit the image’s left and right: note.sides image',
    );
  });

  it('is inconclusive for few notes: seven of seven decide, six of six do not', () => {
    expect(inferSides(tallySides(of(7, 'image'))).sides).toBe('image');
    expect(inferSides(tallySides(of(6, 'image')))).toMatchObject({ sides: 'unknown', mixed: false });
    expect(inferSides({ patient: 1, image: 0 }).reason).toBe(
      '1 of 1 note that names one side fits the patient’s left and right, which is too few to tell',
    );
    expect(inferSides({ patient: 0, image: 0 })).toEqual({
      sides: 'unknown',
      tally: { patient: 0, image: 0 },
      reason: 'no note names only one side',
      mixed: false,
    });
  });

  it('is inconclusive near half, however many: some notes or masks are wrong', () => {
    expect(inferSides({ patient: 790, image: 210 })).toMatchObject({ sides: 'unknown', mixed: true });
    expect(inferSides({ patient: 800, image: 200 })).toMatchObject({ sides: 'patient', mixed: false });
    expect(inferSides({ patient: 500, image: 500 }).reason).toBe(
      '500 of 1,000 notes that name one side fit the patient’s left and right, which is too close to half to tell',
    );
    expect(inferSides({ patient: 2, image: 8 })).toMatchObject({ sides: 'unknown', mixed: false }); // as likely by chance
  });
});

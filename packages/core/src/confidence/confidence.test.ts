import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import { CALIBRATION } from '../testing/confidence.js';
import { confidenceAt, confidenceFrom, confidenceOf, confidenceSchema } from './confidence.js';
import { fitConfidence, type JudgedMask } from './fit-confidence.js';
import { fitIsotonic, isotonicValue } from './isotonic.js';
import { fitLogistic, fitRidge, linearValue, sigmoid } from './linear.js';
import { maskFeatures, type MaskFeatures } from './mask-features.js';

const DATA = { name: 'set', fingerprint: 'f' };

const figures = (change: Partial<MaskFeatures> = {}): MaskFeatures => ({
  expectedDice: 0.8,
  stability: 0.8,
  certainty: 0.8,
  border: 0.5,
  area: 0.3,
  peak: 0.9,
  scatter: 0,
  ...change,
});

describe('maskFeatures', () => {
  it('by hand: two pixels of four', () => {
    const found = maskFeatures([0.8, 0.6, 0.2, 0.1], 2, 2);
    expect(found.expectedDice).toBeCloseTo((2 * 1.4) / (2 + 1.7), 12);
    expect(found.stability).toBeCloseTo((2 * 1) / (1 + 2), 12);
    expect(found.certainty).toBeCloseTo(2 / (2 + 3), 12); // 0.1 is not uncertain
    expect(found.border).toBeCloseTo((0.7219281 + 0.9709506 + 0.7219281 + 0.4689956) / 4, 7); // all four meet
    expect(found.area).toBeCloseTo(Math.SQRT1_2, 12);
    expect([found.peak, found.scatter]).toEqual([0.8, 0]);
  });

  it('counts parts by corners, as components do', () => {
    expect(maskFeatures([0.9, 0, 0, 0, 0.9, 0, 0, 0, 0], 3, 3).scatter).toBe(0);
    expect(maskFeatures([0.9, 0, 0.9, 0, 0, 0, 0.9, 0, 0.9], 3, 3).scatter).toBe(0.75);
  });

  it('an empty mask has no border and expects nothing, and is sure only without any probability', () => {
    expect(maskFeatures([0, 0, 0, 0], 2, 2)).toEqual({
      ...{ expectedDice: 1, stability: 1, certainty: 1, border: 0, area: 0, peak: 0, scatter: 0 },
    });
    expect(maskFeatures([0.4, 0, 0, 0], 2, 2)).toMatchObject({ expectedDice: 0, stability: 0, certainty: 0 });
  });

  it('judges the mask of another threshold', () => {
    const found = maskFeatures([0.8, 0.6, 0.2, 0.1], 2, 2, 0.7);
    expect(found.expectedDice).toBeCloseTo((2 * 0.8) / (1 + 1.7), 12);
  });
});

describe('isotonic regression', () => {
  it('by hand: pools what falls, and what has one x', () => {
    expect(fitIsotonic([4, 1, 3, 2], [0.9, 0.1, 0.3, 0.5])).toEqual([[1, 0.1], [2.5, 0.4], [4, 0.9]]); // prettier-ignore
    expect(fitIsotonic([0.2, 0.6, 0.2], [0, 0.7, 1])).toEqual([[0.2, 0.5], [0.6, 0.7]]); // prettier-ignore
    expect(fitIsotonic([1, 2], [0.9, 0.1])).toEqual([[1.5, 0.5]]);
  });

  it('is straight between its corners and level beyond', () => {
    const knots = [[1, 0.1], [3, 0.5]] as const; // prettier-ignore
    expect([0, 1, 3, 9].map((x) => isotonicValue(knots, x))).toEqual([0.1, 0.1, 0.5, 0.5]);
    expect(isotonicValue(knots, 2)).toBeCloseTo(0.3, 12);
  });
});

describe('ridge and logistic regression', () => {
  it('ridge by hand: mean 1 and deviation 1, so 1 / (2 + penalty) for the weight', () => {
    const model = fitRidge([[0], [2]], [0, 1], 2);
    expect(model).toEqual({ mean: [1], deviation: [1], weights: [0.25], intercept: 0.5 });
    expect(linearValue(model, [4])).toBe(1.25);
  });

  it('ridge: without a penalty it is least squares, and a constant feature has no weight', () => {
    const rows = [[1, 2, 7], [2, 1, 7], [3, 5, 7], [4, 3, 7]]; // prettier-ignore
    const model = fitRidge(rows, rows.map(([a, b]) => 3 * a! - b! + 1), 1e-9); // prettier-ignore
    expect(linearValue(model, [10, 20, 7])).toBeCloseTo(11, 6);
    expect(model.weights[2]).toBe(0);
  });

  it('logistic: at the solution the gradient is the penalty’s', () => {
    const { weights, intercept } = fitLogistic([[-3], [-3], [3], [3]], [0, 0, 1, 1], 1);
    expect(weights[0]).toBeCloseTo(4 * sigmoid(-weights[0]!), 9); // sum of x (y - p), x being -1 or 1
    expect(intercept).toBeCloseTo(0, 9);
  });
});

describe('confidenceOf', () => {
  it('by hand, from a map of which half is the mask', () => {
    // expected Dice 0.75, in the middle between the corners
    const map = [0.75, 0.75, 0.25, 0.25];
    expect(confidenceOf(CALIBRATION, map, 2, 2)).toEqual({
      dice: expect.closeTo(0.5, 12) as number,
      calibrated: true,
      presence: { probability: 0.75, calibrated: false },
    });
    expect(confidenceOf(CALIBRATION, map, 2, 2, false).calibrated).toBe(false);
  });

  it('of a batch is that of each map, and without support for an unusual image', () => {
    const batch = Float32Array.of(1, 1, 0, 0, 0.75, 0.75, 0.25, 0.25);
    const at = (index: number, ...codes: ('IMAGE_UNUSUAL' | 'MASK_EMPTY')[]) =>
      confidenceAt(CALIBRATION, batch, index, 2, codes.map((code) => ({ code }))); // prettier-ignore
    expect(at(0)).toMatchObject({ dice: expect.closeTo(0.8, 12) as number, calibrated: true });
    expect(at(1).dice).toBeCloseTo(0.5, 12);
    expect(at(0, 'MASK_EMPTY').calibrated).toBe(true);
    expect(at(0, 'MASK_EMPTY', 'IMAGE_UNUSUAL').calibrated).toBe(false);
  });

  it('ridge stays within 0 and 1', () => {
    const dice = (weight: number): number =>
      confidenceFrom(
        {
          ...CALIBRATION,
          dice: {
            kind: 'ridge',
            features: ['peak'],
            mean: [0],
            deviation: [1],
            weights: [weight],
            intercept: 0,
          },
        },
        figures(),
      ).dice;
    expect([dice(-5), dice(0.5), dice(5)]).toEqual([0, 0.45, 1]);
  });

  it('an empty mask is right as often as nothing is there', () => {
    const empty = figures({ area: 0, expectedDice: 0, peak: 0.3 });
    expect(confidenceFrom(CALIBRATION, empty)).toEqual({
      dice: 0, // all validation cases had a finding
      presence: { probability: 0.3, calibrated: false },
    });
    const data = { ...CALIBRATION.data, empty: 10 };
    expect(confidenceFrom({ ...CALIBRATION, data }, empty).dice).toBe(0.25);
    const presence = { features: ['peak' as const], mean: [0], deviation: [1], weights: [10], intercept: -3 };
    expect(
      confidenceFrom({ ...CALIBRATION, data, presence: { kind: 'logistic', ...presence } }, empty),
    ).toEqual({ dice: 0.5, presence: { probability: 0.5, calibrated: true } });
  });
});

describe('confidenceSchema', () => {
  const wrong = (change: object): string =>
    confidenceSchema.safeParse({ ...CALIBRATION, ...change }).error?.issues[0]?.message ?? '';

  it('takes what was written, and refuses other versions and damage', () => {
    expect(confidenceSchema.parse(JSON.parse(JSON.stringify(CALIBRATION)))).toEqual(CALIBRATION);
    expect(wrong({ version: 2 })).toBe('expected version 1, got 2');
    expect(wrong({ threshold: Number.NaN })).toMatch(/expected number/);
    const ridge = {
      kind: 'ridge',
      features: ['peak', 'area'],
      mean: [0, 0],
      deviation: [1, 1],
      intercept: 0,
    };
    expect(wrong({ dice: { ...ridge, weights: [1, 2] } })).toBe('');
    expect(wrong({ dice: { ...ridge, weights: [1, null] } })).toMatch(/expected number/); // NaN in JSON
    expect(wrong({ dice: { ...ridge, weights: [1] } })).toBe(
      'expected a mean, a deviation and a weight for each feature',
    );
    expect(wrong({ dice: { ...ridge, weights: [1, 2], deviation: [1, 0] } })).toMatch(/>0/);
    expect(wrong({ dice: { ...ridge, weights: [1, 2], features: ['peak', 'age'] } })).toMatch(
      /expected one of/,
    );
    expect(
      wrong({
        dice: {
          ...CALIBRATION.dice,
          knots: [
            [0.5, 0.9],
            [0.6, 0.8],
          ],
        },
      }),
    ).toBe(
      // prettier-ignore
      'expected knots in ascending order',
    );
    expect(wrong({ more: 1 })).toMatch(/more/);
  });
});

describe('fitConfidence', () => {
  const random = Random.from('fit');
  const made = (count: number, dice: (one: MaskFeatures) => number): JudgedMask[] =>
    Array.from({ length: count }, (_, i) => {
      const features = figures({ expectedDice: random.uniform(0.2, 0.95), border: random.uniform(0.2, 0.9) });
      return { features, dice: dice(features), empty: false, group: `patient ${i >> 1}` };
    });

  it('chooses the form that fits other patients, and reports its error on them', () => {
    const steep = fitConfidence(
      made(200, (one) => (one.expectedDice > 0.6 ? 0.9 : 0.1)),
      DATA,
    );
    expect(steep.dice.kind).toBe('isotonic'); // no line has such a step
    const mixed = fitConfidence(
      made(200, (one) => 0.7 * one.expectedDice + 0.3 * (1 - one.border)),
      DATA,
    );
    expect(mixed.dice.kind).toBe('ridge'); // half of the spread is the border’s
    const expected = 0.7 * 0.5 + 0.3 * 0.6;
    // the lightest penalty, 0.6 of 200 cases, shrinks weights by 0.3 %
    expect(confidenceFrom(mixed, figures({ expectedDice: 0.5, border: 0.4 })).dice).toBeCloseTo(expected, 2);
    expect(mixed.validation.error).toBeLessThan(0.005);
    expect(mixed.validation.rank).toBeGreaterThan(0.999);
    expect(mixed.data).toEqual({ ...DATA, cases: 200, patients: 100, empty: 0 });
    expect(confidenceSchema.parse(JSON.parse(JSON.stringify(mixed)))).toEqual(mixed);
  });

  it('its error is that of luck if nothing foretells the Dice', () => {
    const noise = Random.from('noise');
    const { validation } = fitConfidence(
      made(200, () => noise.uniform(0, 1)),
      DATA,
    );
    expect(Math.abs(validation.error - 0.25)).toBeLessThan(0.03); // mean distance from the middle of [0, 1]; four standard errors
    expect(Math.abs(validation.rank ?? 1)).toBeLessThan(0.3);
  });

  it('fits presence where validation has empty truths, and says so where it has not', () => {
    const found = made(40, (one) => one.expectedDice);
    expect(fitConfidence(found, DATA).presence).toEqual({ kind: 'rule' });
    const nothing = Array.from({ length: 20 }, (_, i): JudgedMask => ({
      features: figures({ peak: random.uniform(0.1, 0.7), area: i < 12 ? 0 : 0.05, expectedDice: 0 }),
      dice: i < 12 ? 1 : 0,
      empty: true,
      group: `healthy ${i}`,
    }));
    const fitted = fitConfidence([...found, ...nothing], DATA);
    expect(fitted.presence.kind).toBe('logistic');
    expect(fitted.data).toMatchObject({ cases: 60, empty: 20 });
    const at = (change: Partial<MaskFeatures>) => confidenceFrom(fitted, figures(change));
    expect(at({}).presence.probability).toBeGreaterThan(0.9);
    const empty = at({ area: 0, peak: 0.2, expectedDice: 0 });
    expect(empty.presence.probability).toBeLessThan(0.1);
    expect(empty.dice).toBe(1 - empty.presence.probability);
  });

  it('refuses too few masks, and too few patients', () => {
    const cases = made(40, (one) => one.expectedDice);
    expect(() => fitConfidence(cases.slice(0, 19), DATA)).toThrow(
      'set: expected at least 20 validation cases with a predicted mask, of at least 5 patients, got 19 of 10',
    );
    const empty = cases.map((one, i) => (i < 21 ? { ...one, features: figures({ area: 0 }) } : one));
    expect(() => fitConfidence(empty, DATA)).toThrow('got 19 of 20');
    const few = cases.map((one, i) => ({ ...one, group: String(i % 4) }));
    expect(() => fitConfidence(few, DATA)).toThrow(expect.objectContaining({ code: 'CONFIDENCE_CASES' }));
  });
});

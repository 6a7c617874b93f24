import { expect, test } from 'vitest';
import { constant, cosine, cosineWarmRestarts, exponential, oneCycle } from './index.js';

/** Doubles through one cosine or power: a few units of the 15th digit. */
const DIGITS = 14;

test('constant', () => {
  const rate = constant({ lr: 0.3 });
  expect([0, 0.5, 1e6].map(rate)).toEqual([0.3, 0.3, 0.3]);
});

test('cosine: at angles with known cosines', () => {
  const rate = cosine({ lr: 0.9, min: 0.1, steps: 12 });
  // min + 0.8 (1 + cos(pi s / 12)) / 2; cos: 1, sqrt(3)/2 (30 degrees), 1/2, 0, -1/2, -1
  expect(rate(0)).toBeCloseTo(0.9, DIGITS);
  expect(rate(2)).toBeCloseTo(0.1 + 0.4 * (1 + Math.sqrt(3) / 2), DIGITS);
  expect(rate(4)).toBeCloseTo(0.7, DIGITS);
  expect(rate(6)).toBeCloseTo(0.5, DIGITS);
  expect(rate(8)).toBeCloseTo(0.3, DIGITS);
  expect(rate(12)).toBeCloseTo(0.1, DIGITS);
  expect(rate(100)).toBeCloseTo(0.1, DIGITS); // stays down
  expect(rate(2.5)).toBeLessThan(rate(2));
  expect(rate(2.5)).toBeGreaterThan(rate(3));
});

test("cosine: PyTorch's recursion gives the same", () => {
  // CosineAnnealingLR: lr_t = (1 + cos(pi t / T)) / (1 + cos(pi (t - 1) / T)) (lr_(t-1) - min) + min
  const [T, min] = [20, 1e-4];
  const rate = cosine({ lr: 3e-4, min, steps: T });
  let lr = 3e-4;
  for (let t = 1; t < T; t++) {
    lr = ((1 + Math.cos((Math.PI * t) / T)) / (1 + Math.cos((Math.PI * (t - 1)) / T))) * (lr - min) + min;
    expect(rate(t)).toBeCloseTo(lr, DIGITS);
  }
});

test('cosine warm restarts: equal cycles', () => {
  const rate = cosineWarmRestarts({ lr: 3e-4, min: 1e-4, period: 10 }); // the authors' setting for QaTa
  for (const start of [0, 10, 70]) {
    expect(rate(start)).toBeCloseTo(3e-4, DIGITS);
    expect(rate(start + 5)).toBeCloseTo(2e-4, DIGITS);
    expect(rate(start + 10 / 3)).toBeCloseTo(2.5e-4, DIGITS);
    expect(rate(start + 9.999999)).toBeCloseTo(1e-4, 12);
  }
});

test('cosine warm restarts: growing cycles', () => {
  const rate = cosineWarmRestarts({ lr: 1, period: 2, factor: 3 }); // cycles 0..2, 2..8, 8..26
  const at: [number, number][] = [
    [0, 1],
    [1, 0.5],
    [2, 1],
    [5, 0.5],
    [4, 0.75],
    [8, 1],
    [17, 0.5],
    [26, 1],
  ];
  for (const [step, expected] of at) expect(rate(step), `step ${step}`).toBeCloseTo(expected, DIGITS);
});

test('exponential, with a floor', () => {
  const rate = exponential({ lr: 1, gamma: 0.5, min: 0.1 });
  expect([0, 1, 2, 3, 4, 50].map(rate)).toEqual([1, 0.5, 0.25, 0.125, 0.1, 0.1]);
  expect(rate(0.5)).toBeCloseTo(Math.SQRT1_2, DIGITS);
  const authors = exponential({ lr: 3e-4, gamma: 0.99, min: 3e-5 });
  expect(authors(100)).toBeCloseTo(3e-4 * 0.3660323412732292, DIGITS); // 0.99^100
  expect(authors(300)).toBe(3e-5);
});

test('one cycle: PyTorch’s OneCycleLR', () => {
  const rate = oneCycle({ lr: 0.02, steps: 21 });
  // torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=21) with Adam, PyTorch 1.13
  const reference: [number, number][] = [
    [0, 0.0007999999999999986],
    [1, 0.0024377054196780615],
    [3, 0.012377394739914543],
    [5, 0.01984861354829693],
    [6, 0.019888308709018237],
    [12, 0.011384710653748971],
    [19, 0.00022757912539441842],
    [20, 8e-8],
  ];
  for (const [step, expected] of reference) expect(rate(step), `step ${step}`).toBeCloseTo(expected, DIGITS);
  expect(rate(30)).toBeCloseTo(8e-8, DIGITS);
  const own = oneCycle({ lr: 1, steps: 11, rise: 0.2, start: 0.1, min: 0.05 });
  expect([0, 1.2, 10].map(own)).toEqual([0.1, 1, 0.05].map((lr) => expect.closeTo(lr, DIGITS) as number));
  expect(oneCycle({ lr: 1, steps: 1 })(0)).toBe(1);
});

test('warm-up rises linearly and the schedule starts after it', () => {
  const options = { lr: 0.8, warmup: 4 };
  const schedules = [
    constant(options),
    cosine({ ...options, steps: 14 }),
    cosineWarmRestarts({ ...options, period: 10 }),
    exponential({ ...options, gamma: 0.5 }),
  ];
  for (const rate of schedules) {
    expect([0, 1, 2.5, 4].map(rate)).toEqual([0, 0.2, 0.5, 0.8]);
  }
  expect(schedules.map((rate) => rate(9))).toEqual([
    0.8,
    expect.closeTo(0.4, DIGITS), // half of the ten steps that remain
    expect.closeTo(0.4, DIGITS),
    0.025, // five halvings
  ]);
  const partial = constant({ lr: 1, warmup: 10, warmupStart: 0.5 });
  expect([0, 5, 10].map(partial)).toEqual([0.5, 0.75, 1]);
});

test('settings out of range are named', () => {
  expect(() => constant({ lr: 0 })).toThrow(/lr must be above 0, got 0/);
  expect(() => cosine({ lr: 1, steps: 5, warmup: 5 })).toThrow(
    /steps must be above the warm-up \(5\), got 5/,
  );
  expect(() => cosine({ lr: 1, steps: 5, min: 2 })).toThrow(/min must be within 0 and lr \(1\), got 2/);
  expect(() => exponential({ lr: 1, gamma: 1.1 })).toThrow(/gamma/);
  expect(() => cosineWarmRestarts({ lr: 1, period: 1, factor: 0.5 })).toThrow(/factor/);
  expect(() => oneCycle({ lr: 1, steps: 5, rise: 1 })).toThrow(/rise must be within \(0, 1\), got 1/);
  expect(() => constant({ lr: 1 })(-1)).toThrow(/step must be at least 0, got -1/);
});

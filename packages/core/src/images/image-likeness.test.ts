import { describe, expect, it } from 'vitest';
import { distanceFrom, fitGaussian } from './gaussian.js';
import {
  fitLikeness,
  imageFeatures,
  type ImageLikeness,
  imageWarnings,
  LEAST_IMAGES,
  unlikeness,
} from './image-likeness.js';
import { toneFigures, TONES } from './image-tones.js';
import { Random } from '../random.js';
import { trainingReferenceSchema } from '../training-reference.js';

const S = 64;

/** A bright band above two dark fields of changing size, some noise: [3,S,S], values 0 to 1. */
function picture(
  seed: number,
  change: (x: number, y: number) => [number, number] = (x, y) => [x, y],
): Float32Array {
  const random = Random.from('likeness', seed);
  const [width, height, shift] = [
    0.3 + 0.05 * random.normal(),
    0.5 + 0.05 * random.normal(),
    0.04 * random.normal(),
  ];
  const contrast = 0.5 + 0.05 * random.normal();
  const planes = new Float32Array(3 * S * S);
  for (let p = 0; p < S * S; p++) {
    const [x, y] = change(((p % S) + 0.5) / S, (Math.floor(p / S) + 0.5) / S);
    const side = Math.abs(Math.abs(x - 0.5 + shift) - 0.22) < width / 2 - 0.02;
    const dark = side && y > 0.3 && y < 0.3 + height;
    const value = Math.min(1, Math.max(0, 0.8 - (dark ? contrast : 0) - 0.2 * y + 0.03 * random.normal()));
    planes[p] = planes[S * S + p] = planes[2 * S * S + p] = value;
  }
  return planes;
}

const fitted = (count: number): ImageLikeness | null =>
  fitLikeness(Array.from({ length: count }, (_, i) => imageFeatures(picture(i), S)));
const likeness = fitted(200)!;
const why = (planes: Float32Array): string => imageWarnings(planes, S, likeness)[0]?.message ?? '';
const share = (make: (seed: number) => Float32Array): number =>
  Array.from({ length: 100 }, (_, i) => why(make(1000 + i))).filter((message) => message !== '').length / 100;

describe('an image', () => {
  it('that resembles the others passes', () =>
    expect(share((seed) => picture(seed))).toBeLessThanOrEqual(0.02));

  it('is recognised as inverted, turned or upside down', () => {
    expect(share((seed) => picture(seed).map((value) => 1 - value))).toBe(1);
    expect(share((seed) => picture(seed, (x, y) => [y, 1 - x]))).toBe(1);
    expect(share((seed) => picture(seed, (x, y) => [x, 1 - y]))).toBeGreaterThan(0.95);
    expect(why(picture(1).map((value) => 1 - value))).toBe(
      'the image is unlike the 200 training images that were measured: it looks inverted, with dark and bright swapped',
    );
    expect(why(picture(1, (x, y) => [y, 1 - x]))).toContain('it looks turned by 90 degrees');
    expect(why(picture(1, (x, y) => [x, 1 - y]))).toContain('it looks upside down');
  });

  it.each([0, 0.5, 1])('of one value, %d, is told', (value) => {
    expect(why(new Float32Array(3 * S * S).fill(value))).toContain('unlike');
  });

  it('of noise or colour is recognised', () => {
    const random = Random.from('noise', 1);
    const noise = Float32Array.from({ length: 3 * S * S }, () => random.uniform(0, 1));
    expect(why(noise)).toContain('unlike');
    const red = picture(1);
    red.fill(0, S * S);
    expect(why(red)).toContain('detail, contrast or colour differ');
  });

  it('is not judged by too few others', () => {
    expect(fitted(LEAST_IMAGES - 1)).toBeNull();
    expect(fitted(LEAST_IMAGES)?.layout.axes).toHaveLength(2);
  });
});

describe('the figures', () => {
  it('are some kilobytes, and judge the same after a round trip through a manifest', () => {
    const text = JSON.stringify({ cases: 200, words: null, images: likeness, masks: null });
    expect(text.length).toBeLessThan(16_384);
    expect(trainingReferenceSchema.parse(JSON.parse(text)).images).toEqual(likeness);
  });

  it('of older versions, without tones and with half the axes, are read and judge by the rest', () => {
    const { tones, ...rest } = likeness;
    const { layout } = rest;
    const older = { ...rest, layout: { ...layout, axes: layout.axes.slice(0, 8), variances: layout.variances.slice(0, 8) } }; // prettier-ignore
    const read = trainingReferenceSchema.parse({
      cases: 200,
      words: null,
      images: older,
      masks: null,
    }).images;
    expect([tones?.mean.length, read]).toEqual([TONES, older]);
    expect(imageWarnings(picture(1), S, older)).toEqual([]);
    const threeTones = toneFigures(Float32Array.from({ length: 900 }, (_, i) => (i % 3) / 2));
    const drawn = { ...imageFeatures(picture(1), S), tones: threeTones };
    expect(unlikeness(drawn, likeness)).toContain('it has other tones, as drawings have');
    expect(unlikeness(drawn, older)).toBeNull();
  });

  it('reveal no single picture: without it they hardly change', () => {
    const all = Array.from({ length: 100 }, (_, i) => imageFeatures(picture(i), S));
    const without = fitLikeness(all.slice(1))!;
    const withOne = fitLikeness(all)!;
    const apart = Math.max(
      ...withOne.layout.mean.map((value, i) => Math.abs(value - without.layout.mean[i]!)),
    );
    expect(apart).toBeLessThan(0.03); // a hundredth of what a cell may differ
  });
});

describe('tones', () => {
  const ramp = Float32Array.from({ length: 4000 }, (_, i) => 0.2 + (0.5 * (i + 0.5)) / 4000);

  it('are shares of the range, whatever exposure and contrast are', () => {
    const figures = toneFigures(ramp);
    expect(figures).toHaveLength(TONES);
    // 94 % of the pixels are in the range: 4.7 % a bin, 3 % more in the outermost.
    for (const inside of figures.slice(1, -1)) expect(Math.exp(inside) - 0.02).toBeCloseTo(0.047, 2);
    expect(Math.exp(figures[0]!) - 0.02).toBeCloseTo(0.077, 2);
    expect(Math.exp(figures.at(-1)!) - 0.02).toBeCloseTo(0.077, 2);
    for (const [i, one] of toneFigures(ramp.map((value) => 1.4 * value - 0.1)).entries())
      expect(one).toBeCloseTo(figures[i]!, 1);
  });

  it('of one value, and of values outside 0 to 1, are finite', () => {
    expect(toneFigures(new Float32Array(100).fill(0.5))).toEqual([Math.log(1.02), ...new Array<number>(TONES - 1).fill(Math.log(0.02))]); // prettier-ignore
    expect(toneFigures(Float32Array.of(-1, 2, 0.5)).every(Number.isFinite)).toBe(true);
  });
});

describe('a Gaussian', () => {
  it('has its axes along the spread, and distances in variances', () => {
    const random = Random.from('gaussian', 1);
    const points = Array.from({ length: 4000 }, () => {
      const [a, b] = [3 * random.normal(), random.normal()];
      return [5 + (a + b) / Math.SQRT2, (a - b) / Math.SQRT2, 0.1 * random.normal()];
    });
    const fit = fitGaussian(points, 2, 1e-6);
    expect(fit.mean[0]).toBeCloseTo(5, 0);
    expect(fit.variances[0]! / 9).toBeCloseTo(1, 1);
    expect(fit.variances[1]).toBeCloseTo(1, 1);
    expect(fit.rest / 0.01).toBeCloseTo(1, 1);
    expect(Math.abs(fit.axes[0]![0]!)).toBeCloseTo(Math.SQRT1_2, 1);
    const far = fit.mean.map((value, i) => value + 3 * fit.axes[0]![i]!);
    expect(distanceFrom(fit, far)).toBeCloseTo(9 / fit.variances[0]!, 2);
  });

  it('never divides by zero', () => {
    const fit = fitGaussian([[1, 2], [1, 2], [1, 2]], 2, 1e-3); // prettier-ignore
    expect(distanceFrom(fit, [1, 2])).toBe(0);
    expect(distanceFrom(fit, [2, 2])).toBeCloseTo(1000);
  });
});

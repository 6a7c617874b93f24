import { scope, Tensor } from '@reclmis/torch';
import { describe, expect, it } from 'vitest';
import { bceLoss, objective, PAPER_WEIGHTS } from './losses.js';
import { boundaryLoss, distilLoss, lovaszLoss } from './mask-losses.js';

/** Central differences in float64 over a scalar loss, against autograd: the largest difference. */
function gradientError(
  loss: (x: Tensor) => Tensor,
  values: readonly number[],
  shape: readonly number[],
): number {
  const H = 1e-5; // truncation and rounding are both about 1e-11
  const leaf = Tensor.fromFloat64(values, shape).requiresGrad_();
  const gradient = scope(() => {
    loss(leaf).backward();
    return [...(leaf.grad?.toFloat64Array() ?? [])];
  });
  const at = (i: number, by: number): number =>
    scope(() =>
      loss(
        Tensor.fromFloat64(
          values.map((x, k) => (k === i ? x + by : x)),
          shape,
        ),
      ).item(),
    );
  return Math.max(...values.map((_, i) => Math.abs((gradient[i] ?? NaN) - (at(i, H) - at(i, -H)) / (2 * H))));
}

const LOGITS = [1.3, -0.4, 0.25, -2.1, 0.7, -0.9, 2.2, -0.05]; // no ties, no error of exactly 0
const MASKS = [1, 0, 1, 0, 0, 1, 0, 0];
const SHAPE = [2, 1, 2, 2];
const masks = (): Tensor => Tensor.fromFloat64(MASKS, SHAPE);

/** The Lovász extension by its definition: sums of sorted errors times differences of the set function. */
function lovaszByDefinition(logits: readonly number[], truth: readonly number[]): number {
  const errors = logits.map((x, i) => ({ error: 1 - x * (2 * (truth[i] ?? 0) - 1), i }));
  errors.sort((a, b) => b.error - a.error);
  const jaccardLoss = (wrong: ReadonlySet<number>): number => {
    const positive = truth.flatMap((t, i) => (t === 1 ? [i] : []));
    const union = new Set([...positive, ...wrong]);
    return union.size === 0 ? 0 : wrong.size / union.size;
  };
  const wrong = new Set<number>();
  let [before, total] = [0, 0];
  for (const { error, i } of errors) {
    wrong.add(i);
    const now = jaccardLoss(wrong);
    total += Math.max(0, error) * (now - before);
    before = now;
  }
  return total;
}

describe('the Lovász hinge', () => {
  it('is the Lovász extension of the Jaccard loss, averaged over images', () => {
    scope(() => {
      const expected =
        (lovaszByDefinition(LOGITS.slice(0, 4), MASKS.slice(0, 4)) +
          lovaszByDefinition(LOGITS.slice(4), MASKS.slice(4))) /
        2;
      expect(lovaszLoss(Tensor.fromFloat64(LOGITS, SHAPE), masks()).item()).toBeCloseTo(expected, 12);
    });
  });

  it('is 0 beyond the margin, the Jaccard loss of hard errors, and the largest error for an empty mask', () => {
    scope(() => {
      const truth = Tensor.fromFloat64([1, 1, 0, 0], [1, 1, 2, 2]);
      const of = (logits: number[]): number =>
        lovaszLoss(Tensor.fromFloat64(logits, [1, 1, 2, 2]), truth).item();
      expect(of([1, 5, -1, -3])).toBe(0);
      // One pixel missed of two: error 2, the others 0; the Jaccard loss of one missed pixel is 1/2.
      expect(of([1, -1, -1, -1])).toBeCloseTo(2 * 0.5, 12);
      const none = Tensor.fromFloat64([0, 0, 0, 0], [1, 1, 2, 2]);
      expect(lovaszLoss(Tensor.fromFloat64([0.5, -3, -2, -4], [1, 1, 2, 2]), none).item()).toBeCloseTo(
        1.5,
        12,
      );
    });
  });

  it('has the gradient of central differences', () => {
    expect(gradientError((x) => lovaszLoss(x, masks()), LOGITS, SHAPE)).toBeLessThan(1e-9);
  });
});

describe('the boundary term', () => {
  it('is the mean of probability times signed distance, in image sides', () => {
    scope(() => {
      const truth = Tensor.fromFloat64([1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 4, 4]);
      // In pixels: 0 at the foreground's rim, and 3 - 1 from the background at the upper left.
      const distances = [-2, -1, 0, 1, -1, -1, 0, 1, 0, 0, 0, 1, 1, 1, 1, Math.SQRT2];
      const probabilities = Array.from({ length: 16 }, (_, i) => (i + 1) / 20);
      const expected = probabilities.reduce((sum, p, i) => sum + (p * (distances[i] ?? NaN)) / 4, 0) / 16;
      const loss = boundaryLoss(Tensor.fromFloat64(probabilities, [1, 1, 4, 4]), truth);
      expect(loss.item()).toBeCloseTo(expected, 7); // distances in float32
    });
  });

  it('says nothing of empty and full masks', () => {
    scope(() => {
      const truth = Tensor.fromFloat64([0, 0, 0, 0, 1, 1, 1, 1], SHAPE);
      expect(boundaryLoss(Tensor.fromFloat64([1, 1, 1, 1, 0.5, 0, 0, 0], SHAPE), truth).item()).toBe(0);
    });
  });

  it('has the gradient of central differences', () => {
    const error = gradientError((x) => boundaryLoss(x.sigmoid(), masks()), LOGITS, SHAPE);
    expect(error).toBeLessThan(1e-9);
  });
});

describe('the teacher’s term', () => {
  const TAUGHT = [0.9, 0.2, 0.6, 0.01, 0.5, 0.7, 0.99, 0.3];
  const taught = (): Tensor => Tensor.fromFloat64(TAUGHT, SHAPE);

  it.each([1, 2.5])('is the divergence from the teacher, softened by a temperature of %s', (T) => {
    scope(() => {
      const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
      const expected =
        LOGITS.reduce((sum, x, i) => {
          const teacher = TAUGHT[i] ?? NaN;
          const [q, p] = [sigmoid(Math.log(teacher / (1 - teacher)) / T), sigmoid(x / T)];
          return sum + q * Math.log(q / p) + (1 - q) * Math.log((1 - q) / (1 - p));
        }, 0) *
        (T ** 2 / LOGITS.length);
      expect(distilLoss(Tensor.fromFloat64(LOGITS, SHAPE), taught(), T).item()).toBeCloseTo(expected, 10);
    });
  });

  it('is 0 for the teacher’s own logits, and finite for certain ones', () => {
    scope(() => {
      const own = TAUGHT.map((p) => Math.log(p / (1 - p)));
      expect(distilLoss(Tensor.fromFloat64(own, SHAPE), taught(), 1).item()).toBeCloseTo(0, 12);
      const certain = Tensor.fromFloat32([1, 0], [1, 1, 1, 2]);
      const loss = distilLoss(Tensor.fromFloat32([-3, 3], [1, 1, 1, 2]), certain, 2).item();
      // q = sigmoid(logit(1 - 1e-6) / 2) = 0.999, the student's p = sigmoid(-1.5); times T^2.
      const [q, p] = [1 / (1 + Math.sqrt(1e-6 / (1 - 1e-6))), 1 / (1 + Math.exp(1.5))];
      expect(loss).toBeCloseTo(4 * (q * Math.log(q / p) + (1 - q) * Math.log((1 - q) / (1 - p))), 1);
    });
  });

  it.each([1, 2.5])('has the gradient of central differences at a temperature of %s', (T) => {
    expect(gradientError((x) => distilLoss(x, taught(), T), LOGITS, SHAPE)).toBeLessThan(1e-9);
  });
});

describe('the objective', () => {
  it('adds what has a weight, once and at the finest map', () => {
    scope(() => {
      const logits = Tensor.fromFloat64(LOGITS, SHAPE);
      const output = { logits, probability: logits.sigmoid(), losses: {} };
      const plain = objective(output, masks(), ['dice', 'bce']);
      expect(Object.keys(plain.values)).toEqual(['total', 'dice', 'bce']);
      const weights = { ...PAPER_WEIGHTS, lovasz: 0.5, boundary: 3, distil: 2 };
      const probability = masks().mul(0.5).add(0.25);
      const supervision = [{ logits, weight: 1 }];
      const required = ['dice', 'bce', 'lovasz', 'boundary', 'distil'] as const;
      const taught = { probability, temperature: 1 };
      const { values } = objective({ ...output, supervision }, masks(), required, weights, taught);
      expect(values.lovasz).toBeCloseTo(lovaszLoss(logits, masks()).item(), 6);
      expect(values.boundary).toBeCloseTo(boundaryLoss(logits.sigmoid(), masks()).item(), 6);
      const entropy = -(0.25 * Math.log(0.25) + 0.75 * Math.log(0.75));
      expect(values.distil).toBeCloseTo(bceLoss(logits, probability).item() - entropy, 6);
      const more = 0.5 * (values.lovasz ?? NaN) + 3 * (values.boundary ?? NaN) + 2 * (values.distil ?? NaN);
      expect(values.total).toBeCloseTo(plain.values.total + more, 5);
      expect(() => objective(output, masks(), required, weights)).toThrow(/expected the losses .*distil/);
    });
  });
});

import { ReclmisError } from '@reclmis/core';
import { scope, Tensor } from '@reclmis/torch';
import { describe, expect, it } from 'vitest';
import { bceLoss, combine, diceLoss, objective, PAPER_WEIGHTS, requiredLosses } from './losses.js';

const scalar = (value: number): Tensor => Tensor.fromFloat32([value], []);
const thrown = (action: () => unknown): ReclmisError => {
  try {
    action();
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('diceLoss', () => {
  it('is docs/method.md 8’s formula, averaged over images', () => {
    scope(() => {
      const p = Tensor.fromFloat32([0.5, 1, 0, 0.25, 0, 0, 0, 0], [2, 1, 2, 2]);
      const t = Tensor.fromFloat32([1, 1, 0, 0, 0, 0, 0, 0], [2, 1, 2, 2]);
      // p' = p/2: sum p't' = 0.375, sum p'^2 = 0.328125, sum t'^2 = 0.5; the empty image scores 1 - 1e-5/1e-5 = 0.
      const first = 1 - (2 * 0.375 + 1e-5) / (0.328125 + 0.5 + 1e-5);
      expect(diceLoss(p, t).item()).toBeCloseTo(first / 2, 6);
    });
  });

  it('is 0 for the truth and close to 1 for its opposite', () => {
    scope(() => {
      const t = Tensor.fromFloat32([1, 0, 1, 0], [1, 1, 2, 2]);
      expect(diceLoss(t, t).item()).toBeCloseTo(0, 6);
      expect(diceLoss(t.rsub(1), t).item()).toBeCloseTo(1, 4);
    });
  });
});

describe('bceLoss', () => {
  it('is the cross-entropy of the sigmoid', () => {
    scope(() => {
      const expected = (Math.log(1 + Math.exp(-2)) + Math.log(1 + Math.exp(0.5))) / 2;
      const loss = bceLoss(Tensor.fromFloat32([2, 0.5], [2]), Tensor.fromFloat32([1, 0], [2]));
      expect(loss.item()).toBeCloseTo(expected, 6);
    });
  });

  it('stays finite, with its gradient, where a sigmoid is exactly 0 or 1', () => {
    scope(() => {
      const logits = Tensor.fromFloat32([1000, -1000], [2]).requiresGrad_(true);
      const loss = bceLoss(logits, Tensor.fromFloat32([0, 1], [2]));
      loss.backward();
      expect(loss.item()).toBe(1000);
      expect(Array.from(logits.grad?.toFloat32Array() ?? [])).toEqual([0.5, -0.5]);
    });
  });
});

describe('the objective', () => {
  const all = requiredLosses(['ccl', 'clr', 'cvr']);

  it('is eq. 10', () => {
    scope(() => {
      const terms = {
        dice: scalar(0.1),
        bce: scalar(0.2),
        ccl: scalar(0.3),
        clr: scalar(0.4),
        cvr: scalar(0.5),
      };
      const { total, values } = combine(terms, all);
      expect(total.item()).toBeCloseTo(2.5 * 0.3 + 0.2 * 0.3 + 0.4 + 0.5, 6);
      expect(values.clr).toBeCloseTo(0.4, 6);
      expect(values.total).toBeCloseTo(total.item(), 6);
      expect(combine(terms, all, { ...PAPER_WEIGHTS, cvr: 0 }).total.item()).toBeCloseTo(1.21, 6);
    });
  });

  it('names a term that is missing', () => {
    scope(() => {
      const output = {
        logits: scalar(0).view([1, 1]),
        probability: scalar(0.5).view([1, 1]),
        losses: { ccl: scalar(1), clr: scalar(1) },
      };
      const error = thrown(() => objective(output, scalar(1).view([1, 1]), all));
      expect(error.code).toBe('LOSS_MISSING');
      expect(error.message).toContain('cvr');
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('names a term that is %s', (value) => {
    scope(() => {
      const error = thrown(() =>
        combine({ dice: scalar(0.1), bce: scalar(0.2), ccl: scalar(value) }, ['dice', 'bce', 'ccl']),
      );
      expect(error.code).toBe('LOSS_NOT_FINITE');
      expect(error.message).toContain('ccl');
      expect(error.message).not.toContain('dice');
    });
  });

  it('asks for what the components give', () => {
    expect(all).toEqual(['dice', 'bce', 'ccl', 'clr', 'cvr']);
    expect(requiredLosses([])).toEqual(['dice', 'bce']);
    expect(requiredLosses(['ccl'], ['lovasz', 'distil'])).toEqual(['dice', 'bce', 'lovasz', 'distil', 'ccl']);
  });
});

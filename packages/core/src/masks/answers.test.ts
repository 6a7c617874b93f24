import { describe, expect, it } from 'vitest';
import { imageToPlanes } from '../images/resize-rule.js';
import { answerOf, imagesToPlanes, segmented } from './answers.js';

const image = (
  width: number,
  height: number,
  level: number,
): { width: number; height: number; data: Uint8Array } => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(level),
});

describe('imagesToPlanes', () => {
  it('concatenates images of any size', () => {
    const [a, b] = [image(4, 2, 51), image(3, 3, 255)];
    const planes = imagesToPlanes([a, b], 2, 'area');
    expect([...planes]).toEqual([...imageToPlanes(a, 2, 'area'), ...imageToPlanes(b, 2, 'area')]);
    expect(planes[0]).toBeCloseTo(0.2, 7);
    expect(planes[12]).toBe(1);
  });
});

describe('segmented', () => {
  // The left half of the first image is foreground, none of the second.
  const probabilities = Float32Array.of(0.9, 0.1, 0.9, 0.1, 0.2, 0.2, 0.2, 0.2);

  it('gives the probability and the mask of one image at its own size', () => {
    const { probability, mask } = segmented(probabilities, 0, 2, { width: 4, height: 2 });
    expect(probability).toHaveLength(8);
    expect([...mask.data]).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
    expect([...segmented(probabilities, 1, 2, { width: 2, height: 2 }).mask.data]).toEqual([0, 0, 0, 0]);
    expect([...segmented(probabilities, 1, 2, { width: 2, height: 2 }, 0.1).mask.data]).toEqual([1, 1, 1, 1]);
  });

  it.each([
    ['not a number', Number.NaN, 'probabilities that are NaN'],
    ['above 1', 3, 'a probability of 3, expected 0 to 1'],
  ])('refuses an answer that is %s', (_, value, wrong) => {
    const broken = Float32Array.of(0.1, value, 0.1, 0.1);
    expect(answerOf(broken, 0, 2, { width: 2, height: 2 })).toEqual({ wrong });
    expect(() => segmented(broken, 0, 2, { width: 2, height: 2 })).toThrow(`the model gave ${wrong}`);
  });

  it('refuses an answer that is too short', () => {
    expect(answerOf(probabilities, 2, 2, { width: 2, height: 2 })).toEqual({
      wrong: 'too few probabilities',
    });
  });
});

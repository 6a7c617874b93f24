import { describe, expect, it } from 'vitest';
import { fillOf, hashFill, hashImages, IMAGE_POSITION } from './hash-fill.js';

/** docs/method.md 12 to the letter, in unlimited integers. */
function reference(i: number, p: number, seed: number): number {
  const mod = (x: bigint): bigint => BigInt.asUintN(32, x);
  let h = mod((BigInt(i) + 1n) * 2654435761n + (BigInt(p) + 1n) * 40503n + BigInt(seed) * 668265263n);
  h ^= h >> 16n;
  h = mod(h * 2246822507n);
  h ^= h >> 13n;
  h = mod(h * 3266489909n);
  h ^= h >> 16n;
  return Number(h) / 2 ** 31 - 1;
}

describe('hashFill', () => {
  it.each([
    [0, 0, 1],
    [5, 528, 1],
    [7, IMAGE_POSITION, 123456789],
    [3, 12, 2 ** 31 - 1],
  ])('is the hash of docs/method.md 12 (position %3$s)', (_, p, seed) => {
    const values = hashFill(5000, p, seed, { offset: 0, scale: 1 });
    for (let i = 0; i < values.length; i += 37) expect(values[i]).toBe(Math.fround(reference(i, p, seed)));
  });

  it('spreads evenly over -1 to 1', () => {
    const values = hashFill(100_000, 3, 2, { offset: 0, scale: 1 });
    const mean = values.reduce((s, x) => s + x, 0) / values.length;
    const square = values.reduce((s, x) => s + x * x, 0) / values.length;
    // Five standard deviations of the mean (5 * 0.577 / 316) and of the square (5 * 0.298 / 316).
    expect(Math.abs(mean)).toBeLessThan(0.0092);
    expect(Math.abs(square - 1 / 3)).toBeLessThan(0.0048);
  });
});

describe('fillOf', () => {
  const range = (key: string, shape: number[]): [number, number] => {
    const values = hashFill(4000, 1, 1, fillOf(key, shape));
    return [Math.min(...values), Math.max(...values)];
  };
  it.each([
    ['inc.norm.running_mean', [64], -0.1, 0.1],
    ['inc.norm.running_var', [64], 1, 1.5],
    ['clip.logit_scale', [], 2, 2],
    ['inc.norm.weight', [64], 0.9, 1.1],
    ['clip.transformer.resblocks.0.attn.in_proj_bias', [1536], -0.02, 0.02],
    ['clip.token_embedding.weight', [49408, 512], -0.05, 0.05],
    ['clip.positional_embedding', [77, 512], -0.05, 0.05],
    ['interact.embeddings.position_embeddings', [1, 196, 512], -0.05, 0.05],
    [
      'interact.embeddings.patch_embeddings.weight',
      [512, 512, 1, 1],
      -Math.sqrt(3 / 512),
      Math.sqrt(3 / 512),
    ],
    ['inc.conv.weight', [64, 3, 3, 3], -1 / 3, 1 / 3],
    ['clip.text_projection', [12, 512], -0.5, 0.5],
  ] as const)('%s %j lies within %f and %f', (key, shape, low, high) => {
    const [least, most] = range(key, [...shape]);
    const slack = (high - low) * 0.003 + 1e-6; // 4,000 draws come this close to both ends
    expect(Math.abs(least - low)).toBeLessThan(slack);
    expect(Math.abs(most - high)).toBeLessThan(slack);
  });
});

describe('hashImages', () => {
  it('is (u + 1) / 2 at position 100000', () => {
    const values = hashImages(2, 8, 9);
    expect(values).toHaveLength(2 * 3 * 8 * 8);
    values.forEach((value, i) => expect(value).toBe(Math.fround((reference(i, 100_000, 9) + 1) / 2)));
  });
});

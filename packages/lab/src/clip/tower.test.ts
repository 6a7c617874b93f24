import { manualSeed, scope, type Tensor } from '@reclmis/torch';
import { describe, expect, it } from 'vitest';
import { CLIP_END_TOKEN, CLIP_VIT_B_32, ClipTextTower } from './tower.js';

/** Token 19, the last, ends a note. */
const SMALL = { vocabulary: 20, width: 16, layers: 2, heads: 2, positions: 8, projection: 16 };
const END = 19;
const worst = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().item();

function withTower(body: (tower: ClipTextTower) => void): void {
  manualSeed(1);
  using tower = new ClipTextTower(SMALL);
  scope(() => body(tower));
}

describe('ClipTextTower', () => {
  it('is frozen, under CLIP’s keys', () => {
    withTower((tower) => {
      expect(tower.parameters().some((p) => p.requiresGrad)).toBe(false);
      const keys = [...tower.stateDict().keys()];
      expect(keys).toContain('transformer.resblocks.1.mlp.c_fc.weight');
      expect(keys).toContain('transformer.resblocks.0.attn.in_proj_bias');
      expect(keys).toContain('token_embedding.weight');
      expect(keys).toContain('text_projection');
      expect(keys).toHaveLength(12 * SMALL.layers + 5);
      expect(CLIP_VIT_B_32.vocabulary).toBe(CLIP_END_TOKEN + 1);
    });
  });

  it('marks the tokens up to the end token as valid', () => {
    withTower((tower) => {
      const { features, valid } = tower.encodeTokens([
        [18, 3, 4, END, 0, 0],
        [18, 3, 4, 5, 6, END],
      ]);
      expect(features.shape).toEqual([2, 6, 16]);
      expect(valid.sum([1]).toInt64Array()).toEqual([4, 6]);
    });
  });

  it('projects to another width where its weights do', () => {
    manualSeed(1);
    using tower = new ClipTextTower({ ...SMALL, projection: 24 });
    scope(() => expect(tower.encodeTokens([[18, 3, END]]).features.shape).toEqual([1, 3, 24]));
  });

  it('looks backwards only, and never at padding', () => {
    withTower((tower) => {
      const a = tower.encodeTokens([[18, 3, 4, END, 0, 0]]).features;
      const later = tower.encodeTokens([[18, 3, 7, END, 0, 0]]).features;
      const longer = tower.encodeTokens([[18, 3, 4, END]]).features;
      expect(worst(a.narrow(1, 0, 2), later.narrow(1, 0, 2))).toBeLessThan(1e-6);
      expect(worst(a.narrow(1, 2, 1), later.narrow(1, 2, 1))).toBeGreaterThan(1e-3);
      expect(worst(a.narrow(1, 0, 4), longer)).toBeLessThan(1e-6);
      expect(a.isfinite().all().item()).toBe(1);
    });
  });

  it.each([
    [
      'rows of unequal length',
      [
        [18, END],
        [18, 3, END],
      ],
    ],
    ['too many tokens', [[18, 1, 1, 1, 1, 1, 1, 1, END]]],
    ['an id outside the vocabulary', [[18, 20, END]]],
    ['no end token', [[18, 3, 0]]],
  ])('refuses %s', (_, tokens) => {
    withTower((tower) => expect(() => tower.encodeTokens(tokens)).toThrow(/expected .* token ids/));
  });
});

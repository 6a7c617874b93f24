import { manualSeed, randn, scope, type Tensor } from '@reclmis/torch';
import { describe, expect, it } from 'vitest';
import { UpBlock } from './blocks.js';

describe('UpBlock in training', () => {
  it('gives the same map and gradients in channels-last, where operators are joined, as contiguous', () => {
    scope(() => {
      manualSeed(3);
      const block = new UpBlock(32, 16);
      const [x, skip] = [randn([2, 16, 6, 4]), randn([2, 16, 12, 8])];
      const g = randn([2, 16, 12, 8]);
      const pass = (memoryFormat: 'contiguous' | 'channelsLast'): Map<string, Tensor> => {
        block.zeroGrad();
        const inputs = [x, skip].map((map) => map.detach().contiguous({ memoryFormat }).requiresGrad_());
        const [low, high] = inputs as [Tensor, Tensor];
        const y = block.forward(low, high);
        y.backward(g);
        const found = new Map([['output', y.detach()]]);
        for (const [key, tensor] of [...block.namedParameters(), ['x', low], ['skip', high]] as [
          string,
          Tensor,
        ][])
          if (tensor.grad) found.set(key, tensor.grad.clone());
        return found;
      };
      const [plain, joined] = [pass('contiguous'), pass('channelsLast')];
      expect([...joined.keys()]).toEqual([...plain.keys()]);
      for (const [key, tensor] of joined) {
        const off = tensor
          .sub(plain.get(key) as Tensor)
          .abs()
          .max();
        // Sums of up to 4,600 products in another order, relative to the largest of 1 to 100; a bias before batch
        // normalisation only has a gradient by rounding.
        expect(off.item(), key).toBeLessThan(1e-4);
      }
      block.dispose();
    });
  });
});

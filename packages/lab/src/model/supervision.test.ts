import { manualSeed, rand, scope } from '@reclmis/torch';
import { describe, expect, it } from 'vitest';
import { bceLoss, diceLoss, objective, PAPER_WEIGHTS } from './losses.js';
import { supervisionWeights } from './supervision.js';
import { UNet } from './unet.js';

const OPTIONS = { baseWidth: 4, imageSize: 32, textWidth: 8 };

function model(deepSupervision: boolean): UNet {
  manualSeed(3);
  return new UNet({ ...OPTIONS, deepSupervision });
}

describe('deep supervision', () => {
  it('weighs each coarser map half as much, the coarsest not at all', () => {
    expect(supervisionWeights(4)).toEqual([1 / 1.75, 0.5 / 1.75, 0.25 / 1.75, 0]);
    expect(supervisionWeights(1)).toEqual([1]);
  });

  it('compares maps of S, S/2 and S/4 with the mask, by heads that inference does not have', () => {
    using net = model(true);
    using plain = model(false);
    expect([...net.stateDict().keys()].filter((key) => !plain.stateDict().has(key))).toEqual([
      'supervision.0.weight',
      'supervision.0.bias',
      'supervision.1.weight',
      'supervision.1.bias',
    ]);
    net.eval();
    plain.eval();
    scope(() => {
      manualSeed(5);
      const images = rand([2, 3, 32, 32]);
      const masks = rand([2, 1, 32, 32]).round();
      const output = net.forwardTraining(images, null);
      const { supervision = [] } = output;
      expect(supervision.map(({ logits }) => logits.shape)).toEqual([
        [2, 1, 32, 32],
        [2, 1, 16, 16],
        [2, 1, 8, 8],
      ]);
      // The heads are drawn last: the rest starts with the weights of a model without them.
      expect(net.segment(images, null).logits.toBytes()).toEqual(
        plain.segment(images, null).logits.toBytes(),
      );
      const { values, total } = objective(output, masks, ['dice', 'bce']);
      const targets = [32, 16, 8].map((side) => masks.upsampleNearest2d([side, side]));
      const weights = [4 / 7, 2 / 7, 1 / 7];
      const mean = (loss: typeof bceLoss): number =>
        supervision.reduce((sum, { logits }, i) => {
          const input = loss === diceLoss ? logits.sigmoid() : logits;
          return sum + (weights[i] ?? NaN) * loss(input, targets[i] ?? masks).item();
        }, 0);
      expect(values.dice).toBeCloseTo(mean(diceLoss), 5);
      expect(values.bce).toBeCloseTo(mean(bceLoss), 5);
      expect(total.item()).toBeCloseTo(PAPER_WEIGHTS.dice * (mean(diceLoss) + mean(bceLoss)), 4);
      total.backward();
    });
    for (const [key, parameter] of net.namedParameters()) {
      if (!key.startsWith('supervision.')) continue;
      expect(
        scope(() => parameter.grad?.abs().max().item()),
        key,
      ).toBeGreaterThan(0);
    }
  });
});

import { manualSeed, memory, type nn, noGrad, optim, rand, randn, scope, Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import { objective, requiredLosses } from './losses.js';
import { PAPER, type RecLMISOptions } from './options.js';
import type { SegmentationModel } from './segmentation-model.js';

/** A few thousand numbers: C = 32, a patch grid of 2 x 2. */
export const TINY: RecLMISOptions = { ...PAPER, baseWidth: 4, imageSize: 32, textWidth: 16, layers: 1 };

/** Images [2,3,32,32], masks [2,1,32,32] of a square each, notes of 5 and 3 words out of 6. */
export function tinyBatch(
  seed = 1,
  textWidth = TINY.textWidth,
): { images: Tensor; masks: Tensor; note: NoteFeatures } {
  manualSeed(seed);
  const squares = new Float32Array(2 * 32 * 32);
  for (let b = 0; b < 2; b++) {
    for (let y = 8; y < 24; y++)
      squares.fill(1, (b * 32 + y) * 32 + 4 + 8 * b, (b * 32 + y) * 32 + 20 + 8 * b);
  }
  return {
    images: rand([2, 3, 32, 32]),
    masks: Tensor.fromFloat32(squares, [2, 1, 32, 32]),
    note: {
      features: randn([2, 6, textWidth]),
      valid: Tensor.fromUint8([1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0], [2, 6], { dtype: 'bool' }),
    },
  };
}

/** Rows of the last dimension. */
export function rowsOf(tensor: Tensor): number[][] {
  const width = tensor.size(-1);
  const flat = Array.from(tensor.to({ dtype: 'float32' }).toFloat32Array());
  return Array.from({ length: flat.length / width }, (_, i) => flat.slice(i * width, (i + 1) * width));
}

/** Trains on `tinyBatch()`. @returns Dice losses, and live bytes and handles after step 6 and at the end. */
export function learnByHeart(
  model: SegmentationModel,
  { steps, lr }: { readonly steps: number; readonly lr: number },
): { dice: number[]; early: ReturnType<typeof memory>; late: ReturnType<typeof memory> } {
  const { images, masks, note } = tinyBatch();
  const adam = new optim.Adam(model.parameters(), { lr });
  const required = requiredLosses(model.auxiliary);
  const dice: number[] = [];
  let early = memory();
  for (let step = 0; step < steps; step++) {
    scope(() => {
      const { total, values } = objective(model.forwardTraining(images, note), masks, required);
      model.zeroGrad();
      total.backward();
      adam.step();
      dice.push(values.dice ?? Number.NaN);
    });
    if (step === 5) early = memory();
  }
  return { dice, early, late: memory() };
}

/**
 * Where autograd and central differences disagree, for one element of each parameter, in float64.
 * @param loss a scalar; must be repeatable. @param counts whether to check a parameter, by key.
 */
export function wrongGradients(
  model: nn.Module,
  loss: () => Tensor,
  counts: (key: string) => boolean = () => true,
): string[] {
  const step = 1e-6;
  scope(() => loss().backward());
  return [...model.namedParameters()]
    .filter(([key]) => counts(key))
    .flatMap(([key, parameter]) =>
      scope(() => {
        const flat = parameter.detach().view([-1]); // shares the parameter's memory
        const index = (key.length * 7919) % parameter.numel;
        const moved = (by: number): number =>
          scope(() =>
            noGrad(() => {
              flat.narrow(0, index, 1).add_(by);
              const value = loss().item();
              flat.narrow(0, index, 1).sub_(by);
              return value;
            }),
          );
        const numeric = (moved(step) - moved(-step)) / (2 * step);
        const exact = parameter.grad?.reshape([-1]).narrow(0, index, 1).item() ?? Number.NaN;
        // Central differences: step^2 truncation, and 1e-16 / 1e-6 rounding of a loss of size 5.
        const close = Math.abs(exact - numeric) < 2e-8 + 1e-5 * Math.abs(exact);
        return close ? [] : [`${key}[${index}]: ${exact} against ${numeric}`];
      }),
    );
}

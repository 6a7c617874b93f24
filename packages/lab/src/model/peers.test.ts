import { readFileSync } from 'node:fs';
import { manualSeed, noGrad, scope, setThreads, type Tensor } from '@reclmis/torch';
import { beforeAll, describe, expect, it } from 'vitest';
import { requiredLosses } from './losses.js';
import { LViT, type LViTOptions } from './lvit.js';
import type { SegmentationModel } from './segmentation-model.js';
import { learnByHeart, tinyBatch, wrongGradients } from './testing.js';
import { UNet } from './unet.js';
import { codeOf } from '../testing/failure.js';
import { goldenPath } from '../testing/golden.js';

const TINY: LViTOptions = { baseWidth: 8, imageSize: 32, textWidth: 16, contextLength: 6, dropout: 0 };
/** As in the authors' code. */
const FULL: LViTOptions = {
  baseWidth: 64,
  imageSize: 224,
  textWidth: 768,
  contextLength: 10,
  dropout: 0.1,
};

const MODELS: Record<string, (options: LViTOptions) => SegmentationModel> = {
  'U-Net': (options) => new UNet(options),
  LViT: (options) => new LViT(options),
};
const NAMES = Object.keys(MODELS);

function withModel(
  name: string,
  options: LViTOptions,
  body: (model: SegmentationModel) => void,
  seed = 1,
): void {
  manualSeed(seed);
  using model = MODELS[name]?.(options);
  if (!model) throw new Error(`no model ${name}`);
  scope(() => body(model));
}

beforeAll(() => setThreads(1)); // tiny tensors: threads would only wait for each other

describe('the peers of Table 1', () => {
  it.each([
    ['U-Net', 14.8, 14_751_873],
    ['LViT', 29.7, 29_908_033],
  ] as const)('%s has the table’s %f M parameters, within a hundredth', (name, millions, count) => {
    withModel(name, FULL, (model) => {
      expect(model.parameterCount()).toBe(count); // the authors' count, without what takes no part
      expect(Math.abs(model.parameterCount() / (millions * 1e6) - 1)).toBeLessThan(0.01);
    });
  });

  it('LViT stays so with the notes of this project’s encoders', () => {
    withModel('LViT', { ...FULL, textWidth: 512, contextLength: 24 }, (model) => {
      expect(Math.abs(model.parameterCount() / 29.7e6 - 1)).toBeLessThan(0.01);
    });
  });

  it.each([
    ['U-Net', 'unet'],
    ['LViT', 'lvit'],
  ] as const)('%s has the keys and shapes of its authors’ checkpoints', (name, file) => {
    const { parameters } = JSON.parse(readFileSync(goldenPath(file), 'utf8')) as {
      parameters: [string, number[], boolean][];
    };
    const unused = new Set(parameters.flatMap(([key, , used]) => (used ? [] : [key])));
    const theirs = parameters
      .filter(([key]) => !unused.has(key.replace(/running_(mean|var)$/, 'weight')))
      .map(([key, shape]) => `${key} ${shape.join()}`);
    withModel(name, FULL, (model) => {
      const ours = [...model.stateDict()].map(([key, { shape }]) => `${key} ${shape.join()}`);
      expect(ours.sort()).toEqual(theirs.sort());
    });
  });

  it.each(NAMES)('%s has the gradient of its loss', (name) => {
    withModel(name, TINY, (model) => {
      model.to('cpu', 'float64').eval();
      const { images, masks, note } = tinyBatch(5);
      const double = (x: Tensor): Tensor => x.to({ dtype: 'float64' });
      const [x, t, given] = [double(images), double(masks), { ...note, features: double(note.features) }];
      const loss = (): Tensor => model.forwardTraining(x, given).logits.binaryCrossEntropyWithLogits(t);
      // LViT's own parts, each kind once; the rest is RecLMIS's and U-Net's.
      const own = /^(downVit1?|upVit3?|reconstruct1|text_module[14])\./;
      expect(wrongGradients(model, loss, (key) => name === 'U-Net' || own.test(key))).toEqual([]);
    });
  });

  it.each(NAMES)('%s learns one batch by heart and leaves no memory behind', (name) => {
    withModel(name, { ...TINY, dropout: 0.1 }, (model) => {
      expect(requiredLosses(model.auxiliary)).toEqual(['dice', 'bce']);
      const { dice, early, late } = learnByHeart(model, { steps: 60, lr: 4e-3 });
      expect(late.handles).toBe(early.handles);
      expect(late.liveBytes).toBe(early.liveBytes);
      expect(model.leavesUnused).toBe(false);
      expect(model.parameters().filter(({ grad }) => grad === null)).toEqual([]);
      expect(dice.at(-1)).toBeLessThan(0.2); // half of the pixels in a square: 0.37 or more for any constant prediction
    });
  });

  it('LViT follows its note, U-Net does not look at it', () => {
    for (const [name, follows] of [
      ['LViT', true],
      ['U-Net', false],
    ] as const) {
      withModel(name, TINY, (model) => {
        model.eval();
        const { images, note } = tinyBatch();
        const other = { ...note, features: note.features.neg() };
        const [a, b] = noGrad(() =>
          [note, other].map((given) => model.segment(images, given).logits.toFloat32Array()),
        );
        expect(model.readsNotes).toBe(follows);
        if (follows) expect(a).not.toEqual(b);
        else expect(a).toEqual(b);
      });
    }
  });

  it('refuse what does not fit', () => {
    withModel('LViT', TINY, (model) => {
      const { images, note } = tinyBatch();
      expect(codeOf(() => model.segment(images, null))).toBe('NOTE_MISSING');
      expect(codeOf(() => model.segment(images, { ...note, features: note.features.narrow(2, 0, 8) }))).toBe(
        'TENSOR_SHAPE',
      );
      expect(codeOf(() => model.segment(images, { ...note, features: note.features.narrow(1, 0, 5) }))).toBe(
        'TENSOR_SHAPE',
      );
      expect(codeOf(() => model.contrastInput(images, note))).toBe('CONFIG_INVALID');
    });
    withModel('U-Net', TINY, (model) => {
      expect(codeOf(() => model.segment(tinyBatch().images.narrow(2, 0, 16), null))).toBe('TENSOR_SHAPE');
    });
    for (const change of [{ baseWidth: 12 }, { baseWidth: 0 }, { imageSize: 40 }])
      expect(
        codeOf(() => new LViT({ ...TINY, ...change })),
        JSON.stringify(change),
      ).toBe('CONFIG_INVALID');
    expect(codeOf(() => new UNet({ ...TINY, imageSize: 40 }))).toBe('CONFIG_INVALID');
  });
});

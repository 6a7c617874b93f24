/** TransUNet and UCTransNet: that they can be trained, and what is special about each. */
import type { Tensor } from '@reclmis/torch';
import { manualSeed, noGrad, scope, setThreads } from '@reclmis/torch';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '../../testing/failure.js';
import { requiredLosses } from '../losses.js';
import { buildModel } from '../registry.js';
import type { SegmentationModel } from '../segmentation-model.js';
import { modelSchema } from '../settings.js';
import { learnByHeart, tinyBatch, wrongGradients } from '../testing.js';

const NAMES = ['transunet', 'uctransnet'] as const;
type Name = (typeof NAMES)[number];

const TINY_OPTIONS: Record<Name, Record<string, unknown>> = {
  transunet: { width: 16, layers: 2, heads: 2 },
  uctransnet: { layers: 2, heads: 2 },
};
const ENCODER = { width: 16, contextLength: 6, vocabularySize: 10 };

function build(name: Name, settings: Record<string, unknown>): SegmentationModel {
  manualSeed(1);
  return buildModel(modelSchema.parse({ name, ...settings }), ENCODER);
}

/** A model of base width 8 for images of 32 pixels, on a patch grid of 2 x 2. */
function withTiny(
  name: Name,
  body: (model: SegmentationModel) => void,
  settings: Record<string, unknown> = {},
): void {
  using model = build(name, {
    baseWidth: 8,
    imageSize: 32,
    dropout: 0,
    options: TINY_OPTIONS[name],
    ...settings,
  });
  scope(() => body(model));
}

function logits(model: SegmentationModel): number[] {
  return noGrad(() => scope(() => [...model.segment(tinyBatch().images, null).logits.toFloat32Array()]));
}

function multiply(model: SegmentationModel, pattern: RegExp, factor: number): number {
  const found = [...model.namedParameters()].filter(([key]) => pattern.test(key));
  noGrad(() => scope(() => found.forEach(([, x]) => void x.mul_(factor))));
  return found.length;
}

function biases(model: SegmentationModel): Tensor[] {
  return [...model.namedParameters()].filter(([key]) => key.endsWith('.bias')).map(([, bias]) => bias);
}

function furthest(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((x, i) => Math.abs(x - (b[i] ?? Number.NaN))));
}

beforeAll(() => setThreads(1)); // tiny tensors: threads would only wait for each other

describe.each(NAMES)('%s', (name) => {
  it('has the gradient of its loss', () => {
    withTiny(name, (model) => {
      model.to('cpu', 'float64').eval();
      // With biases of 0 some maps are all 0 behind a ReLU, and are normalised to the kink of the next.
      noGrad(() => scope(() => biases(model).forEach((bias) => void bias.uniform_(1, 3))));
      const batch = tinyBatch(5);
      const [x, t] = [batch.images, batch.masks].map((tensor) => tensor.to({ dtype: 'float64' })) as [
        Tensor,
        Tensor,
      ];
      const loss = (): Tensor => model.forwardTraining(x, null).logits.binaryCrossEntropyWithLogits(t);
      expect(wrongGradients(model, loss)).toEqual([]);
    });
  });

  it('learns one batch by heart and leaves no memory behind', () => {
    withTiny(
      name,
      (model) => {
        expect(requiredLosses(model.auxiliary)).toEqual(['dice', 'bce']);
        const { dice, early, late } = learnByHeart(model, { steps: 90, lr: 4e-3 });
        expect(late.handles).toBe(early.handles);
        expect(late.liveBytes).toBe(early.liveBytes);
        expect(model.leavesUnused).toBe(false);
        expect(model.parameters().filter(({ grad }) => grad === null)).toEqual([]);
        expect(dice.at(-1)).toBeLessThan(0.2); // half of the pixels in a square: 0.37 or more for any constant prediction
      },
      { dropout: 0.1 },
    );
  });

  it('drops in training alone', () => {
    withTiny(
      name,
      (model) => {
        const { images } = tinyBatch();
        const drawn = (): number[] => noGrad(() => [...model.segment(images, null).logits.toFloat32Array()]);
        expect(drawn()).not.toEqual(drawn());
        model.eval();
        expect(drawn()).toEqual(drawn());
      },
      { dropout: 0.5 },
    );
  });

  it('looks at no note', () => {
    withTiny(name, (model) => {
      model.eval();
      const { images, note } = tinyBatch();
      const [a, b] = noGrad(() =>
        [note, null].map((given) => model.segment(images, given).logits.toFloat32Array()),
      );
      expect(model.readsNotes).toBe(false);
      expect(a).toEqual(b);
    });
  });

  it('refuses images of another size, and options that it does not have', () => {
    withTiny(name, (model) => {
      expect(codeOf(() => model.segment(tinyBatch().images.narrow(2, 0, 16), null))).toBe('TENSOR_SHAPE');
    });
    expect(modelSchema.safeParse({ name, options: { depth: 3 } }).success).toBe(false);
    expect(modelSchema.safeParse({ name, options: { layers: 0 } }).success).toBe(false);
  });
});

describe('TransUNet', () => {
  it('has the table’s 105.0 M parameters, within a hundredth', () => {
    using model = build('transunet', {});
    expect(model.parameterCount()).toBe(105_275_921);
  });

  it('refuses widths that do not go together', () => {
    const codes = [{ baseWidth: 10 }, { options: { ...TINY_OPTIONS.transunet, heads: 3 } }].map((settings) =>
      codeOf(() => withTiny('transunet', () => undefined, settings)),
    );
    expect(codes).toEqual(['CONFIG_INVALID', 'CONFIG_INVALID']);
  });

  it('standardises its stem’s filters, so that their scale means nothing', () => {
    withTiny('transunet', (model) => {
      const before = logits(model);
      const filters = /hybrid_model\..*(conv\d?|downsample)\.weight$/;
      expect(multiply(model, filters, 3)).toBe(1 + 16 * 3 + 3);
      // A filter's variance is about 1e-2 here, so its epsilon of 1e-5 still shows a little.
      expect(furthest(logits(model), before)).toBeLessThan(0.02);
      expect(multiply(model, /hybrid_model\..*gn3\.weight$/, 3)).toBe(16);
      expect(furthest(logits(model), before)).toBeGreaterThan(0.02);
    });
  });

  it('gives a key’s bias no gradient, as a softmax ignores it', () => {
    withTiny('transunet', (model) => {
      model.to('cpu', 'float64');
      const { images } = tinyBatch();
      model
        .segment(images.to({ dtype: 'float64' }), null)
        .logits.square()
        .mean()
        .backward();
      const norm = (key: string): number =>
        model.namedParameters().get(`transformer.encoder.layer.0.attn.${key}.bias`)?.grad?.norm().item() ??
        Number.NaN;
      expect(norm('key')).toBeLessThan(1e-14); // float64's rounding
      expect(norm('value')).toBeGreaterThan(1e-6);
    });
  });

  it('takes as many skips as it is told', () => {
    const counts = [0, 1, 2, 3].map((skips) => {
      let count = 0;
      withTiny('transunet', (model) => (count = model.parameterCount()), {
        options: { ...TINY_OPTIONS.transunet, skips },
      });
      return count;
    });
    // Convolutions 3x3 from the skip's 64, 32 and 8 channels to the level's 32, 16 and 8.
    const steps = [64 * 32 * 9, 32 * 16 * 9, 8 * 8 * 9];
    expect(counts.slice(1).map((count, i) => count - (counts[i] ?? 0))).toEqual(steps);
  });
});

describe('UCTransNet', () => {
  it('has its authors’ number of parameters', () => {
    using model = build('uctransnet', {});
    expect(model.parameterCount()).toBe(66_430_657); // Table 1: 65.6 M
  });

  it('normalises the scores, so that the queries’ scale means nothing', () => {
    withTiny('uctransnet', (model) => {
      multiply(model, /channel_attn\.(query|key)/, 100); // so large that the scores' epsilon does not show
      const before = logits(model);
      expect(multiply(model, /channel_attn\.query\d\.\d\.weight$/, 3)).toBe(2 * 4 * 2);
      expect(furthest(logits(model), before)).toBeLessThan(1e-4);
      expect(multiply(model, /channel_attn\.value\.\d\.weight$/, 3)).toBe(2 * 2);
      expect(furthest(logits(model), before)).toBeGreaterThan(1e-3);
    });
  });
});

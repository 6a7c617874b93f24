/** The systems over residual networks: that they can be trained, and what the notes do in them. */
import { manualSeed, nn, noGrad, scope, setThreads, Tensor } from '@reclmis/torch';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '../../testing/failure.js';
import type { NoteFeatures } from '../../text/encoder.js';
import { requiredLosses } from '../losses.js';
import { modelDescriptor } from '../registry.js';
import type { SegmentationModel, TrainingSegmentation } from '../segmentation-model.js';
import { modelSchema } from '../settings.js';
import { learnByHeart, tinyBatch, wrongGradients } from '../testing.js';
import { Bottleneck, ResNetEncoder } from './resnet.js';

const ENCODER = { width: 16, contextLength: 6, vocabularySize: 9 };
const TINY = {
  baseWidth: 4,
  imageSize: 32,
  options: { blocks: [2, 1, 1, 1], decoderWidths: [16, 12, 8, 8, 8] },
};
/** A draw in which no ReLU is so near to its kink that a finite difference crosses it, as can happen. */
const SMOOTH_SEED = 6;
const CONTRASTIVE = ['convirt', 'gloria'];

function build(name: string, settings: object = TINY, encoder = ENCODER): SegmentationModel {
  manualSeed(1);
  return modelDescriptor(name).build(modelSchema.parse({ name, ...settings }), encoder);
}

function withModel(name: string, body: (model: SegmentationModel) => void): void {
  using model = build(name);
  scope(() => body(model));
}

/** Sum of the cross-entropy and all losses of the model itself. */
function total(out: TrainingSegmentation, masks: Tensor): Tensor {
  const own = Object.values(out.losses);
  return own.reduce((sum, loss) => sum.add(loss), out.logits.binaryCrossEntropyWithLogits(masks));
}

const observed = (model: SegmentationModel, images: Tensor, note: NoteFeatures): Record<string, number> =>
  noGrad(() => {
    const { losses, observed: others } = model.forwardTraining(images, note);
    const scalars = Object.entries({ ...others, ...losses }).filter(([, x]) => x.numel === 1);
    return Object.fromEntries(scalars.map(([name, x]) => [name, x.item()]));
  });

beforeAll(() => setThreads(1)); // tiny tensors: threads would only wait for each other

describe.each([
  ['unetpp', 72_755_585],
  ['convirt', 36_128_401],
  ['gloria', 46_248_929],
] as const)('%s', (name, parameters) => {
  it('has the published size', () => {
    using model = build(name, {}, { ...ENCODER, width: 768 });
    expect(model.parameterCount()).toBe(parameters);
  });

  it('has the gradient of its losses', () => {
    withModel(name, (model) => {
      // New biases are 0, so that where all inputs are off a ReLU is exactly at its kink.
      for (const [key, parameter] of model.namedParameters())
        if (key.endsWith('.bias')) nn.normal_(parameter, 0.3);
      model.to('cpu', 'float64').eval();
      const { images, masks, note } = tinyBatch(SMOOTH_SEED);
      const double = (x: Tensor): Tensor => x.to({ dtype: 'float64' });
      const [x, t, given] = [double(images), double(masks), { ...note, features: double(note.features) }];
      expect(wrongGradients(model, () => total(model.forwardTraining(x, given), t))).toEqual([]);
    });
  });

  it('learns one batch by heart, by all its parameters, and leaves no memory behind', () => {
    withModel(name, (model) => {
      const { dice, early, late } = learnByHeart(model, { steps: 60, lr: 4e-3 });
      expect(late.handles).toBe(early.handles);
      expect(late.liveBytes).toBe(early.liveBytes);
      expect(model.leavesUnused).toBe(false);
      expect(model.parameters().filter(({ grad }) => grad === null)).toEqual([]);
      expect(dice.at(-1)).toBeLessThan(0.3); // half of the pixels in a square: 0.37 or more for any constant prediction
    });
  });

  it('reads no note at inference', () => {
    withModel(name, (model) => {
      model.eval();
      const { images, note } = tinyBatch();
      const [none, given, training] = noGrad(() =>
        [model.segment(images, null), model.segment(images, note), model.forwardTraining(images, note)].map(
          ({ logits }) => logits.toFloat32Array(),
        ),
      );
      expect(model.readsNotes).toBe(false);
      expect(given).toEqual(none);
      expect(training).toEqual(none);
    });
  });

  it('names what it refuses', () => {
    withModel(name, (model) => {
      expect(codeOf(() => model.segment(tinyBatch().images.narrow(2, 0, 16), null))).toBe('TENSOR_SHAPE');
    });
    const refused = [
      { imageSize: 48 },
      { options: { blocks: [3, 4, 6] } },
      { options: { blocks: [3, 4, 0, 3] } },
      { options: { decoderWidths: [8, 8, 8, 8] } },
      { options: { depth: 50 } },
    ];
    for (const settings of refused) {
      const given = { ...modelSchema.parse({ name }), ...settings };
      expect(
        codeOf(() => modelDescriptor(name).build(given, ENCODER)),
        JSON.stringify(settings),
      ).toBe('CONFIG_INVALID');
    }
  });
});

describe.each(CONTRASTIVE)('the contrast of %s', (name) => {
  it('reads the note in training alone, and its tokens alone', () => {
    withModel(name, (model) => {
      model.eval();
      expect(model.learnsFromNotes).toBe(true);
      expect(requiredLosses(model.auxiliary).length).toBeGreaterThan(2);
      const { images, note } = tinyBatch();
      const before = observed(model, images, note);
      const padding = note.valid.logicalNot().unsqueeze(-1);
      const padded = { ...note, features: note.features.maskedFill(padding, 7) };
      expect(observed(model, images, padded)).toEqual(before);
      const longer = {
        features: note.features,
        valid: Tensor.fromUint8([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0], [2, 6], { dtype: 'bool' }),
      };
      for (const loss of model.auxiliary)
        expect(observed(model, images, longer)[loss]).not.toBe(before[loss]);
      expect(codeOf(() => model.forwardTraining(images, null))).toBe('NOTE_MISSING');
    });
  });

  it('is finite for notes of one token', () => {
    withModel(name, (model) => {
      const { images, masks, note } = tinyBatch();
      const valid = Tensor.fromUint8([1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [2, 6], { dtype: 'bool' });
      const loss = total(model.forwardTraining(images, { ...note, valid }), masks);
      loss.backward();
      expect(loss.item()).toBeGreaterThan(0);
      const broken = [...model.namedParameters()].filter(([, { grad }]) => !grad?.isfinite().all().item());
      expect(broken.map(([key]) => key)).toEqual([]);
    });
  });

  it('is 0 for a case alone: there is nothing to confuse it with', () => {
    withModel(name, (model) => {
      model.eval();
      const { images, note } = tinyBatch();
      const one = (x: Tensor): Tensor => x.narrow(0, 0, 1);
      const losses = observed(model, one(images), { features: one(note.features), valid: one(note.valid) });
      for (const loss of model.auxiliary) expect(losses[loss]).toBeCloseTo(0, 6);
    });
  });
});

it('GLoRIA cannot tell images by the same note: the loss of each image is ln 2', () => {
  withModel('gloria', (model) => {
    model.eval();
    const { images, note } = tinyBatch();
    const twice = (x: Tensor): Tensor => x.narrow(0, 0, 1).repeat([2, ...x.shape.slice(1).map(() => 1)]);
    const same = { features: twice(note.features), valid: twice(note.valid) };
    const losses = observed(model, images, same);
    expect(losses['global_image']).toBeCloseTo(Math.LN2, 5);
    expect(losses['local_image']).toBeCloseTo(Math.LN2, 5);
    expect(losses['global_text']).not.toBeCloseTo(Math.LN2, 5);
  });
});

describe('a residual network', () => {
  it('carries the stride where it is told to', () => {
    scope(() => {
      manualSeed(3);
      const x = tinyBatch().images; // [2,3,32,32]
      for (const strideAt of ['3x3', '1x1'] as const) {
        using block = new Bottleneck(3, 4, 2, { strideAt });
        block.eval();
        expect(block.forward(x).shape).toEqual([2, 16, 16, 16]);
        // By the first 1x1, a bottleneck sees every other pixel alone; by the 3x3, all of them.
        const odd = x.clone();
        odd.narrow(2, 1, 1).fill_(5);
        const same = noGrad(() => block.forward(odd).sub(block.forward(x)).abs().amax([]).item() === 0);
        expect(same).toBe(strideAt === '1x1');
      }
    });
  });

  it('gives maps of a half to a thirty-second of the image, by either pooling', () => {
    scope(() => {
      for (const pool of ['border', 'roundUp'] as const) {
        using encoder = new ResNetEncoder(2, [1, 1, 1, 1], { pool });
        const shapes = encoder.forward(tinyBatch().images).map(({ shape }) => shape.slice(1));
        expect(shapes).toEqual([
          [2, 16, 16],
          [8, 8, 8],
          [16, 4, 4],
          [32, 2, 2],
          [64, 1, 1],
        ]);
        expect(encoder.widths).toEqual([2, 8, 16, 32, 64]);
      }
    });
  });
});

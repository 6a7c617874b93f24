/** TGANet, CLIPSeg and ViLT: that they can be trained, and what each does with a note. */
import { manualSeed, noGrad, randn, scope, setThreads, Tensor } from '@reclmis/torch';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '../../testing/failure.js';
import type { NoteFeatures } from '../../text/encoder.js';
import { HALVES, objective, requiredLosses } from '../losses.js';
import { buildModel, learnsFromNotes, readsNotes } from '../registry.js';
import type { SegmentationModel, TrainingChoices } from '../segmentation-model.js';
import { modelSchema } from '../settings.js';
import { tinyBatch, wrongGradients } from '../testing.js';

const NOTES = [
  'Unilateral pulmonary infection, one infected area, upper left lung.',
  'Bilateral pulmonary infection, four infected areas, all left lung and all right lung.',
];
const NAMES = ['tganet', 'clipseg', 'vilt'] as const;
type Name = (typeof NAMES)[number];
const VOCABULARY = 20;
/** As the authors' files have it. */
const COUNTS: Record<Name, number> = { tganet: 19_837_423, clipseg: 87_368_865, vilt: 90_493_681 };

function make(name: Name, options: object = {}, settings: object = {}): SegmentationModel {
  manualSeed(1);
  const baseWidth = name === 'tganet' ? 4 : 8;
  const config = modelSchema.parse({ name, baseWidth, imageSize: 32, options });
  return buildModel({ ...config, ...settings }, { width: 16, contextLength: 6, vocabularySize: VOCABULARY });
}

interface Tiny extends TrainingChoices {
  readonly images: Tensor;
  readonly masks: Tensor;
  readonly note: NoteFeatures;
  readonly notes: readonly string[];
}

/** Two cases with words by number, and notes to take labels from. */
function batch(): Tiny {
  const { note, ...rest } = tinyBatch(3);
  const ids = Tensor.fromInt64([3, 7, 2, 9, 19, 0, 5, 3, 1, 0, 0, 0], [2, 6]);
  return { ...rest, note: { ...note, ids }, notes: NOTES };
}

function withModel(name: Name, options: object, body: (model: SegmentationModel, tiny: Tiny) => void): void {
  using model = make(name, options);
  scope(() => body(model, batch()));
}

const logitsOf = (model: SegmentationModel, images: Tensor, note: NoteFeatures | null): Float32Array =>
  noGrad(() => scope(() => model.segment(images, note).logits.toFloat32Array()));

beforeAll(() => setThreads(1)); // tiny tensors: threads would only wait for each other

describe.each(NAMES)('%s', (name) => {
  it('has its authors’ parameters', { timeout: 60_000 }, () => {
    const options = name === 'vilt' ? { vocabulary: 1000 } : {}; // of the file; else the encoder's
    const config = modelSchema.parse({ name, options });
    using model = buildModel(config, { width: 512, contextLength: 24, vocabularySize: VOCABULARY });
    expect(model.parameterCount()).toBe(COUNTS[name]);
  });

  it('has the gradients of its losses', { timeout: 60_000 }, () => {
    withModel(name, {}, (model, { images, masks, note, notes }) => {
      noGrad(() => {
        // Away from 0, where ReLU has no derivative.
        for (const [key, bias] of model.namedParameters())
          if (key.endsWith('.bias')) bias.add_(randn(bias.shape), { alpha: 0.1 });
      });
      model.to('cpu', 'float64').eval();
      const [x, t] = [images.to({ dtype: 'float64' }), masks.to({ dtype: 'float64' })];
      const given = { ...note, features: note.features.to({ dtype: 'float64' }) };
      const loss = (): Tensor => {
        const output = model.forwardTraining(x, given, { notes, masks: t });
        return [output.logits.binaryCrossEntropyWithLogits(t), ...Object.values(output.losses)].reduce(
          (a, b) => a.add(b),
        );
      };
      // Of repeated blocks the first is enough.
      const repeated =
        /\.(?:[1-9]|1[01])\.(?:attn|ln|mlp|norm|conv|bn|self_attn|linear)|^s[23]|^d[23]|^a[23]/;
      const trained = model.namedParameters();
      const counts = (key: string): boolean => trained.get(key)?.requiresGrad === true && !repeated.test(key);
      expect(wrongGradients(model, loss, counts)).toEqual([]);
    });
  });

  it('learns: a few steps on one batch lower every loss', { timeout: 60_000 }, () => {
    withModel(name, {}, (model, { images, masks, note, notes }) => {
      const required = requiredLosses(model.auxiliary);
      expect(required).toEqual(name === 'tganet' ? ['dice', 'bce', 'count', 'size'] : ['dice', 'bce']);
      const step = (): number =>
        scope(() => {
          const output = model.forwardTraining(images, model.learnsFromNotes ? note : null, { notes, masks });
          const { total, values } = objective(output, masks, required, HALVES);
          model.zeroGrad();
          total.backward();
          noGrad(() => {
            for (const parameter of model.parameters())
              if (parameter.grad) parameter.sub_(parameter.grad, { alpha: 0.05 });
          });
          return values.total;
        });
      const first = step();
      for (let i = 0; i < 8; i++) step();
      expect(step()).toBeLessThan(first);
      const lost = [...model.namedParameters()].filter(([, p]) => p.requiresGrad && p.grad === null);
      expect(lost.map(([key]) => key)).toEqual([]);
    });
  });

  it('refuses unknown options and sizes that it cannot have', () => {
    expect(codeOf(() => make(name, {}, { imageSize: 40 }))).toBe('CONFIG_INVALID');
    expect(codeOf(() => make(name, {}, { baseWidth: 0 }))).toBe('CONFIG_INVALID');
    expect(() => modelSchema.parse({ name, options: { colour: 'red' } })).toThrow('options of');
  });
});

describe('TGANet', () => {
  it('reads notes as labels alone', () => {
    const config = modelSchema.parse({ name: 'tganet' });
    expect([readsNotes(config), learnsFromNotes(config)]).toEqual([false, false]);
    withModel('tganet', {}, (model, { images, masks, note, notes }) => {
      model.eval();
      expect(logitsOf(model, images, note)).toEqual(logitsOf(model, images, null));
      const losses = (texts: readonly string[]): number[] => {
        const { count, size } = model.forwardTraining(images, null, { notes: texts, masks }).losses;
        return [count?.item() ?? Number.NaN, size?.item() ?? Number.NaN];
      };
      const [whole, other] = [losses(notes), losses([...notes].reverse())];
      expect(other).not.toEqual(whole);
      expect(losses(['Healthy.', 'Healthy.']).map(Math.abs)).toEqual([0, 0]);
      const [a, b] = [losses([notes[0] ?? '', '']), losses(['', notes[1] ?? ''])];
      for (const i of [0, 1]) expect((a[i] ?? 0) + (b[i] ?? 0)).toBeCloseTo(whole[i] ?? 0, 6); // a mean over the batch
      const nuclei = losses(['The nuclei are sparsely distributed.', 'Healthy.']);
      expect(nuclei.every((loss) => loss > 0)).toBe(true); // the mask tells their size
      expect(codeOf(() => model.forwardTraining(images, null))).toBe('NOTE_MISSING');
    });
  });

  it('takes the cross-entropy of its logits where told so', () => {
    const losses = [false, true].map((plainCrossEntropy) => {
      using model = make('tganet', { plainCrossEntropy });
      return scope(() => {
        const { images, notes, masks } = batch();
        const { losses: own, observed } = model.eval().forwardTraining(images, null, { notes, masks });
        const logits = observed?.['count_logits'];
        if (!logits) throw new Error('no logits');
        const scores = plainCrossEntropy ? logits : logits.softmax(1);
        const expected = scores.crossEntropyLoss(Tensor.fromInt64([0, 1], [2])).item();
        expect(own.count?.item()).toBeCloseTo(expected, 6);
        return expected;
      });
    });
    expect(losses[0]).not.toBeCloseTo(losses[1] ?? 0, 6);
  });
});

describe('CLIPSeg', () => {
  it('reads the last token’s feature, whatever padding holds', () => {
    withModel('clipseg', {}, (model, { images, note }) => {
      model.eval();
      const before = logitsOf(model, images, note);
      const other = (row: number, t: number): NoteFeatures => {
        const features = note.features.clone();
        features.select(0, row).select(0, t).add_(3);
        return { ...note, features };
      };
      expect(logitsOf(model, images, other(0, 5))).toEqual(before); // padding
      expect(logitsOf(model, images, other(1, 1))).toEqual(before); // not the last token
      expect(logitsOf(model, images, other(0, 4))).not.toEqual(before);
      expect(logitsOf(model, images, other(1, 2))).not.toEqual(before);
      expect(codeOf(() => model.segment(images, null))).toBe('NOTE_MISSING');
    });
  });

  it('holds what checkpoints hold and trains what the mask depends on', () => {
    const unused = /ln_post|visual\.proj$|resblocks\.1[01]\.|^reduce\./;
    withModel('clipseg', {}, (model, { images, masks, note }) => {
      expect(model.leavesUnused).toBe(true);
      model.forwardTraining(images, note).logits.binaryCrossEntropyWithLogits(masks).backward();
      for (const [key, parameter] of model.namedParameters())
        expect([key, parameter.grad === null], key).toEqual([key, unused.test(key)]);
    });
    withModel('clipseg', { tower: 'frozen' }, (model, { images, masks, note }) => {
      model.forwardTraining(images, note).logits.binaryCrossEntropyWithLogits(masks).backward();
      for (const [key, { grad, requiresGrad }] of model.namedParameters()) {
        const trained = !key.startsWith('clip_model.') && !unused.test(key);
        expect([key, requiresGrad, grad !== null], key).toEqual([key, trained, trained]);
      }
    });
  });

  it('draws the same from a frozen and a learning tower, and drops only in training', () => {
    using frozen = make('clipseg', { tower: 'frozen' });
    using tuned = make('clipseg');
    scope(() => {
      const { images, note } = batch();
      expect(logitsOf(frozen, images, note)).not.toEqual(logitsOf(frozen, images, note));
      expect(logitsOf(frozen.eval(), images, note)).toEqual(logitsOf(tuned.eval(), images, note));
    });
  });
});

describe('ViLT', () => {
  it('reads words by number; places after the last have no effect', () => {
    withModel('vilt', {}, (model, { images, note }) => {
      model.eval();
      const before = logitsOf(model, images, note);
      expect(logitsOf(model, images, { ...note, features: note.features.neg() })).toEqual(before);
      const other = Tensor.fromInt64([3, 7, 2, 9, 18, 0, 5, 3, 1, 0, 0, 0], [2, 6]);
      expect(logitsOf(model, images, { ...note, ids: other })).not.toEqual(before);
      const ids = note.ids as Tensor;
      const longer = logitsOf(model, images, { ...note, ids: ids.pad([0, 4]) });
      const worst = longer.reduce((most, value, i) => Math.max(most, Math.abs(value - (before[i] ?? 0))), 0);
      expect(worst).toBeLessThan(1e-5); // the same sums in another order
      const { features, valid } = note;
      expect(codeOf(() => model.segment(images, { features, valid }))).toBe('NOTE_MISSING');
    });
  });

  it('has patches of 16 pixels and tables of other sizes where told so', () => {
    using model = make('vilt', { patch: 16, positions: 2, tokens: 6, vocabulary: 30 });
    const shapes = new Map([...model.namedParameters()].map(([key, { shape }]) => [key, shape.join()]));
    expect(shapes.get('transformer.patch_embed.proj.weight')).toBe('96,3,16,16');
    expect(shapes.get('transformer.pos_embed')).toBe('1,5,96');
    expect(shapes.get('text_embeddings.word_embeddings.weight')).toBe('30,96');
    expect(shapes.get('decoder.blocks.3.conv.weight')).toBe('2,8,3,3');
    scope(() => {
      const { images, note } = batch();
      expect(model.segment(images, note).logits.shape).toEqual([2, 1, 32, 32]);
    });
  });

  it('refuses notes, words and images that do not fit', () => {
    expect(codeOf(() => make('vilt', { tokens: 5 }))).toBe('CONFIG_INVALID');
    expect(codeOf(() => make('vilt', { vocabulary: VOCABULARY - 1 }))).toBe('CONFIG_INVALID');
    expect(codeOf(() => make('vilt', {}, { imageSize: 48 }))).toBe('CONFIG_INVALID');
    expect(codeOf(() => make('vilt', {}, { baseWidth: 6 }))).toBe('CONFIG_INVALID');
    expect(() => modelSchema.parse({ name: 'vilt', options: { patch: 8 } })).toThrow();
    withModel('vilt', {}, (model, { images, note }) => {
      const ids = Tensor.fromInt64(new BigInt64Array(82), [2, 41]);
      expect(codeOf(() => model.segment(images, { ...note, ids }))).toBe('TENSOR_SHAPE');
    });
  });
});

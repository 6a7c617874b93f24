import { manualSeed, scope, setThreads, Tensor } from '@reclmis/torch';
import { beforeAll, describe, expect, it } from 'vitest';
import { objective, requiredLosses } from './losses.js';
import { sortCheckpoint } from './checkpoint-keys.js';
import {
  checkOptions,
  leavesUnused,
  NOTE_FREE,
  optionsFromConfig,
  PAPER,
  type RecLMISOptions,
  UPSTREAM,
} from './options.js';
import { RecLMIS, type TrainingOutput } from './reclmis.js';
import { learnByHeart, TINY, tinyBatch, wrongGradients } from './testing.js';
import { resolveConfig } from '../config/config.js';
import { codeOf } from '../testing/failure.js';

// On a few hundred numbers a second thread costs more than it saves.
beforeAll(() => setThreads(1));

/** Builds a model in a known state; disposes of it and all tensors afterwards. */
function withModel<T>(options: RecLMISOptions, body: (model: RecLMIS) => T): T {
  manualSeed(2);
  using model = new RecLMIS(options);
  return scope(() => body(model));
}

const worst = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().item();

/** Tiny, as wide as the notes, which upstream's targets need. */
const TINY_UPSTREAM: RecLMISOptions = { ...UPSTREAM, baseWidth: 2, textWidth: 16, imageSize: 32, layers: 2 };

describe('RecLMIS', () => {
  it('gives the shapes and ranges that its interface states', () => {
    withModel(TINY, (model) => {
      const { images, note } = tinyBatch();
      const out = model.forwardTraining(images, note);
      expect(out.probability.shape).toEqual([2, 1, 32, 32]);
      expect(out.imageFeatures.shape).toEqual([2, 32, 2, 2]);
      expect(out.textFeatures?.shape).toEqual([2, 6, 32]);
      expect(out.interactedImage?.shape).toEqual([2, 4, 32]);
      expect(out.interactedText?.shape).toEqual([2, 6, 32]);
      const [poi, woi] = [out.poi as Tensor, out.woi as Tensor];
      for (const sum of [...poi.sum([1]).toFloat32Array(), ...woi.sum([1]).toFloat32Array()])
        expect(sum).toBeCloseTo(1, 5);
      expect(woi.maskedSelect(note.valid.logicalNot()).abs().max().item()).toBe(0);
      expect(out.hiddenPatches?.sum([1]).toInt64Array()).toEqual([2, 2]);
      expect(out.hiddenWords?.sum([1]).toInt64Array()).toEqual([1, 1]);
      expect(Object.keys(out.losses).sort()).toEqual(['ccl', 'clr', 'cvr']);
    });
  });

  it('takes any temperature from a checkpoint, also where it was made with a whole number', () => {
    withModel({ ...TINY, logitScale: 2 }, (model) => {
      const state = new Map([['clip.logit_scale', Tensor.fromFloat32([2.5], [])]]);
      model.loadStateDict(state, { strict: false });
      expect(model.stateDict().get('clip.logit_scale')?.item()).toBe(2.5);
    });
  });

  it('segments by the same numbers in training and inference graph', () => {
    withModel(TINY, (model) => {
      model.eval();
      const { images, note } = tinyBatch();
      const trained = model.forwardTraining(images, note);
      expect(worst(model.segment(images, note).probability, trained.probability)).toBe(0);
    });
  });

  it('reads the note', () => {
    // Training mode: in evaluation mode an untrained model's signals fade below float32's resolution.
    withModel({ ...TINY, dropout: 0 }, (model) => {
      const { images, note } = tinyBatch();
      const other = { ...note, features: note.features.flip([0]) };
      const [a, again, b] = [note, note, other].map((x) => model.segment(images, x).logits);
      expect(worst(a as Tensor, again as Tensor)).toBe(0);
      expect(worst(a as Tensor, b as Tensor)).toBeGreaterThan(1e-6);
    });
  });

  it('starts its positions from sinusoids of row and column, or from zero', () => {
    const key = 'interact.embeddings.position_embeddings';
    withModel({ ...TINY, imageSize: 64, positionScale: 2 }, (model) => {
      const positions = model.stateDict().get(key)!.squeeze(0); // [16,32]: a grid of 4 x 4, 16 channels for rows, 16 for columns
      const at = (patch: number, channel: number): number =>
        positions.select(0, patch).select(0, channel).item();
      // The first pair's wavelength is two patches: sin(pi * row) = 0, cos(pi * row) alternates; times scale * sqrt(2).
      for (const patch of [0, 5, 10, 15]) {
        const row = Math.floor(patch / 4);
        expect(at(patch, 0)).toBeCloseTo(0, 5);
        expect(at(patch, 1)).toBeCloseTo(2 * Math.SQRT2 * (row % 2 === 0 ? 1 : -1), 5);
      }
      expect(at(1, 1)).toBe(at(2, 1)); // patches of one row share the rows' half,
      expect(at(1, 17)).toBe(at(5, 17)); // those of one column the columns'
      expect(positions.square().mean().sqrt().item()).toBeCloseTo(2, 5); // each sine and cosine pair has sum of squares 2 * scale^2
    });
    withModel({ ...TINY, positionScale: 0 }, (model) => {
      expect(model.stateDict().get(key)!.abs().max().item()).toBe(0);
    });
  });

  it('holds its parameters under the authors’ keys, and none that takes no part', () => {
    withModel({ ...TINY, layers: 2 }, (model) => {
      const keys = [...model.stateDict().keys()];
      for (const key of [
        'inc.conv.weight',
        'down4.nConvs.1.norm.running_var',
        'text_module4.weight',
        'interact.embeddings.position_embeddings',
        'interact.attn_img.in_proj_weight',
        'interact.CTBN.norm.weight',
        'mlp_visual.0.weight',
        'mlp_woi.2.bias',
        'rec_img_trans1.decoder1.decoder_layers.1.self_attn.out_proj.bias',
        'rec_text_trans1.decoder2.decoder_layers.0.encoder_attn_layer_norm.weight',
        'up4.pixModule.bottleneck.2.weight',
        'outc.bias',
        'clip.logit_scale',
      ]) {
        expect(keys).toContain(key);
      }
      expect(sortCheckpoint(keys.map((key) => [key, 0])).ignored).toEqual([]);
    });
  });

  it('trains every parameter with all components on', () => {
    withModel(TINY, (model) => {
      const { images, masks, note } = tinyBatch();
      const out = model.forwardTraining(images, note);
      objective(out, masks, requiredLosses(model.auxiliary)).total.backward();
      const still = [...model.namedParameters()].filter(([, p]) => p.grad === null).map(([key]) => key);
      expect(still).toEqual([]);
    });
  });

  it.each([
    ['paper', TINY],
    ['upstream', TINY_UPSTREAM],
  ] as const)('has the gradient of its loss (%s)', (_, options) => {
    withModel(options, (model) => {
      model.to('cpu', 'float64').eval();
      const { images, masks, note } = tinyBatch(4);
      const double = (x: Tensor): Tensor => x.to({ dtype: 'float64' });
      const patches = Tensor.fromUint8([1, 0, 0, 1, 0, 1, 1, 0], [2, 4], { dtype: 'bool' });
      const words = Tensor.fromUint8([0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [2, 6], { dtype: 'bool' });
      const features = double(note.features);
      const inputs = { images: double(images), masks: double(masks), note: { ...note, features } };
      const loss = (): Tensor => {
        const out = model.forwardTraining(inputs.images, inputs.note, { patches, words });
        // Every term once, unweighted, in float64.
        const { ccl, clr, cvr } = out.losses as Required<TrainingOutput['losses']>;
        return out.logits.binaryCrossEntropyWithLogits(inputs.masks).add(ccl).add(clr).add(cvr);
      };
      // The detached targets of `paper` move with some parameters but carry no gradient; `upstream` checks those.
      const counts = (key: string): boolean =>
        options.targets === 'upstream' || /^(up|outc|mlp|rec_)/.test(key);
      expect(wrongGradients(model, loss, counts)).toEqual([]);
    });
  });

  it('does not let the targets of paper be learnt', () => {
    withModel(TINY, (model) => {
      const { images, note } = tinyBatch();
      const out = model.forwardTraining(images, note);
      const [features, cvr] = [out.imageFeatures, out.losses.cvr as Tensor];
      // With all patches hidden, F_V reaches CVR only as its target.
      expect(features.requiresGrad).toBe(true);
      const hidden = Tensor.fromUint8(new Uint8Array(8).fill(1), [2, 4], { dtype: 'bool' });
      model.zeroGrad();
      model.forwardTraining(images, note, { patches: hidden }).losses.cvr?.backward();
      const reached = [...model.namedParameters()].filter(([, p]) => p.grad !== null).map(([key]) => key);
      // The way through the condition P_T, which reads the image by CI, remains; adapter and reconstructor train.
      expect(reached).toContain('rec_img_trans1.decoder2.decoder_layers.0.fc1.weight');
      expect(cvr.item()).toBeGreaterThan(0);
    });
    const unconditioned = { ...TINY, conditions: { ccl: false, clr: false, cvr: false } };
    withModel(unconditioned, (model) => {
      const { images, note } = tinyBatch();
      const hidden = Tensor.fromUint8(new Uint8Array(8).fill(1), [2, 4], { dtype: 'bool' });
      model.forwardTraining(images, note, { patches: hidden }).losses.cvr?.backward();
      // Only the target would lead to the image encoder.
      const encoder = [...model.namedParameters()].filter(([key]) => /^(inc|down)/.test(key));
      for (const [key, p] of encoder) expect(p.grad?.abs().max().item() ?? 0, key).toBe(0);
    });
  });

  it.each([
    ['all', PAPER.components, ['bce', 'ccl', 'clr', 'cvr', 'dice']],
    ['no CLR', { ...PAPER.components, clr: false }, ['bce', 'ccl', 'cvr', 'dice']],
    ['no CVR', { ...PAPER.components, cvr: false }, ['bce', 'ccl', 'clr', 'dice']],
    ['CI alone', { ...NOTE_FREE, ci: true }, ['bce', 'dice']],
    ['none', NOTE_FREE, ['bce', 'dice']],
  ] as const)('trains with the components of Table 2: %s', (_, components, names) => {
    withModel({ ...TINY, components }, (model) => {
      const { images, masks, note } = tinyBatch();
      const out = model.forwardTraining(images, components.ci ? note : null);
      const { values, total } = objective(out, masks, requiredLosses(model.auxiliary));
      expect(
        Object.keys(values)
          .filter((name) => name !== 'total')
          .sort(),
      ).toEqual(names);
      total.backward();
      for (const [key, p] of model.namedParameters()) expect(p.grad, key).not.toBeNull();
    });
  });

  /** The largest gradient of a loss by the pictures and by the notes' features. */
  function reach(
    options: RecLMISOptions,
    loss: (out: TrainingOutput) => Tensor,
  ): { image: number; note: number } {
    return withModel({ ...options, dropout: 0 }, (model) => {
      const { images, note } = tinyBatch();
      const [pictures, features] = [images.requiresGrad_(), note.features.requiresGrad_()];
      const masks = {
        patches: Tensor.fromUint8([1, 0, 0, 1, 0, 1, 1, 0], [2, 4], { dtype: 'bool' }),
        words: Tensor.fromUint8([0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [2, 6], { dtype: 'bool' }),
      };
      loss(model.forwardTraining(pictures, { ...note, features }, masks)).backward();
      const largest = (x: Tensor): number => x.grad?.abs().max().item() ?? 0;
      return { image: largest(pictures), note: largest(features) };
    });
  }

  it('keeps the note from the mask where its interaction attends to its own modality alone (Table 4)', () => {
    const logits = ({ logits: x }: TrainingOutput): Tensor => x.square().mean();
    const cross = reach(TINY, logits);
    expect(cross.image).toBeGreaterThan(0);
    expect(cross.note).toBeGreaterThan(0);
    const self = reach({ ...TINY, attention: { ...TINY.attention, ci: 'self' } }, logits);
    expect(self.image).toBeGreaterThan(0);
    expect(self.note).toBe(0);
  });

  it('reconstructs from what is left of the same modality with self-attention (Table 4)', () => {
    const attention = { ci: 'self', reconstruction: 'self' } as const;
    // With both switches off, only the modality's own features lead to its reconstruction.
    const visual = reach({ ...TINY, attention }, ({ losses }) => losses.cvr as Tensor);
    expect(visual.image).toBeGreaterThan(0);
    expect(visual.note).toBe(0);
    const textual = reach({ ...TINY, attention }, ({ losses }) => losses.clr as Tensor);
    expect(textual.image).toBe(0);
    expect(textual.note).toBeGreaterThan(0);
    const crossed = reach(
      { ...TINY, attention: { ...attention, reconstruction: 'cross' } },
      ({ losses }) => losses.cvr as Tensor,
    );
    expect(crossed.note).toBeGreaterThan(0);
  });

  it('holds the same parameters whatever its attention reads', () => {
    const keys = (options: RecLMISOptions): string[] =>
      withModel(options, (model) => [...model.stateDict().keys()]);
    const attention = { ci: 'self', reconstruction: 'self' } as const;
    expect(keys({ ...TINY, attention })).toEqual(keys(TINY));
  });

  it.each([
    ['all', TINY.components, TINY.conditions],
    ['no condition on CCL', TINY.components, { ...TINY.conditions, ccl: false }],
    ['CI alone', { ...NOTE_FREE, ci: true }, TINY.conditions],
  ] as const)(
    'knows which parameters self-attention leaves without a gradient: %s',
    (_, components, conditions) => {
      for (const ci of ['cross', 'self'] as const) {
        for (const reconstruction of ['cross', 'self'] as const) {
          const options = { ...TINY, components, conditions, attention: { ci, reconstruction } };
          withModel(options, (model) => {
            const { images, masks, note } = tinyBatch();
            objective(
              model.forwardTraining(images, note),
              masks,
              requiredLosses(model.auxiliary),
            ).total.backward();
            const unused = [...model.namedParameters()].some(([, p]) => p.grad === null);
            expect(unused, `${ci}/${reconstruction}`).toBe(leavesUnused(options));
          });
        }
      }
    },
  );

  it('segments without notes where it is note-free, and refuses to otherwise', () => {
    withModel({ ...TINY, components: NOTE_FREE }, (model) => {
      const { images } = tinyBatch();
      expect(model.readsNotes).toBe(false);
      expect(model.segment(images, null).probability.shape).toEqual([2, 1, 32, 32]);
      expect([...model.stateDict().keys()].some((key) => /interact|text_module|mlp|rec_/.test(key))).toBe(
        false,
      );
    });
    withModel(TINY, (model) => {
      const { images, note } = tinyBatch();
      expect(codeOf(() => model.segment(images, null))).toBe('NOTE_MISSING');
      expect(codeOf(() => model.segment(images.narrow(2, 0, 16), note))).toBe('TENSOR_SHAPE');
    });
  });

  it('learns one batch by heart and leaves no memory behind', () => {
    withModel(TINY, (model) => {
      const { dice, early, late } = learnByHeart(model, { steps: 150, lr: 3e-3 });
      expect(late.handles).toBe(early.handles);
      expect(late.liveBytes).toBe(early.liveBytes);
      expect(dice.at(-1)).toBeLessThan(0.1); // half of the pixels in a square: 0.37 or more for any constant prediction
      expect(dice.at(-1)).toBeLessThan((dice[0] ?? 0) / 2);
    });
  });
});

describe('options', () => {
  it('come from a configuration', () => {
    const paper = resolveConfig({}).model;
    expect(optionsFromConfig(paper, { width: 512 })).toEqual(PAPER);
    const { layers, ...upstream } = UPSTREAM;
    expect(layers).toBe(4);
    expect(optionsFromConfig({ ...paper, variant: 'upstream' }, { width: 512 })).toEqual({
      ...upstream,
      layers: 3,
    });
    const free = optionsFromConfig(
      { ...paper, components: { ci: false, ccl: true, clr: true, cvr: true } },
      { width: 512 },
    );
    expect(free.components).toEqual(NOTE_FREE);
  });

  it('are refused where they do not go together', () => {
    const bad: Partial<RecLMISOptions>[] = [
      { imageSize: 100 },
      { baseWidth: 0 },
      { layers: 0 },
      { maskRatios: { visual: 1.5, textual: 0.3 } },
      { dropout: 1 },
      { components: { ...PAPER.components, ci: false } },
      { ...UPSTREAM, baseWidth: 16 },
    ];
    for (const change of bad)
      expect(
        codeOf(() => checkOptions({ ...PAPER, ...change })),
        JSON.stringify(change),
      ).toBe('CONFIG_INVALID');
    checkOptions(PAPER);
    checkOptions(UPSTREAM);
  });
});

describe('sortCheckpoint', () => {
  it('tells model, tower and what nothing reads apart', () => {
    const sorted = sortCheckpoint([
      ['inc.conv.weight', 1],
      ['module.outc.bias', 2],
      ['clip.logit_scale', 3],
      ['clip.ln_final.bias', 4],
      ['up1.pixModule.conv_sig.0.weight', 5],
      ['rec_img_trans1.decoder1.decoder_layers.0.encoder_attn_layer_norm.bias', 6],
      ['rec_img_trans1.decoder2.decoder_layers.0.encoder_attn_layer_norm.bias', 7],
      ['inc.norm.num_batches_tracked', 8],
    ]);
    expect([...sorted.model.values()]).toEqual([1, 2, 3, 7]);
    expect([...sorted.clip]).toEqual([['ln_final.bias', 4]]);
    expect(sorted.ignored).toHaveLength(3);
  });
});

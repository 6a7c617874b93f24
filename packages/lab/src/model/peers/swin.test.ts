/** Swin-Unet and LAVT: that windows, padding and drop path do what is written, and what they read of notes. */
import { manualSeed, nn, noGrad, ones, randn, scope, setThreads, type Tensor } from '@reclmis/torch';
import { beforeAll, describe, expect, it } from 'vitest';
import { asMap } from '../../explain/layers.js';
import { codeOf } from '../../testing/failure.js';
import { modelDescriptor } from '../registry.js';
import { modelSchema } from '../settings.js';
import type { SegmentationModel } from '../segmentation-model.js';
import { learnByHeart, tinyBatch, wrongGradients } from '../testing.js';
import { DropPath, dropPathRates } from './drop-path.js';
import { Lavt, type LavtOptions } from './lavt.js';
import { SwinUNet } from './swin-unet.js';
import { PatchMerge, SwinBlock, WindowTables } from './windowed-attention.js';

/** Maps of 8 x 8 and 4 x 4 tokens, 8 channels a head. */
const TINY: LavtOptions = {
  baseWidth: 8,
  imageSize: 32,
  textWidth: 16,
  depths: [2, 2],
  heads: [1, 2],
  window: 4,
  dropPath: 0,
  fusionHeads: 2,
};
/** A window that divides no map. */
const PADDED = { ...TINY, window: 3 };

const MODELS = {
  'Swin-Unet': (options: LavtOptions) => new SwinUNet(options),
  LAVT: (options: LavtOptions) => new Lavt(options),
} as const;
type Name = keyof typeof MODELS;
const NAMES = Object.keys(MODELS) as Name[];

function withModel(name: Name, options: LavtOptions, body: (model: SegmentationModel) => void): void {
  manualSeed(1);
  using model: SegmentationModel = MODELS[name](options);
  scope(() => body(model));
}

beforeAll(() => setThreads(1)); // tiny tensors: threads would only wait for each other

describe('sizes', () => {
  it.each([
    ['swinunet', {}, 84_015_876],
    ['swinunet', { size: 'tiny' }, 27_168_132],
    ['lavt', {}, 118_711_993],
  ] as const)(
    '%s with %j has its authors’ %i parameters',
    (name, options, count) => {
      const settings = modelSchema.parse({ name, options });
      const traits = { width: 768, contextLength: 10, vocabularySize: 1, logitScale: null };
      using model = modelDescriptor(name).build(settings, traits);
      expect(model.parameterCount()).toBe(count);
    },
    120_000,
  );

  it('follow baseWidth where no width is given', () => {
    const settings = modelSchema.parse({
      name: 'lavt',
      baseWidth: 4,
      options: { depths: [1, 1], heads: [1, 1] },
    });
    const traits = { width: 16, contextLength: 6, vocabularySize: 1, logitScale: null };
    using model = modelDescriptor('lavt').build(settings, traits);
    expect(model.options.baseWidth).toBe(8);
  });

  it('that do not go together are refused', () => {
    for (const change of [
      { baseWidth: 0 },
      { baseWidth: 7.5 },
      { imageSize: 40 },
      { heads: [1] },
      { heads: [1, 3] },
    ])
      for (const name of NAMES)
        expect(
          codeOf(() => MODELS[name]({ ...TINY, ...change })),
          `${name} ${JSON.stringify(change)}`,
        ).toBe('CONFIG_INVALID');
    expect(
      codeOf(() => new SwinUNet({ ...TINY, imageSize: 48, depths: [1, 1, 1, 1], heads: [1, 1, 1, 1] })),
    ).toBe('CONFIG_INVALID'); // 12, 6, 3 tokens and then none
    expect(codeOf(() => new Lavt({ ...TINY, fusionHeads: 3 }))).toBe('CONFIG_INVALID');
    for (const options of [
      { size: 'huge' },
      { window: 0 },
      { dropPath: 1 },
      { depths: [2] },
      { fusionHeads: 1 },
    ])
      expect(modelSchema.safeParse({ name: 'swinunet', options }).success, JSON.stringify(options)).toBe(
        false,
      );
  });
});

describe('a block', () => {
  /** Which tokens change where one does, for each of them. */
  function reach(sides: readonly [number, number], window: number, shift: number): boolean[][] {
    manualSeed(3);
    const tables = new WindowTables();
    using block = new SwinBlock(8, { heads: 1, window, shift, dropPath: 0, tables });
    block.eval();
    const N = sides[0] * sides[1];
    const rows = noGrad(() =>
      scope(() => {
        const x = randn([1, N, 8]);
        const before = block.forward(x, sides).toFloat32Array();
        return Array.from({ length: N }, (_, j) => {
          const other = x.clone();
          other.select(1, j).mul_(-2);
          const after = block.forward(other, sides).toFloat32Array();
          return Array.from({ length: N }, (_, i) =>
            before.subarray(8 * i, 8 * i + 8).some((value, c) => value !== after[8 * i + c]),
          );
        });
      }),
    );
    tables.dispose();
    return rows;
  }

  it.each([
    ['within windows', [6, 6], 3, 0],
    ['within moved windows', [6, 6], 3, 1],
    ['within moved windows of an even side', [8, 4], 4, 2],
    ['in a map of one window that moves', [3, 3], 3, 1],
    ['in a map that needs padding', [5, 7], 3, 1],
    ['in a map smaller than the window', [2, 3], 4, 2],
  ] as const)('attends %s', (_, sides, M, shift) => {
    const [H, W] = sides;
    // A token's window, by lines of `M` that begin `shift` after the edge; what is before the first and after the last line meets in no window.
    const strip = (place: number): number => Math.floor((place - shift) / M);
    const windowOf = (i: number): string => `${strip(Math.floor(i / W))} ${strip(i % W)}`;
    const expected = Array.from({ length: H * W }, (_, j) =>
      Array.from({ length: H * W }, (_, i) => windowOf(i) === windowOf(j)),
    );
    expect(reach(sides, M, shift)).toEqual(expected);
  });

  it('is left out for some samples in training, never in evaluation', () => {
    const path = new DropPath(0.25);
    scope(() => {
      const branch = randn([4000, 2, 3]);
      manualSeed(5);
      const kept = path.forward(branch);
      const ratios = kept.div(branch).mean([1, 2]).toFloat32Array();
      const left = ratios.filter((ratio) => ratio === 0).length / ratios.length;
      expect(Math.abs(left - 0.25)).toBeLessThan(0.03); // four standard deviations
      for (const ratio of ratios) if (ratio !== 0) expect(ratio).toBeCloseTo(4 / 3, 5);
      manualSeed(5);
      expect(path.forward(branch).toFloat32Array()).toEqual(kept.toFloat32Array());
      path.eval();
      expect(path.forward(branch).toFloat32Array()).toEqual(branch.toFloat32Array());
    });
    expect(dropPathRates(0.3, [1, 3])).toEqual([
      [0],
      [0.1, 0.2, 0.3].map((rate) => expect.closeTo(rate, 12) as number),
    ]);
  });

  it('merges an odd map with zeros at its end', () => {
    manualSeed(1);
    using merge = new PatchMerge(4);
    scope(() => {
      const map = randn([1, 3, 5, 4]);
      const padded = map.pad([0, 0, 0, 1, 0, 1]);
      const merged = merge.forward(map.view([1, 15, 4]), [3, 5]);
      expect(merged.shape).toEqual([1, 6, 8]);
      expect(merge.forward(padded.view([1, 24, 4]), [4, 6]).equal(merged)).toBe(true);
    });
  });
});

describe.each(NAMES)('%s', (name) => {
  const double = (x: Tensor): Tensor => x.to({ dtype: 'float64' });

  it.each([
    ['whole windows', TINY],
    ['padding', PADDED],
  ])('has the gradient of its loss with %s', (_, options) => {
    withModel(name, options, (model) => {
      model.to('cpu', 'float64').eval();
      const { images, masks, note } = tinyBatch(5);
      const [x, t, given] = [double(images), double(masks), { ...note, features: double(note.features) }];
      const loss = (): Tensor => model.forwardTraining(x, given).logits.binaryCrossEntropyWithLogits(t);
      const takesPart = (key: string): boolean => !key.startsWith('backbone.layers.1.res_gate.');
      expect(wrongGradients(model, loss, takesPart)).toEqual([]);
    });
  });

  it.each([
    ['whole windows', TINY],
    ['padding', PADDED],
  ])('computes the same by the fused attention, with its gradients, with %s', (_, options) => {
    withModel(name, options, (model) => {
      model.eval();
      const { images, note } = tinyBatch(4);
      const run = (x: Tensor, features: Tensor): { logits: Tensor; gradients: Map<string, Tensor> } => {
        model.zeroGrad();
        const { logits } = model.segment(x, { ...note, features });
        logits.square().mean().backward();
        const gradients = [...model.namedParameters()].flatMap(([key, { grad }]) =>
          grad ? [[key, grad.clone()] as const] : [],
        );
        return { logits: logits.detach(), gradients: new Map(gradients) };
      };
      const fused = run(images, note.features); // float32
      model.to('cpu', 'float64'); // libtorch's operators
      const plain = run(double(images), double(note.features));
      const distance = (a: Tensor, b: Tensor): number => double(a).sub(b).abs().max().item();
      expect(distance(fused.logits, plain.logits)).toBeLessThan(1e-5); // float32 rounding of logits near 1
      expect(plain.gradients.size).toBeGreaterThan(60);
      for (const [key, gradient] of plain.gradients)
        expect(distance(fused.gradients.get(key) ?? gradient.neg(), gradient), key).toBeLessThan(1e-5);
    });
  });

  it('learns one batch by heart and leaves no memory behind', () => {
    withModel(name, { ...TINY, dropPath: 0.1 }, (model) => {
      const { dice, early, late } = learnByHeart(model, { steps: 60, lr: 4e-3 });
      expect(late.handles).toBe(early.handles);
      expect(late.liveBytes).toBe(early.liveBytes);
      expect(dice.at(-1)).toBeLessThan(0.2); // half of the pixels in a square: 0.37 or more for any constant prediction
      const unused = [...model.namedParameters()].flatMap(([key, { grad }]) => (grad === null ? [key] : []));
      expect(model.leavesUnused).toBe(name === 'LAVT');
      expect(unused).toEqual(
        name === 'LAVT' ? ['0', '2'].map((i) => `backbone.layers.1.res_gate.${i}.weight`) : [],
      );
    });
  });

  it('has a map at the layer that is explained by default', () => {
    const four = { ...TINY, imageSize: 64, depths: [1, 1, 1, 1], heads: [1, 1, 1, 1] };
    withModel(name, four, (model) => {
      const note = { features: randn([1, 6, 16]), valid: ones([1, 6], { dtype: 'bool' }) };
      const heard: unknown[] = [];
      const tap = (output: unknown): void => {
        const layer = model.namedModules().get(model.explainLayer);
        const { tokenGrids: grids, outOfOrder } = model;
        const context = { size: 64, tokens: 6, grids, outOfOrder };
        heard.push(asMap(output, { path: model.explainLayer, module: layer }, context)?.shape);
      };
      noGrad(() =>
        nn.withTaps(model, new Map([[model.explainLayer, tap]]), () =>
          model.segment(randn([1, 3, 64, 64]), note),
        ),
      );
      expect(heard).toEqual([[32, 4, 4]]); // the decoder's first level, at a sixteenth of the image
    });
  });

  it('keeps nothing but weights in a checkpoint', () => {
    withModel(name, PADDED, (model) => {
      const { images, note } = tinyBatch();
      const keys = [...model.stateDict().keys()];
      noGrad(() => model.segment(images, note));
      expect([...model.stateDict().keys()]).toEqual(keys);
      expect(keys.filter((key) => /attn_mask|relative_position_index|drop_path/.test(key))).toEqual([]);
    });
  });

  it(name === 'LAVT' ? 'follows its note, masked words have no effect' : 'does not look at a note', () => {
    withModel(name, TINY, (model) => {
      model.eval();
      const { images, note } = tinyBatch();
      const logits = (features: Tensor): Float32Array =>
        noGrad(() => model.segment(images, { ...note, features }).logits.toFloat32Array());
      const usual = logits(note.features);
      const words = note.valid.unsqueeze(-1).to({ dtype: 'float32' });
      const padding = words.rsub(1).mul(5);
      expect(logits(note.features.add(padding))).toEqual(usual);
      expect(model.readsNotes).toBe(name === 'LAVT');
      if (model.readsNotes) {
        expect(logits(note.features.add(words))).not.toEqual(usual);
        expect(codeOf(() => model.segment(images, null))).toBe('NOTE_MISSING');
        expect(codeOf(() => logits(note.features.narrow(2, 0, 8)))).toBe('TENSOR_SHAPE');
      } else {
        expect(logits(note.features.neg())).toEqual(usual);
        expect(noGrad(() => model.segment(images, null)).logits.toFloat32Array()).toEqual(usual);
      }
      expect(codeOf(() => model.segment(images.narrow(2, 0, 16), note))).toBe('TENSOR_SHAPE');
    });
  });
});

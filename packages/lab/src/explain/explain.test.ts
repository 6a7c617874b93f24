/** Explanations against hand computation, finite differences and the training graph. */
import { imageToPlanes, ReclmisError, resizePlane, type RgbImage, threshold } from '@reclmis/core';
import { manualSeed, memory, nn, noGrad, scope, setThreads, Tensor } from '@reclmis/torch';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Segmenter } from '../engine/segmenter.js';
import { LViT } from '../model/lvit.js';
import { NOTE_FREE, type RecLMISOptions, UPSTREAM } from '../model/options.js';
import { RecLMIS } from '../model/reclmis.js';
import { TINY } from '../model/testing.js';
import { UNet } from '../model/unet.js';
import { WordEncoder } from '../text/words.js';
import { AttentionEar, meanOverHeads } from './attention.js';
import { isMaps } from './attention-maps.js';
import { explain, type ExplainOptions, type Explanation } from './explain.js';
import { activationMap, LayerLeaf, targetPixels } from './grad-cam.js';
import { trainedInterest } from '../model/options.js';
import { isMissing } from './interest.js';
import { mapContext, mapLayers } from './layers.js';
import { ENGINE } from './testing.js';
import { SeenImage } from './seen-image.js';

beforeAll(() => setThreads(1));

const NOTE = 'one infected area, upper left lung';
const encoder = WordEncoder.fromNotes([NOTE, 'lower right lung'], {
  contextLength: 8,
  width: TINY.textWidth,
});

const image: RgbImage = (() => {
  const data = new Uint8Array(40 * 48 * 3);
  for (let y = 0; y < 48; y++)
    for (let x = 0; x < 40; x++)
      data.fill(
        x > 22 && y < 20 ? 220 : 30 + ((x * 37 + y * 101) % 50),
        (y * 40 + x) * 3,
        (y * 40 + x) * 3 + 3,
      );
  return { width: 40, height: 48, data };
})();

function withSegmenter<T>(options: RecLMISOptions, body: (segmenter: Segmenter, model: RecLMIS) => T): T {
  manualSeed(4);
  using model = new RecLMIS(options);
  return scope(() => body(new Segmenter(model.eval(), encoder, ENGINE, 'area'), model));
}

const message = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return error instanceof ReclmisError ? `${error.code} ${error.message}` : String(error);
  }
  return 'nothing thrown';
};

/** Explains the score of all logits, which exists for any weights. */
const all: ExplainOptions = { target: { kind: 'all' }, habits: { sides: 'patient', grammar: 'unknown' } };

describe('the note of an explanation', () => {
  it('is put into the model’s words where it learnt LViT’s', () => {
    withSegmenter(TINY, (segmenter) => {
      const of = (note: string, more: ExplainOptions = {}): Explanation =>
        explain(segmenter, image, note, { ...all, habits: { sides: 'patient', grammar: 'lvit' }, ...more });
      const free = of('LUL opacity', { sides: 'image' });
      expect(free.note?.text).toBe('Unilateral pulmonary infection, upper right lung.');
      expect([free.style, free.mirrored, free.worded]).toEqual([
        'free',
        true,
        'Unilateral pulmonary infection, upper left lung.',
      ]);
      expect(free.remarks.join()).toContain('put into the words of the training notes');
      expect(of('LUL opacity', { noteStyle: 'as-is' }).note?.text).toBe('LUL opacity');
      expect(of('LUL opacity', { habits: { sides: 'patient', grammar: 'unknown' } }).style).toBe('as-is');
      expect(
        message(() => of('LUL', { habits: { sides: 'patient', grammar: 'other' }, noteStyle: 'free' })),
      ).toMatch(/^OPTION_INVALID note style free/);
    });
  });
});

describe('activationMap', () => {
  it('weighs channels by the mean of their gradient, adds, and keeps what is positive', () => {
    scope(() => {
      const activations = Tensor.fromFloat32([1, 2, 3, 4, 10, 0, 0, -10], [2, 2, 2]);
      const gradients = Tensor.fromFloat32([1, 1, 1, 5, -1, -1, 0, 0], [2, 2, 2]);
      // weights 2 and -0.5: [2 - 5, 4, 6, 8 + 5], of which -3 becomes 0
      expect([...activationMap(activations, gradients).toFloat32Array()]).toEqual([0, 4, 6, 13]);
    });
  });
});

/** conv 1x1 to two channels, ReLU in place, conv 1x1 to one: Grad-CAM by hand. */
class Small extends nn.Module {
  readonly first = this.child('first', new nn.Conv2d(1, 2, 1, { bias: false }));
  readonly last = this.child('last', new nn.Conv2d(2, 1, 1, { bias: false }));
  readonly aside = this.child('aside', new nn.Conv2d(1, 1, 1));
  forward(x: Tensor): Tensor {
    this.aside.forward(x);
    return this.last.forward(this.first.forward(x).relu_());
  }
}

describe('LayerLeaf', () => {
  const pixels = Uint8Array.from([1, 1, 0, 0]);
  const small = <T>(path: string, body: (model: Small, leaf: LayerLeaf, x: Tensor) => T): T => {
    using model = new Small();
    using leaf = new LayerLeaf(model, path, { size: 2, tokens: 0, grids: [], outOfOrder: null });
    return scope(() => {
      noGrad(() => {
        model.first.weight.copy_(Tensor.fromFloat32([1, -1], [2, 1, 1, 1]));
        model.last.weight.copy_(Tensor.fromFloat32([3, 2], [1, 2, 1, 1]));
      });
      return body(model, leaf, Tensor.fromFloat32([1, -2, 3, 0], [1, 1, 2, 2]));
    });
  };

  it('is the hand-computed map, of the layer before what is done to it in place', () => {
    small('first', (model, leaf, x) => {
      const logits = nn.withTaps(model, new Map([['first', leaf.tap]]), () => model.forward(x));
      // A = [1, -2, 3, 0] and [-1, 2, -3, 0]; logits 3 relu(A1) + 2 relu(A2) = [3, 4, 9, 0]
      expect([...logits.toFloat32Array()]).toEqual([3, 4, 9, 0]);
      const map = leaf.map(logits, pixels);
      // d score / d A1 = [3, 0, 0, 0], d score / d A2 = [0, 2, 0, 0]: weights 3/4 and 2/4, map relu(A1/4)
      expect(map).toMatchObject({ layer: 'first', channels: 2, side: 2, score: 7, pixels: 2 });
      expect([...map.values]).toEqual([0.25, 0, 0.75, 0]);
    });
  });

  it('refuses a layer that the mask does not depend on, and one that did not run', () => {
    small('aside', (model, leaf, x) => {
      const logits = nn.withTaps(model, new Map([['aside', leaf.tap]]), () => model.forward(x));
      expect(message(() => leaf.map(logits.detach(), pixels))).toMatch(
        /OPTION_INVALID layer aside: the mask does not depend on it/,
      );
    });
    small('aside', (_, leaf, x) => {
      expect(message(() => leaf.map(x, pixels))).toMatch(/layer aside: it takes no part in segmentation/);
    });
  });
});

describe('targetPixels', () => {
  const probability = Float32Array.from([0.9, 0.5, 0.2, 0.6]);
  const size = { width: 4, height: 8 };
  it('chooses predicted pixels, all, one, or those of a mask', () => {
    expect([...targetPixels({ kind: 'predicted' }, probability, 2, size)]).toEqual([1, 0, 0, 1]);
    expect([...targetPixels({ kind: 'all' }, probability, 2, size)]).toEqual([1, 1, 1, 1]);
    expect([...targetPixels({ kind: 'pixel', x: 3, y: 3 }, probability, 2, size)]).toEqual([0, 1, 0, 0]);
    const mask = { ...size, data: new Uint8Array(32).fill(1, 16) };
    expect([...targetPixels({ kind: 'mask', mask }, probability, 2, size)]).toEqual([0, 0, 1, 1]);
  });

  it('refuses a pixel outside and a mask of another size', () => {
    expect(message(() => targetPixels({ kind: 'pixel', x: 4, y: 0 }, probability, 2, size))).toMatch(
      /OPTION_INVALID target 4,0: expected a pixel of the image, which is 4 x 8/,
    );
    const mask = { width: 8, height: 4, data: new Uint8Array(32) };
    expect(message(() => targetPixels({ kind: 'mask', mask }, probability, 2, size))).toMatch(
      /MASK_SIZE_MISMATCH target: expected a mask of the image's size, 4 x 8, got 8 x 4/,
    );
  });
});

describe('Grad-CAM of the model', () => {
  it.each(['up4', 'interact.attn_img'])('at %s is what central differences give', (path) => {
    withSegmenter(TINY, (_, model) => {
      model.to('cpu', 'float64');
      for (const parameter of model.parameters()) parameter.requiresGrad_(false);
      const x = Tensor.fromFloat64(
        Float64Array.from({ length: 3 * 32 * 32 }, (__, i) => Math.abs(Math.sin(i * 1.3))),
        [1, 3, 32, 32],
      );
      const { features, valid } = encoder.encode([NOTE]);
      const note = { features: features.to({ dtype: 'float64' }), valid };
      const segment = (tap: nn.Tap): Tensor =>
        nn.withTaps(model, new Map([[path, tap]]), () => model.segment(x, note).logits);

      using leaf = new LayerLeaf(model, path, mapContext({ model, encoder, size: 32 }));
      const cam = leaf.map(segment(leaf.tap), new Uint8Array(32 * 32).fill(1));

      const heard: Tensor[] = [];
      noGrad(() => segment((output) => void heard.push((output as Tensor).clone())));
      const layer = heard[0] as Tensor;
      const values = layer.toFloat64Array();
      const scoreWith = (i: number, value: number): number =>
        noGrad(() =>
          scope(() => {
            const changed = Float64Array.from(values);
            changed[i] = value;
            return segment(() => Tensor.fromFloat64(changed, layer.shape))
              .sum()
              .item();
          }),
        );
      const h = 1e-5;
      const gradient = Array.from(values, (at, i) => (scoreWith(i, at + h) - scoreWith(i, at - h)) / (2 * h));

      // The formula again on plain numbers: [C,h,h] of a map, [h,h,C] of patches.
      const { channels: C, side } = cam;
      const cells = side * side;
      const at = (c: number, n: number): number => (layer.shape.length === 4 ? c * cells + n : n * C + c);
      const expected = new Float64Array(cells);
      for (let c = 0; c < C; c++) {
        let weight = 0;
        for (let n = 0; n < cells; n++) weight += (gradient[at(c, n)] ?? NaN) / cells;
        for (let n = 0; n < cells; n++) expected[n]! += weight * (values[at(c, n)] ?? NaN);
      }
      const largest = Math.max(...expected);
      expect(largest).toBeGreaterThan(0);
      // The map is float32. A score is good to some 1e-15 of itself (sums of a thousand terms), so a difference over 2h to 1e-15 / h
      // of it, independently; a weight is the mean over the cells, and a cell adds C values times weights.
      const score = scoreWith(0, values[0] ?? NaN);
      const most = Math.max(...values.map(Math.abs));
      const tolerance = 1e-6 * largest + ((1e-15 * Math.abs(score)) / h) * Math.sqrt(C / cells) * most;
      expect(tolerance).toBeLessThan(1e-3 * largest);
      cam.values.forEach((value, n) => {
        const difference = Math.abs(value - Math.max(0, expected[n] ?? NaN));
        expect(difference, `cell ${n}`).toBeLessThan(tolerance);
      });
    });
  });

  it('changes with the weights (Adebayo et al. 2018)', () => {
    const maps = [4, 5].map((seed) => {
      manualSeed(seed);
      using model = new RecLMIS({ ...TINY, baseWidth: 8 });
      const { gradCam } = explain(new Segmenter(model, encoder, ENGINE, 'area'), image, NOTE, all);
      return isMissing(gradCam) ? [] : [...gradCam.values];
    });
    const [first = [], second = []] = maps;
    expect(first).toHaveLength(16);
    expect(Math.max(...first)).toBeGreaterThan(0);
    const unit = (values: number[]): number[] => values.map((value) => value / Math.max(...values));
    const apart = unit(first).map((value, i) => Math.abs(value - (unit(second)[i] ?? NaN)));
    expect(Math.max(...apart)).toBeGreaterThan(0.2); // of the largest
  });
});

describe('explain', () => {
  it('gives the mask of prediction, and POI and WOI of the training graph in evaluation mode', () => {
    withSegmenter(TINY, (segmenter, model) => {
      const found = explain(segmenter, image, NOTE, all);
      const planes = imageToPlanes(image, 32, 'area');
      const probability = segmenter.probabilities(planes, [NOTE]);
      const own = threshold(resizePlane(probability, 32, 32, 40, 48), 40, 48);
      expect(found.mask).toEqual(own);
      const training = noGrad(() =>
        model.forwardTraining(Tensor.fromFloat32(planes, [1, 3, 32, 32]), encoder.encode([NOTE])),
      );
      expect(isMissing(found.poi) ? null : found.poi.values).toEqual(training.poi?.toFloat32Array());
      expect(isMissing(found.woi) ? null : found.woi.values).toEqual(training.woi?.toFloat32Array());
      expect(found.note?.groups.map(({ text }) => text)).toEqual([
        'one',
        'infected',
        'area',
        'upper',
        'left',
        'lung',
        '',
      ]);
      expect(found.remarks).toEqual([]);
    });
  });

  it('gives attention whose rows are softmaxes of the scaled products of projected queries and keys', () => {
    using attention = new nn.MultiheadAttention(4, 2);
    using ear = new AttentionEar(attention);
    scope(() => {
      const [query, keys] = [0.3, 1.7].map((phase, i) =>
        Tensor.fromFloat32(
          Float32Array.from({ length: 4 * (2 + i) }, (_, j) => 2 * Math.sin(j * 1.9 + phase)),
          [1, 2 + i, 4],
        ),
      ) as [Tensor, Tensor];
      nn.withTaps(attention, new Map([['', ear.tap]]), () => attention.forward(query, keys, keys));
      const map = ear.map('words', 'patches');
      expect(map).toMatchObject({ heads: 2, queries: 2, keys: 3, from: 'words', to: 'patches' });
      const [weight, bias] = [attention.inProjWeight, attention.inProjBias].map((x) => x.toFloat64Array());
      const project = (x: Float64Array, row: number, out: number): number => {
        let sum = bias?.[out] ?? NaN;
        for (let c = 0; c < 4; c++) sum += (weight?.[out * 4 + c] ?? NaN) * (x[row * 4 + c] ?? NaN);
        return sum;
      };
      const [q, k] = [query.toFloat64Array(), keys.toFloat64Array()];
      for (let head = 0; head < 2; head++) {
        for (let i = 0; i < 2; i++) {
          const scores = [0, 1, 2].map((j) =>
            [0, 1].reduce((sum, d) => sum + project(q, i, 2 * head + d) * project(k, j, 4 + 2 * head + d), 0),
          );
          const exponentials = scores.map((score) => Math.exp(score / Math.SQRT2));
          const total = exponentials.reduce((sum, value) => sum + value, 0);
          exponentials.forEach((value, j) => {
            // float32 against float64
            expect(map?.weights[(head * 2 + i) * 3 + j]).toBeCloseTo(value / total, 5);
          });
        }
      }
    });
  });

  it('gives attention of every variant, by what it reads', () => {
    const kinds = { cross: ['patches', 'words'], self: ['words', 'patches'] } as const;
    for (const ci of ['cross', 'self'] as const) {
      withSegmenter({ ...TINY, attention: { ci, reconstruction: ci } }, (segmenter) => {
        const { attention } = explain(segmenter, image, NOTE, all);
        if (isMissing(attention) || isMaps(attention)) throw new Error('expected CI’s attention');
        expect([attention.text.to, attention.image.to]).toEqual(kinds[ci]);
        const size = { words: 8, patches: 4 };
        for (const map of [attention.text, attention.image]) {
          expect([map.heads, map.queries, map.keys]).toEqual([4, size[map.from], size[map.to]]);
          const mean = meanOverHeads(map);
          for (let row = 0; row < map.queries; row++) {
            const sum = mean.subarray(row * map.keys, (row + 1) * map.keys).reduce((a, b) => a + b, 0);
            expect(sum).toBeCloseTo(1, 5); // float32 sums of 8
          }
        }
      });
    }
  });

  it('says of each variant what it does not have, and gives the rest', () => {
    const off = { ci: true, ccl: false, clr: false, cvr: false };
    const cases: [RecLMISOptions, string[]][] = [
      [{ ...UPSTREAM, baseWidth: 2, textWidth: 16, imageSize: 32, layers: 1 }, []],
      [{ ...TINY, components: off }, ['poi', 'woi']],
      [{ ...TINY, components: NOTE_FREE }, ['attention', 'poi', 'woi']],
    ];
    for (const [options, absent] of cases) {
      withSegmenter(options, (segmenter) => {
        const found = explain(segmenter, image, NOTE, all);
        const parts = { attention: found.attention, gradCam: found.gradCam, poi: found.poi, woi: found.woi };
        const missing = Object.entries(parts).filter(([, part]) => isMissing(part));
        expect(missing.map(([name]) => name)).toEqual(absent);
        for (const [, part] of missing) expect(isMissing(part) && part.missing).toMatch(/model\.components/);
        expect(found.note === null).toBe(!options.components.ci);
      });
    }
  });

  it.each(['U-Net', 'LViT'])('explains %s by its layers, and has no interaction of it to show', (name) => {
    const { imageSize, textWidth } = TINY;
    const shape = { baseWidth: 8, imageSize, textWidth };
    manualSeed(7);
    using model = name === 'LViT' ? new LViT({ ...shape, contextLength: 8, dropout: 0.1 }) : new UNet(shape);
    const segmenter = new Segmenter(model, encoder, ENGINE, 'area');
    const layers = mapLayers(segmenter).map(({ path }) => path);
    const asked = name === 'LViT' ? ['up4', 'up1', 'downVit'] : ['up4', 'down4'];
    expect(asked.filter((layer) => !layers.includes(layer))).toEqual([]);
    for (const layer of asked) {
      const found = explain(segmenter, image, NOTE, { ...all, layer });
      expect(isMissing(found.gradCam) ? null : found.gradCam.layer).toBe(layer);
      for (const part of [found.poi, found.woi])
        expect(isMissing(part) && part.missing).toMatch(new RegExp(`^${name} has none`));
      expect(found.attention).toEqual({ missing: model.withoutAttention });
      expect(found.note === null).toBe(name === 'U-Net');
    }
  });

  it('says which distribution no loss has trained', () => {
    const conditions = { ccl: false, clr: true, cvr: true };
    expect(trainedInterest(TINY)).toEqual({ poi: true, woi: true });
    const clr = { ci: true, ccl: true, clr: true, cvr: false };
    expect(trainedInterest({ ...TINY, conditions, components: clr })).toEqual({ poi: true, woi: false });
    const attention = { ci: 'cross', reconstruction: 'self' } as const;
    expect(trainedInterest({ ...TINY, conditions, attention })).toEqual({ poi: false, woi: false });
    withSegmenter({ ...TINY, conditions, attention }, (segmenter) => {
      expect(explain(segmenter, image, NOTE, all).remarks).toEqual([
        'no loss of this run is conditioned on POI and WOI, so it is still as initialised',
      ]);
    });
  });

  it('has nothing to explain where nothing is predicted', () => {
    withSegmenter(TINY, (segmenter, model) => {
      noGrad(() => model.namedParameters().get('outc.bias')?.fill_(-100));
      const { gradCam, poi } = explain(segmenter, image, NOTE);
      expect(isMissing(gradCam) && gradCam.missing).toMatch(/nothing is predicted here/);
      expect(isMissing(poi)).toBe(false);
    });
  });

  it('sees an image once for several notes, unless the layer lies ahead of them: the same to the bit', () => {
    withSegmenter(TINY, (segmenter, model) => {
      let encoded = 0;
      const watched = vi.spyOn(model, 'imageFeatures').mockImplementation((images) => {
        encoded++;
        return RecLMIS.prototype.imageFeatures.call(model, images);
      });
      for (const layer of ['up4', 'down2', 'up3.pixModule']) {
        encoded = 0;
        using seen = new SeenImage();
        for (const note of [NOTE, 'lower right lung', NOTE])
          expect(explain(segmenter, image, note, { ...all, layer, seen }), layer).toEqual(
            explain(segmenter, image, note, { ...all, layer }),
          );
        expect(encoded, layer).toBe(1);
      }
      watched.mockRestore();
      const before = memory();
      {
        using seen = new SeenImage();
        explain(segmenter, image, NOTE, { ...all, seen });
        expect(memory().handles).toBeGreaterThan(before.handles);
      }
      expect(memory().handles).toBe(before.handles);
    });
  });

  it('leaves modes, gradients, handles and bytes as they were, also after a throw', () => {
    withSegmenter(TINY, (segmenter, model) => {
      model.train();
      model.namedParameters().get('outc.weight')?.requiresGrad_(false);
      const run = (): void => void explain(segmenter, image, NOTE, { ...all, layer: 'down2' });
      const fail = (): void => void explain(segmenter, image, NOTE, { ...all, layer: 'text_module4' });
      run(); // from now on the note's features are kept
      const before = memory();
      for (let i = 0; i < 5; i++) run();
      expect(message(fail)).toMatch(
        /OPTION_INVALID layer text_module4: expected a feature map, the layer returns \[1, 32, 8\]/,
      );
      expect(memory().handles).toBe(before.handles);
      expect(memory().liveBytes).toBe(before.liveBytes);
      expect(model.training).toBe(true);
      const frozen = [...model.namedParameters()].filter(([, parameter]) => !parameter.requiresGrad);
      expect(frozen.map(([key]) => key)).toEqual(['outc.weight']);
      expect(model.parameters().every((parameter) => parameter.grad === null)).toBe(true);
    });
  });
});

describe('mapLayers', () => {
  it('names the layers with maps, by which Grad-CAM then works, and no others', () => {
    withSegmenter(TINY, (segmenter) => {
      const layers = mapLayers(segmenter);
      const paths = layers.map(({ path }) => path);
      expect(layers.find(({ path }) => path === 'up4')).toEqual({ path: 'up4', channels: 16, side: 4 });
      expect(layers.find(({ path }) => path === 'interact.attn_img')).toMatchObject({
        channels: 32,
        side: 2,
      });
      expect(paths).toContain('down4.nConvs.1.norm');
      expect(paths.filter((path) => /text|bottleneck|mlp|rec_/.test(path))).toEqual([]);
      for (const layer of paths.filter((path) => /^(inc|down4|interact|up1|outc)/.test(path))) {
        const { gradCam } = explain(segmenter, image, NOTE, { ...all, layer });
        expect(isMissing(gradCam) ? layer : gradCam.layer).toBe(layer);
      }
      expect(message(() => explain(segmenter, image, NOTE, { layer: 'up5' }))).toMatch(
        /layer up5: is not part/,
      );
    });
  });
});

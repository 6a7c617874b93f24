/** Winograd's filtering against libtorch, at sizes that tiles do not divide and unrecorded batches. */
import { cat, conv2d, manualSeed, noGrad, randn, scope, type Tensor } from '@reclmis/torch';
import { beforeEach, describe, expect, it } from 'vitest';
import { fold } from './fold.js';
import { encodeModel } from './onnx-model.js';
import { elements, type OnnxGraph } from './onnx-graph.js';
import { record } from './record.js';
import { openOnnx } from './session.js';
import { translate } from './translate.js';
import { fewerProducts, fewerProductsOfDoubled } from './winograd.js';

/**
 * For sums of variance 1: factors up to 64 cost float32 a digit (measured: 2e-5); a wrong place differs by
 * about 1.
 */
const CLOSE = 1e-4;

beforeEach(() => manualSeed(5));

type Body = (x: Tensor) => Tensor;
type Shape = readonly [channels: number, height: number, width: number];

function graphOf(shape: Shape, body: Body): OnnxGraph {
  const recording = record(
    (B) => ({ x: randn([B, ...shape]) }),
    ({ x }) => ({ y: body(x) }),
  );
  const graph = scope(() => fold(translate(recording, { name: 'test', parameters: new Map() })));
  recording.dispose();
  return graph;
}

/** Largest difference at batch 1 and 5, and the number of rewritten convolutions. */
async function compare(
  shape: Shape,
  body: Body,
  rewrite = fewerProducts,
): Promise<{ worst: number; rewritten: number }> {
  const graph = graphOf(shape, body);
  const before = graph.nodes.length;
  rewrite(graph);
  const rewritten = [...graph.constants.keys()].filter((name) => name.endsWith('.taps')).length;
  if (rewritten === 0) expect(graph.nodes.length).toBe(before);
  const session = await openOnnx(encodeModel(graph, 'test'), { threads: 1 });
  let worst = 0;
  for (const B of [1, 5]) {
    const [data, expected] = scope(() => {
      const x = randn([B, ...shape]);
      return [x.toFloat32Array(), noGrad(() => body(x)).toFloat32Array()] as const;
    });
    const actual = (await session.run({ x: { data, shape: [B, ...shape] } })).get('y');
    expect(actual?.length).toBe(expected.length);
    expected.forEach((value, i) => {
      const difference = Math.abs(value - (actual?.[i] ?? Number.NaN));
      worst = difference <= worst ? worst : difference; // keeps NaN
    });
  }
  await session.release();
  return { worst, rewritten };
}

const weights = (O: number, C: number): Tensor => scope(() => randn([O, C, 3, 3]).mul(1 / Math.sqrt(9 * C)));
const plain = (x: Tensor, w: Tensor, b: Tensor | null = null): Tensor =>
  conv2d(x, w, b, [1, 1], [1, 1], [1, 1], 1);

describe('3x3 convolutions in tiles', () => {
  const [weights32, weights64] = [weights(32, 32), weights(64, 64)];

  it.each<[string, Shape, number]>([
    ['of four rows', [64, 8, 5], 72],
    ['of four rows that do not divide the height', [72, 7, 9], 64],
    ['of 4x4 pixels', [128, 8, 12], 136],
    ['of 4x4 pixels that do not divide the size', [128, 7, 10], 128],
    ['larger than the map', [128, 2, 3], 128],
  ])('%s', async (_name, shape, O) => {
    const [w, b] = [weights(O, shape[0]), randn([O])];
    for (const body of [(x: Tensor) => plain(x, w, b).relu(), (x: Tensor) => plain(x, w)]) {
      const { worst, rewritten } = await compare(shape, body);
      expect(rewritten).toBe(1);
      expect(worst).toBeLessThan(CLOSE);
    }
  });

  it('follow one another through pooling, sums and factors', async () => {
    const [first, second, third] = [weights(64, 64), weights(128, 64), weights(128, 128)];
    const { worst, rewritten } = await compare([64, 10, 14], (x) => {
      const y = plain(plain(x, first).relu().maxPool2d([2, 2]), second).relu(); // [B,128,5,7]
      return plain(y.add(y.mul(y)), third).upsampleNearest2d([10, 14]);
    });
    expect(rewritten).toBe(3);
    expect(worst).toBeLessThan(10 * CLOSE); // three layers and a square
  });

  it('keep the 3x3 weights and the number of parameters of the convolution', () => {
    const [w, b] = [weights(128, 128), randn([128])];
    const graph = graphOf([128, 8, 8], (x) => plain(x, w, b));
    fewerProducts(graph);
    const own = [...graph.constants].filter(([name]) => !/^(list|scales)_/.test(name));
    expect(own.map(([, { shape }]) => elements(shape))).toEqual([9 * 128 * 128, 128]);
  });

  it.each<[string, number, Body]>([
    ['few channels', 32, (x) => plain(x, weights32)],
    ['strides', 64, (x) => conv2d(x, weights64, null, [2, 2], [1, 1], [1, 1], 1)],
    ['other borders', 64, (x) => conv2d(x, weights64, null, [1, 1], [0, 0], [1, 1], 1)],
    ['gaps', 64, (x) => conv2d(x, weights64, null, [1, 1], [2, 2], [2, 2], 1)],
    ['a size that does not follow', 64, (x) => plain(x.softmax(1), weights64)],
  ])('leave alone convolutions of %s', async (_name, C, body) => {
    const { worst, rewritten } = await compare([C, 8, 8], body);
    expect(rewritten).toBe(0);
    expect(worst).toBeLessThan(CLOSE);
  });
});

describe('3x3 convolutions of doubled maps in tiles', () => {
  const pointwise = (O: number, C: number): Tensor => scope(() => randn([O, C, 1, 1]).mul(1 / Math.sqrt(C)));
  const project = (x: Tensor, w: Tensor): Tensor => conv2d(x, w, null, [1, 1], [0, 0], [1, 1], 1);
  const doubled = (x: Tensor, w: Tensor): Tensor =>
    project(x.maxPool2d([2, 2]), w).upsampleNearest2d([x.size(2), x.size(3)]);

  it.each<[string, Shape, number]>([
    ['beside a skip', [128, 8, 12], 128],
    ['of sizes that tiles do not divide', [128, 6, 10], 144],
    ['of one tile', [160, 2, 2], 128],
  ])('%s', async (_name, shape, O) => {
    const [C] = shape;
    const [w, b, forSkip, forUp] = [weights(O, C + 144), randn([O]), pointwise(C, C), pointwise(144, C)];
    const body = (x: Tensor): Tensor => plain(cat([project(x, forSkip), doubled(x, forUp)], 1), w, b).relu();
    const { worst, rewritten } = await compare(shape, body, fewerProductsOfDoubled);
    expect(rewritten).toBe(2); // for the skip and the doubled map
    expect(worst).toBeLessThan(CLOSE);
  });

  it('alone, before a skip, and between two', async () => {
    const [one, three, first, second, third] = [
      weights(128, 128),
      weights(128, 128 + 32 + 16),
      pointwise(128, 8),
      pointwise(32, 8),
      pointwise(16, 8),
    ];
    const shape: Shape = [8, 8, 8];
    const maps = (x: Tensor): Tensor[] => [doubled(x, first), project(x, second), project(x, third)];
    const bodies: [number, Body][] = [
      [1, (x) => plain(doubled(x, first), one)],
      [3, (x) => plain(cat(maps(x), 1), three)],
      [
        3,
        (x) =>
          plain(
            cat(
              [1, 0, 2].map((i) => maps(x)[i] as Tensor),
              1,
            ),
            three,
          ),
      ],
    ];
    for (const [parts, body] of bodies) {
      const { worst, rewritten } = await compare(shape, body, fewerProductsOfDoubled);
      expect(rewritten).toBe(parts);
      expect(worst).toBeLessThan(CLOSE);
    }
  });

  const [few, many] = [pointwise(64, 8), pointwise(128, 8)];
  const [fewToMany, manyToFew, manyToMany] = [weights(128, 64), weights(64, 128), weights(128, 128)];
  it.each<[string, Body]>([
    ['of few channels', (x) => plain(doubled(x, few), fewToMany)],
    ['of few results', (x) => plain(doubled(x, many), manyToFew)],
    [
      'that others read too',
      (x) => {
        const up = doubled(x, many);
        return plain(up, manyToMany).add(up);
      },
    ],
    ['that are none', (x) => plain(project(x, many), manyToMany)],
  ])('leave alone convolutions of maps %s', async (_name, body) => {
    const { worst, rewritten } = await compare([8, 8, 8], body, fewerProductsOfDoubled);
    expect(rewritten).toBe(0);
    expect(worst).toBeLessThan(CLOSE);
  });
});

/** Translations against libtorch, at batch sizes that were not recorded. */
import {
  batchNorm,
  cat,
  conv1d,
  conv2d,
  convTranspose2d,
  embedding,
  full,
  groupNorm,
  layerNorm,
  linear,
  manualSeed,
  nn,
  noGrad,
  rand,
  randn,
  scope,
  stack,
  Tensor,
  where,
} from '@reclmis/torch';
import { beforeEach, describe, expect, it } from 'vitest';
import { fold } from './fold.js';
import { encodeModel } from './onnx-model.js';
import type { OnnxGraph } from './onnx-graph.js';
import { foldUpsampling } from './phases.js';
import { record } from './record.js';
import { biasInProducts } from './few-outputs.js';
import { maximaByParts, meansAsConvolutions, projectChannelsLast, reduceChannelsLast } from './reductions.js';
import { openOnnx } from './session.js';
import { translate } from './translate.js';

/** [B,4,6,6], positive and negative. */
const image = (B: number): { x: Tensor } => ({ x: randn([B, 4, 6, 6]) });
/** [B,5,8] */
const rows = (B: number): { x: Tensor } => ({ x: randn([B, 5, 8]) });
/** int64 [B,5] */
const tokens = (B: number): { x: Tensor } => ({ x: rand([B, 5]).mul(7).floor().to({ dtype: 'int64' }) });

beforeEach(() => manualSeed(5));

function graphOf<T extends Record<string, Tensor>>(
  inputs: (B: number) => T,
  body: (given: T) => Tensor,
): OnnxGraph {
  const recording = record(inputs, (given) => ({ y: body(given) }));
  const graph = scope(() => fold(translate(recording, { name: 'test', parameters: new Map() })));
  recording.dispose();
  return graph;
}

/** Largest difference at batch 1 and 5, without onnxruntime's optimisations. */
async function difference<T extends Record<string, Tensor>>(
  inputs: (B: number) => T,
  body: (given: T) => Tensor,
  change: (graph: OnnxGraph) => void = () => undefined,
): Promise<number> {
  const graph = graphOf(inputs, body);
  change(graph);
  const session = await openOnnx(encodeModel(graph, 'test'), { threads: 1, optimise: false });
  let worst = 0;
  for (const B of [1, 5]) {
    const [feeds, expected] = scope(() => {
      const given = inputs(B);
      const values = Object.entries(given).map(([name, tensor]) => {
        const data =
          tensor.dtype === 'int64'
            ? BigInt64Array.from(tensor.toInt64Array(), (id) => BigInt(id))
            : tensor.toFloat32Array();
        return [name, { data, shape: tensor.shape }] as const;
      });
      return [Object.fromEntries(values), noGrad(() => body(given)).toFloat32Array()] as const;
    });
    const actual = (await session.run(feeds)).get('y');
    expect(actual?.length).toBe(expected.length);
    expected.forEach((value, i) => {
      const other = actual?.[i] ?? Number.NaN;
      if (value !== other) worst = Math.max(worst, Math.abs(value - other));
    });
    expect(Number.isNaN(worst)).toBe(false);
  }
  await session.release();
  return worst;
}

/** float32 rounding of values up to 40. */
const CLOSE = 5e-5;

const weight = randn([6, 4, 3, 3]);
const bias = randn([6]);
const table = randn([7, 8]);
const square = randn([8, 8]);
const even = (n: number): Tensor =>
  Tensor.fromUint8(
    Uint8Array.from({ length: n }, (_, i) => i % 2),
    [n],
    { dtype: 'bool' },
  );

describe('computing', () => {
  it.each<[string, (x: Tensor) => Tensor]>([
    ['conv2d', (x) => conv2d(x, weight, bias, [2, 1], [1, 0], [1, 2], 1)],
    [
      'conv2d without bias, in groups',
      (x) => conv2d(x, randn([4, 2, 1, 1]).mul(0).add(2), null, [1, 1], [0, 0], [1, 1], 2),
    ],
    [
      'conv_transpose2d',
      (x) =>
        convTranspose2d(x, weight.narrow(0, 0, 4), bias.narrow(0, 0, 4), [2, 3], [1, 0], [1, 2], 1, [1, 2]),
    ],
    ['conv_transpose2d in groups', (x) => convTranspose2d(x, weight.narrow(0, 0, 4), null, [2, 2], 0, 0, 2)],
    ['erf', (x) => x.erf()],
    [
      'batch_norm',
      (x) =>
        batchNorm(
          x,
          bias.narrow(0, 0, 4),
          bias.narrow(0, 1, 4),
          bias.narrow(0, 2, 4),
          bias.narrow(0, 0, 4).abs(),
          false,
          0.1,
          1e-3,
          true,
        ),
    ],
    ['group_norm', (x) => groupNorm(x, 2, bias.narrow(0, 0, 4), bias.narrow(0, 1, 4), 1e-3)],
    ['group_norm, a channel each, without weights', (x) => groupNorm(x, 4)],
    ['max_pool2d', (x) => x.maxPool2d([3, 2], [2, 2], [1, 0])],
    ['upsample_nearest2d', (x) => nn.upsampleNearest2d(x, [2, 3])],
    ['upsample_bilinear2d with corners in place', (x) => x.upsampleBilinear2d([12, 9], true)],
    ['upsample_bilinear2d', (x) => x.upsampleBilinear2d([12, 9], false)],
    ['mean and amax', (x) => x.mean([1]).add(x.amax([1]))],
    ['amax of the last axes, kept', (x) => x.amax([-1, 2], true)],
    ['sum and amin', (x) => x.sum([2]).sub(x.amin([3]), { alpha: 0.5 })],
    [
      'relu, sigmoid, tanh, exp, neg, abs',
      (x) => x.relu().add(x.sigmoid()).add(x.tanh()).sub(x.exp()).add(x.neg()).mul(x.abs()),
    ],
    ['leaky_relu', (x) => x.leakyRelu(0.2).add(x.leakyRelu())],
    ['sqrt and log', (x) => x.abs().add(1).sqrt().log()],
    ['in place', (x) => x.mul(1.702).sigmoid_().mul_(x)],
    ['numbers', (x) => x.mul(3).add(0.5).sub(2).div(7)],
    ['maximum and minimum', (x) => x.maximum(x.neg()).minimum(x.add(0.25))],
  ])('%s', async (_, body) => {
    expect(await difference(image, ({ x }) => body(x))).toBeLessThan(CLOSE);
  });

  it.each<[string, (x: Tensor) => Tensor]>([
    ['conv1d', (x) => conv1d(x.transpose(1, 2), randn([3, 8, 3]).mul(0).add(0.25), null, [1], [1], [1], 1)],
    ['linear', (x) => linear(x, table, bias.narrow(0, 0, 1).expand([7]))],
    ['linear with a computed weight', (x) => linear(x, x.amax([0]), null)],
    ['softmax', (x) => x.softmax(1).add(x.logSoftmax(-1))],
    ['layer_norm', (x) => layerNorm(x, [8], square.select(0, 0), square.select(0, 1), 1e-5)],
    ['layer_norm without weights', (x) => layerNorm(x, [5, 8])],
    ['gelu', (x) => x.gelu()],
    ['matmul', (x) => x.matmul(square)],
    ['bmm', (x) => x.bmm(x.transpose(1, 2))],
    ['baddbmm', (x) => x.bmm(x.transpose(1, 2)).baddbmm(x, x.transpose(1, 2), { beta: 0.5, alpha: 2 })],
    ['masked_fill', (x) => x.maskedFill(x.gt(0.5), -Infinity).softmax(-1)],
    ['where', (x) => where(x.le(0), x, x.mul(2))],
    ['cumsum', (x) => x.cumsum(1)],
    [
      'comparisons',
      (x) =>
        x
          .lt(0)
          .logicalNot()
          .to({ dtype: 'float32' })
          .add(x.ge(1).to({ dtype: 'float32' }))
          .add(x.ne(0).to({ dtype: 'float32' })),
    ],
    [
      'a mask of the batch’s size',
      (x) =>
        x.maskedFill(
          full([5, 8], 1)
            .triu(1)
            .to({ dtype: 'bool' })
            .expand([x.size(0), 5, 8]),
          0,
        ),
    ],
    ['zeros of the batch’s size', (x) => cat([full([x.size(0), 2, 8], 0.5), x], 1)],
  ])('%s', async (_, body) => {
    expect(await difference(rows, ({ x }) => body(x))).toBeLessThan(CLOSE);
  });

  it('embedding and comparing tokens', async () => {
    const body = ({ x }: { x: Tensor }): Tensor =>
      embedding(table, x)
        .mul(x.ne(0).to({ dtype: 'float32' }).unsqueeze(-1))
        .add(x.eq(3).to({ dtype: 'float32' }).cumsum(1).unsqueeze(-1));
    expect(await difference(tokens, body)).toBeLessThan(CLOSE);
  });
});

describe('moving', () => {
  it.each<[string, (x: Tensor) => Tensor]>([
    [
      'view and permute',
      (x) =>
        x
          .view([x.size(0), 5, 2, 4])
          .permute([2, 0, 3, 1])
          .reshape([2, x.size(0) * 4, 5]),
    ],
    ['reshape with -1', (x) => x.reshape([-1, 8])],
    ['flatten and unflatten', (x) => x.flatten(1).view([x.size(0), 8, 5])],
    ['transpose', (x) => x.transpose(-1, 0)],
    ['stack and cat', (x) => cat([stack([x, x.neg()], -1).flatten(2), x], -1)],
    ['narrow and slice', (x) => x.narrow(1, 1, 3).slice(2, 1, 7, 2)],
    ['select', (x) => x.select(1, -1)],
    ['split, chunk and unbind', (x) => split(x)],
    ['unbind of one', (x) => x.unsqueeze(0).unbind(0)[0] as Tensor],
    ['pad', (x) => x.pad([1, 2, 3, 0], 'constant', 0.5)],
    ['roll', (x) => x.roll([-2, 3], [1, 2]).roll(8, -1)],
    ['expand', (x) => x.unsqueeze(1).expand([x.size(0), 3, 5, 8])],
    ['squeeze of an axis that is none', (x) => x.squeeze(1)],
    ['where nothing changes', (x) => x.contiguous().detach().clone().mul(1)],
  ])('%s', async (_, body) => {
    expect(await difference(rows, ({ x }) => body(x))).toBe(0);
  });

  function split(x: Tensor): Tensor {
    const [a, b] = x.splitWithSizes([2, 3], 1) as [Tensor, Tensor];
    const [c, d] = x.chunk(2, -1) as [Tensor, Tensor];
    const last = x.unbind(1).at(-1) as Tensor;
    return cat([a.flatten(1), b.flatten(1), c.flatten(1), d.flatten(1), last], 1);
  }
});

describe('refusing', () => {
  const refused = (body: (x: Tensor) => Tensor): (() => void) => {
    return () => void graphOf(rows, ({ x }) => body(x));
  };

  it('names an operator that has no translation', () => {
    expect(refused((x) => x.sign())).toThrow(/operator sign has no translation/);
    expect(refused((x) => x.sign())).toThrow(expect.objectContaining({ code: 'EXPORT_UNSUPPORTED' }));
  });

  it('refuses dependence on the batch other than on its size', () => {
    expect(refused((x) => x.mul(1 / x.size(0)))).toThrow(/differs in more than the batch size: mul.Scalar/);
    expect(refused((x) => (x.size(0) === 2 ? x.neg() : x.abs()))).toThrow(/neg where the other has abs/);
    expect(refused((x) => (x.size(0) === 2 ? x : x.neg()))).toThrow(/operator calls/);
    expect(refused((x) => x.add(Tensor.fromFloat32([x.size(0) === 2 ? 1 : 2], [1])))).toThrow(
      /made in TypeScript/,
    );
  });

  it('refuses training mode', () => {
    const train = (x: Tensor): Tensor => batchNorm(x, null, null, null, null, true, 0.1, 1e-5, true);
    expect(refused(train)).toThrow(expect.objectContaining({ code: 'EXPORT_UNSUPPORTED' }));
  });
});

describe('folding', () => {
  const scale = even(6).to({ dtype: 'float32' }).add(0.5);

  it('puts batch normalisation into the convolution before it', async () => {
    const body = ({ x }: { x: Tensor }): Tensor =>
      batchNorm(
        conv2d(x, weight, bias, [1, 1], [1, 1], [1, 1], 1),
        scale,
        bias,
        scale,
        scale,
        false,
        0.1,
        1e-5,
        true,
      );
    const graph = graphOf(image, body);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Conv']);
    expect([...graph.constants.values()].map(({ shape }) => shape)).toEqual([[6, 4, 3, 3], [6]]);
    expect(await difference(image, body)).toBeLessThan(CLOSE);
  });

  it('keeps a normalisation if its convolution has other readers', async () => {
    const body = ({ x }: { x: Tensor }): Tensor => {
      const y = conv2d(x, weight, null, [1, 1], [1, 1], [1, 1], 1);
      return batchNorm(y, scale, bias, scale, scale, false, 0.1, 1e-5, true).add(y);
    };
    expect(graphOf(image, body).nodes.map(({ op }) => op)).toEqual(['Conv', 'BatchNormalization', 'Add']);
    expect(await difference(image, body)).toBeLessThan(CLOSE);
  });

  it("turns means over a convolution's channels into convolutions", async () => {
    for (const keep of [false, true]) {
      const body = ({ x }: { x: Tensor }): Tensor =>
        conv2d(x, weight, bias, [1, 1], [1, 1], [1, 1], 1).relu().mean([1], keep);
      const change = (graph: OnnxGraph): void => meansAsConvolutions(graph);
      expect(await difference(image, body, change)).toBeLessThan(CLOSE);
      const graph = graphOf(image, body);
      change(graph);
      expect(graph.nodes.filter(({ op }) => op === 'ReduceMean')).toEqual([]);
    }
    const other = graphOf(image, ({ x }) =>
      x
        .mean([1])
        .amax([2])
        .add(x.mean([2]).mean([1])),
    );
    meansAsConvolutions(other);
    expect(other.nodes.filter(({ op }) => op === 'ReduceMean').length).toBe(3);
  });

  const wide = full([16, 4, 3, 3], 1).mul(randn([16, 4, 3, 3]));

  it("takes maxima over a convolution's channels by parts", async () => {
    for (const keep of [false, true]) {
      const body = ({ x }: { x: Tensor }): Tensor =>
        conv2d(x, wide, null, [1, 1], [1, 1], [1, 1], 1).amax([1], keep);
      expect(await difference(image, body, maximaByParts)).toBeLessThan(CLOSE);
      const graph = graphOf(image, body);
      maximaByParts(graph);
      expect(graph.nodes.map(({ op }) => op)).toEqual(['Conv', 'Split', 'Max', 'ReduceMax']);
    }
    const few = graphOf(image, ({ x }) => conv2d(x, weight, null, [1, 1], [1, 1], [1, 1], 1).amax([1]));
    maximaByParts(few);
    expect(few.nodes.map(({ op }) => op)).toEqual(['Conv', 'ReduceMax']);
  });

  it('reduces channels as the last axis', async () => {
    const body = ({ x }: { x: Tensor }): Tensor => {
      const y = conv2d(x, weight, null, [1, 1], [1, 1], [1, 1], 1).relu();
      return y.amax([1]).add(y.mean([1]));
    };
    expect(await difference(image, body, reduceChannelsLast)).toBeLessThan(CLOSE);
    const graph = graphOf(image, body);
    reduceChannelsLast(graph);
    expect(graph.nodes.filter(({ op }) => op === 'Transpose').length).toBe(2);
  });
});

describe('a convolution to one channel', () => {
  it('is a product over the last axis', async () => {
    const one = randn([1, 4, 1, 1]);
    for (const shift of [null, randn([1])]) {
      const body = ({ x }: { x: Tensor }): Tensor => conv2d(x, one, shift, [1, 1], [0, 0], [1, 1], 1);
      expect(await difference(image, body, projectChannelsLast)).toBeLessThan(CLOSE);
      const graph = graphOf(image, body);
      projectChannelsLast(graph);
      expect(graph.nodes.map(({ op }) => op).filter((op) => op !== 'Add')).toEqual([
        'Transpose',
        'MatMul',
        'Transpose',
      ]);
    }
  });

  it('stays if its stride is 2', () => {
    const graph = graphOf(image, ({ x }) => conv2d(x, randn([1, 4, 1, 1]), null, [2, 2], [0, 0], [1, 1], 1));
    projectChannelsLast(graph);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Conv']);
  });
});

describe('a product with few outputs', () => {
  const [first, second] = [randn([6, 4]), randn([1, 6])];
  const [shift, last] = [randn([6]), randn([1])];
  const body = ({ x }: { x: Tensor }): Tensor =>
    linear(linear(x.permute([0, 2, 3, 1]), first, shift).relu(), second, last); // PLAM's, [B,6,6,1]

  it('takes its bias as a Gemm, for any batch', async () => {
    expect(await difference(image, body, biasInProducts)).toBeLessThan(CLOSE);
    const graph = graphOf(image, body);
    biasInProducts(graph);
    const ops = graph.nodes.map(({ op }) => op);
    expect(ops.filter((op) => op === 'Gemm')).toHaveLength(2);
    expect(ops).not.toContain('MatMul');
    expect(ops).not.toContain('Add');
  });

  it('stays without a bias, with many outputs, and if others read it', () => {
    const wide = [randn([9, 4]), randn([9])] as const;
    for (const other of [
      ({ x }: { x: Tensor }): Tensor => linear(x.permute([0, 2, 3, 1]), first, null),
      ({ x }: { x: Tensor }): Tensor => linear(x.permute([0, 2, 3, 1]), ...wide),
      ({ x }: { x: Tensor }): Tensor => {
        const product = linear(x.permute([0, 2, 3, 1]), first, null);
        return product.add(shift).mul(product);
      },
    ]) {
      const graph = graphOf(image, other);
      const before = graph.nodes.map(({ op }) => op);
      biasInProducts(graph);
      expect(graph.nodes.map(({ op }) => op)).toEqual(before);
    }
  });
});

describe('convolutions of upsampled maps', () => {
  const kernel = randn([5, 12, 3, 3]);
  const bias = randn([5]);
  const large = randn([5, 5, 5, 5]);
  const [skipWeight, lowWeight] = [randn([7, 4, 1, 1]), randn([5, 4, 1, 1])];
  const plain = (x: Tensor, w: Tensor, b: Tensor | null = null): Tensor =>
    conv2d(x, w, b, [1, 1], [1, 1], [1, 1], 1);
  const pointwise = (x: Tensor, w: Tensor): Tensor => conv2d(x, w, null, [1, 1], [0, 0], [1, 1], 1);
  /** [B,4,6,6] to 7 channels of 6 x 6, and 5 of 3 x 3, doubled. */
  const skipOf = (x: Tensor): Tensor => pointwise(x, skipWeight).relu();
  const upOf = (x: Tensor): Tensor =>
    pointwise(x.maxPool2d([2, 2]), lowWeight)
      .relu()
      .upsampleNearest2d([6, 6]);
  const opsOf = (body: (given: { x: Tensor }) => Tensor): string[] => {
    const graph = graphOf(image, body);
    foldUpsampling(graph);
    return graph.nodes.map(({ op }) => op);
  };

  it.each<[string, (given: { x: Tensor }) => Tensor]>([
    ['after the skip', ({ x }) => plain(cat([skipOf(x), upOf(x)], 1), kernel, bias).relu()],
    ['before the skip', ({ x }) => plain(cat([upOf(x), skipOf(x)], 1), kernel)],
    ['alone', ({ x }) => plain(upOf(x), kernel.narrow(1, 0, 5), bias)],
    [
      'of channels that only the kernel tells',
      ({ x }) =>
        plain(
          cat(
            [
              skipOf(x),
              pointwise(x.maxPool2d([2, 2]), lowWeight)
                .sigmoid()
                .upsampleNearest2d([6, 6]),
            ],
            1,
          ),
          kernel,
        ),
    ],
  ])('are convolutions of the small map, %s', async (_name, body) => {
    expect(await difference(image, body, foldUpsampling)).toBeLessThan(CLOSE);
    const ops = opsOf(body);
    expect(ops).not.toContain('Resize');
    expect(ops.filter((op) => op === 'Conv').length).toBeGreaterThanOrEqual(4);
  });

  it('multiply four times instead of nine', () => {
    const graph = graphOf(image, ({ x }) => plain(upOf(x), kernel.narrow(1, 0, 5)));
    foldUpsampling(graph);
    const small = [...graph.constants]
      .filter(([name]) => name.includes('phase'))
      .map(([, { shape }]) => shape);
    expect(small).toEqual(Array.from({ length: 4 }, () => [5, 5, 2, 2])); // a quarter of the pixels each
  });

  it.each<[string, (given: { x: Tensor }) => Tensor]>([
    [
      'a map that others read too',
      ({ x }) => {
        const up = upOf(x);
        return plain(cat([skipOf(x), up], 1), kernel)
          .sum([1])
          .add(up.sum([1]));
      },
    ],
    ['a kernel of another size', ({ x }) => conv2d(upOf(x), large, null, [1, 1], [2, 2], [1, 1], 1)],
    [
      'two parts whose channels nobody tells',
      ({ x }) => plain(cat([x, upOf(x), x.narrow(1, 0, 3).sigmoid()], 1), kernel),
    ],
    ['strides', ({ x }) => conv2d(upOf(x), kernel.narrow(1, 0, 5), null, [2, 2], [1, 1], [1, 1], 1)],
    [
      'another factor',
      ({ x }) =>
        plain(pointwise(x.maxPool2d([3, 3]), lowWeight).upsampleNearest2d([6, 6]), kernel.narrow(1, 0, 5)),
    ],
  ])('stay as they are with %s', async (_name, body) => {
    expect(opsOf(body)).toContain('Resize');
    expect(await difference(image, body, foldUpsampling)).toBeLessThan(CLOSE);
  });
});

describe('leaving out', () => {
  it('precomputes constants and drops what no output needs', () => {
    const graph = graphOf(rows, ({ x }) => {
      x.matmul(square).relu();
      return x.matmul(square.matmul(square).t());
    });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['MatMul']);
    expect(graph.constants.size).toBe(1);
  });
});

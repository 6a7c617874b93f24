import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@reclmis/core';
import { conv2d, manualSeed, rand, randn, scope, Tensor } from '@reclmis/torch';
import { afterAll, describe, expect, it } from 'vitest';
import { writeTinyData } from '@reclmis/data/testing';
import { openFitted, type RunInfo, ownCases } from '@reclmis/lab';
import { makeTinyRun, tinyConfig } from '@reclmis/lab/testing';
import { calibrate, type CalibrationInputs, Samples } from './calibrate.js';
import { calibrationCases, readCases } from './cases.js';
import { exportModel } from './export.js';
import { equalise, scalableConvolutions } from './equalise.js';
import { fold, separateConstants } from './fold.js';
import { floatLayers, leastCount, sameSide, SOFT_DICE_LIMIT, softDice } from './float-layers.js';
import { measureShifts } from './bias-shifts.js';
import { encodeModel } from './onnx-model.js';
import { copyOf, float32Of, floats, type OnnxGraph } from './onnx-graph.js';
import { activationScale, layersOf, quantise, quantiseChannels, tensorsToCalibrate } from './quantise.js';
import { record } from './record.js';
import { openOnnx } from './session.js';
import { readOnnx } from './testing/onnx-reader.js';
import { translate } from './translate.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-int8-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('activationScale', () => {
  it.each([
    [{ low: 0, high: 10 }, 0],
    [{ low: -10, high: 0 }, 255],
    [{ low: -1, high: 3 }, 64],
    [{ low: 2, high: 10 }, 0], // 0 is always inside, for padding and ReLU
  ])('of %o has zero point %i and covers the range', (range, zero) => {
    const found = activationScale(range);
    expect(found.zero).toBe(zero);
    const lowest = -found.zero * found.scale;
    const highest = (255 - found.zero) * found.scale;
    // Rounding the zero point takes half a step.
    expect(lowest).toBeLessThanOrEqual(Math.min(range.low, 0) + found.scale / 2);
    expect(highest).toBeGreaterThanOrEqual(range.high - found.scale / 2);
  });

  it('of nothing but zeros is a positive number', () => {
    expect(activationScale({ low: 0, high: 0 })).toMatchObject({ zero: 0 });
    expect(activationScale({ low: 0, high: 0 }).scale).toBeGreaterThan(0);
  });
});

describe('quantiseChannels', () => {
  it('rounds each channel by its own scale, to 7 bits', () => {
    const weight = floats([1.1, -2, 0.5, 110, -200, 50], [2, 3]);
    const rows = quantiseChannels(weight, 0);
    expect([...rows.scales]).toEqual([2 / 63, 200 / 63].map(Math.fround));
    expect([...new Int8Array(rows.weight.data.buffer)]).toEqual([35, -63, 16, 35, -63, 16]);
    const columns = quantiseChannels(weight, 1);
    expect([...columns.scales]).toEqual([110 / 63, 200 / 63, 50 / 63].map(Math.fround));
    expect([...new Int8Array(columns.weight.data.buffer)]).toEqual([1, -1, 1, 63, -63, 63]);
  });

  it('leaves room for the bias, and takes channels of zeros', () => {
    const { scales, weight } = quantiseChannels(floats([0, 0, 1, 1], [2, 2]), 0, Float32Array.of(0.25, 0.25));
    expect([...scales]).toEqual([0.25, 0.25]);
    expect([...new Int8Array(weight.data.buffer)]).toEqual([0, 0, 4, 4]);
  });
});

describe('Samples', () => {
  it('take the whole range if it is filled, and cut off a lone outlier', () => {
    const random = Random.from(1);
    const even = new Samples();
    const lone = new Samples();
    for (let i = 0; i < 300; i++) {
      const values = Float32Array.from({ length: 4096 }, () => random.next());
      even.add(values);
      lone.add(values.map((value, k) => (i === 0 && k === 7 ? 40 : value)));
    }
    expect(even.range()).toEqual({ low: 0, high: expect.closeTo(1, 2) as number });
    // Rounding a million values to steps of 40/255 costs more than clipping the one of 40 to 1.
    expect(lone.range().high).toBeLessThan(2);
  });

  // Strides of a 4096th are whole or half rows here.
  it.each([
    [64, 224],
    [512, 28],
    [64, 64],
    [128, 32],
  ])('of a map of %i channels and side %i are of all columns', (channels, side) => {
    const samples = new Samples();
    const onStride = (x: number): boolean => x % (side / 2) === 0;
    samples.add(
      Float32Array.from({ length: channels * side * side }, (_, i) =>
        onStride(i % side) ? 0.001 * (Math.floor(i / side) % 11) : (i % 1009) / 1009,
      ),
    );
    expect(samples.range().high).toBeGreaterThan(0.99); // narrow columns must not decide the range
  });
});

function smallGraph(change: (between: Tensor) => Tensor = (same) => same): OnnxGraph {
  manualSeed(2);
  const weights = [randn([16, 3, 3, 3]), randn([16, 16, 3, 3]), randn([16, 16, 1, 1])] as const;
  const bias = randn([16]);
  const recording = record(
    (B) => ({ image: rand([B, 3, 8, 8]) }),
    ({ image }) => {
      const first = conv2d(image, weights[0], bias, [1, 1], [1, 1], [1, 1], 1).relu();
      const second = conv2d(
        change(first).maxPool2d([2, 2]),
        weights[1],
        bias,
        [1, 1],
        [1, 1],
        [1, 1],
        1,
      ).relu();
      const third = conv2d(second.upsampleNearest2d([8, 8]), weights[2], null, [1, 1], [0, 0], [1, 1], 1);
      return { probability: third.mul(0.02).sigmoid() };
    },
  );
  const graph = scope(() => fold(translate(recording, { name: 'small', parameters: new Map() })));
  recording.dispose();
  separateConstants(graph);
  return graph;
}

const images = (count: number): CalibrationInputs[] =>
  Array.from({ length: count }, () => ({
    image: { data: scope(() => rand([1, 3, 8, 8]).toFloat32Array()), shape: [1, 3, 8, 8] },
  }));

describe('quantise', () => {
  it('computes nearly the same with whole numbers between', async () => {
    const graph = smallGraph();
    const inputs = images(8);
    const float = await openOnnx(encodeModel(graph, 'test'));
    const layers = layersOf(graph);
    expect(layers.length).toBe(2); // the first convolution, which reads the image, stays
    const ranges = await calibrate(graph, tensorsToCalibrate(graph, layers), inputs.slice(0, 6));
    quantise(graph, layers, ranges);
    const whole = await openOnnx(encodeModel(graph, 'test'));
    let worst = 0;
    for (const one of inputs) {
      const expected = (await float.run(one)).get('probability');
      const actual = (await whole.run(one)).get('probability');
      expected?.forEach(
        (value, i) => (worst = Math.max(worst, Math.abs(value - (actual?.[i] ?? Number.NaN)))),
      );
    }
    await float.release();
    await whole.release();
    // Two layers with 1 % noise on logits of a few units.
    expect(worst).toBeLessThan(0.1);
    expect(worst).toBeGreaterThan(0);
    const types = [...graph.constants.values()]
      .filter(({ shape }) => shape.length === 4)
      .map(({ type }) => type);
    expect(types.sort()).toEqual(['float32', 'int8', 'int8']);
    const ops = graph.nodes.map(({ op }) => op);
    expect(ops.filter((op) => op === 'QuantizeLinear').length).toBe(
      ops.filter((op) => op === 'DequantizeLinear').length - 4, // excluding two weights, a bias, and doubled bytes
    );
  });

  it('gives pooling and upsampling the scale of what they read', async () => {
    const graph = smallGraph();
    const layers = layersOf(graph);
    const ranges = await calibrate(graph, tensorsToCalibrate(graph, layers), images(2));
    quantise(graph, layers, ranges);
    const scaleOf = (name: string | undefined): number | undefined => {
      const constant = graph.constants.get(`${name ?? ''}.scale`);
      return constant && float32Of(constant)[0];
    };
    for (const { op, inputs, outputs } of graph.nodes) {
      if (op !== 'MaxPool') continue;
      expect(scaleOf(outputs[0])).toBeDefined();
      expect(scaleOf(outputs[0])).toBe(scaleOf(inputs[0]?.replace(/\.dq$/, '')));
    }
    // Upsampling looks up bytes, channels last, from `small.q` to `large.q`.
    const lookups = graph.nodes.filter(({ op }) => op === 'Gather');
    const [large = ''] = lookups[1]?.outputs ?? [];
    const small = graph.nodes.find(({ outputs }) => outputs[0] === lookups[0]?.inputs[0])?.inputs[0] ?? '';
    expect(lookups.length).toBe(2);
    expect(scaleOf(large.replace(/\.q\.large$/, ''))).toBeDefined();
    expect(scaleOf(large.replace(/\.q\.large$/, ''))).toBe(scaleOf(small.replace(/\.q$/, '')));
  });
});

describe('equalise', () => {
  it('changes no result, and brings the channels’ ranges together', async () => {
    const graph = smallGraph();
    const first = graph.nodes.find(({ op }) => op === 'Conv');
    const weight = graph.constants.get(first?.inputs[1] ?? '');
    if (weight) float32Of(weight).subarray(0, 27).fill(20);
    const inputs = images(4);
    const run = async (): Promise<{ probability: Float32Array; spread: number }> => {
      const between = first?.outputs[0] ?? '';
      const outputs = ['probability', between].map((name) => ({ name, type: 'float32' as const, shape: [] }));
      const session = await openOnnx(encodeModel({ ...graph, outputs }, 'test', { shapes: false }), {
        optimise: false,
      });
      const results = await session.run(inputs[0] ?? {});
      await session.release();
      const values = results.get(between) ?? new Float32Array();
      const most = Array.from({ length: 16 }, (_, c) => Math.max(...values.subarray(c * 64, (c + 1) * 64)));
      return {
        probability: results.get('probability') ?? new Float32Array(),
        spread: Math.max(...most) / Math.min(...most.filter((value) => value > 0)),
      };
    };
    const before = await run();
    expect(scalableConvolutions(graph).map(({ readers }) => readers.length)).toEqual([1, 1]);
    await equalise(graph, inputs);
    const after = await run();
    // Other products round differently.
    after.probability.forEach((value, i) =>
      expect(value).toBeCloseTo(before.probability[i] ?? Number.NaN, 4),
    );
    expect(after.spread).toBeLessThan(before.spread / 3);
  });

  it('leaves channels that other operators read', () => {
    const graph = smallGraph((between) => between.add(between.mean([1], true)));
    expect(scalableConvolutions(graph).length).toBe(1);
  });
});

/**
 * One channel, a thousand times larger, takes nearly all steps. It has no weight, as if a later layer learnt
 * to ignore it.
 */
function unevenGraph(): OnnxGraph {
  const factors = Tensor.fromFloat32(
    Float32Array.from({ length: 16 }, (_, c) => (c === 0 ? 1000 : 1)),
    [1, 16, 1, 1],
  );
  const graph = smallGraph((between) => between.mul(factors));
  ignoreFirstChannel(graph);
  return graph;
}

function ignoreFirstChannel(graph: OnnxGraph): void {
  const weight = graph.constants.get(layersOf(graph)[0]?.weight ?? '');
  if (!weight) return;
  const values = float32Of(weight);
  for (let o = 0; o < 16; o++) values.fill(0, o * 144, o * 144 + 9);
}

describe('measureShifts', () => {
  it('finds the mean errors of channels, which biases take back', async () => {
    const graph = smallGraph();
    const inputs = images(3);
    const layers = layersOf(graph);
    const ranges = await calibrate(graph, tensorsToCalibrate(graph, layers), inputs);
    const all = await measureShifts(graph, layers, ranges, inputs);
    const { node, weight } = layers[0]!;
    const own = all.get(weight)!;
    const [output = ''] = node.outputs;
    const means = async (of: OnnxGraph): Promise<number[]> => {
      const outputs = [{ name: output, type: 'float32' as const, shape: [] }];
      const session = await openOnnx(encodeModel({ ...of, outputs }, 'test', { shapes: false }), {
        optimise: false,
      });
      const sums = new Array<number>(16).fill(0);
      for (const one of inputs) {
        const values = (await session.run(one)).get(output) ?? new Float32Array();
        values.forEach((value, i) => (sums[i >> 4]! += value / 48));
      }
      await session.release();
      return sums;
    };
    const shifts = new Map([[weight, own]]);
    const quantised = (with_: ReadonlyMap<string, Float32Array>): OnnxGraph => {
      const copy = copyOf(graph);
      return quantise(copy, layersOf(copy), ranges, with_);
    };
    const expected = await means(graph);
    const before = await means(quantised(new Map()));
    const corrected = quantised(shifts);
    const after = await means(corrected);
    const steps = float32Of(corrected.constants.get(`${weight}.bias.scale`)!);
    for (let c = 0; c < 16; c++) {
      // Biases are rounded to whole steps; 144 products are summed in another order.
      const tolerance = steps[c]! / 2 + 1e-4;
      const shift = own[c] ?? Number.NaN;
      expect(Math.abs(before[c]! - expected[c]! - shift)).toBeLessThan(tolerance);
      expect(Math.abs(after[c]! - expected[c]!)).toBeLessThan(tolerance);
    }
    const squares = (of: readonly number[]): number =>
      of.reduce((sum, value, c) => sum + (value - expected[c]!) ** 2, 0);
    expect(squares(after)).toBeLessThan(squares(before) / 10);
  });
});

describe('softDice', () => {
  it.each([
    ['of the same', [[0.2, 1]], [[0.2, 1]], 1],
    ['of nothing alike', [[1, 0]], [[0, 1]], 0],
    ['of a pixel half as sure', [[1, 0.5]], [[1, 1]], 3 / 3.25],
    ['of all cases together', [[0, 0], [1]], [[0, 0.5], [1]], 2 / 2.25],
    ['of zeros', [[0, 0]], [[0, 0]], 1],
    ['of what is no number', [[1]], [[Number.NaN]], Number.NaN],
    ['of a missing case', [[1]], [], Number.NaN],
  ])('%s', (_, expected, actual, dice) => {
    const arrays = (values: number[][]): Float32Array[] => values.map((one) => Float32Array.from(one));
    const found = softDice(arrays(expected), arrays(actual));
    if (Number.isNaN(dice)) expect(found).toBeNaN();
    else expect(found).toBeCloseTo(dice, 6);
  });
});

describe('sameSide', () => {
  it('is the share of pixels that the threshold puts on the same side', () => {
    const [expected, actual] = [[0.49, 0.5, 0.9], [0]].map((one) => Float32Array.from(one));
    const others = [0.5, 0.51, 0.6].map(Math.fround);
    expect(sameSide([expected!, actual!], [Float32Array.from(others), actual!])).toBe(0.75);
    expect(sameSide([expected!], [])).toBeCloseTo(1 / 3, 12); // missing pixels match only those below
    expect(sameSide([], [])).toBe(1);
  });
});

describe('leastCount', () => {
  it('finds each count in few trials', async () => {
    for (let most = 0; most <= 40; most++) {
      for (let least = 0; least <= most; least++) {
        let trials = 0;
        const found = await leastCount(most, (count) => {
          trials += 1;
          return Promise.resolve(count >= least);
        });
        expect(found).toBe(least);
        expect(trials).toBeLessThanOrEqual(least === 0 ? 1 : 2 + 2 * Math.log2(2 * least));
      }
    }
  });
});

describe('floatLayers', () => {
  const chosen = async (graph: OnnxGraph): Promise<{ places: number[]; dice: number }> => {
    const layers = layersOf(graph);
    const [used, kept] = [images(4), images(3)];
    const ranges = await calibrate(graph, tensorsToCalibrate(graph, layers), used);
    const weights = layers.map(({ weight }) => weight);
    const quantised = (float: ReadonlySet<string>): OnnxGraph => {
      const copy = copyOf(graph);
      return quantise(
        copy,
        layersOf(copy).filter(({ weight }) => !float.has(weight)),
        ranges,
      );
    };
    const float = await floatLayers(graph, weights, quantised, kept);
    const probabilities = async (of: OnnxGraph): Promise<Float32Array[]> => {
      const session = await openOnnx(encodeModel(of, 'test'));
      const found: Float32Array[] = [];
      for (const one of kept) found.push((await session.run(one)).get('probability') ?? new Float32Array());
      await session.release();
      return found;
    };
    return {
      places: layers.flatMap(({ weight }, i) => (float.has(weight) ? [i] : [])),
      dice: softDice(await probabilities(graph), await probabilities(quantised(float))),
    };
  };

  it('leaves none if eight bits suffice', async () => {
    const { places, dice } = await chosen(smallGraph());
    expect(places).toEqual([]);
    expect(dice).toBeGreaterThanOrEqual(SOFT_DICE_LIMIT);
    expect(dice).toBeLessThan(1);
  });

  it('leaves the one layer that needs more, and no other', async () => {
    const { places, dice } = await chosen(unevenGraph());
    expect(places).toEqual([0]);
    expect(dice).toBeGreaterThanOrEqual(SOFT_DICE_LIMIT);
  });
});

describe('an export in int8', () => {
  it('of a fold’s run is calibrated on what the fold trains on, not on Train_Folder', async () => {
    const dir = join(root, 'folds');
    await writeTinyData(dir, 32, { train: 6, val: 6, test: 2 });
    const config = tinyConfig(dir, { 'data.folds': 3, 'data.fold': 2 });
    const run = { config, info: {} as RunInfo };
    const { train, val } = await openFitted(config.data);
    const [own, checked] = [await ownCases(run, 'train'), await ownCases(run, 'val')];
    expect([own.length, checked.length]).toEqual([8, 4]); // of twelve in both folders
    expect(own).toEqual(train.cases);
    expect(checked).toEqual(val.cases);
    const wanted = (await readCases(train.cases, 8, { size: 32, resize: 'area' })).map(({ image }) =>
      Buffer.from(image.buffer).toString('hex'),
    );
    for (const options of [{}, { calibrate: dir }]) {
      const { used, kept } = await calibrationCases(run, { size: 32, resize: 'area' }, options);
      const images = [...used, ...kept].map(({ image }) => Buffer.from(image.buffer).toString('hex'));
      expect(images.sort()).toEqual(wanted.sort());
    }
  });

  it('has whole numbers in all but the first and last layers, and the same masks', async () => {
    const run = await makeTinyRun(root);
    const [float, whole] = [join(root, 'float'), join(root, 'whole')];
    await exportModel(run, { out: float, threads: 1 });
    const { check, manifest } = await exportModel(run, { out: whole, precision: 'int8', threads: 1 });
    expect(manifest).toMatchObject({ precision: 'int8', check: { cases: 5 } });
    expect(check).toMatchObject({ cases: 5, real: 5 }); // half of ten training cases
    expect(check.agreement).toBeGreaterThan(0.98);
    const { constants } = readOnnx(readFileSync(join(whole, 'segmenter.onnx')));
    const typeOf = (name: RegExp): number[] =>
      constants.filter((one) => name.test(one.name)).map(({ type }) => type);
    expect(typeOf(/^inc\.conv\.weight/)).not.toContain(3);
    expect(typeOf(/^outc\.weight/)).toEqual([1]);
    expect(typeOf(/^(down|up).*nConvs.*weight.*\.q$/).filter((type) => type === 3).length).toBe(16);
    const size = (dir: string): number => statSync(join(dir, 'segmenter.onnx')).size;
    expect(size(whole) / size(float)).toBeLessThan(0.6); // names and shapes weigh much in a tiny model

    const none = exportModel(run, {
      out: join(root, 'none'),
      precision: 'int8',
      calibrate: join(root, 'nowhere'),
    });
    await expect(none).rejects.toMatchObject({ code: 'DATA_FOLDER_MISSING' });
    rmSync(join(root, 'data'), { recursive: true });
    const gone = exportModel(run, { out: join(root, 'none'), precision: 'int8' });
    await expect(gone).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });
});

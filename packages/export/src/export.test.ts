/** Exports of small runs: with the word encoder, CLIP's tower, and no notes. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  MANIFEST_FILE,
  type ModelManifest,
  parseManifest,
  PROBE_NOTE,
  probeDifference,
  probePlanes,
  probeValues,
  ReclmisError,
} from '@reclmis/core';
import { memory } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Evaluation, evaluateRun, figuresOf, writeEvaluation, openRun, importRun } from '@reclmis/lab';
import {
  tinyMerges,
  TINY_SIZE,
  writeTinyCheckpoint,
  makeTinyRun,
  TINY_RUN_SIZE as S,
  failure,
} from '@reclmis/lab/testing';
import { judge } from './check.js';
import { exportModel, type ExportOptions, type ExportReport } from './export.js';
import { scoresOf } from './scores.js';
import { openOnnx } from './session.js';
import { type ReadModel, readOnnx } from './testing/onnx-reader.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-export-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let serial = 0;
const place = (): string => join(root, `model-${++serial}`);

const manifestOf = (dir: string): ModelManifest =>
  parseManifest(JSON.parse(readFileSync(join(dir, MANIFEST_FILE), 'utf8')), dir);
const graphOf = (dir: string, file = 'segmenter.onnx'): ReadModel => readOnnx(readFileSync(join(dir, file)));

describe('a run that reads notes by words', () => {
  let run: string;
  let report: ExportReport;
  let evaluation: Evaluation;
  const out = join(root, 'words', 'model');

  beforeAll(async () => {
    run = await makeTinyRun(join(root, 'words'), { 'data.resize': 'upstream', 'data.window': '-600/1500' });
    evaluation = await evaluateRun(run);
    await writeEvaluation(evaluation, { csv: join(run, 'evaluation', 'data-test.csv') });
    writeFileSync(join(run, 'evaluation', 'data-test-shuffled.csv'), 'id,dice,iou\na,1,1\n');
    report = await exportModel(run, { out, threads: 1 });
  });

  it('becomes two models and a manifest, and nothing else', () => {
    expect(readdirSync(out).sort()).toEqual([MANIFEST_FILE, 'segmenter.onnx', 'text-encoder.onnx']);
    expect(readdirSync(join(root, 'words')).sort()).toEqual(['data', 'model', 'run']);
    const manifest = manifestOf(out);
    expect(manifest).toEqual(report.manifest);
    expect(manifest).toMatchObject({
      name: 'reclmis-data',
      precision: 'fp32',
      image: { size: S, resize: 'stretch-bilinear', window: '-600/1500' },
      note: { contextLength: 12, width: 512, grammar: 'lvit', tokenizer: { kind: 'words' } },
      training: { data: { name: 'data', cases: 10 }, checkpoint: { kind: 'best' }, seed: 1 },
      versions: { opset: 17 },
      check: { cases: 6 },
    });
    for (const file of [manifest.segmenter.file, manifest.textEncoder?.file]) {
      const bytes = readFileSync(join(out, file?.name ?? ''));
      expect(file).toMatchObject({
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      });
    }
  });

  it("states a made-up case's result in the manifest, to try devices with", () => {
    using model = openRun(run).loadModel({ threads: 1 });
    const expected = probeValues(model.probabilities(probePlanes(S), [PROBE_NOTE]), S);
    const { probe = [] } = manifestOf(out).check;
    expect(probeDifference(expected, probe)).toBeLessThan(1e-4);
    expect(new Set(probe).size).toBeGreaterThan(50); // 256 pixels, some drawn twice
  });

  it('agrees with libtorch, on made and on real images, alone and in a batch', () => {
    expect(report.check).toMatchObject({ cases: 6, real: 4, agreement: 1 });
    // float32 rounding; a wrong graph differs by whole probabilities.
    expect(report.check.worst).toBeLessThan(1e-5);
    expect(report.check.worst).toBeGreaterThan(0);
    expect(report.check.worstNote).toBeLessThan(1e-5);
    expect(report.check.worstInterest).toBeLessThan(1e-5);
    expect(report.check.worstInterest).toBeGreaterThan(0);
  });

  it('holds no parameter that only training needs, and no batch normalisation', () => {
    const { nodes, constants, inputs, outputs, opset, irVersion } = graphOf(out);
    expect({ opset, irVersion }).toEqual({ opset: 17, irVersion: 8 });
    expect(inputs).toEqual([
      { name: 'image', shape: ['batch', 3, S, S] },
      { name: 'note', shape: ['batch', 12, 512] },
    ]);
    expect(outputs).toEqual([
      { name: 'probability', shape: ['batch', 1, S, S] },
      { name: 'interest', shape: ['batch', (S / 16) ** 2 + 12] },
    ]);
    const trainingOnly = /^(rec_|clip)|running_|\.norm\./;
    expect(constants.map(({ name }) => name).filter((name) => trainingOnly.test(name))).toEqual([]);
    const absent = ['BatchNormalization', 'Dropout', 'ReduceMean'];
    expect(nodes.filter(({ op }) => absent.includes(op))).toEqual([]);
    // Except the deepest map's (2 x 2 pixels), which WebGPU would compute wrongly.
    expect(nodes.filter(({ op }) => op === 'Resize')).toHaveLength(1);
    expect(constants.every(({ name }) => nodes.some((node) => node.inputs.includes(name)))).toBe(true);

    // Folding leaves a weight and a bias per convolution; the interest's are not the mask's.
    const ofMask = /^(?!mlp_|interact\.CTBN)/;
    using model = openRun(run).loadModel({ threads: 1 });
    let expected = 0;
    for (const [key, { numel }] of model.model.stateDict()) {
      if (ofMask.test(key) && !trainingOnly.test(key)) expected += numel;
    }
    expect(report.manifest.parameters).toBe(expected);
  });

  it('names the scores with the right notes, and where they come from', () => {
    expect(report.manifest.scores).toMatchObject([
      { data: 'data', split: 'validation', cases: 6 },
      { data: 'data', split: 'test', cases: 4 },
    ]);
    const [header = '', ...test] = readFileSync(join(run, 'evaluation', 'data-test.csv'), 'utf8')
      .trim()
      .split('\r\n');
    const at = header.split(',').indexOf('dice');
    const mean = test.reduce((sum, line) => sum + Number(line.split(',')[at]), 0) / test.length;
    const [, own] = report.manifest.scores;
    expect(own?.dice).toBeCloseTo(mean, 12);
    // As `reclmis evaluate` gives them.
    const figure = (key: string): [number | null, number | null] => {
      const { low, high } = figuresOf(evaluation.rows).find((one) => one.key === key)!;
      return [low, high];
    };
    expect(own?.interval).toEqual({ dice: figure('dice'), iou: figure('iou'), patients: 4 });
  });

  it('names scores of the exported weights alone, and a study’s by the data', async () => {
    const folder = join(run, 'evaluation');
    const last = await evaluateRun(run, { checkpoint: 'last' });
    await writeEvaluation(last, { csv: join(folder, 'data-test-last.csv') });
    writeFileSync(join(folder, 'ablation-test.csv'), 'id,dice,iou\na,0.5,0.25\n');
    writeFileSync(join(folder, 'ablation-test.json'), JSON.stringify({ data: { name: 'chests' } }));
    const testsOf = (checkpoint: 'best' | 'last'): (readonly [string, number])[] => {
      using model = openRun(run).loadModel({ threads: 1, checkpoint });
      const tests = scoresOf(openRun(run), model).filter(({ split }) => split === 'test');
      return tests.map(({ data, dice }) => [data, dice]);
    };
    const own = report.manifest.scores[1]?.dice;
    expect(testsOf('best')).toEqual([
      ['chests', 0.5],
      ['data', own],
    ]);
    expect(testsOf('last')).toEqual([['data', expect.closeTo(last.summary.mean.dice, 12)]]);
    for (const name of ['data-test-last.csv', 'ablation-test.csv', 'ablation-test.json'])
      rmSync(join(folder, name));
  });

  it('leaves no handle behind', async () => {
    const before = memory().handles;
    await exportModel(run, { out: place(), threads: 1 });
    expect(memory().handles).toBe(before);
  });

  it('in float16 has half the size, float32 at its ends, and the same masks', async () => {
    const dir = place();
    const { check, manifest } = await exportModel(run, { out: dir, precision: 'fp16', threads: 1 });
    expect(manifest.precision).toBe('fp16');
    expect(manifest.parameters).toBe(report.manifest.parameters);
    const { constants } = graphOf(dir);
    const weights = constants.filter(({ shape, name }) => shape.length > 1 && !name.startsWith('scales_'));
    expect(new Set(weights.map(({ type }) => type))).toEqual(new Set([10]));
    const bytes = (model: ReadModel): number => model.constants.reduce((sum, one) => sum + one.bytes, 0);
    expect(bytes(graphOf(dir)) / bytes(graphOf(out))).toBeLessThan(0.55); // shapes are not halved
    expect(check.agreement).toBeGreaterThan(0.999);
    expect(check.worst).toBeGreaterThan(report.check.worst);
  });

  it('refuses an existing place, and leaves nothing on failure', async () => {
    const taken = place();
    mkdirSync(taken);
    writeFileSync(join(taken, 'mine.txt'), 'mine');
    const fails = (options: Partial<ExportOptions>): Promise<ReclmisError> =>
      failure(() => exportModel(run, { out: place(), threads: 1, ...options }));
    expect(await fails({ out: taken })).toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(readdirSync(taken)).toEqual(['mine.txt']);
    expect((await failure(() => exportModel(join(root, 'none'), { out: place() }))).code).toBe('RUN_MISSING');

    const out = place();
    const onStage = (stage: string): void => {
      if (stage === 'checking') throw new ReclmisError('EXPORT_DIFFERS', 'as if');
    };
    expect(await fails({ out, onStage })).toMatchObject({ code: 'EXPORT_DIFFERS' });
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('stops on request, and leaves nothing', async () => {
    for (const [precision, at] of [
      ['fp32', 'checking'],
      ['int8', 'calibrating'],
    ] as const) {
      const stop = new AbortController();
      const out = place();
      const stopped = exportModel(run, {
        out,
        precision,
        threads: 1,
        signal: stop.signal,
        onStage: (stage) => {
          if (stage === at) stop.abort();
        },
      });
      await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
      expect(existsSync(out)).toBe(false);
    }
    expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('takes an empty folder', async () => {
    const out = place();
    mkdirSync(out);
    await exportModel(run, { out, threads: 1, name: 'lungs' });
    expect(manifestOf(out).name).toBe('lungs');
  });
});

describe('other runs', () => {
  it('with CLIP’s tower brings the vocabulary along', async () => {
    const file = join(root, 'best_model.pth.tar');
    const vocabulary = join(root, 'merges.txt');
    writeFileSync(vocabulary, tinyMerges());
    writeTinyCheckpoint(file);
    const run = join(root, 'clip');
    await importRun(file, run, { vocabulary, contextLength: 10 });
    const out = place();
    const { manifest, check } = await exportModel(run, { out });
    expect(readdirSync(out).sort()).toEqual([
      MANIFEST_FILE,
      'merges.txt',
      'segmenter.onnx',
      'text-encoder.onnx',
    ]);
    expect(manifest).toMatchObject({
      note: { contextLength: 10, width: 64, tokenizer: { kind: 'clip', merges: { name: 'merges.txt' } } },
      image: { size: TINY_SIZE },
      training: { data: null },
      scores: [],
    });
    expect(graphOf(out, 'text-encoder.onnx').inputs).toEqual([{ name: 'tokens', shape: ['batch', 10] }]);
    expect(check).toMatchObject({ real: 0, agreement: 1 });
    // Random attention weights; features have variance 1.
    expect(check.worstNote).toBeLessThan(1e-4);
    expect(check.worst).toBeLessThan(1e-5);
    // FLOPs must not depend on features kept on disk.
    const again = await exportModel(run, { out: place() });
    expect(again.manifest.flopsPerImage).toBe(manifest.flopsPerImage);
  });

  it('without notes is one model of one input', async () => {
    const components = ['ci', 'ccl', 'clr', 'cvr'].map((name): [string, boolean] => [
      `model.components.${name}`,
      false,
    ]);
    const run = await makeTinyRun(join(root, 'free'), Object.fromEntries(components));
    const out = place();
    const { manifest, check } = await exportModel(run, { out, threads: 1 });
    expect(readdirSync(out).sort()).toEqual([MANIFEST_FILE, 'segmenter.onnx']);
    expect(manifest).toMatchObject({ note: null, textEncoder: null, segmenter: { inputs: { note: null } } });
    expect([check.worstNote, check.worstInterest]).toEqual([null, null]);
    expect(check.worst).toBeLessThan(1e-5);
  });
});

describe('the check', () => {
  const good = { cases: 3, real: 3, worst: 1e-6, worstNote: 1e-6, worstInterest: 1e-6, agreement: 1 };

  it.each<[string, Partial<typeof good>, 'fp32' | 'fp16' | 'int8', RegExp | null]>([
    ['equal', {}, 'fp32', null],
    ['another probability', { worst: 2e-4 }, 'fp32', /probability 0.0002, expected at most 0.0001/],
    ['no number', { worst: Number.NaN }, 'fp16', /NaN, expected a number/],
    ['another note', { worstNote: 0.01 }, 'fp32', /note feature 0.01/],
    ['another note in fp16', { worstNote: 0.01 }, 'fp16', null],
    ['another interest', { worstInterest: 2e-4 }, 'fp32', /share of interest 0.0002/],
    ['an interest of no numbers', { worstInterest: Number.NaN }, 'fp32', /share of interest NaN/],
    ['another interest in int8', { worstInterest: 0.01 }, 'int8', null],
    ['a probability in fp16', { worst: 0.2 }, 'fp16', null],
    ['other masks in fp16', { agreement: 0.99 }, 'fp16', /mask pixels 0.99, expected at least 0.999/],
    ['other masks in int8', { agreement: 0.99 }, 'int8', null],
    ['quite other masks', { agreement: 0.9 }, 'int8', /at least 0.98/],
  ])('judges %s', (_, change, precision, message) => {
    const act = (): void => judge({ ...good, ...change }, precision);
    if (message === null) expect(act).not.toThrow();
    else {
      expect(act).toThrow(message);
      expect(act).toThrow(expect.objectContaining({ code: 'EXPORT_DIFFERS' }));
    }
  });

  it('says if onnxruntime refuses a file', async () => {
    const error = await failure(() => openOnnx(Uint8Array.of(1, 2, 3)));
    expect(error.code).toBe('EXPORT_DIFFERS');
  });
});

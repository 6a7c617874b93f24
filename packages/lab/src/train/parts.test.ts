import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scope } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type Overrides } from '../config/config.js';
import type { Batch } from '@reclmis/data';
import { writeTinyData } from '@reclmis/data/testing';
import { buildModel, modelDescriptor, modelNames } from '../model/registry.js';
import { checkpointPath } from '../run/checkpoint.js';
import { openRun, runFiles } from '../run/run.js';
import { tensorHashes } from '../testing/tensor-hashes.js';
import { tinyConfig } from '../testing/tiny-run.js';
import { resumeTraining } from './resume.js';
import { openSession, openTrainingData, type Session } from './session.js';
import { trainStep } from './step.js';
import { expectSame, fourEpochs, stopAfter } from './testing/resumed.js';
import { train } from './train.js';

const GUIDE = fileURLToPath(new URL('../../../../docs/guide/starting-weights.md', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'reclmis-parts-'));
const data = join(root, 'data');
const first = join(root, 'first');
const { tiny, place } = fourEpochs(root);
const ENCODER = /^(?:inc|down[1-4])\./;

beforeAll(async () => {
  await writeTinyData(data, 32, { train: 10, val: 6, test: 2 });
  await train(tinyConfig(data, { 'train.epochs': 1 }), { out: first });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function session(overrides: Overrides): Promise<Session> {
  const config = tinyConfig(data, { 'train.batchSize': 5, 'augment.mode': 'none', ...overrides });
  return openSession(config, await openTrainingData(config));
}

async function batchOf({ trainLoader }: Session): Promise<Batch> {
  for await (const batch of trainLoader.batches(1)) return batch;
  throw new Error('no batch');
}

const valuesOf = ({ model }: Session): Map<string, Float32Array> =>
  new Map([...model.stateDict()].map(([key, tensor]) => [key, tensor.toFloat32Array()]));

describe.each(modelNames())('the parts of %s', (name) => {
  const { parts = {} } = modelDescriptor(name);

  it('hold each of its parameters once', () => {
    const { model: settings } = loadConfig(undefined, { 'model.name': name, 'model.baseWidth': 8 });
    const traits = { width: 512, contextLength: 24, vocabularySize: 50 };
    scope(() => {
      using model = buildModel(settings, traits);
      const paths = Object.values(parts).flat();
      for (const key of model.namedParameters().keys()) {
        const within = paths.filter((path) => key === path || key.startsWith(`${path}.`));
        expect([key, within.length]).toEqual([key, 1]);
      }
    });
  });

  it('are in the guide', () => {
    const listed = Object.entries(parts).map(
      ([part, paths]) => `\`${part}\` (${paths.map((path) => `\`${path}\``).join(', ')})`,
    );
    const row = readFileSync(GUIDE, 'utf8')
      .split('\n')
      .find((line) => line.startsWith(`| \`${name}\``) && line.includes('`encoder` ('));
    expect(row?.replace(/ +/g, ' ')).toBe(`| \`${name}\` | ${listed.join('; ')} |`);
  });
});

describe('a frozen part', () => {
  it.each([0, 0.9])(
    'does not move by a bit, statistics included, while the rest learns (train.ema %d)',
    async (ema) => {
      const out = place();
      const lines: string[] = [];
      const config = tinyConfig(data, {
        'train.freeze': 'encoder',
        'model.init': first,
        'train.optimizer': 'adamw',
        'train.weightDecay': 0.1,
        'train.ema': ema,
      });
      await train(config, { out, onNotice: (line) => lines.push(line) });
      const [before, after] = [
        tensorHashes(checkpointPath(first, 'best')),
        tensorHashes(checkpointPath(out, 'best')),
      ];
      const own = Object.keys(before).filter((key) => ENCODER.test(key));
      expect(own.filter((key) => key.endsWith('running_var'))).toHaveLength(9);
      for (const key of own) expect([key, after[key]]).toEqual([key, before[key]]);
      const moved = Object.keys(before).filter((key) => !ENCODER.test(key) && after[key] !== before[key]);
      expect(moved).toEqual(
        expect.arrayContaining(['up4.nConvs.0.conv.weight', 'up1.nConvs.1.norm.running_mean', 'outc.bias']),
      );

      const { info } = openRun(out);
      const { info: whole } = openRun(first);
      expect(info.tuning).toMatchObject({ frozen: ['encoder'], lrFactors: {} });
      expect(info.trainableParameters).toBe(
        whole.trainableParameters - (info.tuning?.frozenParameters ?? NaN),
      );
      expect(info.tuning?.frozenParameters).toBeGreaterThan(1000);
      expect(whole.tuning).toBeUndefined();
      expect(lines.join('\n')).toMatch(/^Frozen: encoder, [\d,]+ parameters and their batch statistics\.$/m);
      expect(loadConfig(runFiles(out).config)).toEqual(config);
    },
  );

  it('lets gradients through, as if it were only in evaluation', async () => {
    const gradients = async (overrides: Overrides): Promise<Map<string, string>> => {
      const own = await session(overrides);
      try {
        own.model.train();
        if (overrides['train.freeze'] === undefined)
          for (const [path, module] of own.model.namedModules())
            if (/^(?:up[1-4]|outc)(?:\.|$)/.test(path)) module.eval();
        trainStep(own, await batchOf(own), 1, 0);
        return new Map(
          [...own.model.namedParameters()].flatMap(([key, { grad }]) =>
            grad ? [[key, Buffer.from(grad.toBytes()).toString('base64')] as const] : [],
          ),
        );
      } finally {
        await own.close();
      }
    };
    const [frozen, evaluating] = [await gradients({ 'train.freeze': 'decoder' }), await gradients({})];
    expect([...frozen.keys()].some((key) => key.startsWith('up'))).toBe(false);
    expect(frozen.size).toBeGreaterThan(20);
    for (const [key, value] of frozen) expect([key, value]).toEqual([key, evaluating.get(key)]);
  });
});

describe('a factor of the learning rate', () => {
  it('moves its part by that share in the first step, and no other part differently', async () => {
    const step = async (
      overrides: Overrides,
    ): Promise<[Map<string, Float32Array>, Map<string, Float32Array>]> => {
      const own = await session(overrides);
      try {
        own.model.train();
        const before = valuesOf(own);
        trainStep(own, await batchOf(own), 1, 1e-3);
        return [before, valuesOf(own)];
      } finally {
        await own.close();
      }
    };
    const factors = { 'train.lrFactors': 'encoder=0.1,inc=0.5' };
    const [[start, whole], [sameStart, part]] = [await step({}), await step(factors)];
    expect(sameStart).toEqual(start);
    const length = (to: Map<string, Float32Array>, key: string): number =>
      [...(to.get(key) ?? [])].reduce(
        (sum, value, i) => sum + Math.abs(value - (start.get(key)?.[i] ?? NaN)),
        0,
      );
    for (const [key, share] of [
      ['down1.nConvs.0.conv.weight', 0.1],
      ['down4.nConvs.1.norm.bias', 0.1],
      ['inc.conv.weight', 0.5], // a module wins over the part it is in
    ] as const)
      expect(length(part, key) / length(whole, key)).toBeCloseTo(share, 3); // float32 sums around weights of 0.1
    for (const key of ['up1.nConvs.0.conv.weight', 'outc.weight', 'inc.norm.running_mean'])
      expect(part.get(key)).toEqual(whole.get(key));
  });
});

describe('a run with both', () => {
  it('comes to the same, bit for bit, when it was interrupted and resumed', async () => {
    const config = tiny({
      'train.freeze': ['inc', 'down1'],
      'train.lrFactors': { encoder: 0.2, 'up1.nConvs': 2 },
    });
    const [whole, dir] = [place(), place()];
    await train(config, { out: whole });
    expect((await train(config, { out: dir, ...stopAfter(5) })).status).toBe('interrupted');
    await resumeTraining(dir);
    expectSame(dir, whole);
    expect(openRun(dir).info.tuning).toEqual(openRun(whole).info.tuning);
    expect(openRun(dir).info.tuning?.lrFactors).toEqual({ encoder: 0.2, 'up1.nConvs': 2 });
  });
});

describe('settings that fit nothing', () => {
  it.each<[Overrides, RegExp]>([
    [
      { 'train.freeze': 'encodr' },
      /^train\.freeze: expected a part of reclmis \(encoder, decoder, text, interaction, reconstruction\) or a module's path \(inc, down1, .*\), got "encodr"; the closest is encoder$/,
    ],
    [{ 'train.freeze': 'down1.nConvs.7' }, /^train\.freeze: .* the closest is down1\.nConvs\.[01]/],
    [{ 'train.lrFactors': 'interct=0.1' }, /^train\.lrFactors: .* the closest is interact/],
    [
      { 'train.freeze': 'encoder', 'train.lrFactors': 'down1=0.1' },
      /^train\.lrFactors: down1: .* all of it is frozen/,
    ],
    [
      { 'train.freeze': 'encoder,decoder,text,interaction,reconstruction' },
      /^train\.freeze: encoder, decoder, .* leave nothing of reclmis to train/,
    ],
  ])('%j', async (overrides, message) => {
    await expect(session(overrides)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message) as string,
    });
  });

  it.each<[Overrides, RegExp]>([
    [{ 'train.lrFactors': 'encoder=-1' }, /train\.lrFactors\.encoder: expected a number above 0/],
    [{ 'train.lrFactors': 'encoder=fast' }, /train\.lrFactors\.encoder: expected a number, got/],
    [{ 'train.lrFactors': 'encoder' }, /train\.lrFactors: expected PART=FACTOR/],
    [{ 'train.freeze': 3 }, /train\.freeze: expected names of parts/],
  ])('%j', (overrides, message) => {
    expect(() => tinyConfig(data, overrides)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) as string }),
    );
  });
});

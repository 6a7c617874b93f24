import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inferSides, type ReclmisError } from '@reclmis/core';
import { encodePng } from '@reclmis/files';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { benchTrain } from '../bench/train.js';
import { buildModel } from '../model/registry.js';
import { loadConfig } from '../config/config.js';
import { binAt, LEVELS, momentsOf, SHARE_BINS, shareBin, shareOfBin } from '@reclmis/data';
import { errorOf, greyPng, writeFiles } from '@reclmis/data/testing';
import { WordEncoder } from '../text/words.js';
import { type Fingerprint, repeatsOf, spread, takeFingerprint } from './fingerprint.js';
import { cacheBytes, largestPart, parameterCount, peakTensorBytes, residentBytes } from './memory.js';
import { propose } from './propose.js';
import { planToYaml } from './yaml.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-plan-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const GIB = 2 ** 30;

describe('memory', () => {
  it.each([
    [4, 32, 1],
    [8, 64, 3],
    [16, 96, 2],
  ])(
    'counts the parameters of width %i, side %i, %i layers as the model has them',
    (baseWidth, imageSize, layers) => {
      const config = loadConfig(undefined, {
        'model.baseWidth': baseWidth,
        'model.imageSize': imageSize,
        'model.layers': layers,
      });
      const model = buildModel(config.model, WordEncoder.fromNotes(['upper left lung']));
      const count = model.parameterCount({ trainable: true });
      model.dispose();
      expect(parameterCount({ baseWidth, imageSize, layers })).toBe(count);
    },
  );

  // `reclmis bench train --text.encoder words --steps 1 --warmup 1 --batch B --model.baseWidth W --model.imageSize S --precision P`
  it.each([
    ['fp32', 64, 224, 8, 3, 24, 3_144_557_900],
    ['fp32', 64, 224, 1, 3, 24, 1_120_438_588],
    ['fp32', 64, 320, 2, 3, 24, 1_984_017_636],
    ['fp32', 64, 112, 4, 6, 24, 1_681_463_524],
    ['fp32', 128, 64, 2, 3, 24, 3_398_265_060],
    ['fp32', 32, 448, 1, 3, 24, 798_864_816],
    ['fp32', 16, 640, 1, 3, 24, 966_697_616],
    ['fp32', 16, 96, 8, 3, 77, 200_546_904],
    ['bf16', 64, 112, 8, 3, 24, 1_231_673_788],
    ['bf16', 64, 64, 2, 3, 24, 866_219_524],
    ['bf16', 32, 224, 2, 3, 24, 406_283_780],
    ['bf16', 8, 64, 32, 3, 24, 108_252_284],
  ] as const)(
    '%s, width %i, side %i, batch %i: at most 5 %% less and 7 %% more than was measured',
    (precision, W, S, B, L, T, bytes) => {
      const shape = { baseWidth: W, imageSize: S, layers: L, contextLength: T };
      const ratio = peakTensorBytes(shape, B, precision) / bytes;
      expect(ratio).toBeGreaterThan(0.95);
      expect(ratio).toBeLessThan(1.07);
    },
  );

  it('foretells a step that is measured now', async () => {
    const shape = { baseWidth: 8, imageSize: 64, layers: 3, contextLength: 24 };
    const config = loadConfig(undefined, {
      'model.baseWidth': 8,
      'model.imageSize': 64,
      'text.encoder': 'words',
      'train.batchSize': 8,
      'train.threads': 1,
    });
    const { memory } = await benchTrain(config, { steps: 1, warmup: 1, peak: false });
    // 10 %: libtorch's own convolutions, which other processors take, need 4 % more.
    expect(Math.abs(peakTensorBytes(shape, 8, 'fp32') / memory.peakTensorBytes - 1)).toBeLessThan(0.1);
  });

  it('counts the cases that the loader keeps: of grey ones 2 S^2 bytes, as many as its limit reserves 4 S^2 for', () => {
    expect(cacheBytes(10, 100, true, GIB)).toBe(10 * 20_000);
    expect(cacheBytes(10, 100, false, GIB)).toBe(10 * 40_000);
    expect(cacheBytes(10, 100, true, 100_000)).toBe(2 * 20_000);
  });

  it('finds the largest part that fits', () => {
    const shape = { baseWidth: 64, imageSize: 224, layers: 3, contextLength: 24 };
    const bytes = 8 * GIB;
    const part = largestPart(shape, 'fp32', bytes, 1000);
    expect(residentBytes(peakTensorBytes(shape, part, 'fp32'))).toBeLessThanOrEqual(bytes);
    expect(residentBytes(peakTensorBytes(shape, part + 1, 'fp32'))).toBeGreaterThan(bytes);
    expect(largestPart(shape, 'fp32', bytes, 4)).toBe(4);
    expect(largestPart(shape, 'fp32', GIB, 4)).toBe(0);
  });
});

describe('histograms', () => {
  it('keep a share to within 4.5 %', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-8, max: 1, noNaN: true }), (share) => {
        expect(Math.abs(shareOfBin(shareBin(share)) / share - 1)).toBeLessThan(0.045);
      }),
    );
    expect(shareBin(1e-30)).toBe(SHARE_BINS - 1);
  });

  it('know mean, deviation and quantiles', () => {
    const counts = new Float64Array(LEVELS);
    counts[10] = 3;
    counts[20] = 1;
    expect(momentsOf(counts)).toEqual({ mean: 12.5, sd: Math.sqrt(18.75) });
    expect([0, 0.5, 0.75, 0.76, 1].map((share) => binAt(counts, share))).toEqual([10, 10, 10, 20, 20]);
    expect(binAt(new Float64Array(4), 0.5)).toBe(-1);
  });
});

const data = join(root, 'data');

/** A 20 x 10 picture of one level; the mask has the upper left 4 x 5 pixels and, on request, one pixel elsewhere. */
async function writeCase(split: string, name: string, level: number, areas: 0 | 1 | 2): Promise<void> {
  const mask = await greyPng(20, 10, (x, y) =>
    (areas > 0 && x < 4 && y < 5) || (areas > 1 && x === 15 && y === 8) ? 255 : 0,
  );
  await writeFiles(join(data, `${split}_Folder`), {
    [`img/${name}.png`]: await greyPng(20, 10, () => level),
    [`labelcol/${name}.png`]: mask,
  });
}

beforeAll(async () => {
  await writeCase('Train', 'cxr_s1-e1-r1', 10, 1);
  await writeCase('Train', 'cxr_s1-e2-r1', 20, 2);
  await writeCase('Train', 'cxr_s2-e1-r1', 10, 0); // the first picture again
  await writeCase('Val', 'cxr_s2-e2-r1', 30, 1); // a patient of train
  await writeCase('Test', 'other', 20, 1); // a picture of train
  await writeFiles(data, {
    'Train_Folder/Train_text.csv':
      'Image,Description,Spacing\ncxr_s1-e1-r1.png,upper left lung,0.5\ncxr_s1-e2-r1.png,lower left lung,0.7\ncxr_s2-e1-r1.png,upper left lung,\n',
    'Val_Folder/Val_text.csv': 'Image,Description\ncxr_s2-e2-r1.png,upper left kidney\n',
    'Test_Folder/Test_text.csv': 'Image,Description\nother.png,everything\n',
  });
});

describe('fingerprint', () => {
  it('says what was made, by threads as without them', async () => {
    const progress: number[] = [];
    const found = await takeFingerprint(data, {
      encoder: 'words',
      workers: 2,
      onProgress: (done) => progress.push(done),
    });
    expect(Math.max(...progress)).toBe(5);
    expect(await takeFingerprint(data, { encoder: 'words', workers: 0 })).toEqual(found);
    expect(found.cases).toEqual({ train: 3, val: 1, test: 1 });
    expect(found.images).toMatchObject({
      sizes: [{ size: '20x10', count: 5 }],
      bits: [8],
      grey: 5,
      spacing: { min: 0.5, max: 0.7, known: 2 },
      levels: [{ mean: 18, sd: Math.sqrt(56), p1: 10, median: 20, p99: 30 }], // of 10, 20, 10, 30, 20
    });
    expect(found.images.side.median).toBeCloseTo(Math.sqrt(200), 10);
    expect(found.masks).toMatchObject({ empty: 1, foreground: { min: 0, median: 0.1, max: 0.105 } });
    expect(found.masks.areas).toMatchObject({ min: 0, median: 1, max: 2 });
    expect(found.masks.areaShare?.median).toBeGreaterThan(0.1 * 0.955);
    expect(found.masks.areaShare?.median).toBeLessThan(0.1 * 1.045);
    expect(found.masks.areaShare?.p10).toBeCloseTo(1 / 200, 3);
    expect(found.notes).toMatchObject({
      encoder: 'words',
      tokens: { min: 1, median: 3, max: 3 },
      namingSides: 0.8,
      vocabulary: 4,
      unknown: [
        { split: 'val', share: 1 / 3, words: ['kidney'] },
        { split: 'test', share: 1, words: ['everything'] },
      ],
      repeats: { distinct: 4, within: 1, across: [] },
    });
    expect(found.duplicates).toEqual({
      distinct: 3,
      within: 1,
      across: [{ splits: ['train', 'test'], count: 1 }],
    });
    expect(found.patients).toEqual({
      pattern: '',
      named: 4,
      count: 3,
      across: [{ splits: ['train', 'val'], count: 1 }],
    });
    expect(JSON.stringify(found)).not.toContain('upper left');
  });

  it('takes like names of two splits for one patient where they name one, and else for two', async () => {
    const numbered = join(root, 'numbered');
    for (const split of ['Train', 'Test']) {
      await writeFiles(join(numbered, `${split}_Folder`), {
        'img/1.png': await greyPng(4, 4, () => (split === 'Test' ? 1 : 2)),
        'labelcol/1.png': await greyPng(4, 4, () => 255),
        [`${split}_text.csv`]: 'Image,Description\n1.png,left lung\n',
      });
    }
    const patientsBy = async (group?: string): Promise<Fingerprint['patients']> =>
      (await takeFingerprint(numbered, { encoder: 'words', ...(group === undefined ? {} : { group }) }))
        .patients;
    expect(await patientsBy()).toEqual({ pattern: '', named: 0, count: 2, across: [] });
    expect(await patientsBy('^(.*)$')).toMatchObject({
      named: 2,
      count: 1,
      across: [{ splits: ['train', 'test'], count: 1 }],
    });
  });

  it('refuses what cannot be read, by a code', async () => {
    const bad = join(root, 'bad');
    await writeFiles(bad, {
      'Train_Folder/img/a.png': 'no picture',
      'Train_Folder/labelcol/a.png': await greyPng(4, 4, () => 0),
      'Train_Folder/img/b.png': await encodePng({ width: 5, height: 4, data: new Uint8Array(20) }, 1),
      'Train_Folder/labelcol/b.png': await greyPng(4, 4, () => 0),
      'Train_Folder/Train_text.csv': 'Image,Description\na.png,lung\nb.png,lung\n',
    });
    const error = await errorOf(takeFingerprint(bad, { encoder: 'words' }));
    expect(error).toMatchObject({ code: 'DATA_INVALID' });
    expect(error.message).toMatch(/img\/a\.png.*labelcol\/b\.png/);
    expect(await errorOf(takeFingerprint(join(root, 'none')))).toMatchObject({ code: 'DATA_FOLDER_MISSING' });
    expect(await errorOf(takeFingerprint(data, { group: '(' }))).toMatchObject({ code: 'OPTION_INVALID' });
    const stopped = takeFingerprint(data, { encoder: 'words', signal: AbortSignal.abort() });
    expect(await errorOf(stopped)).toMatchObject({ code: 'INTERRUPTED' });
  });

  it('counts what two splits share once', () => {
    const items = [['train', 'a'], ['train', 'a'], ['val', 'a'], ['test', 'b'], ['val', 'b']] as const; // prettier-ignore
    expect(
      repeatsOf(
        items.map(([split, key]) => ({ split, key })),
        ({ key }) => key,
      ),
    ).toEqual({
      distinct: 2,
      within: 1,
      across: [
        { splits: ['train', 'val'], count: 1 },
        { splits: ['val', 'test'], count: 1 },
      ],
    });
  });
});

/** A data set like QaTa-COV19, with some changes. */
function like(more: {
  cases?: number;
  side?: number;
  areaShare?: number;
  tokens?: readonly number[];
  colour?: boolean;
}): Fingerprint {
  const { cases = 5713, side = 224, areaShare = 0.05, tokens = [9, 13, 17], colour = false } = more;
  const one = spread([1]);
  return {
    format: 'reclmis-fingerprint/1',
    name: 'like',
    cases: { train: cases, val: Math.ceil(cases / 4) },
    images: {
      sizes: [],
      side: spread([side]),
      bits: [8],
      grey: colour ? 0 : cases + Math.ceil(cases / 4),
      spacing: null,
      levels: [],
    },
    masks: {
      foreground: one,
      empty: 0,
      areas: one,
      areaShare: { p10: areaShare / 2, median: areaShare, p90: 2 * areaShare },
    },
    notes: {
      encoder: 'words',
      tokens: spread(tokens),
      fits: [{ tokens: 18, share: 0.99 }],
      namingSides: 1,
      namingPlaces: 1,
      vocabulary: 21,
      unknown: [],
      repeats: { distinct: 100, within: 0, across: [] },
      sides: inferSides({ patient: 0, image: 100 }),
    },
    suspicions: [],
    duplicates: { distinct: cases, within: 0, across: [] },
    patients: { pattern: '', named: cases, count: cases, across: [] },
  };
}
const limits = { memoryBytes: 64 * GIB, precision: 'fp32', cacheBytes: 2 * GIB } as const;
const valuesOf = (
  fingerprint: Fingerprint,
  more: Partial<Parameters<typeof propose>[1]> = {},
): Record<string, unknown> =>
  Object.fromEntries(
    propose(fingerprint, { ...limits, ...more }).settings.map(({ path, value }) => [path, value]),
  );

describe('rules', () => {
  it('give the paper’s values for the paper’s data', () => {
    expect(valuesOf(like({}))).toMatchObject({
      'model.baseWidth': 64,
      'model.imageSize': 224,
      'train.epochs': 200,
      'train.batchSize': 32,
      'train.accumulate': 1,
      'train.lr': 3e-4,
      'train.patience': 50,
      'text.contextLength': 18,
    });
    expect(valuesOf(like({ cases: 2183 }))['train.epochs']).toBe(500);
  });

  it('take the side from images and areas', () => {
    const side = (more: Parameters<typeof like>[0]): unknown => valuesOf(like(more))['model.imageSize'];
    expect(side({ side: 96 })).toBe(96);
    expect(side({ side: 100 })).toBe(96);
    expect(side({ side: 10 })).toBe(32);
    expect(side({ side: 2000 })).toBe(224);
    expect(side({ side: 2000, areaShare: 16 / 500 ** 2 })).toBe(512); // 16 pixels of 500 x 500, up to the next 16
    expect(side({ side: 400, areaShare: 1e-6 })).toBe(400);
  });

  it('take the context from the notes, but for a few that are far longer', () => {
    const context = (tokens: readonly number[]): unknown => valuesOf(like({ tokens }))['text.contextLength'];
    expect(context([5, 9])).toBe(10);
    const many = Array.from({ length: 1000 }, () => 18);
    expect(context([...many, 300])).toBe(18);
    expect(context([...many, 26])).toBe(26);
    expect(context([4000, 5000])).toBe(77);
  });

  it('fit the step into the memory, or say what would', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.6, max: 40, noNaN: true }),
        fc.constantFrom('fp32', 'bf16'),
        (memory, precision) => {
          const { memory: found, part } = propose(like({}), {
            ...limits,
            memoryBytes: memory * GIB,
            precision,
          });
          expect(found.process - found.cached).toBeCloseTo(residentBytes(found.tensors), 0);
          expect(found.process).toBeLessThanOrEqual(memory * GIB);
          expect(part).toBeGreaterThanOrEqual(2);
        },
      ),
      { numRuns: 60 },
    );
    expect(valuesOf(like({}), { memoryBytes: 8 * GIB })).toMatchObject({
      'model.baseWidth': 64,
      'train.accumulate': 3,
    });
    expect(valuesOf(like({}), { memoryBytes: GIB })['model.baseWidth']).toBeLessThan(64);
    expect(() => propose(like({}), { ...limits, memoryBytes: 0.1 * GIB })).toThrow(
      expect.objectContaining({
        code: 'OPTION_INVALID',
        message: expect.stringMatching(/--memory: expected at least/) as unknown,
      }) as ReclmisError,
    );
  });

  it('keep to the time', () => {
    const timed = valuesOf(like({}), { minutes: 600, secondsPerImage: 1 });
    // An epoch is 5713 + 1429 / 3 images; 95 % of 36,000 s hold five of them.
    expect(timed).toMatchObject({
      'train.epochs': 5,
      'augment.mode': 'none',
      'train.patience': 0,
      'train.batchSize': 16,
    });
    const { notices } = propose(like({}), { ...limits, minutes: 1, secondsPerImage: 1 });
    expect(notices.join()).toMatch(/One epoch takes 8 minutes/); // at width 8: 0.076 of 103
  });

  it('take the width from target, memory and time, with the reason', () => {
    const width = (more: Partial<Parameters<typeof propose>[1]>): unknown[] => {
      const { settings } = propose(like({}), { ...limits, ...more });
      const found = settings.find(({ path }) => path === 'model.baseWidth');
      return [found?.value, found?.reason];
    };
    expect(width({})).toEqual([64, "the paper's"]);
    expect(width({ target: 'server' })).toEqual([32, expect.stringContaining('for a server')]);
    expect(width({ target: 'browser' })).toEqual([16, expect.stringContaining('for a browser')]);
    expect(width({ target: 'browser', memoryBytes: 40 * GIB })[0]).toBe(16);
    // An epoch is 5713 + 1429 / 3 = 6189.3 images. At 1 s, 95 % of 200 minutes hold one of width 64 (5,713 images
    // seen), two of 48, five of 32 (0.326 s): 28,565 are enough for it.
    expect(width({ minutes: 200, secondsPerImage: 1 })).toEqual([
      32,
      'its training sees 28565 images in the time; 64 would see 5713, and pays from 22000',
    ]);
    expect(valuesOf(like({}), { minutes: 200, secondsPerImage: 1 })['train.epochs']).toBe(5);
    // 30 minutes hold no epoch of 48, none of 32 (0.85), two of 16 (0.134 s).
    expect(width({ minutes: 30, secondsPerImage: 1 })[0]).toBe(16);
    // The time is of the target's widest: 1 s at width 32 is 0.41 s at 16.
    expect(width({ target: 'server', minutes: 60, secondsPerImage: 1 })[0]).toBe(16);
    expect(width({ target: 'server', minutes: 300, secondsPerImage: 1 })[0]).toBe(32);
    expect(width({ minutes: 5, secondsPerImage: 1 })).toEqual([8, expect.stringContaining('the narrowest')]);
    // All 500 epochs of 40 cases, 20,000 images seen, take 380 minutes: no narrower model would see more.
    const few = (minutes: number): unknown =>
      valuesOf(like({ cases: 40 }), { minutes, secondsPerImage: 1 })['model.baseWidth'];
    expect([few(400), few(300)]).toEqual([64, 48]);
    // A time of a given width decides epochs alone.
    expect(width({ minutes: 200, secondsPerImage: 1, width: 48 })[0]).toBe(48);
  });

  it('count steps and epochs as they are', () => {
    const reasonOf = (cases: number, more: object = {}): string =>
      propose(like({ cases }), { ...limits, ...more }).settings.find(({ path }) => path === 'train.batchSize')
        ?.reason ?? '';
    expect(reasonOf(18)).toContain('5 steps in an epoch of 18 cases'); // batches of 4
    expect(reasonOf(42)).toBe('at least six steps in an epoch of 42 cases');
    expect(reasonOf(600, { minutes: 1.5, secondsPerImage: 1 })).toContain(
      'steps in 1 epoch, and with so few',
    );
  });

  it('change colours where there are any', () => {
    expect(valuesOf(like({}))['augment.saturation']).toEqual([1, 1]);
    expect(valuesOf(like({ colour: true }))).not.toHaveProperty(['augment.saturation']);
  });
});

describe('the plan as YAML', () => {
  it('is a configuration with the same values, whatever a pattern or a name holds', () => {
    const group = '^(.+?)# "x": \'\\d\'$';
    const fingerprint = {
      ...like({ cases: 24 }),
      patients: { pattern: group, named: 1, count: 2, across: [] },
    };
    const plan = propose(fingerprint, limits);
    const path = join(root, 'plan.yaml');
    writeFileSync(path, planToYaml(plan, ['of\na: folder\u2028with: lines']));
    const config = loadConfig(path) as unknown as Record<string, Record<string, unknown>>;
    for (const { path: setting, value } of plan.settings) {
      const [section = '', key = ''] = setting.split('.');
      expect([setting, config[section]?.[key]]).toEqual([setting, value]);
    }
    expect(config['data']?.['group']).toBe(group);
  });
});

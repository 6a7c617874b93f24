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
import { memory, noGrad } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Config, loadConfig, type Overrides } from '../config/config.js';
import { evaluateRun } from '../evaluate/evaluate.js';
import { openRun } from '../run/run.js';
import { writeTinyData } from '@reclmis/data/testing';
import { checkpointPath } from '../run/checkpoint.js';
import { readEpochs } from '../run/metrics-log.js';
import { type RunSummary, type StepReport, train } from './train.js';
import { failure } from '../testing/failure.js';
import { tinyConfig } from '../testing/tiny-run.js';

const SIZE = 32;
const root = mkdtempSync(join(tmpdir(), 'reclmis-train-'));
const data = join(root, 'data');
let serial = 0;
const place = (): string => join(root, `run-${++serial}`);

const tiny = (overrides: Overrides = {}): Config => tinyConfig(data, overrides);

beforeAll(() => writeTinyData(data, SIZE, { train: 10, val: 6, test: 4 }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('two epochs, end to end', () => {
  const dir = place();
  const steps: StepReport[] = [];
  let summary: RunSummary;

  beforeAll(async () => {
    summary = await train(tiny(), { out: dir, onStep: (report) => steps.push(report) });
  });

  it('leaves a complete run folder', () => {
    expect(readdirSync(dir).sort()).toEqual([
      'checkpoints',
      'config.yaml',
      'metrics.jsonl',
      'progress.png',
      'reference.json',
      'run.json',
      'tensorboard',
    ]);
    expect(readdirSync(join(dir, 'checkpoints')).sort()).toEqual([
      'best.json',
      'best.safetensors',
      'resume-00000003.safetensors',
      'resume-00000006.safetensors',
    ]);
    expect(loadConfig(join(dir, 'config.yaml'))).toEqual(tiny());
    const run = openRun(dir);
    expect(run.info).toMatchObject({
      status: 'finished',
      epochs: 2,
      steps: 6,
      seed: 1,
      data: { train: { cases: 10 }, val: { cases: 6 } },
    });
    expect(run.info.data?.train.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(run.info.best?.epoch).toBe(summary.best?.epoch);
    expect(readFileSync(join(dir, 'progress.png')).subarray(1, 4).toString()).toBe('PNG');
  });

  it('logs every loss, both forms of Dice and IoU, and no note', () => {
    const records = readEpochs(join(dir, 'metrics.jsonl'));
    expect(records).toEqual(JSON.parse(JSON.stringify(summary.records)));
    expect(records.map(({ epoch, step }) => [epoch, step])).toEqual([
      [1, 3],
      [2, 6],
    ]);
    for (const { losses, validation, lr, secondsPerImage, waitShare, peakBytes } of records) {
      const { total, dice, bce, ccl, clr, cvr } = losses;
      // Float32 sums of five terms differ in the seventh digit.
      expect(total).toBeCloseTo(2.5 * (dice + bce) + 0.2 * (ccl ?? NaN) + (clr ?? NaN) + (cvr ?? NaN), 4);
      expect(validation.images).toBe(6);
      // IoU = D / (2 - D) holds for pooled figures, and is an upper bound for means.
      expect(validation.pooledIou).toBeCloseTo(validation.pooledDice / (2 - validation.pooledDice), 10);
      expect(validation.iou).toBeLessThanOrEqual(validation.dice);
      expect(secondsPerImage).toBeGreaterThan(0);
      expect(waitShare).toBeGreaterThanOrEqual(0);
      expect(waitShare).toBeLessThanOrEqual(1);
      expect(peakBytes).toBeGreaterThan(1e5);
      expect(lr).toBeGreaterThan(0);
    }
    expect(readFileSync(join(dir, 'metrics.jsonl'), 'utf8')).not.toContain('infect');
  });

  it('takes every case once an epoch, in another order each time, and anneals by step', () => {
    const order = [1, 2].map((epoch) =>
      steps.filter((report) => report.epoch === epoch).flatMap(({ ids }) => ids),
    );
    expect(order[0]).not.toEqual(order[1]);
    expect([...(order[0] ?? [])].sort()).toEqual([...(order[1] ?? [])].sort());
    expect(new Set(order[0]).size).toBe(10);
    const expected = [0, 1, 2, 3, 4, 5].map((step) => 1e-3 * (1 + Math.cos((Math.PI * step) / 6)));
    steps.forEach(({ lr }, i) => expect(lr).toBeCloseTo(expected[i] ?? NaN, 12));
  });

  it('evaluates to the stored validation figures', async () => {
    const run = openRun(dir);
    for (const kind of ['best', 'last'] as const) {
      using model = run.loadModel({ checkpoint: kind });
      const { rows, summary: scores } = await evaluateRun(dir, { split: 'val', checkpoint: kind });
      const stored = model.checkpoint.validation;
      // The same masks; only the order of the sums differs.
      expect(scores.mean.dice).toBeCloseTo(stored?.dice ?? NaN, 12);
      expect(scores.pooled.iou).toBeCloseTo(stored?.pooledIou ?? NaN, 12);
      expect(rows.map(({ id }) => id)).toEqual([
        'val-000',
        'val-001',
        'val-002',
        'val-003',
        'val-004',
        'val-005',
      ]);
    }
  });

  it('segments alike each time it is loaded', () => {
    const run = openRun(dir);
    const image = Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => (i % 97) / 97);
    const note = 'Unilateral pulmonary infection, one infected area, lower left lung.';
    const once = (text: string): Float32Array => {
      using model = run.loadModel();
      return model.probabilities(image, [text]);
    };
    expect(once(note)).toEqual(once(note));
  });

  it('frees everything', async () => {
    const before = memory();
    await train(tiny({ 'train.epochs': 1 }), { out: place() });
    const after = memory();
    expect(after.handles).toBe(before.handles);
    expect(after.liveBytes).toBe(before.liveBytes);
  });

  it('refuses to write into it again', async () => {
    const before = readFileSync(join(dir, 'run.json'), 'utf8');
    expect((await failure(() => train(tiny(), { out: dir }))).code).toBe('OUTPUT_EXISTS');
    expect(readFileSync(join(dir, 'run.json'), 'utf8')).toBe(before);
  });
});

describe('reproducibility', () => {
  it('gives the same losses bit by bit for the same seed on one thread, with workers or without', async () => {
    const losses = async (overrides: Overrides): Promise<number[]> => {
      const totals: number[] = [];
      await train(tiny({ 'train.epochs': 1, ...overrides }), {
        out: place(),
        onStep: (report) => totals.push(report.losses.total),
      });
      return totals;
    };
    const first = await losses({});
    expect(await losses({ 'data.workers': 1 })).toEqual(first);
    expect(await losses({ seed: 2 })).not.toEqual(first);
  });
});

describe('learning', () => {
  it('overfits four cases: the loss falls and Dice exceeds 0.9', async () => {
    const folder = join(root, 'four');
    await writeTinyData(folder, SIZE, { train: 4, val: 4, test: 4 });
    // Validates on the training cases.
    for (const part of ['img', 'labelcol', 'Val_text.csv'])
      rmSync(join(folder, 'Val_Folder', part), { recursive: true });
    copyTrainToVal(folder);
    const config = tiny({
      'data.dir': folder,
      'model.baseWidth': 8,
      'train.batchSize': 2,
      'train.epochs': 45,
      'train.lr': 5e-3,
      'train.patience': 0,
      'augment.mode': 'none',
    });
    const { records, best } = await train(config, { out: place() });
    expect(best?.dice).toBeGreaterThan(0.9);
    // The segmentation's losses: the reconstructions' targets move with the model, so those losses need not
    // fall.
    const [first, last] = [records[0], records.at(-1)].map(
      (record) => (record?.losses.dice ?? NaN) + (record?.losses.bce ?? NaN),
    );
    expect(last ?? NaN).toBeLessThan(0.5 * (first ?? NaN));
  }, 120_000);

  it('trains the note-free model, which has no losses of its own', async () => {
    const { records } = await train(tiny({ 'train.epochs': 1, 'model.components.ci': false }), {
      out: place(),
    });
    expect(Object.keys(records[0]?.losses ?? {}).sort()).toEqual(['bce', 'dice', 'total']);
  });
});

function copyTrainToVal(folder: string): void {
  const [from, to] = [join(folder, 'Train_Folder'), join(folder, 'Val_Folder')];
  for (const part of ['img', 'labelcol']) {
    mkdirSync(join(to, part));
    for (const name of readdirSync(join(from, part)))
      writeFileSync(join(to, part, name), readFileSync(join(from, part, name)));
  }
  writeFileSync(join(to, 'Val_text.csv'), readFileSync(join(from, 'Train_text.csv')));
}

describe('ends', () => {
  it('stops on a loss that is not finite, names step, term and cases, and leaves the checkpoints of before', async () => {
    const dir = place();
    let poison = (): void => undefined;
    let kept = Buffer.alloc(0);
    const error = await failure(() =>
      train(tiny({ 'train.epochs': 3 }), {
        out: dir,
        onStart: ({ model }) => {
          const weight = model.namedParameters().get('outc.weight');
          poison = () => noGrad(() => void weight?.fill_(Number.NaN));
        },
        onEpoch: ({ epoch }) => {
          if (epoch === 1) kept = readFileSync(checkpointPath(dir, 'last'));
        },
        onStep: ({ step }) => {
          if (step === 4) poison();
        },
      }),
    );
    expect(error.code).toBe('LOSS_NOT_FINITE');
    expect(error.message).toMatch(/^step 5: .*dice = NaN.*cases train-\d+/);
    expect(readFileSync(checkpointPath(dir, 'last')).equals(kept)).toBe(true);
    const run = openRun(dir);
    expect(run.info).toMatchObject({
      status: 'failed',
      epochs: 1,
      steps: 4,
      error: { code: 'LOSS_NOT_FINITE' },
    });
    using model = run.loadModel({ checkpoint: 'last' });
    expect(model.checkpoint.epoch).toBe(1);
  });

  it('does not save weights that ceased to be finite in the last step of an epoch', async () => {
    const dir = place();
    let poison = (): void => undefined;
    const error = await failure(() =>
      train(tiny({ 'train.epochs': 1 }), {
        out: dir,
        onStart: ({ model }) => {
          const weight =
            model.namedParameters().get('rec_img_trans1.decoder2.layers.0.fc1.weight') ??
            [...model.namedParameters().values()][0];
          poison = () => noGrad(() => void weight?.fill_(Number.POSITIVE_INFINITY));
        },
        onStep: ({ step }) => {
          if (step === 3) poison();
        },
      }),
    );
    expect(error.code).toBe('LOSS_NOT_FINITE');
    expect(readdirSync(join(dir, 'checkpoints'))).toEqual(['resume-00000000.safetensors']);
  });

  it('saves the last checkpoint and ends cleanly when it is interrupted', async () => {
    const dir = place();
    const controller = new AbortController();
    const summary = await train(tiny({ 'train.epochs': 5 }), {
      out: dir,
      signal: controller.signal,
      onStep: ({ step }) => {
        if (step === 4) controller.abort();
      },
    });
    expect(summary).toMatchObject({ status: 'interrupted', epochs: 1, steps: 4 });
    using model = openRun(dir).loadModel({ checkpoint: 'last' });
    expect(model.checkpoint).toMatchObject({ epoch: 1, step: 4 });
  });

  it('stops when patience runs out', async () => {
    const summary = await train(tiny({ 'train.epochs': 9, 'train.patience': 2, 'train.lr': 1e-30 }), {
      out: place(),
    });
    expect(summary.status).toBe('exhausted');
    expect(summary.epochs).toBeLessThan(9);
  });

  it('stops when the time is up', async () => {
    const summary = await train(tiny({ 'train.epochs': 9, 'train.maxMinutes': 1e-6 }), { out: place() });
    expect(summary).toMatchObject({ status: 'out-of-time', epochs: 1 });
  });
});

describe('refusals leave nothing behind', () => {
  it.each([
    ['no data folder', { 'data.dir': '' }, 'CONFIG_INVALID'],
    ['a data folder that does not exist', { 'data.dir': join(root, 'nonesuch') }, 'DATA_FOLDER_MISSING'],
    ['a list of stems that names no case', { 'data.trainStems': join(root, 'stems.txt') }, 'STEM_UNKNOWN'],
    ['a schedule that cannot be', { 'train.minLr': 0.5 }, 'CONFIG_INVALID'],
    ['a device that is not there', { device: 'cuda:63' }, 'DEVICE_MISSING'],
  ])('%s', async (_, overrides, code) => {
    writeFileSync(join(root, 'stems.txt'), 'nobody\n');
    const dir = place();
    expect((await failure(() => train(tiny(overrides), { out: dir }))).code).toBe(code);
    expect(existsSync(dir)).toBe(false);
  });

  it('a damaged image', async () => {
    const folder = join(root, 'damaged');
    await writeTinyData(folder, SIZE, { train: 3, val: 2, test: 2 });
    const image = join(folder, 'Train_Folder', 'img', 'train-001.png');
    writeFileSync(image, readFileSync(image).subarray(0, 60));
    const dir = place();
    const error = await failure(() => train(tiny({ 'data.dir': folder }), { out: dir }));
    expect(error.code).toBe('DATA_INVALID');
    expect(error.message).toContain('train-001.png');
    expect(existsSync(dir)).toBe(false);
  });
});

describe('the note encoder', () => {
  it('is settled, recorded and announced, as are notes that are cut', async () => {
    const lines: string[] = [];
    const dir = place();
    const settings = { 'text.encoder': 'auto', 'text.contextLength': 4, 'train.epochs': 1 } as const;
    const summary = await train(tiny(settings), { out: dir, onNotice: (line) => lines.push(line) });
    expect(summary.status).toBe('finished');
    expect(openRun(dir).config.text).toEqual({
      encoder: 'words',
      contextLength: 4,
      unknownWords: 'nearest',
    });
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('words encoder');
    expect(lines[1]).toMatch(/^16 of 16 notes are longer than the context of 4 tokens/); // 10 to learn from, 6 to choose by
    expect(lines.join()).not.toContain('infection'); // counts only, no notes
  });

  it('is of no account where no note is read', async () => {
    const lines: string[] = [];
    const free = { ci: false, ccl: false, clr: false, cvr: false };
    const settings = { 'text.encoder': 'auto', 'model.components': free, 'train.epochs': 1 } as const;
    await train(tiny(settings), { out: place(), onNotice: (line) => lines.push(line) });
    expect(lines).toEqual([]);
  });
});

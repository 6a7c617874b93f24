import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readsNotes } from '../model/registry.js';
import { loadConfig } from '../config/config.js';
import { evaluateRun } from '../evaluate/evaluate.js';
import { openRun } from '../run/run.js';
import { makeTinyRun } from '../testing/tiny-run.js';
import { tensorHashes } from '../testing/tensor-hashes.js';
import { checkpointPath } from '../run/checkpoint.js';
import { resumeTraining } from './resume.js';
import { train } from './train.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-peers-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const RESNET = { blocks: [1, 1, 1, 1] };

describe.each<[string, boolean, readonly string[], Record<string, unknown>]>([
  ['unet', false, [], {}],
  ['lvit', true, [], {}],
  ['unetpp', false, [], RESNET],
  ['convirt', false, ['contrastive'], RESNET],
  ['gloria', false, ['global', 'local'], RESNET],
  ['nnunet', false, [], {}],
  ['tganet', false, ['count', 'size'], { wordWidth: 8 }],
  ['lavt', true, [], { width: 8, depths: [2, 2], heads: [1, 2], window: 4, dropPath: 0.3 }],
  ['clipseg', true, [], {}],
  ['vilt', true, [], { patch: 16, tokens: 12 }],
])('a run of %s', (name, reads, own, options) => {
  let run: string;
  beforeAll(async () => {
    run = await makeTinyRun(join(root, name), {
      'model.name': name,
      'model.baseWidth': 8,
      'model.options': options,
    });
  });

  it('trains by its mask and by the losses of its own', () => {
    const opened = openRun(run);
    const { config, info } = opened;
    expect(info.status).toBe('finished');
    expect(readsNotes(config.model)).toBe(reads);
    const losses = opened.epochs().map((epoch) => Object.keys(epoch.losses).sort());
    const expected = ['bce', 'dice', 'total', ...own].sort();
    expect(losses).toEqual([expected, expected]);
  });

  it('comes to the same, bit for bit, when it was interrupted and resumed', async () => {
    const dir = join(root, name, 'resumed');
    const config = loadConfig(join(run, 'config.yaml'));
    const controller = new AbortController();
    const stopped = await train(config, {
      out: dir,
      signal: controller.signal,
      onStep: ({ step }) => {
        if (step === 2) controller.abort();
      },
    });
    expect(stopped.status).toBe('interrupted');
    expect((await resumeTraining(dir)).status).toBe('finished');
    expect(tensorHashes(checkpointPath(dir, 'last'))).toEqual(tensorHashes(checkpointPath(run, 'last')));
  });

  it('is evaluated, and is told its notes where it reads them', async () => {
    const right = await evaluateRun(run);
    const shuffled = await evaluateRun(run, { notes: 'shuffled' });
    expect(right.summary.count).toBe(4);
    const probabilities = (notes: readonly string[]): number[] => {
      using model = openRun(run).loadModel();
      return [...model.probabilities(new Float32Array(2 * 3 * 32 * 32).fill(0.4), notes)];
    };
    const one = probabilities(['lower left lung', 'lower left lung']);
    const other = probabilities(['lower right lung', 'lower right lung']);
    if (reads) expect(one).not.toEqual(other);
    else expect(one).toEqual(other);
    if (!reads) expect(shuffled.summary).toEqual(right.summary);
  });
});

it.each(['convirt', 'gloria'])('%s compares within a part where a batch is split', async (name) => {
  const folder = join(root, `${name}-parts`);
  const contrast = async (accumulate: number): Promise<number> => {
    const run = await makeTinyRun(join(folder, String(accumulate)), {
      'model.name': name,
      'model.baseWidth': 8,
      'model.options': RESNET,
      'model.imageSize': 64, // batch normalisation needs several pixels where a part is one case
      'train.epochs': 1,
      'train.accumulate': accumulate,
    });
    const losses = openRun(run).epochs()[0]?.losses;
    return losses?.contrastive ?? (losses?.global ?? Number.NaN) + (losses?.local ?? Number.NaN);
  };
  expect(await contrast(1)).toBeGreaterThan(0.5);
  expect(await contrast(4)).toBeCloseTo(0, 5); // a case alone has nothing to be confused with
});

it('refuses rewordings where a loss reads the notes’ own words', async () => {
  const refused = makeTinyRun(join(root, 'refused'), {
    'model.name': 'tganet',
    'model.baseWidth': 8,
    'model.options': { wordWidth: 8 },
    'augment.notes': 0.5,
  });
  await expect(refused).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^augment\.notes: expected 0 with tganet, .*, got 0\.5$/) as unknown,
  });
});

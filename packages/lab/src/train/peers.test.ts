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

describe.each([
  ['unet', false],
  ['lvit', true],
] as const)('a run of %s', (name, reads) => {
  let run: string;
  beforeAll(async () => {
    run = await makeTinyRun(join(root, name), { 'model.name': name, 'model.baseWidth': 8 });
  });

  it('trains by its mask alone', () => {
    const opened = openRun(run);
    const { config, info } = opened;
    expect(info.status).toBe('finished');
    expect(readsNotes(config.model)).toBe(reads);
    const losses = opened.epochs().map((epoch) => Object.keys(epoch.losses).sort());
    expect(losses).toEqual([
      ['bce', 'dice', 'total'],
      ['bce', 'dice', 'total'],
    ]);
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

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-train-hook-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);

const SMALL = '--data data --preset phantom --model.baseWidth 4 --model.imageSize 32 --epochs 2 --batch 4 --threads 1 --workers 0 --train.warmupSteps 0 -q'.split(' '); // prettier-ignore

beforeAll(async () => {
  const made = await reclmis('data', 'phantom', '-o', 'data', '--count', '20', '--size', '32', '-q');
  expect(made.status).toBe(0);
});

it('train --hook sends each epoch’s line of metrics.jsonl, and is kept nowhere', async () => {
  const log = join(root, 'log.jsonl');
  const { status } = await reclmis('train', '-o', 'run', '--hook', `cat >> '${log}'`, ...SMALL);
  expect(status).toBe(0);
  const lines = (path: string): Record<string, unknown>[] =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const epochs = lines(join(root, 'run', 'metrics.jsonl'));
  expect(epochs).toHaveLength(2);
  expect(lines(log)).toEqual(epochs.map((epoch) => ({ run: 'run', ...epoch })));
  for (const file of ['config.yaml', 'run.json'])
    expect(readFileSync(join(root, 'run', file), 'utf8')).not.toContain('cat >>');
}, 240_000);

it('a hook that fails warns, and the training ends well', async () => {
  const { status, stderr } = await reclmis('train', '-o', 'failing', '--hook', 'exit 4', ...SMALL);
  expect(status).toBe(0);
  expect(stderr.match(/--hook: epoch \d: exit 4: ended with 4; training goes on/g)).toHaveLength(2);
}, 240_000);

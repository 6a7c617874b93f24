import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EpochRecord } from '@reclmis/lab';
import { afterAll, expect, it } from 'vitest';
import { EpochHook } from './epoch-hook.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-hook-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const record = (epoch: number): EpochRecord => ({
  epoch,
  step: 3 * epoch,
  losses: { total: 4 / epoch, dice: 0.5, bce: 0.25 },
  validation: { images: 6, dice: 0.5, iou: 0.4, pooledDice: 0.6, pooledIou: 0.5 },
  best: true,
  lr: 1e-3,
  secondsPerImage: 0.1,
  waitShare: 0,
  peakBytes: 1,
  seconds: epoch,
});

it('sends each epoch as a line on standard input, in order', async () => {
  const [file, lines] = [join(root, 'log.jsonl'), [] as string[]];
  // The first call is the slowest.
  const hook = new EpochHook(
    `read -r line; case "$line" in *'"epoch":1,'*) sleep 0.3;; esac; echo "$line" >> '${file}'`,
    (line) => void lines.push(line),
  );
  for (const epoch of [1, 2, 3]) hook.tell('runs/a', record(epoch));
  await hook.settled();
  const sent = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(sent.map((line) => JSON.parse(line) as unknown)).toEqual(
    [1, 2, 3].map((epoch) => ({ run: 'runs/a', ...record(epoch) })),
  );
  expect(lines).toEqual([]);
});

it('warns of a command that fails, is unknown, or does not read, and goes on', async () => {
  const of = async (command: string): Promise<string[]> => {
    const lines: string[] = [];
    const hook = new EpochHook(command, (line) => void lines.push(line));
    hook.tell('runs/a', record(1));
    await hook.settled();
    return lines;
  };
  expect(await of('exit 3')).toEqual(['--hook: epoch 1: exit 3: ended with 3; training goes on']);
  expect(await of('no-such-command-here 2> /dev/null')).toEqual([expect.stringContaining('ended with 127')]);
  expect(await of('true')).toEqual([]);
});

it('takes a command for ended that ended during a long training step', async () => {
  const lines: string[] = [];
  const hook = new EpochHook('true', (line) => void lines.push(line), 300);
  hook.tell('runs/a', record(1));
  await Promise.resolve(); // it starts
  const until = performance.now() + 1000;
  while (performance.now() < until); // nothing else gets a turn
  await hook.settled();
  expect(lines).toEqual([]);
});

it('kills a command that does not end, with what it started', async () => {
  const lines: string[] = [];
  const file = join(root, 'late');
  const hook = new EpochHook(`(sleep 2; echo late > '${file}') & wait`, (line) => void lines.push(line), 200);
  hook.tell('runs/a', record(2));
  await hook.settled();
  expect(lines).toEqual([expect.stringContaining('epoch 2')]);
  expect(lines[0]).toContain('killed after 0.2 s');
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(() => readFileSync(file)).toThrow(/ENOENT/);
});

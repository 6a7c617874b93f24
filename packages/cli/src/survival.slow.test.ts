/** Training survives SIGKILL at random moments and during saves, SIGTERM, SIGUSR1 and Ctrl-C. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from '@reclmis/core';
import { checkpointPath, type EpochRecord, openRun, readEpochs } from '@reclmis/lab';
import { tensorHashes } from '@reclmis/lab/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../bin/reclmis.js', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'reclmis-survival-'));
const data = join(root, 'data');
const MINUTES = 60_000;
const SLOW = Boolean(process.env['RECLMIS_SLOW']);

/** Twelve epochs of four steps with a resume point each: half the time is spent saving. */
const SETTINGS =
  '--epochs 12 --batch 4 --threads 1 --workers 0 --model.baseWidth 8 --model.imageSize 32 --model.layers 1 --text.encoder words ' +
  '--train.saveSteps 1 --deterministic --quiet';

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

function start(...args: string[]): {
  child: ChildProcessByStdio<null, null, Readable>;
  ended: Promise<Ended>;
} {
  const child = spawn(process.execPath, [BIN, ...args], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stderr }));
  });
  return { child, ended };
}

const fresh = (out: string): string[] => ['train', '--data', data, '-o', out, ...SETTINGS.split(' ')];
const resume = (run: string): string[] => ['train', '--resume', run, '--quiet'];

function halfWritten(run: string): string[] {
  const folder = join(run, 'checkpoints');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.tmp')) : [];
}

function figures(run: string): unknown[] {
  const plain = ({ epoch, step, losses, validation, best, lr }: EpochRecord): unknown => ({
    epoch,
    step,
    losses,
    validation,
    best,
    lr,
  });
  return readEpochs(join(run, 'metrics.jsonl')).map(plain);
}

const whole = join(root, 'whole');

function expectSame(run: string): void {
  for (const kind of ['last', 'best'] as const)
    expect(tensorHashes(checkpointPath(run, kind))).toEqual(tensorHashes(checkpointPath(whole, kind)));
  expect(figures(run)).toEqual(figures(whole));
  expect(openRun(run).info).toMatchObject({ status: 'finished', epochs: 12, steps: 48 });
  expect(halfWritten(run)).toEqual([]);
}

beforeAll(async () => {
  if (!SLOW) return;
  const make = start('data', 'phantom', '--out', data, '--count', '24', '--seed', '3', '--size', '32');
  expect((await make.ended).code).toBe(0);
  expect((await start(...fresh(whole)).ended).code).toBe(0);
}, 2 * MINUTES);
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.skipIf(!SLOW)('SIGKILL', () => {
  it(
    'twenty times, half of them during a save: the resumed run ends with the same weights, bit for bit',
    async () => {
      const KILLS = 20;
      const random = Random.from('kills', 7);
      const tally = { atRandom: 0, duringSave: 0, leftHalfWritten: 0, endedFirst: 0 };
      let run = join(root, 'killed-0');
      const runs = [run];
      while (tally.atRandom + tally.duringSave < KILLS) {
        const begun = existsSync(join(run, 'config.yaml'));
        const { child, ended } = start(...(begun ? resume(run) : fresh(run)));
        const gone = (): boolean => child.exitCode !== null || child.signalCode !== null;
        const duringSave = (tally.atRandom + tally.duringSave) % 2 === 1;
        // Waits until it trains, then a while of its two seconds.
        while (!gone() && !existsSync(join(run, '.lock'))) await sleep(5);
        await sleep(random.uniform(0, 700));
        if (duringSave) while (!gone() && halfWritten(run).length === 0) await new Promise(setImmediate);
        child.kill('SIGKILL');
        const { signal, stderr } = await ended;
        if (signal === 'SIGKILL') {
          tally[duringSave ? 'duringSave' : 'atRandom'] += 1;
          tally.leftHalfWritten += halfWritten(run).length;
        } else {
          expect(stderr).toBe('');
          tally.endedFirst += 1;
          runs.push((run = join(root, `killed-${runs.length}`)));
        }
      }
      for (const each of runs.filter((name) => existsSync(join(name, 'config.yaml')))) {
        expect(await start(...resume(each)).ended).toMatchObject({ code: 0, stderr: '' });
        expectSame(each);
      }
      console.info(`kills: ${JSON.stringify({ ...tally, runs: runs.length })}`);
      expect(tally.duringSave).toBe(KILLS / 2);
      expect(tally.leftHalfWritten).toBeGreaterThan(0); // saves were hit
    },
    6 * MINUTES,
  );
});

describe.skipIf(!SLOW)('requests to stop', () => {
  it.concurrent.each([
    ['SIGTERM', 75, 'PREEMPTED'],
    ['SIGUSR1', 75, 'PREEMPTED'],
    ['SIGINT', 130, 'INTERRUPTED'],
  ] as const)(
    '%s saves, ends with status %i and %s, and the run resumes',
    async (signal, status, code) => {
      const run = join(root, signal);
      const { child, ended } = start(...fresh(run));
      while (!existsSync(join(run, 'checkpoints', 'resume-00000002.safetensors'))) await sleep(2);
      child.kill(signal);
      const { code: exit, stderr } = await ended;
      expect(stderr).toContain(`error ${code}:`);
      expect(stderr).toContain(`reclmis train --resume ${run}`);
      expect(exit).toBe(status);
      const { info } = openRun(run);
      expect(info.status).toBe('interrupted');
      expect(info.steps).toBeGreaterThan(1);
      expect(checkpointPath(run, 'last')).toContain(String(info.steps).padStart(8, '0'));
      expect((await start(...resume(run)).ended).code).toBe(0);
      expectSame(run);
    },
    2 * MINUTES,
  );

  it('SIGTERM ends other work cleanly too: status 130, nothing half-made', async () => {
    const out = join(root, 'more');
    const { child, ended } = start('data', 'phantom', '--out', out, '--count', '9000', '--size', '224');
    while (!readdirSync(root).some((name) => name.startsWith('.more.'))) await sleep(5);
    child.kill('SIGTERM');
    const { code, stderr } = await ended;
    expect(stderr).toContain('error INTERRUPTED');
    expect(code).toBe(130);
    expect(readdirSync(root).filter((name) => name.includes('more'))).toEqual([]);
  });
});

describe.skipIf(!SLOW)('--resume', () => {
  it('refuses settings that are fixed, and -o', async () => {
    const fixed = await start(...resume(whole), '--lr', '1').ended;
    expect(fixed.code).toBe(2);
    expect(fixed.stderr).toContain('train.lr is fixed for the whole run');
    const out = await start(...resume(whole), '-o', join(root, 'other')).ended;
    expect(out.code).toBe(2);
    expect(out.stderr).toContain("'--resume <run>' cannot be used with option '-o, --out <dir>'");
  });

  it('leaves a finished run alone', async () => {
    const before = readFileSync(checkpointPath(whole, 'last'));
    expect(openRun(whole).config.train.deterministic).toBe(true); // set by the flag alone
    expect((await start(...resume(whole)).ended).code).toBe(0);
    expect(readFileSync(checkpointPath(whole, 'last')).equals(before)).toBe(true);
  });
});

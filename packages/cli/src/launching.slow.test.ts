/** `reclmis train --nproc 2`: its end, a signal, a killed rank, a stopped rank, resuming. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type EpochRecord, readEpochs, runFiles } from '@reclmis/lab';
import { distributed } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../bin/reclmis.js', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'reclmis-launching-'));
const data = join(root, 'data');
const SETTINGS =
  '--batch 4 --workers 0 --model.baseWidth 8 --model.imageSize 32 --model.layers 1 --text.encoder words --train.saveSteps 1 --quiet';

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
}

function start(...args: string[]): {
  pid: number;
  kill: (signal: NodeJS.Signals) => void;
  ended: Promise<Ended>;
} {
  const child = spawn(process.execPath, [BIN, ...args], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status) => resolve({ status, stderr }));
  });
  return { pid: child.pid ?? 0, kill: (signal) => child.kill(signal), ended };
}

const train = (run: string, epochs: number): ReturnType<typeof start> =>
  start(
    'train',
    '--data',
    data,
    '-o',
    run,
    '--epochs',
    String(epochs),
    '--nproc',
    '2',
    ...SETTINGS.split(' '),
  );

/** By rank. */
function workers(launcher: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1] === String(launcher));
  const rankOf = (pid: string): number =>
    Number(/(?:^|\0)RANK=(\d+)/.exec(read(`/proc/${pid}/environ`))?.[1] ?? Number.NaN);
  return children.sort((a, b) => rankOf(a) - rankOf(b)).map(Number);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function begun(run: string): Promise<void> {
  while (!existsSync(runFiles(join(root, run)).metrics)) await sleep(100);
}

const alive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !read(`/proc/${pid}/stat`).includes(') Z ');
const status = (run: string): string =>
  (JSON.parse(readFileSync(runFiles(join(root, run)).info, 'utf8')) as { status: string }).status;

beforeAll(async () => {
  if (!process.env['RECLMIS_SLOW']) return;
  expect(
    (await start('data', 'phantom', '-o', data, '--count', '40', '--size', '32', '-q').ended).status,
  ).toBe(0);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.skipIf(!process.env['RECLMIS_SLOW'] || !distributed.distributedBackends().includes('gloo'))(
  'train --nproc 2',
  () => {
    it('trains to the end, and ends with the status of a mistake', async () => {
      const { status: code, stderr } = await train('whole', 2).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const epochs: EpochRecord[] = readEpochs(runFiles(join(root, 'whole')).metrics);
      expect(epochs.map(({ step }) => step)).toEqual([7, 14]);
      const taken = await train('whole', 2).ended;
      expect(taken.status).toBe(7);
      expect(taken.stderr).toContain('error OUTPUT_EXISTS');
    });

    it('saves on SIGTERM in all processes at the same step, and resumes with one', async () => {
      const launcher = train('told', 400);
      await begun('told');
      const pids = workers(launcher.pid);
      expect(pids).toHaveLength(2);
      launcher.kill('SIGTERM');
      const { status: code, stderr } = await launcher.ended;
      expect(code).toBe(75);
      expect(stderr.match(/error \w+/g)).toEqual(['error PREEMPTED']);
      expect(status('told')).toBe('interrupted');
      expect(pids.some(alive)).toBe(false);
      const again = await start('train', '--resume', 'told', '--train.maxMinutes', '0.01', '--quiet').ended;
      expect(again.status).toBe(0);
      expect(status('told')).toBe('out-of-time');
    });

    it('saves on a scheduler’s signal to any rank, and says so', async () => {
      const launcher = train('one', 400);
      await begun('one');
      process.kill(workers(launcher.pid)[1] ?? 0, 'SIGUSR1');
      const { status: code, stderr } = await launcher.ended;
      expect(stderr).toMatch(/error PREEMPTED: one: SIGUSR1 after \d+ steps; the state is saved/);
      expect(code).toBe(75);
      expect(status('one')).toBe('interrupted');
    });

    it.concurrent.each([
      ['SIGKILL', 'error RANK_LOST: rank 1 was ended by SIGKILL'],
      ['SIGSTOP', 'error RANK_LOST: rank 1 is lost: no message from it'],
    ] as const)(
      'names a rank that got %s, leaves no process behind, and goes on',
      async (signal, message) => {
        const launcher = train(signal, 4000);
        await begun(signal);
        const pids = workers(launcher.pid);
        process.kill(pids[1] ?? 0, signal);
        const { status: code, stderr } = await launcher.ended;
        expect(stderr).toContain(message);
        expect(code).toBe(75);
        expect(pids.some(alive)).toBe(false);
        const before = readEpochs(runFiles(join(root, signal)).metrics).length;
        const again = start(
          'train',
          '--resume',
          signal,
          '--nproc',
          '2',
          '--train.maxMinutes',
          '0.01',
          '--quiet',
        );
        expect((await again.ended).status).toBe(0);
        expect(readEpochs(runFiles(join(root, signal)).metrics).length).toBeGreaterThan(before);
      },
    );

    it('leaves no process behind when it is killed itself', async () => {
      const launcher = train('orphans', 4000);
      await begun('orphans');
      const pids = workers(launcher.pid);
      launcher.kill('SIGKILL');
      while (pids.some(alive)) await sleep(100); // until the test times out
      expect(status('orphans')).toBe('interrupted'); // saved when told
    });
  },
);

/**
 * Training over a network: two ranks in network namespaces joined by a virtual cable, with torchrun's
 * variables. The cable is also pulled out: neither rank is told, which no signal can imitate.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writePhantom } from '@reclmis/data';
import { readEpochs, runFiles } from '@reclmis/lab';
import { distributed } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN } from './testing/reclmis.js';

const MINUTE = 60_000;
const SPACES = [0, 1].map((rank) => `reclmis-${process.pid}-${rank}`);
const cable = (rank: number): string => `rec${process.pid % 100_000}v${rank}`; // at most 15 letters
const address = (rank: number): string => `10.213.7.${rank + 1}`;

const ip = (...args: string[]): boolean => spawnSync('ip', args, { stdio: 'ignore' }).status === 0;
const within = (rank: number, ...args: string[]): boolean => ip('-n', SPACES[rank] as string, ...args);

function connected(): boolean {
  return (
    SPACES.every((space) => ip('netns', 'add', space)) &&
    ip('link', 'add', cable(0), 'type', 'veth', 'peer', 'name', cable(1)) &&
    [0, 1].every(
      (rank) =>
        ip('link', 'set', cable(rank), 'netns', SPACES[rank] as string) &&
        within(rank, 'addr', 'add', `${address(rank)}/24`, 'dev', cable(rank)) &&
        within(rank, 'link', 'set', cable(rank), 'up') &&
        within(rank, 'link', 'set', 'lo', 'up'),
    )
  );
}

const wanted = Boolean(process.env['RECLMIS_SLOW']);
const possible = wanted && distributed.distributedBackends().includes('gloo') && connected();
const disconnect = (): void => SPACES.forEach((space) => void ip('netns', 'del', space));
if (wanted && !possible) disconnect(); // removes what was made before a right was lacking
const root = mkdtempSync(join(tmpdir(), 'reclmis-network-'));
const data = join(root, 'data');

beforeAll(async () => {
  if (possible) await writePhantom(data, { count: 40, size: 32, seed: 1 });
});
afterAll(() => {
  disconnect();
  rmSync(root, { recursive: true, force: true });
});

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
}

function rank(at: number, run: string, port: number, ...args: string[]): Promise<Ended> {
  const settings =
    '--batch 4 --workers 0 --model.baseWidth 8 --model.imageSize 32 --model.layers 1 --text.encoder words --threads 1 --quiet';
  const command = [BIN, 'train', '--data', data, '-o', run, ...settings.split(' '), ...args];
  const child = spawn('ip', ['netns', 'exec', SPACES[at] as string, process.execPath, ...command], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      RANK: String(at),
      WORLD_SIZE: '2',
      LOCAL_RANK: '0',
      LOCAL_WORLD_SIZE: '1',
      MASTER_ADDR: address(0),
      MASTER_PORT: String(port),
    },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status, stderr }));
  });
}

describe.skipIf(!possible)('training of two hosts (needs the right to make network namespaces)', () => {
  it(
    'meets at the address of rank 0, trains to the end, and only rank 0 writes',
    async () => {
      const ends = await Promise.all([0, 1].map((at) => rank(at, 'whole', 29_611, '--epochs', '2')));
      expect(ends).toEqual([
        { status: 0, stderr: '' },
        { status: 0, stderr: '' },
      ]);
      expect(readEpochs(runFiles(join(root, 'whole')).metrics).map(({ step }) => step)).toEqual([7, 14]);
    },
    3 * MINUTE,
  );

  it(
    'names the rank that is lost when the cable is pulled out, and resumes with one process',
    async () => {
      const ends = [0, 1].map((at) => rank(at, 'cut', 29_617, '--epochs', '4000', '--train.saveSteps', '1'));
      const { metrics, info } = runFiles(join(root, 'cut'));
      while (!existsSync(metrics)) await sleep(100);
      expect(within(1, 'link', 'set', cable(1), 'down')).toBe(true);
      const [first, second] = await Promise.all(ends);
      expect(first?.stderr).toContain('error RANK_LOST: rank 1 is lost');
      expect(second?.stderr).toContain('error RANK_LOST: rank 0 is lost');
      expect([first?.status, second?.status]).toEqual([75, 75]);
      expect(within(1, 'link', 'set', cable(1), 'up')).toBe(true);
      const again = spawnSync(
        process.execPath,
        [BIN, 'train', '--resume', 'cut', '--train.maxMinutes', '0.01', '--quiet'],
        { cwd: root, encoding: 'utf8' },
      );
      expect({ status: again.status, stderr: again.stderr }).toMatchObject({ status: 0 });
      expect((JSON.parse(readFileSync(info, 'utf8')) as { status: string }).status).toBe('out-of-time');
    },
    5 * MINUTE,
  );
});

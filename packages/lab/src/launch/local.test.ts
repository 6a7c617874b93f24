import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReclmisError } from '@reclmis/core';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort, launchWorkers, type LocalLaunch, type SignalSource } from './local.js';
import type { SpawnPlan } from './plan.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-launch-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const PLAN: SpawnPlan = {
  kind: 'spawn',
  source: 'nproc',
  firstRank: 0,
  localSize: 3,
  size: 3,
  meeting: null,
};
const FOREVER = 'setInterval(() => {}, 1000);';
let programs = 0;

function launching(
  program: string,
  options: Partial<LocalLaunch> = {},
): Promise<number> & { readonly dir: string } {
  const dir = mkdtempSync(join(root, 'run-'));
  const file = join(root, `program-${programs++}.mjs`);
  writeFileSync(
    file,
    `import { writeFileSync } from 'node:fs';\nconst rank = Number(process.env.RANK), dir = ${JSON.stringify(dir)};\n` +
      `const mark = (name, text = '') => writeFileSync(dir + '/' + name + '-' + rank, text);\n${program}`,
  );
  const work = launchWorkers({
    plan: PLAN,
    command: process.execPath,
    args: [file],
    env: process.env,
    threads: 2,
    report: () => undefined,
    ...options,
  });
  return Object.assign(work, { dir });
}

async function lost(work: Promise<number>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ReclmisError);
  expect((error as ReclmisError).code).toBe('RANK_LOST');
  return (error as ReclmisError).message;
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await sleep(50);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('local workers', () => {
  it("get torchrun's variables, the same meeting point, and none of the launcher's", async () => {
    const work = launching("mark('env', JSON.stringify(process.env));", {
      plan: { ...PLAN, firstRank: 3, size: 6, meeting: { host: 'head', port: 29500 } },
      env: { PATH: process.env['PATH'], PET_NNODES: '2', RANK: '77', OTHER: 'kept' },
    });
    expect(await work).toBe(0);
    const names = readdirSync(work.dir).sort();
    expect(names).toEqual(['env-3', 'env-4', 'env-5']);
    const seen = names.map(
      (name) => JSON.parse(readFileSync(join(work.dir, name), 'utf8')) as Record<string, string>,
    );
    expect(seen[1]).toMatchObject({
      RANK: '4',
      WORLD_SIZE: '6',
      LOCAL_RANK: '1',
      LOCAL_WORLD_SIZE: '3',
      MASTER_ADDR: 'head',
      MASTER_PORT: '29500',
      OMP_NUM_THREADS: '2',
      OTHER: 'kept',
    });
    expect(seen[1]).not.toHaveProperty('PET_NNODES');
  });

  it('meet on the loopback address at one free port', async () => {
    const work = launching("mark('at', process.env.MASTER_ADDR + ':' + process.env.MASTER_PORT);");
    expect(await work).toBe(0);
    const places = [0, 1, 2].map((rank) => readFileSync(join(work.dir, `at-${rank}`), 'utf8'));
    expect(new Set(places).size).toBe(1);
    expect(places[0]).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await freePort()).toBeGreaterThan(1023);
  });

  it('end with the status of the mistake, where the end of who lost it comes sooner', async () => {
    for (const following of [6, 75]) {
      const lines: string[] = [];
      const status = await launching(
        `import { existsSync } from 'node:fs';\nprocess.on('SIGTERM', () => {});\nmark('ready');\n` +
          `if (rank === 0) setTimeout(() => process.exit(7), 1000);\n` +
          `else setInterval(() => { if (existsSync(dir + '/ready-0')) process.exit(${following}); }, 50);`,
        { graceMs: 60_000, report: (line) => lines.push(line) },
      );
      expect({ status, lines }).toEqual({
        status: 7,
        lines: ['rank 0 ended with status 7; the other ranks of this machine were stopped'],
      });
    }
    // Nobody's mistake: the first ending counts.
    expect(await launching('process.exit(rank === 1 ? 6 : 0);')).toBe(6);
  });

  it('are stopped when one is killed, and that one is named; who does not heed SIGTERM is killed', async () => {
    const work = launching(
      `process.on('SIGTERM', () => { mark('term'); if (rank === 0) process.exit(0); });\nmark('ready');\n` +
        `if (rank === 1) setInterval(() => { if (existsSync(dir + '/ready-0') && existsSync(dir + '/ready-2')) process.kill(process.pid, 'SIGKILL'); }, 50);\n` +
        `import { existsSync } from 'node:fs';\n${FOREVER}`,
      { graceMs: 2000 },
    );
    expect(await lost(work)).toBe(
      'rank 1 was ended by SIGKILL; the other ranks of this machine were stopped',
    );
    expect(existsSync(join(work.dir, 'term-0')) && existsSync(join(work.dir, 'term-2'))).toBe(true);
  });

  it('end with the status of the one that failed by a coded error, and its words are shown with its rank', async () => {
    const lines: string[] = [];
    const program = `if (rank === 2) { console.error('error DATA_INVALID: x'); process.exitCode = 3; } else { ${FOREVER} }`;
    expect(await launching(program, { report: (line) => lines.push(line) })).toBe(3);
    expect(lines).toContain('[rank 2] error DATA_INVALID: x');
    expect(lines).toContain('rank 2 ended with status 3; the other ranks of this machine were stopped');
  });

  it('are lost with a status that is none of ours, or without a program', async () => {
    expect(await lost(launching(`if (rank === 1) process.exit(1); ${FOREVER}`))).toContain(
      'rank 1 ended with status 1',
    );
    let signalled = 0;
    const count = (): void => void (signalled += 1);
    process.on('SIGTERM', count);
    expect(await lost(launching('', { command: join(root, 'absent') }))).toContain('rank 0 did not start');
    await new Promise((resolve) => setTimeout(resolve, 50)); // a signal to our own group would have arrived by now
    process.off('SIGTERM', count);
    expect(signalled).toBe(0);
  });

  it('are told the signals of the launcher, and left the time to save', async () => {
    let tell: Parameters<SignalSource>[0] = () => undefined;
    const signals: SignalSource = (to) => {
      tell = to;
      return () => undefined;
    };
    const work = launching(
      `process.on('SIGUSR1', () => setTimeout(() => { mark('saved'); process.exit(75); }, rank === 0 ? 1500 : 0));\nmark('ready');\n${FOREVER}`,
      { signals, graceMs: 100 },
    );
    await until(() => [0, 1, 2].every((rank) => existsSync(join(work.dir, `ready-${rank}`))));
    tell('SIGUSR1');
    expect(await work).toBe(75);
    expect(existsSync(join(work.dir, 'saved-0'))).toBe(true);
  });

  it('end when their launcher is killed, also with a blocked main thread', async () => {
    const dir = mkdtempSync(join(root, 'orphans-'));
    const url = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
    const worker = join(dir, 'worker.mjs');
    writeFileSync(
      worker,
      `import { writeFileSync } from 'node:fs';\nimport { holdLifeline } from ${url('./lifeline.js')};\n` +
        `process.on('SIGTERM', () => process.exit(75));\nholdLifeline(process.env, 500);\n` +
        `setTimeout(() => {\n  writeFileSync(${JSON.stringify(dir)} + '/pid-' + process.env.RANK, String(process.pid));\n` +
        `  if (process.env.RANK === '1') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n}, 1000);\n${FOREVER}`,
    );
    const launcher = join(dir, 'launcher.mjs');
    writeFileSync(
      launcher,
      `import { launchWorkers } from ${url('./local.js')};\n` +
        `await launchWorkers({ plan: ${JSON.stringify(PLAN)}, command: process.execPath, args: [${JSON.stringify(worker)}], env: process.env, threads: 1 });`,
    );
    const child = spawn(process.execPath, [launcher], { stdio: 'ignore' });
    const files = [0, 1, 2].map((rank) => join(dir, `pid-${rank}`));
    await until(() => files.every((file) => existsSync(file) && readFileSync(file, 'utf8') !== ''));
    const pids = files.map((file) => Number(readFileSync(file, 'utf8')));
    expect(pids.map(alive)).toEqual([true, true, true]);
    child.kill('SIGKILL');
    await until(() => !pids.some(alive));
  });
});

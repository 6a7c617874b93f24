/** Ranks as real processes: killed, stopped, spinning, leaving. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'reclmis-heartbeat-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Below a run's 20 s, above the delays of a busy machine. */
const SILENT_MS = 8000;

interface Rank {
  readonly child: ChildProcess;
  readonly ended: Promise<{ status: number | string; stderr: string }>;
}
const all: Rank[] = [];
afterEach(() => {
  for (const { child } of all.splice(0)) child.kill('SIGKILL');
});

async function ranks(count: number, program: string): Promise<Rank[]> {
  const dir = mkdtempSync(join(root, 'run-'));
  const file = join(dir, 'rank.mjs');
  writeFileSync(
    file,
    `import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';\n` +
      `import { Heartbeat } from ${JSON.stringify(new URL('./heartbeat.js', import.meta.url).href)};\n` +
      `const rank = Number(process.argv[2]), dir = ${JSON.stringify(dir)}, sleep = (ms) => new Promise((r) => setTimeout(r, ms));\n` +
      `const agree = async (words) => {\n  if (words !== null) { writeFileSync(dir + '/w', words); renameSync(dir + '/w', dir + '/words'); return words; }\n` +
      `  while (!existsSync(dir + '/words')) await sleep(50);\n  return readFileSync(dir + '/words', 'utf8');\n};\n` +
      `const heart = await Heartbeat.start({ rank, size: ${count}, host: '127.0.0.1', agree, beatMs: 200, silentMs: ${SILENT_MS}, stallMs: ${SILENT_MS} });\n` +
      `const block = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n` +
      `writeFileSync(dir + '/ready-' + rank, '');\nfor (let r = 0; r < ${count}; r++) while (!existsSync(dir + '/ready-' + r)) await sleep(50);\n` +
      `writeFileSync(dir + '/runs-' + rank, '');\n${program}`,
  );
  const started = Array.from({ length: count }, (_, rank): Rank => {
    const child = spawn(process.execPath, [file, String(rank)], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<{ status: number | string; stderr: string }>((resolve) => {
      child.on('close', (code, signal) => resolve({ status: code ?? signal ?? '', stderr }));
    });
    return { child, ended };
  });
  all.push(...started);
  while (!started.every((_, rank) => existsSync(join(dir, `runs-${rank}`)))) {
    const early = started.find(({ child }) => child.exitCode !== null && child.exitCode !== 0);
    if (early) throw new Error(`a rank did not come up: ${(await early.ended).stderr}`);
    await sleep(50);
  }
  return started;
}

async function expectNamed(left: readonly Rank[], lost: number, why: string): Promise<void> {
  for (const { ended } of left) {
    const { status, stderr } = await ended;
    expect(stderr).toContain(`error RANK_LOST: rank ${lost} is lost: ${why}`);
    expect(status).toBe(75);
  }
}

describe.skipIf(!process.env['RECLMIS_SLOW'])('a heartbeat', () => {
  it('lets ranks leave in peace, early and late', async () => {
    const started = await ranks(3, 'await sleep(rank * 400); heart.pulse.beat(); await heart.leave();');
    for (const { ended } of started) expect(await ended).toEqual({ status: 0, stderr: '' });
  });

  it('names a killed rank to all others, whose main threads are blocked', async () => {
    const [zero, one, two] = (await ranks(3, 'block();')) as [Rank, Rank, Rank];
    one.child.kill('SIGKILL');
    await expectNamed([zero, two], 1, 'its process ended');
  });

  it('names a rank whose connection is reset: killed with beats that it had not read', async () => {
    const [zero, one, two] = (await ranks(3, 'block();')) as [Rank, Rank, Rank];
    one.child.kill('SIGSTOP');
    await sleep(2000); // ten beats, far from silence
    one.child.kill('SIGKILL');
    await expectNamed([zero, two], 1, 'its process ended');
  });

  it('goes on when a stranger connects and resets the connection', async () => {
    const started = await ranks(
      2,
      `if (rank === 1) {\n  const { connect } = await import('node:net');\n  const port = Number(readFileSync(dir + '/words', 'utf8').split('/')[0]);\n` +
        `  const stranger = connect(port, '127.0.0.1', () => stranger.resetAndDestroy());\n` +
        `  await new Promise((resolve) => stranger.on('close', resolve));\n}\nawait sleep(1000); await heart.leave();`,
    );
    for (const { ended } of started) expect(await ended).toEqual({ status: 0, stderr: '' });
  });

  it('names a killed rank 0', async () => {
    const [zero, one, two] = (await ranks(3, 'block();')) as [Rank, Rank, Rank];
    zero.child.kill('SIGKILL');
    await expectNamed([one, two], 0, 'its process ended');
  });

  it.each([1, 0])('names rank %i when it is stopped', async (lost) => {
    const started = await ranks(3, 'block();');
    started[lost]?.child.kill('SIGSTOP');
    await expectNamed(
      started.filter((_, rank) => rank !== lost),
      lost,
      'no message from it for',
    );
  });

  it.each([2, 0])('names rank %i, and ends it, when its main thread spins within a step', async (lost) => {
    const started = await ranks(
      3,
      `if (rank === ${lost}) { heart.pulse.beat(); for (;;); } heart.pulse.beat(); heart.pulse.rest(); block();`,
    );
    await expectNamed(started, lost, 'it hangs: no progress for');
  });
});

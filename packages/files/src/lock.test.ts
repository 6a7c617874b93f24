/** Locks between real processes: stopped ones keep theirs, ended ones lose it, whatever the clock says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { isLocked, type LockHolder, machineTag, STALE_MS, withLock } from './lock.js';
import { ageOf, isAlive, startOf } from './process-start.js';
import { inFolder } from './testing.js';

const HOUR_MS = 3_600_000;
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** The child's first output line; it is killed after the test. */
async function started(
  command: string,
  args: readonly string[],
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, line: chunk.toString().trim() };
}

/** A process that holds the lock until killed. */
async function holder(path: string): Promise<ChildProcess> {
  const module = fileURLToPath(new URL('lock.js', import.meta.url));
  const code = `import { withLock } from ${JSON.stringify(module)};
    await withLock(${JSON.stringify(path)}, {}, () => new Promise((end) => { console.log('held'); setTimeout(end, 60_000); }));`;
  return (await started(process.execPath, ['--input-type=module', '-e', code])).child;
}

function backdate(path: string, ms: number): void {
  const then = new Date(Date.now() - ms);
  utimesSync(path, then, then);
}

async function waitedFor(path: string): Promise<LockHolder | null> {
  let found: LockHolder | null = null;
  const wait = new Error('held');
  await withLock(
    path,
    {
      onWait: (one) => {
        found = one;
        throw wait;
      },
    },
    () => Promise.resolve(),
  ).catch((error: unknown) => {
    if (error !== wait) throw error;
  });
  return found;
}

const linux = process.platform === 'linux';

describe('withLock', () => {
  it.skipIf(process.platform === 'win32')(
    'leaves a stopped process its lock, however long it is stopped',
    async () => {
      await inFolder(async (dir) => {
        const path = join(dir, '.lock');
        const child = await holder(path);
        child.kill('SIGSTOP');
        backdate(path, STALE_MS + HOUR_MS);
        const text = readFileSync(path, 'utf8');
        expect(isLocked(path)).toBe(true);
        expect(await waitedFor(path)).toMatchObject({ here: true, pid: child.pid });
        expect(readFileSync(path, 'utf8')).toBe(text);
        child.kill('SIGCONT');
        child.kill('SIGKILL');
        await once(child, 'exit');
        expect(isLocked(path)).toBe(false);
        expect(await waitedFor(path)).toBeNull();
        expect(existsSync(path)).toBe(false);
      });
    },
  );

  it.skipIf(!linux)('takes over from a process whose number another one has by now', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, '.lock');
      const { child } = await started('sh', ['-c', 'echo here; exec sleep 60']);
      const { pid = 0 } = child;
      const own = `${machineTag()} ${pid} 00 ${startOf(pid)}\n`;
      writeFileSync(path, own);
      expect([isLocked(path), (await waitedFor(path))?.pid]).toEqual([true, pid]);
      for (const start of [`${startOf(process.pid)}`, own.trim().split(' ')[3]!.replace(/^./u, 'x')]) {
        writeFileSync(path, `${machineTag()} ${pid} 00 ${start}\n`);
        expect([isLocked(path), await waitedFor(path)], start).toEqual([false, null]);
      }
    });
  });

  it.skipIf(!linux)(
    'reads locks without a start: a process that began after the last touch is another one',
    async () => {
      await inFolder(async (dir) => {
        const path = join(dir, '.lock');
        const { child } = await started('sh', ['-c', 'echo here; exec sleep 60']);
        writeFileSync(path, `${machineTag()} ${child.pid} 00\n`);
        expect([isLocked(path), (await waitedFor(path))?.pid]).toEqual([true, child.pid]);
        backdate(path, HOUR_MS);
        expect([isLocked(path), await waitedFor(path)]).toEqual([false, null]);
      });
    },
  );

  it.skipIf(!linux)('takes over from a process that ended and waits for its parent', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, '.lock');
      const { line } = await started('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60']);
      const pid = Number(line);
      for (let i = 0; i < 100 && isAlive(pid); i += 1) await new Promise((next) => setTimeout(next, 20));
      expect(startOf(pid)).not.toBeNull(); // it is still listed
      writeFileSync(path, `${machineTag()} ${pid} 00 ${startOf(pid)}\n`);
      expect([isLocked(path), await waitedFor(path)]).toEqual([false, null]);
    });
  });

  it('judges other machines’ holders by their last touch', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, '.lock');
      writeFileSync(path, `00000000 ${process.pid} 00 elsewhere\n`);
      backdate(path, STALE_MS - 60_000);
      expect([isLocked(path), await waitedFor(path)]).toEqual([
        true,
        { here: false, pid: process.pid, start: 'elsewhere' },
      ]);
      backdate(path, STALE_MS + 1000);
      expect([isLocked(path), await waitedFor(path)]).toEqual([false, null]);
    });
  });

  it('gives an empty new lock a moment, and accepts no invalid number', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, '.lock');
      for (const text of ['', `${machineTag()} 0 00\n`, `${machineTag()} x 00\n`]) {
        writeFileSync(path, text);
        expect([isLocked(path), (await waitedFor(path))?.pid], text).toEqual([true, null]);
        backdate(path, 11_000);
        expect([isLocked(path), await waitedFor(path)], text).toEqual([false, null]);
      }
    });
  });

  it('lets one caller of a process work at a time, and all in the end', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, '.lock');
      let [now, most, done] = [0, 0, 0];
      await Promise.all(
        Array.from({ length: 12 }, () =>
          withLock(path, {}, async () => {
            most = Math.max(most, ++now);
            expect(isLocked(path)).toBe(true);
            await new Promise((next) => setTimeout(next, 5));
            now -= 1;
            done += 1;
          }),
        ),
      );
      expect([most, done, existsSync(path)]).toEqual([1, 12, false]);
    });
  });
});

describe('the start of a process', () => {
  it.skipIf(!linux)('stays the same, differs between processes, and its age grows with it', async () => {
    const { child } = await started('sh', ['-c', 'echo here; exec sleep 60']);
    const { pid = 0 } = child;
    expect(startOf(pid)).toBe(startOf(pid));
    expect(startOf(pid)).not.toBe(startOf(process.pid));
    expect(startOf(2 ** 22 + 1)).toBeNull();
    expect(ageOf(pid)).toBeGreaterThanOrEqual(-20); // ticks are 10 ms
    expect(ageOf(pid)).toBeLessThan(60_000);
    expect(ageOf(process.pid)).toBeGreaterThan(ageOf(pid) ?? Infinity);
  });
});

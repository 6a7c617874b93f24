/**
 * A lock between processes: a file that only one can create. It names its holder: machine, process, and when that process began, since numbers of
 * processes are used again. A holder on this machine keeps its lock for as long as it lives, also while it is stopped (Ctrl-Z, a laptop that sleeps).
 * One on another machine that shares the disk cannot be asked: it touches its lock while it works, and counts as gone after minutes without a touch.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { lstat, lutimes, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReclmisError, isFull, systemCode, writeError } from '@reclmis/core';
import { ageOf, isAlive, startOf } from './process-start.js';

/** How often the holder touches its lock, and after how long without a touch it counts as gone; milliseconds. */
const TOUCH_MS = 15_000;
export const STALE_MS = 300_000;
/** How long the file that guards a take-over may lie there. */
const GUARD_STALE_MS = 10_000;
/** How far the clocks of a disk and of this machine may lie apart. */
const CLOCKS_DIFFER_MS = 60_000;
const POLL_MS = 100;

/** Tokens of the locks that this process holds. Another one that bears its number is of a process before it, as in a restarted container. */
const held = new Set<string>();

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if another process holds the lock; what it throws ends the waiting. */
  readonly onWait?: ((holder: LockHolder) => void) | undefined;
  /** Makes a coded error of a lock that cannot be written or read, with a remedy that fits what it guards. Default `writeError`. */
  readonly errorOf?: ((path: string, error: unknown) => ReclmisError) | undefined;
}

/** Who holds a lock. */
export interface LockHolder {
  /** Whether it is a process of this machine. */
  readonly here: boolean;
  /** Its number; null where the lock does not say. */
  readonly pid: number | null;
}

/** A short name of this machine that fits into file names: folders may lie on a shared disk, and process ids mean nothing elsewhere. */
export function machineTag(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}

/** Whether a lock is held, as far as can be seen: its holder lives or, on another machine, has touched it of late. */
export function isLocked(path: string): boolean {
  try {
    const stats = lstatSync(path);
    return stats.isFile() && !isGone(readFileSync(path, 'utf8'), Date.now() - stats.mtimeMs, STALE_MS);
  } catch {
    return false; // there is none, or it was released meanwhile
  }
}

/** What a lock says. The start is missing in locks of older versions, and where a machine does not tell it. */
function holderOf(text: string): LockHolder & { readonly start: string | null } {
  const [machine, number, , start] = text.trimEnd().split(' ');
  const pid = /^[1-9]\d{0,9}$/u.test(number ?? '') ? Number(number) : null; // 0 would be this process's group
  return { here: machine === machineTag(), pid, start: start ?? null };
}

/** Whether the holder of a lock is gone. @param idle since the last touch, ms. @param limit what that may be where the holder cannot be asked. */
function isGone(text: string, idle: number, limit: number): boolean {
  const { here, pid, start } = holderOf(text);
  if (pid === null) return idle > GUARD_STALE_MS; // created, but its text was never written
  if (!here) return idle > limit;
  if (pid === process.pid) return !held.has(text);
  if (!isAlive(pid)) return true;
  if (start !== null) return start !== (startOf(pid) ?? start);
  return (ageOf(pid) ?? Infinity) < idle - CLOCKS_DIFFER_MS; // it began after the last touch: the number was used again
}

/**
 * Runs `work` while holding the lock at `path` (its folder must exist), waiting for it as long as a living process holds it.
 * The signal ends the waiting with its reason.
 * @throws OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function withLock<R>(
  path: string,
  { signal, onWait, errorOf = writeError }: LockOptions,
  work: () => Promise<R>,
): Promise<R> {
  const start = startOf(process.pid);
  const mark = randomBytes(8).toString('hex');
  const token = `${[machineTag(), process.pid, mark, ...(start === null ? [] : [start])].join(' ')}\n`;
  let waited = false;
  const attempt = async <T>(step: Promise<T>): Promise<T> =>
    step.catch((error: unknown) => {
      throw errorOf(path, error);
    });
  held.add(token); // before the file is there: whoever sees it with this process's number looks here
  let touch: NodeJS.Timeout | undefined;
  try {
    while (!(await attempt(create(path, token)))) {
      if (await attempt(takeOver(path, token))) break;
      if (!waited) onWait?.(holderOf((await attempt(contents(path))) ?? ''));
      waited = true;
      await sleep(POLL_MS, undefined, signal ? { signal } : {});
    }
    touch = setInterval(() => {
      lutimes(path, new Date(), new Date()).catch(() => undefined); // a lock that is gone shows at the next attempt of somebody
    }, TOUCH_MS);
    touch.unref();
    return await work();
  } finally {
    clearInterval(touch);
    held.delete(token);
    // Where it cannot be removed (the disk became read-only), the holder's end makes it stale, and the work's own error is the one to report.
    if ((await contents(path).catch(() => null)) === token)
      await rm(path, { force: true }).catch(() => undefined);
  }
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    if (isFull(error)) await rm(path, { force: true }).catch(() => undefined); // made, but empty
    throw error;
  }
}

/** Replaces a lock whose holder is gone. A second file makes sure that two who saw it so do not both succeed. */
async function takeOver(path: string, token: string): Promise<boolean> {
  if (!(await isStale(path, STALE_MS))) return false;
  const guard = `${path}.guard`;
  if (!(await create(guard, token))) {
    if (await isStale(guard, GUARD_STALE_MS)) await rm(guard, { force: true });
    return false;
  }
  try {
    if (!(await isStale(path, STALE_MS))) return false; // somebody was faster
    await rm(path, { force: true });
    return await create(path, token);
  } finally {
    await rm(guard, { force: true });
  }
}

async function isStale(path: string, limit: number): Promise<boolean> {
  const text = await contents(path);
  const idle = await age(path);
  return text !== null && isGone(text, idle, limit); // null: released meanwhile
}

async function contents(path: string): Promise<string | null> {
  try {
    const stats = await lstat(path); // what is no file of ours is not opened: a pipe would never end
    if (!stats.isFile())
      throw new ReclmisError(
        'OUTPUT_UNWRITABLE',
        `${path}: is in the place of a lock but is not a regular file`,
        {
          remedy: 'Remove it, or choose another folder.',
        },
      );
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Milliseconds since the last touch; 0 for a file that is gone. */
async function age(path: string): Promise<number> {
  try {
    return Date.now() - (await lstat(path)).mtimeMs;
  } catch {
    return 0;
  }
}

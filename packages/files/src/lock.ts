/**
 * A lock between processes: a file that only one can create. It names its holder, who touches it while it works; a lock whose holder is
 * gone, or has not touched it for minutes (a crash on another machine that shares the disk), is taken over.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { lstat, lutimes, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReclmisError } from '@reclmis/core';
import { systemCode, writeError } from './files.js';

/** How often the holder touches its lock, and after how long without a touch it counts as gone; milliseconds. */
const TOUCH_MS = 15_000;
export const STALE_MS = 300_000;
/** How long the file that guards a take-over may lie there. */
const GUARD_STALE_MS = 10_000;
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

/** Whether a process of this machine still runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH'; // EPERM: it runs as somebody else
  }
}

/** Whether a lock is held, as far as can be seen: its holder lives or, on another machine, has touched it of late. */
export function isLocked(path: string): boolean {
  try {
    const stats = lstatSync(path);
    if (!stats.isFile()) return false;
    const { here, pid } = holderOf(readFileSync(path, 'utf8'));
    return here ? pid !== null && isAlive(pid) : Date.now() - stats.mtimeMs < STALE_MS;
  } catch {
    return false; // there is none, or it was released meanwhile
  }
}

function holderOf(text: string): LockHolder {
  const [machine, pid] = text.split(' ');
  return { here: machine === machineTag(), pid: pid === undefined ? null : Number(pid) };
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
  const token = `${machineTag()} ${process.pid} ${randomBytes(8).toString('hex')}\n`;
  let waited = false;
  const attempt = async <T>(step: Promise<T>): Promise<T> =>
    step.catch((error: unknown) => {
      throw errorOf(path, error);
    });
  while (!(await attempt(create(path, token)))) {
    if (await attempt(takeOver(path, token))) break;
    if (!waited) onWait?.(holderOf((await attempt(contents(path))) ?? ''));
    waited = true;
    await sleep(POLL_MS, undefined, signal ? { signal } : {});
  }
  held.add(token);
  const touch = setInterval(() => {
    lutimes(path, new Date(), new Date()).catch(() => undefined); // a lock that is gone shows at the next attempt of somebody
  }, TOUCH_MS);
  touch.unref();
  try {
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
    if (['ENOSPC', 'EDQUOT'].includes(systemCode(error)))
      await rm(path, { force: true }).catch(() => undefined); // made, but empty
    throw error;
  }
}

/** Replaces a lock whose holder is gone. A second file makes sure that two who saw it so do not both succeed. */
async function takeOver(path: string, token: string): Promise<boolean> {
  if (!(await isStale(path))) return false;
  const guard = `${path}.guard`;
  if (!(await create(guard, token))) {
    if ((await age(guard)) > GUARD_STALE_MS) await rm(guard, { force: true });
    return false;
  }
  try {
    if (!(await isStale(path))) return false; // somebody was faster
    await rm(path, { force: true });
    return await create(path, token);
  } finally {
    await rm(guard, { force: true });
  }
}

async function isStale(path: string): Promise<boolean> {
  const text = await contents(path);
  const idle = await age(path);
  if (text === null) return false; // released meanwhile
  if (idle > STALE_MS) return true;
  const { here, pid } = holderOf(text);
  if (pid === null) return idle > GUARD_STALE_MS; // created, but its text was never written
  if (!here) return false;
  return pid === process.pid ? !held.has(text) : !isAlive(pid);
}

async function contents(path: string): Promise<string | null> {
  try {
    const stats = await lstat(path); // what is no file of ours is not opened: a pipe would never end
    if (!stats.isFile())
      throw new ReclmisError(
        'OUTPUT_UNWRITABLE',
        `${path}: is in the place of a lock and is no regular file`,
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

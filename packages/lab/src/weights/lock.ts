/**
 * A lock between processes: a file that only one can create. It names its holder, who touches it while it works; a lock whose holder is
 * gone, or has not touched it for minutes (a crash on another machine that shares the disk), is taken over.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '@reclmis/files';
import { cacheError, isAlive, machineTag } from './home.js';

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
  /** Called once if another process holds the lock. */
  readonly onWait?: (() => void) | undefined;
}

/**
 * Runs `work` while holding the lock at `path` (its folder must exist), waiting for it as long as a living process holds it.
 * The signal ends the waiting with its reason.
 * @throws OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function withLock<R>(
  path: string,
  { signal, onWait }: LockOptions,
  work: () => Promise<R>,
): Promise<R> {
  const token = `${machineTag()} ${process.pid} ${randomBytes(8).toString('hex')}\n`;
  let waited = false;
  while (!(await create(path, token))) {
    if (await takeOver(path, token)) break;
    if (!waited) onWait?.();
    waited = true;
    await sleep(POLL_MS, undefined, signal ? { signal } : {});
  }
  held.add(token);
  const touch = setInterval(() => {
    utimes(path, new Date(), new Date()).catch(() => undefined); // a lock that is gone shows at the next attempt of somebody
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
    if (systemCode(error) === 'ENOSPC') await rm(path, { force: true }).catch(() => undefined); // made, but empty
    throw cacheError(path, error);
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
  const [machine, pid] = text.split(' ');
  if (pid === undefined) return idle > GUARD_STALE_MS; // created, but its text was never written
  if (machine !== machineTag()) return false;
  return Number(pid) === process.pid ? !held.has(text) : !isAlive(Number(pid));
}

async function contents(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw cacheError(path, error);
  }
}

/** Milliseconds since the last touch; 0 for a file that is gone. */
async function age(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}

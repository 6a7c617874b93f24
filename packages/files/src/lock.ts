/**
 * A lock between processes: a file that only one can create, naming its holder by machine, process id and
 * start (ids are reused). A holder on this machine keeps it while it lives, even stopped. One on another
 * machine with the same disk touches its lock, and counts as gone after minutes without a touch.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { lstat, lutimes, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReclmisError, isFull, systemCode, writeError } from '@reclmis/core';
import { ageOf, isAlive, startOf } from './process-start.js';

/** Between touches, and the silence after which a holder is gone; milliseconds. */
const TOUCH_MS = 15_000;
export const STALE_MS = 300_000;
const GUARD_STALE_MS = 10_000;
const CLOCKS_DIFFER_MS = 60_000;
const POLL_MS = 100;

/** Held here. A lock with our id but another token is an earlier process's, as in a restarted container. */
const held = new Set<string>();

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if another process holds it; a throw ends the waiting. */
  readonly onWait?: ((holder: LockHolder) => void) | undefined;
  /** For an inaccessible lock. Default `writeError`. */
  readonly errorOf?: ((path: string, error: unknown) => ReclmisError) | undefined;
}

export interface LockHolder {
  /** Whether it is on this machine. */
  readonly here: boolean;
  /** Process id; null if the lock does not say. */
  readonly pid: number | null;
}

/** A short name for file names: on shared disks process ids alone mean nothing. */
export function machineTag(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}

/** Whether its holder lives or, on another machine, touched it recently. */
export function isLocked(path: string): boolean {
  try {
    const stats = lstatSync(path);
    return stats.isFile() && !isGone(readFileSync(path, 'utf8'), Date.now() - stats.mtimeMs, STALE_MS);
  } catch {
    return false; // none, or just released
  }
}

/** Older locks and some machines lack the start. */
function holderOf(text: string): LockHolder & { readonly start: string | null } {
  const [machine, number, , start] = text.trimEnd().split(' ');
  const pid = /^[1-9]\d{0,9}$/u.test(number ?? '') ? Number(number) : null; // 0 would be our process group
  return { here: machine === machineTag(), pid, start: start ?? null };
}

/** @param idle ms since the last touch. @param limit its maximum if the holder cannot be checked. */
function isGone(text: string, idle: number, limit: number): boolean {
  const { here, pid, start } = holderOf(text);
  if (pid === null) return idle > GUARD_STALE_MS; // created but never filled
  if (!here) return idle > limit;
  if (pid === process.pid) return !held.has(text);
  if (!isAlive(pid)) return true;
  if (start !== null) return start !== (startOf(pid) ?? start);
  return (ageOf(pid) ?? Infinity) < idle - CLOCKS_DIFFER_MS; // the id was reused
}

/**
 * Runs `work` under the lock at `path` (in an existing folder); waits while a living process holds it, until
 * the signal aborts.
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
  held.add(token); // before the file exists: another thread that sees our id checks here
  let touch: NodeJS.Timeout | undefined;
  try {
    while (!(await attempt(create(path, token)))) {
      if (await attempt(takeOver(path, token))) break;
      if (!waited) onWait?.(holderOf((await attempt(contents(path))) ?? ''));
      waited = true;
      await sleep(POLL_MS, undefined, signal ? { signal } : {});
    }
    touch = setInterval(() => {
      lutimes(path, new Date(), new Date()).catch(() => undefined); // a lost lock shows at the next attempt
    }, TOUCH_MS);
    touch.unref();
    return await work();
  } finally {
    clearInterval(touch);
    held.delete(token);
    // If it cannot be removed (a read-only disk), our end makes it stale.
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
    if (isFull(error)) await rm(path, { force: true }).catch(() => undefined); // created, but empty
    throw error;
  }
}

/** Replaces a stale lock. A second file ensures that only one of several takers succeeds. */
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
  return text !== null && isGone(text, idle, limit); // null: just released
}

async function contents(path: string): Promise<string | null> {
  try {
    const stats = await lstat(path); // opening a pipe would block
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

async function age(path: string): Promise<number> {
  try {
    return Date.now() - (await lstat(path)).mtimeMs;
  } catch {
    return 0;
  }
}

/** The hidden folders of the store, in which weights are filled or step aside, and what is done about those that a crash has left. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, machineTag, systemCode } from '@reclmis/files';
import { cacheError } from './home.js';

/** `.ID.MACHINE.PID.RANDOM.KIND`: says whose it is, so that the next process can clear up after a crash. */
export function hiddenName(folder: string, id: string, kind: 'staging' | 'old'): string {
  return join(folder, `.${id}.${machineTag()}.${process.pid}.${randomBytes(4).toString('hex')}.${kind}`);
}

/** Hidden folders whose process of this machine is gone. */
function abandoned(names: readonly string[], kind: 'staging' | 'old'): { name: string; id: string }[] {
  return names.flatMap((name) => {
    const [, id = '', machine, pid, of] =
      /^\.(.+)\.([0-9a-f]{8})\.(\d+)\.[0-9a-f]{8}\.(\w+)$/.exec(name) ?? [];
    return of === kind && machine === machineTag() && !isAlive(Number(pid)) ? [{ name, id }] : [];
  });
}

/** Removes what crashed processes left. */
export async function sweep(folder: string): Promise<void> {
  recover(folder);
  const names = await attempt(folder, () => readdir(folder));
  for (const { name } of [...abandoned(names, 'staging'), ...abandoned(names, 'old')]) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** A process that died between the two renames of an exchange has left an id without its folder: the old one goes back. */
export function recover(folder: string): void {
  try {
    for (const { name, id } of abandoned(readdirSync(folder), 'old')) {
      if (!existsSync(join(folder, id))) renameSync(join(folder, name), join(folder, id));
    }
  } catch {
    return; // no store, or one that is only read: whoever writes to it will say so
  }
}

/** ENOTDIR: a file lies where a folder of the path should be; writing there will say so. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error));
}

/** Runs a piece of work on a path of the cache; the system's errors become coded ones. */
export async function attempt<R>(path: string, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    throw cacheError(path, error);
  }
}

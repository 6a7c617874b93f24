/** The store's hidden folders for new and replaced weights, and their recovery. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheError, isAlive, machineTag, systemCode } from '@reclmis/files';

/** `.ID.MACHINE.PID.RANDOM.KIND`: by the owner's name, others clean up after a crash. */
export function hiddenName(folder: string, id: string, kind: 'staging' | 'old'): string {
  return join(folder, `.${id}.${machineTag()}.${process.pid}.${randomBytes(4).toString('hex')}.${kind}`);
}

/** Their process, of this machine, is dead. */
function abandoned(names: readonly string[], kind: 'staging' | 'old'): { name: string; id: string }[] {
  return names.flatMap((name) => {
    const [, id = '', machine, pid, of] =
      /^\.(.+)\.([0-9a-f]{8})\.(\d+)\.[0-9a-f]{8}\.(\w+)$/.exec(name) ?? [];
    return of === kind && machine === machineTag() && !isAlive(Number(pid)) ? [{ name, id }] : [];
  });
}

export async function sweep(folder: string): Promise<void> {
  recover(folder);
  const names = await attempt(folder, () => readdir(folder));
  for (const { name } of [...abandoned(names, 'staging'), ...abandoned(names, 'old')]) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** After a crash between the two renames of an exchange. */
export function recover(folder: string): void {
  try {
    for (const { name, id } of abandoned(readdirSync(folder), 'old')) {
      if (!existsSync(join(folder, id))) renameSync(join(folder, name), join(folder, id));
    }
  } catch {
    return; // a writer will report it
  }
}

/** ENOTDIR: a file in place of a folder; writing will report it. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error));
}

/** Codes the system's errors during `work`. */
export async function attempt<R>(path: string, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    throw cacheError(path, error);
  }
}

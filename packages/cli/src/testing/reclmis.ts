/** The command as its users call it, for tests: a process of its own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The file that `npx reclmis` runs. */
export const BIN = fileURLToPath(new URL('../../bin/reclmis.js', import.meta.url));

export interface Finished {
  /** The exit code; null: ended by a signal. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @returns a function that runs `reclmis` in `folder` to its end, without the debugging of whoever runs the tests. */
export function reclmisIn(folder: string): (...args: string[]) => Finished {
  return (...args) => {
    const { RECLMIS_DEBUG: _, ...env } = process.env;
    return spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8', cwd: folder, env });
  };
}

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What `npx reclmis` runs. */
export const BIN = fileURLToPath(new URL('../../bin/reclmis.js', import.meta.url));

export interface Finished {
  /** Null: ended by a signal. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `reclmis` in `folder`, without the caller's RECLMIS_DEBUG. */
export function reclmisIn(folder: string): (...args: string[]) => Finished {
  return (...args) => {
    const { RECLMIS_DEBUG: _, ...env } = process.env;
    return spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8', cwd: folder, env });
  };
}

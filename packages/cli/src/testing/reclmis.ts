import { spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** What `npx reclmis` runs. */
export const BIN = fileURLToPath(new URL('../../bin/reclmis.js', import.meta.url));

export interface Finished {
  /** Null: ended by a signal. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `reclmis` as a process in `folder`, without the caller's RECLMIS_DEBUG. */
export function reclmisIn(folder: string): (...args: string[]) => Finished {
  return (...args) => {
    const { RECLMIS_DEBUG: _, ...env } = process.env;
    return spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8', cwd: folder, env });
  };
}

/** Variables of the environment; undefined removes one. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Runs `reclmis` in `folder` within this process, which saves a process's start (a second) per command: for tests of
 * what commands do, not of how processes end. One at a time.
 */
export function reclmisHere(
  folder: string,
  environment: Environment = {},
): (...args: string[]) => Promise<Finished> {
  return async (...args) => {
    const before = { cwd: process.cwd(), exitCode: process.exitCode, env: process.env };
    const listeners = new Map(process.eventNames().map((name) => [name, process.rawListeners(name)]));
    const [stdout, stderr] = [new Collected(), new Collected()];
    const restore = [replaceStream('stdout', stdout), replaceStream('stderr', stderr)];
    try {
      process.chdir(folder);
      process.exitCode = undefined;
      const environs: Environment = { ...before.env, RECLMIS_DEBUG: undefined, ...environment };
      process.env = Object.fromEntries(Object.entries(environs).filter(([, value]) => value !== undefined));
      const { main } = await import('../main.js');
      const status = await main(args);
      return { status, stdout: stdout.text, stderr: stderr.text };
    } finally {
      for (const back of restore) back();
      Object.assign(process, { exitCode: before.exitCode, env: before.env });
      process.chdir(before.cwd);
      for (const name of process.eventNames()) {
        for (const listener of process.rawListeners(name))
          if (!listeners.get(name)?.includes(listener))
            process.removeListener(name, listener as (...values: unknown[]) => void);
      }
    }
  };
}

/** A stream that is neither a terminal nor a file. */
class Collected extends Writable {
  readonly fd = -1;
  private readonly chunks: Buffer[] = [];

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }
}

/** @returns what puts the old stream back. */
function replaceStream(name: 'stdout' | 'stderr', stream: Writable): () => void {
  const old = Object.getOwnPropertyDescriptor(process, name);
  if (old === undefined) throw new Error(`process has no ${name}`);
  Object.defineProperty(process, name, { value: stream, configurable: true, enumerable: true });
  return () => Object.defineProperty(process, name, old);
}

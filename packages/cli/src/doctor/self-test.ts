/** Runs the probes, one process after another, within a time limit for all. */
import { fork } from 'node:child_process';
import { ERRORS } from '@reclmis/core';
import type { ProbeAnswer } from './probe-process.js';
import { PROBES, type ProbeName } from './probes.js';

export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'absent' | 'warning' | 'failed';
  /** What was found; one line. */
  readonly detail: string;
  /** Null where nothing needs to be done. */
  readonly remedy: string | null;
}

/** For all probes together. */
export const SELF_TEST_SECONDS = 20;
const PROCESS = new URL('./probe-process.js', import.meta.url);
/** Without libtorch nobody trains; everything else works. */
const OPTIONAL: ReadonlySet<ProbeName> = new Set(['libtorch']);

export interface SelfTestOptions {
  readonly signal?: AbortSignal;
  /** Default `SELF_TEST_SECONDS`. */
  readonly seconds?: number;
  /** Default: ours. Started by `fork` with the probe's name. */
  readonly process?: URL;
}

export async function selfTest({
  signal,
  seconds = SELF_TEST_SECONDS,
  process = PROCESS,
}: SelfTestOptions = {}): Promise<Check[]> {
  const end = performance.now() + 1000 * seconds;
  const checks: Check[] = [];
  for (const name of Object.keys(PROBES) as ProbeName[]) {
    signal?.throwIfAborted();
    const left = Math.max(0, end - performance.now());
    checks.push(checkOf(name, await ask(process, name, left, signal), seconds));
  }
  return checks;
}

type Ending = ProbeAnswer | { readonly state: 'late' } | { readonly state: 'died'; readonly how: string };

function ask(process: URL, name: ProbeName, leftMs: number, signal?: AbortSignal): Promise<Ending> {
  if (leftMs === 0) return Promise.resolve({ state: 'late' });
  return new Promise((done) => {
    const child = fork(process, [name], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
    let told: Ending | null = null;
    const kill = (): void => void child.kill('SIGKILL');
    const timer = setTimeout(() => {
      told ??= { state: 'late' };
      kill();
    }, leftMs);
    signal?.addEventListener('abort', kill);
    const finish = (ending: Ending): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
      done(ending);
    };
    child.on('message', (answer: ProbeAnswer) => (told ??= answer));
    child.on('error', ({ message }) => finish({ state: 'died', how: message }));
    child.on('exit', (status, by) => finish(told ?? { state: 'died', how: by ?? `status ${status}` }));
  });
}

function checkOf(name: ProbeName, ending: Ending, seconds: number): Check {
  switch (ending.state) {
    case 'ok':
      return { name, state: 'ok', detail: ending.detail, remedy: null };
    case 'absent':
      return OPTIONAL.has(name)
        ? {
            name,
            state: 'absent',
            detail: 'not installed: only training needs it',
            remedy: ERRORS.TRAINING_MISSING.remedy,
          }
        : {
            name,
            state: 'failed',
            detail: 'a package is missing',
            remedy: 'Install reclmis again: its packages belong together.',
          };
    case 'failed': {
      const { code, message, remedy } = ending;
      const notBuilt = code === 'ADDON_MISSING' && OPTIONAL.has(name) && /is not built/.test(message);
      return { name, state: notBuilt ? 'absent' : 'failed', detail: `${code}: ${message}`, remedy };
    }
    case 'late':
      return {
        name,
        state: 'failed',
        detail: `not done within the self-test’s ${seconds} s`,
        remedy: 'Run it again when the machine is less busy, from a local disk.',
      };
    case 'died':
      return {
        name,
        state: 'failed',
        detail: `its process ended with ${ending.how}`,
        remedy:
          ending.how === 'SIGILL'
            ? 'The native code was built for another processor: build or install it on this machine.'
            : 'Install it again, for this Node and this system; then report it with `reclmis doctor --json`.',
      };
  }
}

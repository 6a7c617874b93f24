/**
 * Starts this machine's workers and waits for all to end, like torchrun's agent.
 *
 * Every worker is the same command with torchrun's variables, in its own process group: a terminal's Ctrl-C
 * reaches only the launcher, which passes it on. Workers end themselves when the launcher disappears
 * (`lifeline.ts`).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { printableLine, ReclmisError } from '@reclmis/core';
import { LIFELINE_FD, LIFELINE_VARIABLE } from './lifeline.js';
import type { Environment, MeetingPoint, SpawnPlan } from './plan.js';

export const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const;
export type ForwardedSignal = (typeof FORWARDED_SIGNALS)[number];

/** Returns the function that unsubscribes. */
export type SignalSource = (tell: (signal: ForwardedSignal) => void) => () => void;

export interface LocalLaunch {
  readonly plan: SpawnPlan;
  readonly command: string;
  readonly args: readonly string[];
  /** Replaces the variables of a launcher around it. */
  readonly env: Environment;
  /** OMP_NUM_THREADS, unless `env` has it. */
  readonly threads: number;
  /** Between SIGTERM and SIGKILL after a lost worker. */
  readonly graceMs?: number;
  /** The same after a signal to the launcher: rank 0 saves. */
  readonly savingMs?: number;
  /** Default: this process's signals. */
  readonly signals?: SignalSource;
  /** Lines of the launcher and ranks other than 0; default: standard error. */
  readonly report?: (line: string) => void;
}

/** Statuses of a command that saved when asked to stop. */
const ORDERLY: readonly number[] = [75, 130];
/** Statuses of a rank that lost another, or whose collective broke: perhaps because of a slower failure. */
const FOLLOWING: readonly number[] = [6, 75];
const STARTED = ['RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'LOCAL_WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'];

interface Ending {
  readonly rank: number;
  readonly code: number | null;
  readonly how: string;
}

/**
 * Starts the workers and waits for their end. The first bad end decides, or that of another whose mistake
 * broke its collective; the others are stopped.
 * @returns 0 if all ended well, else the deciding worker's status @throws RANK_LOST if that worker was killed
 * by a signal, did not start, or has a status unknown to our commands @throws LAUNCH_INVALID if there is no
 * free port
 */
export async function launchWorkers(options: LocalLaunch): Promise<number> {
  const { plan, graceMs = 5_000, savingMs = 120_000, signals = processSignals } = options;
  const report =
    options.report ?? ((line: string): void => void process.stderr.write(`${printableLine(line)}\n`));
  const meeting = plan.meeting ?? { host: '127.0.0.1', port: await freePort() };
  const running = new Map<number, ChildProcess>();
  const endings: Ending[] = [];
  const asked = new Set<ForwardedSignal>();
  let killer: NodeJS.Timeout | undefined;

  const tell = (signal: NodeJS.Signals): void => {
    for (const child of running.values()) {
      // A worker that did not start has no pid; 0 would be our own process group.
      if (child.pid !== undefined) child.kill(signal);
    }
  };
  const killAfter = (ms: number): void => {
    clearTimeout(killer);
    killer = setTimeout(() => tell('SIGKILL'), ms);
  };
  const ended = (rank: number, code: number | null, how: string): void => {
    running.delete(rank);
    if (code === 0) return;
    if (endings.push({ rank, code, how }) > 1) return;
    const saving = asked.size > 0 && ORDERLY.includes(code ?? -1);
    if (!saving) tell('SIGTERM');
    killAfter(saving ? savingMs : graceMs);
  };
  const quiet = signals((signal) => {
    tell(signal);
    if (signal === 'SIGINT' && asked.has('SIGINT')) killAfter(graceMs); // the second Ctrl-C
    asked.add(signal);
  });
  try {
    const ends: Promise<void>[] = [];
    for (let localRank = 0; localRank < plan.localSize; localRank++) {
      const rank = plan.firstRank + localRank;
      const child = startWorker(options, localRank, meeting, report);
      running.set(rank, child);
      ends.push(endOf(child, (code, how) => ended(rank, code, how)));
    }
    await Promise.all(ends);
  } finally {
    quiet();
    clearTimeout(killer);
  }
  return statusOf(deciding(endings), report);
}

export function workerEnvironment(
  { plan, env, threads }: Pick<LocalLaunch, 'plan' | 'env' | 'threads'>,
  localRank: number,
  { host, port }: MeetingPoint,
): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(
    ([name]) => !STARTED.includes(name) && !name.startsWith('PET_'),
  );
  return {
    OMP_NUM_THREADS: String(threads),
    ...Object.fromEntries(inherited),
    RANK: String(plan.firstRank + localRank),
    WORLD_SIZE: String(plan.size),
    LOCAL_RANK: String(localRank),
    LOCAL_WORLD_SIZE: String(plan.localSize),
    MASTER_ADDR: host,
    MASTER_PORT: String(port),
    [LIFELINE_VARIABLE]: String(LIFELINE_FD),
  };
}

/** Finds a free port on the loopback address. @throws LAUNCH_INVALID */
export async function freePort(): Promise<number> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
  } catch (cause) {
    throw new ReclmisError('LAUNCH_INVALID', `no free port of 127.0.0.1: ${(cause as Error).message}`, {
      cause,
    });
  }
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a listening server has an address');
  return address.port;
}

/** Rank 0 has the terminal; others show only standard error, with their rank. */
function startWorker(
  options: LocalLaunch,
  localRank: number,
  meeting: MeetingPoint,
  report: (line: string) => void,
): ChildProcess {
  const rank = options.plan.firstRank + localRank;
  const child = spawn(options.command, [...options.args], {
    env: workerEnvironment(options, localRank, meeting),
    stdio: ['ignore', rank === 0 ? 'inherit' : 'ignore', rank === 0 ? 'inherit' : 'pipe', 'pipe'],
    detached: true,
  });
  child.stdio[LIFELINE_FD]?.on('error', () => undefined); // gone; `exit` reports it
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.trim() !== '') report(`[rank ${rank}] ${line}`);
    });
  }
  return child;
}

/** Reports at once; resolves when all output is read. */
function endOf(child: ChildProcess, ended: (code: number | null, how: string) => void): Promise<void> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return; // a signal that could not be delivered
      ended(null, `did not start: ${error.message}`);
      resolve();
    });
    child.once('exit', (code, signal) => {
      ended(code, signal === null ? `ended with status ${code}` : `was ended by ${signal}`);
    });
    child.once('close', () => resolve());
  });
}

/** A status in the catalogue, other than a defect's. */
const isMistake = (code: number | null): code is number => code !== null && code >= 2 && code <= 7;

/** The one that caused the others. */
function deciding(endings: readonly Ending[]): Ending | undefined {
  const [first] = endings;
  if (!FOLLOWING.includes(first?.code ?? 0)) return first;
  return endings.find(({ code }) => isMistake(code) && !FOLLOWING.includes(code)) ?? first;
}

function statusOf(first: Ending | undefined, report: (line: string) => void): number {
  if (first === undefined) return 0;
  const { rank, code, how } = first;
  if (code === null || !(isMistake(code) || code === 70 || ORDERLY.includes(code))) {
    throw new ReclmisError('RANK_LOST', `rank ${rank} ${how}; the other ranks of this machine were stopped`);
  }
  if (!ORDERLY.includes(code)) report(`rank ${rank} ${how}; the other ranks of this machine were stopped`);
  return code;
}

const processSignals: SignalSource = (tell) => {
  const listeners = FORWARDED_SIGNALS.map((name) => [name, () => tell(name)] as const);
  for (const [name, listener] of listeners) process.on(name, listener);
  return () => {
    for (const [name, listener] of listeners) process.off(name, listener);
  };
};

/**
 * A worker's tie to its launcher: a pipe that the launcher never writes to, and that the system closes when the launcher ends, however
 * it ends. A thread of its own listens, since the main one may be blocked in a collective.
 */
import { Worker } from 'node:worker_threads';
import type { Environment } from './plan.js';

/** The worker's end of the pipe. */
export const LIFELINE_FD = 3;
/** Names the descriptor to the worker. */
export const LIFELINE_VARIABLE = 'RECLMIS_LIFELINE_FD';

/** What the thread is given. */
export interface LifelineData {
  readonly fd: number;
  readonly graceMs: number;
}

/**
 * Ends this process when its launcher has ended: SIGTERM, so that it may save, and SIGKILL after the grace time.
 * Does nothing in a process that no launcher of ours started, and keeps none alive.
 */
export function holdLifeline(env: Environment, graceMs = 20_000): void {
  const text = env[LIFELINE_VARIABLE] ?? '';
  if (!/^\d{1,4}$/.test(text)) return;
  const workerData: LifelineData = { fd: Number(text), graceMs };
  const thread = new Worker(new URL('./lifeline-thread.js', import.meta.url), { workerData });
  thread.on('error', () => undefined); // a descriptor that is none: somebody passed the variable on
  thread.unref();
}

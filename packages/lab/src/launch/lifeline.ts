/**
 * Ties a worker to its launcher by a pipe that nobody writes to: the system closes it whenever the launcher ends. A
 * separate thread listens, since the main one may be blocked in a collective.
 */
import { Worker } from 'node:worker_threads';
import type { Environment } from './plan.js';

/** The worker's end of the pipe. */
export const LIFELINE_FD = 3;
export const LIFELINE_VARIABLE = 'RECLMIS_LIFELINE_FD';

export interface LifelineData {
  readonly fd: number;
  readonly graceMs: number;
}

/**
 * Ends this process when its launcher has ended: SIGTERM, to let it save, then SIGKILL after the grace time. Does
 * nothing without a launcher of ours, and keeps no process alive.
 */
export function holdLifeline(env: Environment, graceMs = 20_000): void {
  const text = env[LIFELINE_VARIABLE] ?? '';
  if (!/^\d{1,4}$/.test(text)) return;
  const workerData: LifelineData = { fd: Number(text), graceMs };
  const thread = new Worker(new URL('./lifeline-thread.js', import.meta.url), { workerData });
  thread.on('error', () => undefined); // not a descriptor: somebody passed the variable on
  thread.unref();
}

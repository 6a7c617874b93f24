/**
 * Ties a worker to its launcher by a pipe that the system closes when the launcher ends. A thread listens:
 * the main one may be blocked in a collective.
 */
import { Worker } from 'node:worker_threads';
import type { Environment } from './plan.js';

export const LIFELINE_FD = 3;
export const LIFELINE_VARIABLE = 'RECLMIS_LIFELINE_FD';

export interface LifelineData {
  readonly fd: number;
  readonly graceMs: number;
}

/** Ends this process after its launcher, if any: SIGTERM, to let it save, then SIGKILL. */
export function holdLifeline(env: Environment, graceMs = 20_000): void {
  const text = env[LIFELINE_VARIABLE] ?? '';
  if (!/^\d{1,4}$/.test(text)) return;
  const workerData: LifelineData = { fd: Number(text), graceMs };
  const thread = new Worker(new URL('./lifeline-thread.js', import.meta.url), { workerData });
  thread.on('error', () => undefined); // not a pipe: somebody passed the variable on
  thread.unref();
}

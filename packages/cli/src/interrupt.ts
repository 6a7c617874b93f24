/**
 * Handles Ctrl-C and schedulers' signals: SIGTERM (Kubernetes, Slurm at the time limit) and SIGUSR1 (Slurm's
 * `--signal`). If a command asked for the signal, the first one requests a clean end and a second Ctrl-C ends
 * it at once; other commands end at the first. What they write is whole or absent.
 */
import { writeErr } from './terminal.js';

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGUSR1';

export const isStopSignal = (thrown: unknown): thrown is StopSignal =>
  thrown === 'SIGINT' || thrown === 'SIGTERM' || thrown === 'SIGUSR1';

let controller: AbortController | null = null;

/** Aborted by the first request to stop, with a `StopSignal`. */
export function interruptSignal(): AbortSignal {
  controller ??= new AbortController();
  return controller.signal;
}

/** From now on the first request ends the command. */
export function releaseInterrupt(): void {
  controller = null;
}

let passedTo: ((signal: StopSignal) => void) | null = null;

/** Passes every signal on until the returned function is called: a launcher ends after its workers. */
export function passSignals(to: (signal: StopSignal) => void): () => void {
  passedTo = to;
  return () => {
    passedTo = null;
  };
}

/** npm repeats Ctrl-C to a process that already got it. */
const ECHO_MS = 500;

/** Listens to Ctrl-C, SIGTERM and SIGUSR1; `stop` ends the process. */
export function onInterrupt(stop: (signal: StopSignal) => never): void {
  let last = -Infinity;
  process.on('SIGINT', () => {
    const now = performance.now();
    const echo = now - last < ECHO_MS;
    last = now;
    if (echo) return;
    if (passedTo) {
      passedTo('SIGINT');
      return;
    }
    if (!controller || controller.signal.aborted) stop('SIGINT');
    ask(controller, 'SIGINT', 'stopping after this step; Ctrl-C again stops at once');
  });
  for (const name of ['SIGTERM', 'SIGUSR1'] as const) {
    process.on(name, () => {
      if (passedTo) {
        passedTo(name);
        return;
      }
      if (!controller) stop(name);
      // Schedulers repeat signals; to stop at once they use SIGKILL.
      if (!controller.signal.aborted) ask(controller, name, `${name}: stopping cleanly`);
    });
  }
}

function ask(to: AbortController, signal: StopSignal, line: string): void {
  to.abort(signal);
  writeErr(`\n${line}\n`);
}

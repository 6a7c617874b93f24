/**
 * Ctrl-C and the signals by which schedulers take a machine back: SIGTERM (Kubernetes, Slurm at the time limit) and SIGUSR1 (Slurm's
 * `--signal`). A command that can end cleanly asks for the signal: then the first one asks it to stop, and a second Ctrl-C ends it at once.
 * Other commands end at the first one; what they write is whole or absent at any time.
 */
import { writeErr } from './terminal.js';

/** What can ask a command to stop. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGUSR1';

export const isStopSignal = (thrown: unknown): thrown is StopSignal =>
  thrown === 'SIGINT' || thrown === 'SIGTERM' || thrown === 'SIGUSR1';

let controller: AbortController | null = null;

/** The signal that the first request to stop aborts; its reason is a `StopSignal`. */
export function interruptSignal(): AbortSignal {
  controller ??= new AbortController();
  return controller.signal;
}

/** Says that nobody heeds the signal any more: from now on the first request ends the command. */
export function releaseInterrupt(): void {
  controller = null;
}

let passedTo: ((signal: StopSignal) => void) | null = null;

/** Passes the signals on, each one, instead of heeding them, until the returned function is called: a launcher's workers end, then it does. */
export function passSignals(to: (signal: StopSignal) => void): () => void {
  passedTo = to;
  return () => {
    passedTo = null;
  };
}

/** npm passes Ctrl-C on to a process that the terminal has told already: what follows this soon is the same one. */
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
      // Schedulers repeat themselves; the one who must not wait has SIGKILL.
      if (!controller.signal.aborted) ask(controller, name, `${name}: stopping cleanly`);
    });
  }
}

function ask(to: AbortController, signal: StopSignal, line: string): void {
  to.abort(signal);
  writeErr(`\n${line}\n`);
}

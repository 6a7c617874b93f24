/**
 * Ctrl-C. A command that can end cleanly asks for the signal: then the first Ctrl-C asks it to stop and the second ends it at once.
 * Other commands end at the first one; what they write is whole or absent at any time.
 */
let controller: AbortController | null = null;

/** The signal that the first Ctrl-C aborts. */
export function interruptSignal(): AbortSignal {
  controller ??= new AbortController();
  return controller.signal;
}

/** Says that nobody heeds the signal any more: from now on the first Ctrl-C ends the command. */
export function releaseInterrupt(): void {
  controller = null;
}

/** npm passes Ctrl-C on to a process that the terminal has told already: what follows this soon is the same one. */
const ECHO_MS = 500;

/** Listens to Ctrl-C; `stop` ends the process. */
export function onInterrupt(stop: () => never): void {
  let last = -Infinity;
  process.on('SIGINT', () => {
    const now = performance.now();
    const echo = now - last < ECHO_MS;
    last = now;
    if (echo) return;
    if (!controller || controller.signal.aborted) stop();
    controller.abort();
    process.stderr.write('\nstopping after this step; Ctrl-C again stops at once\n');
  });
}

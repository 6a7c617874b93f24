/** `train --hook CMD`: a command of the user's that hears of each epoch, for loggers such as MLflow. */
import { spawn } from 'node:child_process';
import type { EpochRecord } from '@reclmis/lab';

/** A hook that hangs must not hold up the end of a training for longer. */
const LIMIT_MS = 60_000;

export class EpochHook {
  private last: Promise<void> = Promise.resolve();

  /**
   * @param command for the system's shell. @param warn what went wrong, a line each time; the training goes on
   * @param limitMs for each call
   */
  constructor(
    private readonly command: string,
    private readonly warn: (line: string) => void,
    private readonly limitMs: number = LIMIT_MS,
  ) {}

  /** Sends a line of JSON, the run's folder and the epoch's line of `metrics.jsonl`; one call at a time, in order. */
  tell(run: string, record: EpochRecord): void {
    const line = `${JSON.stringify({ run, ...record })}\n`;
    this.last = this.last.then(() => this.call(line, record.epoch));
  }

  /** When all calls have ended. */
  settled(): Promise<void> {
    return this.last;
  }

  private call(line: string, epoch: number): Promise<void> {
    return new Promise((resolve) => {
      let ended = false;
      const end = (why: string | null): void => {
        if (ended) return;
        ended = true;
        clearTimeout(timer);
        if (why !== null) this.warn(`--hook: epoch ${epoch}: ${this.command}: ${why}; training goes on`);
        resolve();
      };
      // What it prints must not mix with --json's document.
      const child = spawn(this.command, { shell: true, stdio: ['pipe', 2, 2], detached: true });
      const kill = (): void => {
        if (ended) return;
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL'); // with what the shell started
        end(`killed after ${this.limitMs / 1000} s`);
      };
      // A training step lets no event in: first hear whether the command ended during it.
      const timer = setTimeout(() => setImmediate(kill), this.limitMs);
      child.on('error', ({ message }) => end(message));
      child.on('exit', (code, signal) => end(code === 0 ? null : `ended with ${code ?? signal}`));
      child.stdin?.on('error', () => undefined); // a hook may end without reading
      child.stdin?.end(line);
    });
  }
}

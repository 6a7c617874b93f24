/** On standard error: a bar with the time left on a terminal, plain lines elsewhere, nothing with `-q`. */
import { printableLine } from '@reclmis/core';
import cliProgress from 'cli-progress';
import { duration } from './table.js';

/** Terminals have `isTTY`. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

export interface ProgressOptions {
  readonly label: string;
  readonly total: number;
  readonly quiet?: boolean;
  /** Between plain lines, at least. Default 10. */
  readonly everySeconds?: number;
  readonly stream?: ProgressStream;
}

/** Counts from 0 to `total`. `update` takes the count and a remark (a loss, a file). */
export class Progress {
  private readonly bar: cliProgress.SingleBar | null;
  private readonly stream: ProgressStream;
  private readonly everySeconds: number;
  private readonly started = performance.now();
  private lastLine = 0;
  private done = 0;
  private remark = '';
  private stopped = false;

  constructor(private readonly options: ProgressOptions) {
    this.stream = options.stream ?? process.stderr;
    this.everySeconds = options.everySeconds ?? 10;
    this.lastLine = this.started;
    this.bar = options.quiet !== true && this.stream.isTTY === true ? this.makeBar() : null;
    this.bar?.start(options.total, 0, { label: printableLine(options.label), remark: '', left: '' });
  }

  update(done: number, remark = this.remark): void {
    if (this.stopped) return;
    this.done = done;
    this.remark = remark;
    if (this.bar) {
      this.bar.update(done, { remark: printableLine(remark), left: this.timeLeft() });
    } else if (this.options.quiet !== true && performance.now() - this.lastLine >= 1000 * this.everySeconds) {
      this.line(`${this.timeLeft()}${remark ? `, ${remark}` : ''}`);
    }
  }

  /** `text` replaces the last remark. Prints nothing without progress or text. */
  stop(text?: string): void {
    if (this.stopped) return;
    if (this.bar) {
      this.bar.update(this.done, { remark: printableLine(text ?? this.remark), left: this.elapsed() });
      this.bar.stop();
    } else if (this.options.quiet !== true && (this.done > 0 || text !== undefined)) {
      this.line(`${this.elapsed()}${text === undefined ? '' : `, ${text}`}`);
    }
    this.stopped = true;
  }

  private makeBar(): cliProgress.SingleBar {
    return new cliProgress.SingleBar({
      format: '{label} {bar} {value}/{total} {left} {remark}',
      barsize: 24,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      fps: 5,
      hideCursor: true,
      linewrap: false,
      stream: this.stream,
    });
  }

  private line(text: string): void {
    this.lastLine = performance.now();
    const share = Math.floor((100 * this.done) / Math.max(1, this.options.total));
    const line = `${this.options.label}: ${this.done}/${this.options.total} (${share} %), ${text}`;
    this.stream.write(`${printableLine(line)}\n`);
  }

  private seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  private elapsed(): string {
    return `in ${duration(this.seconds())}`;
  }

  private timeLeft(): string {
    if (this.done === 0) return '';
    return `${duration((this.seconds() / this.done) * Math.max(0, this.options.total - this.done))} left`;
  }
}

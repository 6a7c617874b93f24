/** Progress of downloads: one file after the other, in megabytes. */
import { Progress } from './progress.js';
import { writeErr } from './terminal.js';

export class FileProgress {
  private current: { readonly name: string; readonly total: number; readonly bar: Progress } | null = null;

  constructor(private readonly quiet: boolean) {}

  /** In bytes. */
  update(name: string, done: number, bytes: number): void {
    const total = Math.ceil(bytes / 1e6);
    if (this.current?.name !== name || this.current.total !== total) {
      this.stop();
      this.current = { name, total, bar: new Progress({ label: `${name} (MB)`, total, quiet: this.quiet }) };
    }
    this.current.bar.update(done === bytes ? total : Math.floor(done / 1e6));
  }

  say(text: string): void {
    if (!this.quiet) writeErr(`${text}\n`);
  }

  stop(): void {
    this.current?.bar.stop();
    this.current = null;
  }
}

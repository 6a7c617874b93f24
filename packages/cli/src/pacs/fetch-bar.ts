/** Progress of fetching, whose total is known when the first file is there. */
import { Progress } from '../progress.js';

export class FetchBar {
  private bar: Progress | null = null;

  constructor(private readonly quiet: boolean) {}

  readonly update = (done: number, total: number): void => {
    this.bar ??= new Progress({ label: 'fetching', total, quiet: this.quiet });
    this.bar.update(done);
  };

  stop(): void {
    this.bar?.stop();
  }
}

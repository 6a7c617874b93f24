/** Times the phases of a step, each from the end of the last. */
import { synchronize } from '@reclmis/torch';
import { median } from '../statistics.js';

/** Medians per step. */
export type PhaseSeconds = Readonly<Record<string, number>>;

export class PhaseClock {
  private last = 0;
  private current = new Map<string, number>();
  private readonly steps: Map<string, number>[] = [];

  constructor(private readonly device: string) {}

  /** Seconds, once the device has finished. */
  now(): number {
    synchronize(this.device);
    return performance.now() / 1000;
  }

  begin(): void {
    this.current = new Map();
    this.last = this.now();
  }

  /** Ends a phase, which may come in pieces. */
  readonly mark = (phase: string): void => {
    const now = this.now();
    this.add(phase, now - this.last);
    this.last = now;
  };

  /** Measured elsewhere. */
  add(phase: string, seconds: number): void {
    this.current.set(phase, (this.current.get(phase) ?? 0) + seconds);
  }

  end(): void {
    this.steps.push(this.current);
  }

  /** In the order of their first end. */
  get medians(): PhaseSeconds {
    const names = new Set(this.steps.flatMap((step) => [...step.keys()]));
    return Object.fromEntries(
      [...names].map((name) => [name, median(this.steps.map((step) => step.get(name) ?? 0))]),
    );
  }
}

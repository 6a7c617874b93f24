/** Times of the phases of a step: each runs from the end of the one before. The device is waited for before the clock is read. */
import { synchronize } from '@reclmis/torch';
import { median } from '../statistics.js';

/** Median seconds per step of each phase. */
export type PhaseSeconds = Readonly<Record<string, number>>;

export class PhaseClock {
  private last = 0;
  private current = new Map<string, number>();
  private readonly steps: Map<string, number>[] = [];

  constructor(private readonly device: string) {}

  /** Seconds since some moment, when the device has done all its work. */
  now(): number {
    synchronize(this.device);
    return performance.now() / 1000;
  }

  /** Starts a step. */
  begin(): void {
    this.current = new Map();
    this.last = this.now();
  }

  /** Ends a phase; a phase may come in several parts. */
  readonly mark = (phase: string): void => {
    const now = this.now();
    this.add(phase, now - this.last);
    this.last = now;
  };

  /** Enters a time that was measured elsewhere. */
  add(phase: string, seconds: number): void {
    this.current.set(phase, (this.current.get(phase) ?? 0) + seconds);
  }

  /** Ends the step and keeps its phases. */
  end(): void {
    this.steps.push(this.current);
  }

  /** Medians over all finished steps, phases in the order in which they first ended. */
  get medians(): PhaseSeconds {
    const names = new Set(this.steps.flatMap((step) => [...step.keys()]));
    return Object.fromEntries(
      [...names].map((name) => [name, median(this.steps.map((step) => step.get(name) ?? 0))]),
    );
  }
}

/**
 * Decides whether a rank is lost, from time and reports.
 *
 * A rank is lost when its connection ends without a goodbye, when it is silent for `silentMs` (stopped, or
 * its machine or network is gone), or when its main thread computes without progress for eight times the
 * longest such stretch of any rank, at least `silentMs`; for `stallMs` until that is known.
 */

/** Milliseconds. */
export interface Patience {
  readonly silentMs: number;
  readonly stallMs: number;
}

export interface Verdict {
  readonly rank: number;
  readonly why: string;
}

/** The main thread's progress, and whether it computes. */
export interface Beat {
  readonly count: number;
  readonly working: boolean;
}

/** Stretches from which to learn the limit. */
const ENOUGH = 3;
const GENEROUS = 8;

interface Watched {
  heard: number;
  moved: number;
  beat: Beat;
}

export class Judge {
  private readonly ranks = new Map<number, Watched>();
  private longest = 0;
  private stretches = 0;

  constructor(private readonly patience: Patience) {}

  watch(rank: number, now: number): void {
    this.ranks.set(rank, { heard: now, moved: now, beat: { count: 0, working: false } });
  }

  release(rank: number): void {
    this.ranks.delete(rank);
  }

  watches(rank: number): boolean {
    return this.ranks.has(rank);
  }

  get watching(): number {
    return this.ranks.size;
  }

  hear(rank: number, beat: Beat, now: number): void {
    const watched = this.ranks.get(rank);
    if (!watched) return;
    watched.heard = now;
    if (beat.count !== watched.beat.count || beat.working !== watched.beat.working) {
      if (watched.beat.working) {
        this.longest = Math.max(this.longest, now - watched.moved);
        this.stretches += 1;
      }
      watched.moved = now;
    }
    watched.beat = beat;
  }

  judge(now: number): Verdict | null {
    for (const [rank, { heard, moved, beat }] of this.ranks) {
      const silent = now - heard;
      if (silent >= this.patience.silentMs) return { rank, why: `no message from it for ${seconds(silent)}` };
      if (beat.working && now - moved >= this.stallLimit) {
        return { rank, why: `it hangs: no progress for ${seconds(now - moved)} within a step` };
      }
    }
    return null;
  }

  get stallLimit(): number {
    const { silentMs, stallMs } = this.patience;
    if (this.stretches < ENOUGH) return stallMs;
    return Math.min(stallMs, Math.max(silentMs, GENEROUS * this.longest));
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/**
 * Decides, from what is heard of every rank, whether one is lost. Pure: time and reports come in, a verdict goes out.
 *
 * A rank is lost when its connection ends without a goodbye (its process died), when nothing is heard of it for `silentMs` (stopped, its
 * machine or network gone), or when its main thread says that it computes and yet does not get on. How long that may take is learnt:
 * eight times the longest such stretch of any rank so far, at least `silentMs`; `stallMs` while there is little to learn from.
 */

/** Times in milliseconds. */
export interface Patience {
  readonly silentMs: number;
  readonly stallMs: number;
}

/** A lost rank and what was seen of it, for people. */
export interface Verdict {
  readonly rank: number;
  readonly why: string;
}

/** What a rank says of itself: how often its main thread got on, and whether it computes now (else it waits, saves or rests). */
export interface Beat {
  readonly count: number;
  readonly working: boolean;
}

/** Stretches of work before the patience is learnt from them. */
const ENOUGH = 3;
const GENEROUS = 8;

interface Watched {
  heard: number;
  moved: number;
  beat: Beat;
}

/** The judge over some ranks. */
export class Judge {
  private readonly ranks = new Map<number, Watched>();
  private longest = 0;
  private stretches = 0;

  constructor(private readonly patience: Patience) {}

  /** Begins to watch a rank. */
  watch(rank: number, now: number): void {
    this.ranks.set(rank, { heard: now, moved: now, beat: { count: 0, working: false } });
  }

  /** A rank has said goodbye. */
  release(rank: number): void {
    this.ranks.delete(rank);
  }

  watches(rank: number): boolean {
    return this.ranks.has(rank);
  }

  get watching(): number {
    return this.ranks.size;
  }

  /** Takes a beat of a rank. */
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

  /** The first rank that is lost by now, if any. */
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

  /** Milliseconds that a rank may compute without getting on. */
  get stallLimit(): number {
    const { silentMs, stallMs } = this.patience;
    if (this.stretches < ENOUGH) return stallMs;
    return Math.min(stallMs, Math.max(silentMs, GENEROUS * this.longest));
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

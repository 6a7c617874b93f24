/**
 * Small pictures of cases, made one after the other when a row is shown, and kept up to a number of bytes; those that were
 * not shown for longest go first.
 */

/** Pixels a side: 40 on a screen of two pixels each. */
export const THUMBNAIL = 80;
/** 320 pictures of 80 x 80 pixels. */
const MOST_BYTES = 8 * 1024 * 1024;

export interface Thumbnail {
  readonly width: number;
  readonly height: number;
  /** Frees its memory. */
  close(): void;
}

type Make<T> = (id: string) => Promise<T>;

/** `T`: an ImageBitmap, or what stands for one in tests. */
export class Thumbnails<T extends Thumbnail> {
  /** Least recently shown first. */
  private readonly kept = new Map<string, T>();
  /** Cannot be made: not tried again. */
  private readonly failed = new Set<string>();
  private wanted: string[] = [];
  private busy = false;
  private closed = false;
  private held = 0;

  /** @param make a picture, away from the main thread. @param ready a picture is there, or cannot be made */
  constructor(
    private readonly make: Make<T>,
    private readonly ready: (id: string) => void,
    private readonly limit: number = MOST_BYTES,
  ) {}

  get bytes(): number {
    return this.held;
  }

  /** Null: not made yet, or cannot be made. */
  get(id: string): T | null {
    const found = this.kept.get(id);
    if (found === undefined) return null;
    this.kept.delete(id);
    this.kept.set(id, found);
    return found;
  }

  isFailed(id: string): boolean {
    return this.failed.has(id);
  }

  /** The rows that are shown now: what earlier ones wanted is not made any more. */
  want(ids: readonly string[]): void {
    this.wanted = ids.filter((id) => !this.kept.has(id) && !this.failed.has(id));
    void this.work();
  }

  /** Frees all; pictures still being made are freed when they are there. */
  close(): void {
    this.closed = true;
    this.wanted = [];
    for (const one of this.kept.values()) one.close();
    this.kept.clear();
    this.held = 0;
  }

  private async work(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    for (let id = this.wanted.shift(); id !== undefined; id = this.wanted.shift()) {
      try {
        this.keep(id, await this.make(id));
      } catch {
        this.failed.add(id); // the row shows its name alone
      }
      if (!this.closed) this.ready(id);
    }
    this.busy = false;
  }

  private keep(id: string, one: T): void {
    if (this.closed) {
      one.close();
      return;
    }
    this.kept.set(id, one);
    this.held += sizeOf(one);
    for (const [oldest, other] of this.kept) {
      if (this.held <= this.limit || oldest === id) break;
      this.kept.delete(oldest);
      this.held -= sizeOf(other);
      other.close();
    }
  }
}

const sizeOf = ({ width, height }: Thumbnail): number => width * height * 4;

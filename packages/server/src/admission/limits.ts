import { ReclmisError } from '@reclmis/core';

/** Longest side of an image, pixels: JPEG's limit, and a mask that wide can be written. */
export const MAX_SIDE = 65_535;

export interface Limits {
  /** Largest request body, bytes. */
  readonly maxBytes: number;
  /** Width x height of an image, checked in its header. */
  readonly maxPixels: number;
  /** Longest note, characters. */
  readonly maxNote: number;
  /** Longest queue; the next request gets 503. */
  readonly maxQueue: number;
  /** Most cases computed at once. */
  readonly maxBatch: number;
  /** Milliseconds that a batch's first case waits for images being decoded while the model is idle. */
  readonly batchWait: number;
  /** Milliseconds from the complete request to its response. */
  readonly timeout: number;
  /** Bytes of a series fetched from the PACS. */
  readonly maxSeriesBytes: number;
  /** Milliseconds to fetch, segment and store a series. */
  readonly seriesTimeout: number;
  /** Milliseconds for a request to arrive, or its response to be read. */
  readonly bodyTimeout: number;
  /** Open ones; the next one closes the longest idle. */
  readonly maxConnections: number;
  /** Bodies and responses in memory. */
  readonly heldBytes: number;
  /** Most pixels of decoded images in memory. */
  readonly heldPixels: number;
}

const MIB = 2 ** 20;

/** A whole 16-bit radiograph fits; the total stays below 1 GiB. */
export const DEFAULT_LIMITS: Omit<Limits, 'heldBytes' | 'heldPixels'> = {
  maxBytes: 32 * MIB,
  maxPixels: 25_000_000,
  maxNote: 2_000,
  maxQueue: 64,
  maxBatch: 8,
  batchWait: 2,
  timeout: 30_000,
  maxSeriesBytes: 256 * MIB,
  seriesTimeout: 600_000,
  bodyTimeout: 30_000,
  maxConnections: 1024,
};
/** Times the largest body and image. */
const LARGEST_HELD = 4;

/** Timers over 24 days would fire at once. */
const DAY = 86_400_000;

/** Fills in defaults; `heldBytes` and `heldPixels` are four times those of a request. */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    const least = name === 'maxQueue' || name === 'batchWait' ? 0 : 1;
    if (!Number.isFinite(value) || value < least)
      throw new ReclmisError(
        'OPTION_INVALID',
        `${name}: expected a number of at least ${least}, got ${value}`,
      );
    const time = /Timeout$|^timeout$|^batchWait$/.test(name);
    if (time && value > DAY)
      throw new ReclmisError('OPTION_INVALID', `${name}: expected at most ${DAY} milliseconds, got ${value}`);
  }
  return {
    ...limits,
    heldBytes: given.heldBytes ?? Math.max(LARGEST_HELD * limits.maxBytes, 64 * MIB),
    heldPixels: given.heldPixels ?? LARGEST_HELD * limits.maxPixels,
  };
}

export class Budget {
  private taken = 0;

  constructor(
    private readonly name: string,
    readonly capacity: number,
  ) {}

  get used(): number {
    return this.taken;
  }

  /** The returned function gives the amount back, once. @throws SERVER_BUSY */
  take(amount: number): () => void {
    if (this.taken + amount > this.capacity) {
      throw new ReclmisError(
        'SERVER_BUSY',
        `the server is using ${this.taken} of ${this.capacity} ${this.name}, and the request needs ${amount} more`,
      );
    }
    return this.hold(amount);
  }

  /** For an amount already in use, even beyond the budget. */
  hold(amount: number): () => void {
    this.taken += amount;
    let held = true;
    return () => {
      if (held) this.taken -= amount;
      held = false;
    };
  }
}

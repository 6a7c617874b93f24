/** Limits per request and for the server as a whole. */
import { ReclmisError } from '@reclmis/core';

/** Longest side of an image, pixels: JPEG allows no more, and a mask of that width can still be written. */
export const MAX_SIDE = 65_535;

export interface Limits {
  /** Largest request body, bytes. */
  readonly maxBytes: number;
  /** Largest width x height of an image, by its header, before decoding. */
  readonly maxPixels: number;
  /** Longest note, characters. */
  readonly maxNote: number;
  /** Longest queue; further requests are answered 503. */
  readonly maxQueue: number;
  /** Most cases computed at once. */
  readonly maxBatch: number;
  /** Milliseconds that the first case of a batch waits for others being decoded while the model is idle. */
  readonly batchWait: number;
  /** Milliseconds from the complete request to the response; then the work is dropped. */
  readonly timeout: number;
  /** Milliseconds for a request to arrive, and for its response to be read. */
  readonly bodyTimeout: number;
  /** Most open connections; one more closes the longest idle one. */
  readonly maxConnections: number;
  /** Most bytes of bodies and responses in memory. */
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
  bodyTimeout: 30_000,
  maxConnections: 1024,
};
/** Default budget, in bodies and images of the largest size. */
const LARGEST_HELD = 4;

/** Longest duration, milliseconds: a day. Timers of more than 24 days would fire at once. */
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
    const time = name === 'timeout' || name === 'bodyTimeout' || name === 'batchWait';
    if (time && value > DAY)
      throw new ReclmisError('OPTION_INVALID', `${name}: expected at most ${DAY} milliseconds, got ${value}`);
  }
  return {
    ...limits,
    heldBytes: given.heldBytes ?? Math.max(LARGEST_HELD * limits.maxBytes, 64 * MIB),
    heldPixels: given.heldPixels ?? LARGEST_HELD * limits.maxPixels,
  };
}

/** A budget shared by all requests. */
export class Budget {
  private taken = 0;

  constructor(
    private readonly name: string,
    readonly capacity: number,
  ) {}

  get used(): number {
    return this.taken;
  }

  /** Takes an amount; the returned function gives it back, once. @throws SERVER_BUSY */
  take(amount: number): () => void {
    if (this.taken + amount > this.capacity) {
      throw new ReclmisError(
        'SERVER_BUSY',
        `the server is using ${this.taken} of ${this.capacity} ${this.name}, and the request needs ${amount} more`,
      );
    }
    return this.hold(amount);
  }

  /** Takes an amount that is already in use, even beyond the budget: others are refused until it is given back. */
  hold(amount: number): () => void {
    this.taken += amount;
    let held = true;
    return () => {
      if (held) this.taken -= amount;
      held = false;
    };
  }
}

/** What one request may ask of the server, and how much the server holds at once. */
import { ReclmisError } from '@reclmis/core';

/** The longest side of an image, pixels: JPEG knows no longer one, and a mask of that width is still written. */
export const MAX_SIDE = 65_535;

export interface Limits {
  /** Bytes of a request's body. */
  readonly maxBytes: number;
  /** Width x height of an image, by its header, before it is decoded. */
  readonly maxPixels: number;
  /** Characters of a note. */
  readonly maxNote: number;
  /** Requests that wait for the model; more are answered 503. */
  readonly maxQueue: number;
  /** Cases that the model computes at once. */
  readonly maxBatch: number;
  /** How long the first case of a batch waits for others that are being decoded, while the model is idle, milliseconds. */
  readonly batchWait: number;
  /** From the whole request to the answer, milliseconds; then the work is dropped. */
  readonly timeout: number;
  /** For a request to arrive, and for its answer to be taken, milliseconds. */
  readonly bodyTimeout: number;
  /** Connections that are open at once; a further one ends the one that has been idle for longest. */
  readonly maxConnections: number;
  /** Bytes of all bodies and answers together that are held. */
  readonly heldBytes: number;
  /** Pixels of all decoded images together that are held. */
  readonly heldPixels: number;
}

const MIB = 2 ** 20;

/** A whole radiograph of 16 bits fits; what is held stays below 1 GiB. */
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
/** Bodies and images of the largest kind that are held at once, unless told otherwise. */
const LARGEST_HELD = 4;

/** The longest of all times, milliseconds: a day. Timers of more than 24 days would end at once. */
const DAY = 86_400_000;

/** The limits with defaults filled in; `heldBytes` and `heldPixels` are four times those of a request. */
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

/** An amount of something that is shared by all requests: taken, given back, never more than there is. */
export class Budget {
  private taken = 0;

  constructor(
    private readonly name: string,
    readonly capacity: number,
  ) {}

  get used(): number {
    return this.taken;
  }

  /** Takes an amount; the function gives it back, once. @throws SERVER_BUSY */
  take(amount: number): () => void {
    if (this.taken + amount > this.capacity) {
      throw new ReclmisError(
        'SERVER_BUSY',
        `the server is using ${this.taken} of ${this.capacity} ${this.name}, and the request needs ${amount} more`,
      );
    }
    return this.hold(amount);
  }

  /** Takes an amount that is there already, and may be more than there is: others are refused until it is given back. */
  hold(amount: number): () => void {
    this.taken += amount;
    let held = true;
    return () => {
      if (held) this.taken -= amount;
      held = false;
    };
  }
}

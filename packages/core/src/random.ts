/**
 * Seeded random numbers, identical in Node and every browser, not for secrets: sfc32 (Chris Doty-Humphrey,
 * PractRand; period at least 2^32) seeded by a 128-bit hash of strings and numbers. `Random.from(seed,
 * 'augment', epoch, id)` gives each sample of each epoch its own stream.
 */
import { ReclmisError } from './errors.js';

const TWO_32 = 2 ** 32;
const TWO_53 = 2 ** 53;
/** Discarded, so that similar states diverge; PractRand uses 12 to 18. */
const WARM_UP = 15;

export class Random {
  private constructor(
    private a: number,
    private b: number,
    private c: number,
    private counter: number,
  ) {
    for (let i = 0; i < WARM_UP; i++) this.uint32();
  }

  /**
   * Order, grouping and type of keys matter: `('ab', 'c')`, `('a', 'bc')`, `(1)` and `('1')` all differ; `0`
   * and `-0` do not.
   */
  static from(...keys: readonly (string | number)[]): Random {
    const [a, b, c, d] = hashKeys(keys);
    return new Random(a, b, c, d);
  }

  /** Integer, uniform in [0, 2^32). */
  uint32(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Number, uniform in [0, 1), with 53 random bits. */
  next(): number {
    const high = this.uint32() >>> 5; // 27 bits
    const low = this.uint32() >>> 6; // 26 bits
    return (high * 2 ** 26 + low) / TWO_53;
  }

  /** Number, uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Uniform in [0, n), without modulo bias; n from 1 to 2^32. */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > TWO_32) {
      throw new ReclmisError('INTERNAL', `Random.int: expected an integer from 1 to 2^32, got ${n}`);
    }
    const limit = TWO_32 - (TWO_32 % n);
    let drawn = this.uint32();
    while (drawn >= limit) drawn = this.uint32();
    return drawn % n;
  }

  /** True with probability `p`. */
  bool(p = 0.5): boolean {
    return this.next() < p;
  }

  /** Box and Muller 1958; the second of the pair is discarded, so each call draws alike. */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next())); // 1 - next() is in (0, 1]
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.next());
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0)
      throw new ReclmisError('INTERNAL', 'Random.pick: expected at least one item, got none');
    return items[this.int(items.length)] as T;
  }

  /** In place (Fisher and Yates); returns the same array. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = items[i] as T;
      items[i] = items[j] as T;
      items[j] = held;
    }
    return items;
  }

  /** The integers 0 to n - 1 in random order. */
  permutation(n: number): number[] {
    return this.shuffle(Array.from({ length: n }, (_, i) => i));
  }
}

/** Four 32-bit lanes, mixed at the end as in MurmurHash3 (x86, 128 bits). */
function hashKeys(keys: readonly (string | number)[]): [number, number, number, number] {
  const lanes: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667];
  const absorb = (word: number): void => {
    lanes[0] = mix(lanes[0] ^ word, 0x239b961b);
    lanes[1] = mix(lanes[1] ^ lanes[0], 0xab0e9789);
    lanes[2] = mix(lanes[2] ^ lanes[1] ^ word, 0x38b34ae5);
    lanes[3] = mix(lanes[3] ^ lanes[2], 0xa1e38b93);
  };
  const bits = new DataView(new ArrayBuffer(8));
  for (const key of keys) {
    if (typeof key === 'number') {
      bits.setFloat64(0, key === 0 ? 0 : key); // -0 hashes as 0
      absorb(1);
      absorb(bits.getInt32(0));
      absorb(bits.getInt32(4));
    } else {
      absorb(2);
      absorb(key.length);
      for (let i = 0; i < key.length; i++) absorb(key.charCodeAt(i));
    }
  }
  absorb(keys.length);
  for (let round = 0; round < 4; round++) absorb(round);
  return lanes;
}

function mix(word: number, multiplier: number): number {
  let h = Math.imul(word, multiplier);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca6b);
  return h ^ (h >>> 13);
}

/** CRC-32 as in gzip (RFC 1952, 8), four bytes at a time. */

/** The sum of some bytes, 0 to 2^32 - 1. */
export function crc32(bytes: Uint8Array): number {
  const sum = new Crc32();
  sum.add(bytes);
  return sum.value;
}

/** A sum that grows with each part added. */
export class Crc32 {
  private state = 0xffffffff;

  add(bytes: Uint8Array): void {
    const [t0, t1, t2, t3] = tables();
    let c = this.state;
    let i = 0;
    for (const end = bytes.length - 3; i < end; i += 4) {
      c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      c = t3[c & 255]! ^ t2[(c >>> 8) & 255]! ^ t1[(c >>> 16) & 255]! ^ t0[c >>> 24]!;
    }
    for (; i < bytes.length; i++) c = t0[(c ^ bytes[i]!) & 255]! ^ (c >>> 8);
    this.state = c;
  }

  get value(): number {
    return ~this.state >>> 0;
  }
}

type Tables = readonly [Int32Array, Int32Array, Int32Array, Int32Array];
let made: Tables | null = null;

function tables(): Tables {
  if (made !== null) return made;
  const all: Tables = [new Int32Array(256), new Int32Array(256), new Int32Array(256), new Int32Array(256)];
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    all[0][n] = c;
  }
  for (let n = 0; n < 256; n++)
    for (const k of [1, 2, 3] as const) {
      const before = all[k - 1]![n]!;
      all[k][n] = all[0][before & 255]! ^ (before >>> 8);
    }
  made = all;
  return made;
}

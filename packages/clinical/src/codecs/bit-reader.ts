/**
 * The entropy-coded bits of a JPEG scan (ITU-T T.81 F.2.2): Huffman codes, and numbers behind them. Bits beyond the
 * end read as zeros, and `check` finds out that they were used.
 */
import { unreadable } from '../dicom/faults.js';

/** For each 16 bits that may follow: the code's symbol x 32 + its length; 0 if no code begins so. */
export type HuffmanTable = Uint16Array;

/** @param counts of codes with 1 to 16 bits. @throws IMAGE_UNREADABLE */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const table = new Uint16Array(65536);
  let code = 0;
  let next = 0;
  for (let length = 1; length <= 16; length += 1) {
    for (let i = 0; i < counts[length - 1]!; i += 1) {
      const from = code << (16 - length);
      const to = (code + 1) << (16 - length);
      if (to > 65536 || next >= symbols.length) throw unreadable('a JPEG frame has a damaged Huffman table');
      table.fill(symbols[next]! * 32 + length, from, to);
      next += 1;
      code += 1;
    }
    code <<= 1;
  }
  return table;
}

/** Reads a DHT segment into `tables`, by class x 16 + number. @throws IMAGE_UNREADABLE */
export function readHuffmanTables(
  bytes: Uint8Array,
  start: number,
  length: number,
  tables: Map<number, HuffmanTable>,
): void {
  for (let at = start; at < start + length;) {
    const counts = bytes.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (at + 17 + total > start + length || total > 256)
      throw unreadable('a JPEG frame has a damaged Huffman table');
    tables.set(bytes[at]!, huffmanTable(counts, bytes.subarray(at + 17, at + 17 + total)));
    at += 17 + total;
  }
}

export class BitReader {
  private bits = 0;
  private count = 0;
  private padding = 0;

  /** @param at first byte of the scan. @param end behind the stream */
  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly end: number,
  ) {}

  /** The next symbol. @throws IMAGE_UNREADABLE if no code begins with the next bits */
  symbol(table: HuffmanTable): number {
    if (this.count < 16) this.fill();
    const entry = table[(this.bits >>> (this.count - 16)) & 0xffff]!;
    if (entry === 0) throw unreadable('a JPEG frame contains a code that its tables lack');
    this.count -= entry & 31;
    return entry >> 5;
  }

  /** A number of `size` bits (0 to 16) as T.81 F.1.2.1 signs it. */
  signed(size: number): number {
    if (size === 0) return 0;
    if (this.count < size) this.fill();
    this.count -= size;
    const value = (this.bits >>> this.count) & ((1 << size) - 1);
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
  }

  /** @throws IMAGE_UNREADABLE if more bits were used than there are */
  check(): void {
    if (this.count < this.padding) throw unreadable('a JPEG frame ends too early');
  }

  /** Goes on behind the restart marker that must come here. @throws IMAGE_UNREADABLE */
  restart(number: number): void {
    this.check();
    if (this.bytes[this.at] !== 0xff || this.bytes[this.at + 1] !== 0xd0 + (number & 7))
      throw unreadable('a JPEG frame lacks a restart marker');
    this.at += 2;
    this.bits = this.count = this.padding = 0;
  }

  /** Position of the marker behind the scan. */
  finish(): number {
    this.check();
    while (this.at < this.end && (this.bytes[this.at] !== 0xff || this.bytes[this.at + 1] === 0))
      this.at += 1;
    return this.at;
  }

  private fill(): void {
    while (this.count <= 24) {
      let byte = 0;
      const next = this.at < this.end ? this.bytes[this.at]! : -1;
      if (next === 0xff && this.bytes[this.at + 1] === 0) {
        byte = 0xff;
        this.at += 2;
      } else if (next < 0 || next === 0xff) this.padding += 8;
      else {
        byte = next;
        this.at += 1;
      }
      this.bits = (this.bits << 8) | byte;
      this.count += 8;
    }
  }
}

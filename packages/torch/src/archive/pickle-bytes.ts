/** The bytes of a pickle, one value after the other; lengths are checked before memory is allocated. */
import { invalid } from './archive-file.js';
import { toInteger } from './pickle-globals.js';

/** Longest string or bytes. */
const MAX_TEXT_BYTES = 1024 * 1024;
/** Longest integer, bytes. */
const MAX_INTEGER_BYTES = 256;
/** Longest name of a module or class. */
const MAX_NAME_BYTES = 512;

/** Each method takes the next value. @throws ARCHIVE_INVALID at the end, and beyond a limit. */
export class PickleBytes {
  /**
   * @param position Where the pickle begins.
   * @param path The archive's, for messages.
   */
  constructor(
    private readonly source: Buffer,
    public position: number,
    private readonly path: string,
  ) {}

  take(length: number): Buffer {
    const end = this.position + length;
    if (!(end <= this.source.length)) {
      throw this.#fault(`ends at byte ${this.source.length}, expected ${end - this.source.length} more`);
    }
    const taken = this.source.subarray(this.position, end);
    this.position = end;
    return taken;
  }

  byte(): number {
    const byte = this.source[this.position];
    if (byte === undefined) throw this.#fault(`ends at byte ${this.source.length} without STOP`);
    this.position++;
    return byte;
  }

  long(): number {
    return Number(this.take(8).readBigUInt64LE(0));
  }

  text(length: number): string {
    if (length > MAX_TEXT_BYTES) {
      throw this.#fault(`has a string of ${length} bytes, the limit is ${MAX_TEXT_BYTES}`);
    }
    const bytes = this.take(length);
    const text = bytes.toString('utf8');
    // Replacement characters mean damage, unless the text itself holds them.
    if (text.includes('\ufffd') && !Buffer.from(text, 'utf8').equals(bytes)) {
      throw this.#fault(`has a string that is not UTF-8 before byte ${this.position}`);
    }
    return text;
  }

  bytes(length: number): Uint8Array {
    if (length > MAX_TEXT_BYTES) {
      throw this.#fault(`has ${length} bytes in one piece, the limit is ${MAX_TEXT_BYTES}`);
    }
    return new Uint8Array(this.take(length));
  }

  /** Two's complement, little-endian; no bytes are 0. */
  integer(length: number): number | bigint {
    if (length < 0 || length > MAX_INTEGER_BYTES) {
      throw this.#fault(`has an integer of ${length} bytes, the limit is ${MAX_INTEGER_BYTES}`);
    }
    const bytes = this.take(length);
    if (length === 0) return 0;
    const hex = Buffer.from(bytes).reverse().toString('hex');
    return toInteger(BigInt.asIntN(8 * length, BigInt(`0x${hex}`)));
  }

  line(): string {
    const end = this.source.indexOf(0x0a, this.position);
    if (end < 0 || end - this.position > MAX_NAME_BYTES) {
      throw this.#fault(`has a name without an end at byte ${this.position}`);
    }
    const line = this.text(end - this.position);
    this.position++;
    return line;
  }

  #fault(what: string): Error {
    return invalid(this.path, `its pickle ${what}`);
  }
}

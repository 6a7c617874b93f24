/**
 * ZIP archives as PyTorch's C++ writer makes them (caffe2/serialize/inline_container.cc): entries stored,
 * their bytes aligned to 64 by an extra field "FB", so that tensors can be mapped into memory; a ZIP64 end
 * record always, ZIP64 values where 32 bits are too few. Streams: only the directory is kept.
 */
import { crc32 } from 'node:zlib';

/** Entries' bytes begin at multiples of this. */
export const ALIGNMENT = 64;
/** PyTorch's extra field of padding. */
const EXTRA_PADDING = 0x4246; // "FB"
const EXTRA_ZIP64 = 0x0001;
const FULL16 = 0xffff;
const FULL32 = 0xffffffff;
const VERSION_ZIP64 = 45;
const FLAG_UTF8 = 1 << 11;
/** 1 January 1980, the format's first day: equal contents make equal files. */
const DOS_DATE = 0x21;

interface Written {
  readonly name: Buffer;
  readonly crc: number;
  readonly size: number;
  readonly offset: number;
}

/** Writes entries one by one, then the directory. */
export class ZipWriter {
  readonly #entries: Written[] = [];
  readonly #names = new Set<string>();
  #position = 0;

  /**
   * @param write takes the archive's bytes in order.
   * @param wideFrom sizes and offsets from this on take 64 bits; for tests, which cannot write 4 GiB.
   */
  constructor(
    private readonly write: (bytes: Uint8Array) => void,
    private readonly wideFrom = FULL32,
  ) {}

  /** Adds an entry. Names are relative paths with "/", each used once. */
  add(name: string, bytes: Uint8Array): void {
    if (this.#names.has(name)) throw new RangeError(`the entry "${name}" is written twice`);
    this.#names.add(name);
    const entry = { name: Buffer.from(name), crc: crc32(bytes), size: bytes.length, offset: this.#position };
    const wide = entry.size >= this.wideFrom;
    const wideExtra = wide ? zip64Extra([entry.size, entry.size]) : Buffer.alloc(0);
    const before = this.#position + 30 + entry.name.length + wideExtra.length + 4;
    const padding = Buffer.alloc(4 + ((ALIGNMENT - (before % ALIGNMENT)) % ALIGNMENT), 'Z');
    padding.writeUInt16LE(EXTRA_PADDING, 0);
    padding.writeUInt16LE(padding.length - 4, 2);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(wide ? VERSION_ZIP64 : 10, 4);
    header.writeUInt16LE(FLAG_UTF8, 6);
    header.writeUInt16LE(DOS_DATE, 12);
    header.writeUInt32LE(entry.crc, 14);
    header.writeUInt32LE(wide ? FULL32 : entry.size, 18);
    header.writeUInt32LE(wide ? FULL32 : entry.size, 22);
    header.writeUInt16LE(entry.name.length, 26);
    header.writeUInt16LE(wideExtra.length + padding.length, 28);
    this.#put(Buffer.concat([header, entry.name, wideExtra, padding]));
    this.#put(bytes);
    this.#entries.push(entry);
  }

  /** Writes the directory and the end records; nothing can follow. */
  finish(): void {
    const begin = this.#position;
    for (const entry of this.#entries) this.#put(this.#central(entry));
    const size = this.#position - begin;
    const count = this.#entries.length;
    const end64Offset = this.#position;
    const end64 = Buffer.alloc(56);
    end64.writeUInt32LE(0x06064b50, 0);
    end64.writeBigUInt64LE(44n, 4); // bytes that follow
    end64.writeUInt16LE(VERSION_ZIP64, 12);
    end64.writeUInt16LE(VERSION_ZIP64, 14);
    end64.writeBigUInt64LE(BigInt(count), 24);
    end64.writeBigUInt64LE(BigInt(count), 32);
    end64.writeBigUInt64LE(BigInt(size), 40);
    end64.writeBigUInt64LE(BigInt(begin), 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(end64Offset), 8);
    locator.writeUInt32LE(1, 16);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(Math.min(count, FULL16), 8);
    end.writeUInt16LE(Math.min(count, FULL16), 10);
    end.writeUInt32LE(Math.min(size, FULL32), 12);
    end.writeUInt32LE(begin >= this.wideFrom ? FULL32 : begin, 16);
    this.#put(Buffer.concat([end64, locator, end]));
  }

  #central({ name, crc, size, offset }: Written): Buffer {
    const [wideSize, wideOffset] = [size >= this.wideFrom, offset >= this.wideFrom];
    const extra = zip64Extra([...(wideSize ? [size, size] : []), ...(wideOffset ? [offset] : [])]);
    const header = Buffer.alloc(46);
    header.writeUInt32LE(0x02014b50, 0);
    header.writeUInt16LE(extra.length > 0 ? VERSION_ZIP64 : 10, 4);
    header.writeUInt16LE(extra.length > 0 ? VERSION_ZIP64 : 10, 6);
    header.writeUInt16LE(FLAG_UTF8, 8);
    header.writeUInt16LE(DOS_DATE, 14);
    header.writeUInt32LE(crc, 16);
    header.writeUInt32LE(wideSize ? FULL32 : size, 20);
    header.writeUInt32LE(wideSize ? FULL32 : size, 24);
    header.writeUInt16LE(name.length, 28);
    header.writeUInt16LE(extra.length, 30);
    header.writeUInt32LE(wideOffset ? FULL32 : offset, 42);
    return Buffer.concat([header, name, extra]);
  }

  #put(bytes: Uint8Array): void {
    this.write(bytes);
    this.#position += bytes.length;
  }
}

/** The extra field of 64-bit values; empty without values. */
function zip64Extra(values: readonly number[]): Buffer {
  if (values.length === 0) return Buffer.alloc(0);
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(EXTRA_ZIP64, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, i) => extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i));
  return extra;
}

/**
 * Reads the central directory of a zip archive (PKWARE APPNOTE 6.3.10, ZIP64 included). Counts, sizes and
 * offsets are checked against the archive's size before memory is allocated; the caller checks compression,
 * encryption, duplicates and content.
 */
import { quoted } from '../printable.js';

/** A model with its optimiser has some thousands, a workbook some tens. */
const MAX_ENTRIES = 100_000;
const MAX_DIRECTORY_BYTES = 32 * 1024 * 1024;
const MAX_COMMENT_BYTES = 0xffff;

const CENTRAL = { signature: 0x02014b50, size: 46 };
const END = { signature: 0x06054b50, size: 22 };
const END64 = { signature: 0x06064b50, size: 56 };
const LOCATOR64 = { signature: 0x07064b50, size: 20 };
const EXTRA_ZIP64 = 0x0001;
const FULL16 = 0xffff;
const FULL32 = 0xffffffff;

/** Method of an uncompressed entry. */
export const ZIP_STORED = 0;

/** An archive's bytes by position. */
export interface ZipBytes {
  readonly size: number;
  /** `length` bytes from `position`, within `size`. */
  read(position: number, length: number): Uint8Array;
}

/** What differs between the kinds of archives. */
export interface ZipRules {
  /** For a damaged, contradictory or too large archive; `what` is a clause without subject. */
  readonly fail: (what: string) => Error;
  /** An entry's name; throws to refuse it. */
  readonly nameOf: (bytes: Uint8Array) => string;
  /** May bytes follow the archive? Default false. */
  readonly trailingBytes?: boolean;
}

export interface ZipHeader {
  readonly nameBytes: Uint8Array;
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  /** Bytes in the archive. */
  readonly packed: number;
  /** Bytes unpacked, as stated. */
  readonly size: number;
  /** Where the entry's own header begins. */
  readonly offset: number;
}

/** `end` is the first byte that no entry may take. */
export interface ZipDirectory {
  readonly headers: readonly ZipHeader[];
  readonly end: number;
}

interface Place {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
export const uint16 = (bytes: Uint8Array, at: number): number => viewOf(bytes).getUint16(at, true);
export const uint32 = (bytes: Uint8Array, at: number): number => viewOf(bytes).getUint32(at, true);
const uint64 = (bytes: Uint8Array, at: number): bigint => viewOf(bytes).getBigUint64(at, true);

/** Reads all headers, in the directory's order. */
export function readZipDirectory(archive: ZipBytes, rules: ZipRules): ZipDirectory {
  const place = findDirectory(archive, rules);
  const bytes = archive.read(place.offset, place.size);
  const headers: ZipHeader[] = [];
  let at = 0;
  for (let index = 0; index < place.count; index++) {
    const [header, next] = readHeader(bytes, at, index, rules);
    headers.push(header);
    at = next;
  }
  if (at !== bytes.length) {
    throw rules.fail(`has a directory that takes ${at} bytes, ${bytes.length} are stated`);
  }
  return { headers, end: place.offset };
}

function findDirectory(archive: ZipBytes, rules: ZipRules): Place {
  const { size } = archive;
  if (size < END.size) throw rules.fail(`has ${size} bytes, too few for a zip archive`);
  const tailOffset = Math.max(0, size - END.size - MAX_COMMENT_BYTES);
  const tail = archive.read(tailOffset, size - tailOffset);
  let at = tail.length - END.size;
  while (at >= 0 && !isEnd(tail, at, rules)) at--;
  if (at < 0) throw rules.fail('has no end record of a zip archive; it may be cut short');
  const endOffset = tailOffset + at;
  const end = tail.subarray(at);
  let count = uint16(end, 10);
  let length = uint32(end, 12);
  let offset = uint32(end, 16);
  if (uint16(end, 4) !== 0 || uint16(end, 6) !== 0 || uint16(end, 8) !== count) {
    throw rules.fail('is a part of a zip archive in several parts');
  }
  let limit = endOffset;
  const located = readEnd64(archive, endOffset, rules);
  if (located !== null) {
    const agrees =
      (count === FULL16 || count === located.count) &&
      (length === FULL32 || length === located.size) &&
      (offset === FULL32 || offset === located.offset);
    if (!agrees) throw rules.fail('has two end records that contradict each other');
    ({ count, size: length, offset, end: limit } = located);
  } else if (count === FULL16 || length === FULL32 || offset === FULL32) {
    throw rules.fail('lacks the ZIP64 end record that its end record asks for');
  }
  if (count > MAX_ENTRIES) throw rules.fail(`states ${count} entries, the limit is ${MAX_ENTRIES}`);
  if (length > MAX_DIRECTORY_BYTES) {
    throw rules.fail(`states a directory of ${length} bytes, the limit is ${MAX_DIRECTORY_BYTES}`);
  }
  if (length < count * CENTRAL.size) {
    throw rules.fail(`states ${count} entries in a directory of ${length} bytes, too few`);
  }
  if (offset + length > limit) {
    throw rules.fail(`states a directory from ${offset} to ${offset + length}, beyond byte ${limit}`);
  }
  return { offset, size: length, count };
}

/** Its comment must end with the archive. */
function isEnd(tail: Uint8Array, at: number, { trailingBytes = false }: ZipRules): boolean {
  if (uint32(tail, at) !== END.signature) return false;
  const end = at + END.size + uint16(tail, at + 20);
  return trailingBytes ? end <= tail.length : end === tail.length;
}

/** Null without a locator. */
function readEnd64(
  archive: ZipBytes,
  endOffset: number,
  { fail }: ZipRules,
): (Place & { readonly end: number }) | null {
  const locatorOffset = endOffset - LOCATOR64.size;
  if (locatorOffset < 0) return null;
  const locator = archive.read(locatorOffset, LOCATOR64.size);
  if (uint32(locator, 0) !== LOCATOR64.signature) return null;
  const at = toOffset(uint64(locator, 8), fail);
  if (uint32(locator, 4) !== 0 || uint32(locator, 16) > 1) {
    throw fail('is a part of a zip archive in several parts');
  }
  if (at + END64.size > locatorOffset) {
    throw fail(`states a ZIP64 end record at ${at}, beyond byte ${locatorOffset}`);
  }
  const record = archive.read(at, END64.size);
  if (uint32(record, 0) !== END64.signature) throw fail(`has no ZIP64 end record at ${at}`);
  const count = toOffset(uint64(record, 32), fail);
  if (uint32(record, 16) !== 0 || uint32(record, 20) !== 0 || Number(uint64(record, 24)) !== count) {
    throw fail('is a part of a zip archive in several parts');
  }
  const size = toOffset(uint64(record, 40), fail);
  const offset = toOffset(uint64(record, 48), fail);
  return { count, size, offset, end: at };
}

/** The header at `at`, and where the next one begins. */
function readHeader(bytes: Uint8Array, at: number, index: number, rules: ZipRules): [ZipHeader, number] {
  if (at + CENTRAL.size > bytes.length || uint32(bytes, at) !== CENTRAL.signature) {
    throw rules.fail(`has a directory without entry ${index} at byte ${at}`);
  }
  const nameEnd = at + CENTRAL.size + uint16(bytes, at + 28);
  const extraEnd = nameEnd + uint16(bytes, at + 30);
  const next = extraEnd + uint16(bytes, at + 32);
  if (next > bytes.length) throw rules.fail(`has a directory that its entry ${index} goes beyond`);
  const nameBytes = bytes.subarray(at + CENTRAL.size, nameEnd);
  const name = rules.nameOf(nameBytes);
  const bad = (what: string): Error => rules.fail(`holds the entry ${quoted(name)}, which ${what}`);
  // In this order, values that are full in the header.
  const wide = zip64Values(bytes.subarray(nameEnd, extraEnd), bad);
  const value = (offset: number): number => {
    const narrow = uint32(bytes, offset);
    if (narrow !== FULL32) return narrow;
    const taken = wide.shift();
    if (taken === undefined) throw bad('lacks a size or offset of 64 bits');
    return toOffset(taken, rules.fail);
  };
  const size = value(at + 24);
  const packed = value(at + 20);
  const offset = value(at + 42);
  const [flags, method] = [uint16(bytes, at + 8), uint16(bytes, at + 10)];
  if (uint16(bytes, at + 34) !== 0) throw bad('lies in another part of the archive');
  if (method === ZIP_STORED && packed !== size) throw bad(`is stored, but takes ${packed} bytes for ${size}`);
  return [{ nameBytes, name, flags, method, crc: uint32(bytes, at + 16), packed, size, offset }, next];
}

/** None without a ZIP64 part. */
function zip64Values(extra: Uint8Array, bad: (what: string) => Error): bigint[] {
  for (let at = 0; at + 4 <= extra.length;) {
    const [id, end] = [uint16(extra, at), at + 4 + uint16(extra, at + 2)];
    if (end > extra.length) throw bad('has an extra field that is cut short');
    if (id === EXTRA_ZIP64) {
      const values: bigint[] = [];
      for (let i = at + 4; i + 8 <= end; i += 8) values.push(uint64(extra, i));
      return values;
    }
    at = end;
  }
  return [];
}

function toOffset(value: bigint, fail: (what: string) => Error): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw fail(`states a size or offset of ${value}`);
  return Number(value);
}

/**
 * ZIP archives (PKWARE APPNOTE 6.3.10) as PyTorch writes them: entries stored, not compressed, with ZIP64 where needed.
 *
 * The central directory alone says what there is; each local header must agree with it. Everything is checked on opening:
 * counts and sizes against the file before memory is asked for, names, duplicates, overlaps. An entry that is compressed
 * may be listed (TorchScript compresses its source code) but is never unpacked: there is no decompression here, so that no
 * archive can grow. No name is ever used as a path: nothing of an archive is written anywhere.
 */
import { crc32 } from 'node:zlib';
import { invalid, quoted, type ArchiveFile } from './archive-file.js';

/** Most entries; a model has some hundreds of tensors, with its optimiser some thousands. */
export const MAX_ENTRIES = 100_000;
/** Longest central directory, bytes. */
const MAX_DIRECTORY_BYTES = 32 * 1024 * 1024;
/** Longest comment that may follow the end record. */
const MAX_COMMENT_BYTES = 0xffff;

const LOCAL = { signature: 0x04034b50, size: 30 };
const CENTRAL = { signature: 0x02014b50, size: 46 };
const END = { signature: 0x06054b50, size: 22 };
const END64 = { signature: 0x06064b50, size: 56 };
const LOCATOR64 = { signature: 0x07064b50, size: 20 };
const EXTRA_ZIP64 = 0x0001;
const FULL16 = 0xffff;
const FULL32 = 0xffffffff;
const STORED = 0;

const FLAG_ENCRYPTED = 1 << 0;
const FLAG_SIZES_FOLLOW = 1 << 3;
const FLAG_PATCH = 1 << 5;
const FLAG_STRONG_ENCRYPTION = 1 << 6;
const FLAG_MASKED = 1 << 13;
const FLAGS_REFUSED = FLAG_ENCRYPTED | FLAG_PATCH | FLAG_STRONG_ENCRYPTION | FLAG_MASKED;

/** An entry whose place in the file is checked. */
export interface ZipEntry {
  readonly name: string;
  /** Whether the bytes lie there as they are; those of another entry cannot be read. */
  readonly stored: boolean;
  /** Bytes. */
  readonly size: number;
  readonly crc: number;
  /** Offset of the first byte from the beginning of the file. */
  readonly dataOffset: number;
}

interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

interface CentralHeader {
  readonly nameBytes: Buffer;
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * The entries of an archive by name, in the order of the central directory; folders, which hold nothing, are left out.
 *
 * @throws ARCHIVE_INVALID for anything that is damaged, contradictory or beyond a limit.
 */
export function readZipEntries(file: ArchiveFile): Map<string, ZipEntry> {
  const { path } = file;
  const directory = findDirectory(file);
  const bytes = file.read(directory.offset, directory.size);
  const entries = new Map<string, ZipEntry>();
  const spans: { readonly begin: number; readonly end: number; readonly name: string }[] = [];
  let at = 0;
  for (let i = 0; i < directory.count; i++) {
    const [header, next] = readCentral(bytes, at, i, path);
    at = next;
    const dataOffset = checkLocal(file, header, directory.offset);
    if (entries.has(header.name)) throw invalid(path, `holds the entry ${quoted(header.name)} twice`);
    spans.push({ begin: header.offset, end: dataOffset + header.packed, name: header.name });
    if (header.name.endsWith('/')) continue;
    const stored = header.method === STORED;
    entries.set(header.name, {
      name: header.name,
      stored,
      size: header.size,
      crc: header.crc,
      dataOffset,
    });
  }
  if (at !== bytes.length) {
    throw invalid(path, `its directory takes ${at} bytes, ${bytes.length} are stated`);
  }
  spans.sort((a, b) => a.begin - b.begin || a.end - b.end);
  for (let i = 1; i < spans.length; i++) {
    const [before, after] = [spans[i - 1]!, spans[i]!];
    if (after.begin < before.end) {
      throw invalid(path, `the entries ${quoted(before.name)} and ${quoted(after.name)} overlap`);
    }
  }
  return entries;
}

/** The bytes of a stored entry, with its CRC checked. @throws ARCHIVE_INVALID when it is compressed, damaged or longer than `limit`. */
export function readZipEntry(file: ArchiveFile, entry: ZipEntry, limit: number): Buffer {
  checkStored(file.path, entry);
  if (entry.size > limit) {
    throw invalid(
      file.path,
      `the entry ${quoted(entry.name)} has ${entry.size} bytes, the limit is ${limit}`,
    );
  }
  const bytes = file.read(entry.dataOffset, entry.size);
  checkCrc(file.path, entry.name, entry.crc, crc32(bytes));
  return bytes;
}

/** @throws ARCHIVE_INVALID for an entry that is compressed. */
export function checkStored(path: string, entry: ZipEntry): void {
  if (entry.stored) return;
  throw invalid(path, `the entry ${quoted(entry.name)} is compressed; PyTorch stores tensors uncompressed`);
}

/** @throws ARCHIVE_INVALID when the two differ. */
export function checkCrc(path: string, name: string, stated: number, actual: number): void {
  if (stated === actual) return;
  const hex = (crc: number): string => crc.toString(16).padStart(8, '0');
  throw invalid(path, `the entry ${quoted(name)} has the CRC-32 ${hex(actual)}, expected ${hex(stated)}`);
}

/** Where the central directory lies, from the end record and, where there is one, the ZIP64 end record. */
function findDirectory(file: ArchiveFile): Directory {
  const { path, size } = file;
  if (size < END.size) throw invalid(path, `has ${size} bytes, too few for a zip archive`);
  const tailOffset = Math.max(0, size - END.size - MAX_COMMENT_BYTES);
  const tail = file.read(tailOffset, size - tailOffset);
  let at = tail.length - END.size;
  while (at >= 0 && !isEnd(tail, at)) at--;
  if (at < 0) throw invalid(path, 'has no end record of a zip archive; it may be cut short');
  const endOffset = tailOffset + at;
  const end = tail.subarray(at);
  let count = end.readUInt16LE(10);
  let length = end.readUInt32LE(12);
  let offset = end.readUInt32LE(16);
  if (end.readUInt16LE(4) !== 0 || end.readUInt16LE(6) !== 0 || end.readUInt16LE(8) !== count) {
    throw invalid(path, 'is a part of a zip archive in several parts');
  }
  let limit = endOffset;
  const located = readEnd64(file, endOffset);
  if (located !== null) {
    const agrees =
      (count === FULL16 || count === located.count) &&
      (length === FULL32 || length === located.size) &&
      (offset === FULL32 || offset === located.offset);
    if (!agrees) throw invalid(path, 'its two end records contradict each other');
    ({ count, size: length, offset, end: limit } = located);
  } else if (count === FULL16 || length === FULL32 || offset === FULL32) {
    throw invalid(path, 'lacks the ZIP64 end record that its end record asks for');
  }
  if (count > MAX_ENTRIES) throw invalid(path, `states ${count} entries, the limit is ${MAX_ENTRIES}`);
  if (length > MAX_DIRECTORY_BYTES) {
    throw invalid(path, `states a directory of ${length} bytes, the limit is ${MAX_DIRECTORY_BYTES}`);
  }
  if (length < count * CENTRAL.size) {
    throw invalid(path, `states ${count} entries in a directory of ${length} bytes, too few`);
  }
  if (offset + length > limit) {
    throw invalid(path, `states a directory from ${offset} to ${offset + length}, beyond byte ${limit}`);
  }
  return { offset, size: length, count };
}

/** Whether an end record begins at `at` and its comment ends with the file. */
function isEnd(tail: Buffer, at: number): boolean {
  return (
    tail.readUInt32LE(at) === END.signature && at + END.size + tail.readUInt16LE(at + 20) === tail.length
  );
}

/** The ZIP64 end record's directory, and the offset of the record itself; null where no locator names one. */
function readEnd64(file: ArchiveFile, endOffset: number): (Directory & { readonly end: number }) | null {
  const { path } = file;
  const locatorOffset = endOffset - LOCATOR64.size;
  if (locatorOffset < 0) return null;
  const locator = file.read(locatorOffset, LOCATOR64.size);
  if (locator.readUInt32LE(0) !== LOCATOR64.signature) return null;
  const at = toOffset(locator.readBigUInt64LE(8), path);
  if (locator.readUInt32LE(4) !== 0 || locator.readUInt32LE(16) > 1) {
    throw invalid(path, 'is a part of a zip archive in several parts');
  }
  if (at + END64.size > locatorOffset) {
    throw invalid(path, `states a ZIP64 end record at ${at}, beyond byte ${locatorOffset}`);
  }
  const record = file.read(at, END64.size);
  if (record.readUInt32LE(0) !== END64.signature) throw invalid(path, `has no ZIP64 end record at ${at}`);
  const count = toOffset(record.readBigUInt64LE(32), path);
  if (
    record.readUInt32LE(16) !== 0 ||
    record.readUInt32LE(20) !== 0 ||
    Number(record.readBigUInt64LE(24)) !== count
  ) {
    throw invalid(path, 'is a part of a zip archive in several parts');
  }
  const size = toOffset(record.readBigUInt64LE(40), path);
  const offset = toOffset(record.readBigUInt64LE(48), path);
  return { count, size, offset, end: at };
}

/** The header at `at` of the central directory, and where the next one begins. */
function readCentral(bytes: Buffer, at: number, index: number, path: string): [CentralHeader, number] {
  if (at + CENTRAL.size > bytes.length || bytes.readUInt32LE(at) !== CENTRAL.signature) {
    throw invalid(path, `its directory has no entry ${index} at byte ${at}`);
  }
  const nameEnd = at + CENTRAL.size + bytes.readUInt16LE(at + 28);
  const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
  const next = extraEnd + bytes.readUInt16LE(at + 32);
  if (next > bytes.length) throw invalid(path, `entry ${index} of its directory goes beyond the directory`);
  const nameBytes = bytes.subarray(at + CENTRAL.size, nameEnd);
  const name = checkName(nameBytes, path);
  const [flags, method] = [bytes.readUInt16LE(at + 8), bytes.readUInt16LE(at + 10)];
  const wide = zip64Values(bytes.subarray(nameEnd, extraEnd), name, path);
  // The extra field holds, in this order, the values that are full in the header.
  const value = (offset: number): number => {
    const narrow = bytes.readUInt32LE(offset);
    if (narrow !== FULL32) return narrow;
    const taken = wide.shift();
    if (taken === undefined)
      throw invalid(path, `the entry ${quoted(name)} lacks a size or offset of 64 bits`);
    return toOffset(taken, path);
  };
  const size = value(at + 24);
  const packed = value(at + 20);
  const offset = value(at + 42);
  const bad = (what: string): Error => invalid(path, `the entry ${quoted(name)} ${what}`);
  if (bytes.readUInt16LE(at + 34) !== 0) throw bad('lies in another part of the archive');
  if (flags & FLAGS_REFUSED) throw bad('is encrypted or patched');
  if (method === STORED && packed !== size) throw bad(`is stored, but takes ${packed} bytes for ${size}`);
  if (name.endsWith('/') && size !== 0) throw bad(`is a folder, but has ${size} bytes`);
  return [{ nameBytes, name, flags, method, crc: bytes.readUInt32LE(at + 16), packed, size, offset }, next];
}

/** The 64-bit values of an extra field; none where it has no ZIP64 part. */
function zip64Values(extra: Buffer, name: string, path: string): bigint[] {
  for (let at = 0; at + 4 <= extra.length;) {
    const [id, end] = [extra.readUInt16LE(at), at + 4 + extra.readUInt16LE(at + 2)];
    if (end > extra.length) throw invalid(path, `the extra field of the entry ${quoted(name)} is cut short`);
    if (id === EXTRA_ZIP64) {
      const values: bigint[] = [];
      for (let i = at + 4; i + 8 <= end; i += 8) values.push(extra.readBigUInt64LE(i));
      return values;
    }
    at = end;
  }
  return [];
}

/** Compares the local header with the central one; returns where the entry's bytes begin. They end before `limit`. */
function checkLocal(file: ArchiveFile, header: CentralHeader, limit: number): number {
  const bad = (what: string): Error => invalid(file.path, `the entry ${quoted(header.name)} ${what}`);
  const nameOffset = header.offset + LOCAL.size;
  const nameEnd = nameOffset + header.nameBytes.length;
  if (nameEnd > limit) throw bad(`begins at ${header.offset}, beyond byte ${limit}`);
  const local = file.read(header.offset, nameEnd - header.offset);
  if (local.readUInt32LE(0) !== LOCAL.signature) throw bad(`has no header at byte ${header.offset}`);
  const sameName =
    local.readUInt16LE(26) === header.nameBytes.length && local.subarray(LOCAL.size).equals(header.nameBytes);
  if (!sameName) throw bad('has another name in its own header');
  if (local.readUInt16LE(6) !== header.flags || local.readUInt16LE(8) !== header.method) {
    throw bad('has other flags or another method in its own header');
  }
  // With this flag, the header was written before the bytes: zeros stand there, and the values follow the bytes.
  const later = (header.flags & FLAG_SIZES_FOLLOW) !== 0;
  const agrees = (offset: number, expected: number): boolean => {
    const stated = local.readUInt32LE(offset);
    return stated === expected || stated === FULL32 || (later && stated === 0);
  };
  if (!(later && local.readUInt32LE(14) === 0) && local.readUInt32LE(14) !== header.crc) {
    throw bad('has another CRC-32 in its own header');
  }
  if (!agrees(18, header.packed) || !agrees(22, header.size)) {
    throw bad('has another size in its own header');
  }
  const dataOffset = nameEnd + local.readUInt16LE(28);
  if (dataOffset + header.packed > limit) {
    throw bad(`takes the bytes ${dataOffset} to ${dataOffset + header.packed}, beyond byte ${limit}`);
  }
  return dataOffset;
}

/** The name as text. Names are never used as paths; one that would be a bad path is a sign of malice all the same. */
function checkName(bytes: Buffer, path: string): string {
  let name: string;
  try {
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid(path, 'an entry has a name that is not UTF-8', cause);
  }
  const parts = (name.endsWith('/') ? name.slice(0, -1) : name).split('/');
  const bad =
    [...name].some((letter) => letter < ' ' || letter === '\\') ||
    /^[A-Za-z]:/.test(name) ||
    parts.some((part) => ['', '.', '..'].includes(part));
  if (bad) throw invalid(path, `the entry ${quoted(name)} has a name that is not a relative path`);
  return name;
}

function toOffset(value: bigint, path: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(path, `states a size or offset of ${value}`);
  return Number(value);
}

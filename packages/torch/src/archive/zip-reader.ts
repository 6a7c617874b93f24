/**
 * ZIP archives (PKWARE APPNOTE 6.3.10) as PyTorch writes them: entries stored, with ZIP64 where needed.
 *
 * The central directory (zip-directory.ts of packages/files) says what there is; each local header must
 * agree. Names, duplicates and overlaps are checked on opening. Compressed entries are listed (TorchScript's
 * source code) but never unpacked, so that no archive can grow. No name is used as a path.
 */
import { crc32 } from 'node:zlib';
import { quoted, readZipDirectory, ZIP_STORED, type ZipHeader } from '@reclmis/core';
import { invalid, type ArchiveFile } from './archive-file.js';

const LOCAL = { signature: 0x04034b50, size: 30 };
const FULL32 = 0xffffffff;

const FLAG_ENCRYPTED = 1 << 0;
const FLAG_SIZES_FOLLOW = 1 << 3;
const FLAG_PATCH = 1 << 5;
const FLAG_STRONG_ENCRYPTION = 1 << 6;
const FLAG_MASKED = 1 << 13;
const FLAGS_REFUSED = FLAG_ENCRYPTED | FLAG_PATCH | FLAG_STRONG_ENCRYPTION | FLAG_MASKED;

/** An entry whose place in the file is checked. */
export interface ZipEntry {
  readonly name: string;
  /** Not compressed; other entries cannot be read. */
  readonly stored: boolean;
  /** Bytes. */
  readonly size: number;
  readonly crc: number;
  /** Offset of the first byte from the beginning of the file. */
  readonly dataOffset: number;
}

/**
 * Entries by name, in the order of the central directory, without folders.
 * @throws ARCHIVE_INVALID for anything damaged, contradictory or beyond a limit.
 */
export function readZipEntries(file: ArchiveFile): Map<string, ZipEntry> {
  const { path } = file;
  const { headers, end } = readZipDirectory(file, {
    fail: (what) => invalid(path, what),
    nameOf: (bytes) => checkName(bytes, path),
  });
  const entries = new Map<string, ZipEntry>();
  const spans: { readonly begin: number; readonly end: number; readonly name: string }[] = [];
  for (const header of headers) {
    const { name, size, crc } = header;
    const bad = (what: string): Error => invalid(path, `the entry ${quoted(name)} ${what}`);
    if (header.flags & FLAGS_REFUSED) throw bad('is encrypted or patched');
    if (name.endsWith('/') && size !== 0) throw bad(`is a folder, but has ${size} bytes`);
    const dataOffset = checkLocal(file, header, end);
    if (entries.has(name)) throw invalid(path, `holds the entry ${quoted(name)} twice`);
    spans.push({ begin: header.offset, end: dataOffset + header.packed, name });
    if (name.endsWith('/')) continue;
    entries.set(name, { name, stored: header.method === ZIP_STORED, size, crc, dataOffset });
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

/** A stored entry's bytes, CRC checked. @throws ARCHIVE_INVALID if compressed, damaged or above `limit`. */
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
export function checkStored(
  path: string,
  entry: ZipEntry,
  why = 'PyTorch stores tensors uncompressed',
): void {
  if (entry.stored) return;
  throw invalid(path, `the entry ${quoted(entry.name)} is compressed; ${why}`);
}

/** @throws ARCHIVE_INVALID when the two differ. */
export function checkCrc(path: string, name: string, stated: number, actual: number): void {
  if (stated === actual) return;
  const hex = (crc: number): string => crc.toString(16).padStart(8, '0');
  throw invalid(path, `the entry ${quoted(name)} has the CRC-32 ${hex(actual)}, expected ${hex(stated)}`);
}

/** Compares the local header with the central one; returns where the bytes begin. They end before `limit`. */
function checkLocal(file: ArchiveFile, header: ZipHeader, limit: number): number {
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
  // With this flag the header holds zeros, and the values follow the bytes.
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

/** The name as text. It is never used as a path, but one that would be a bad path is a sign of malice. */
function checkName(bytes: Uint8Array, path: string): string {
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

/**
 * The parts of a workbook, which is a zip archive, unpacked against a budget: what the archive states about sizes is not trusted, every part must be
 * intact by its CRC-32, and no name may be there twice, since two programs might then read two different parts.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { ReclmisError, oneLine, systemCode } from '@reclmis/core';
import { unreadable } from './columns.js';

/** The most that a workbook may unpack to. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
const SAVE_AGAIN =
  'Open the workbook in a spreadsheet program and save it again as XLSX, or download it again.';

const EMPTY_32 = 0xffffffff; // "see the zip64 field"

/** A number of 64 bits; beyond 2^53 nothing fits anyway. */
const u64 = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));

/** Where the directory begins and how many entries it has. */
function findDirectory(path: string, bytes: Buffer): { at: number; entries: number } {
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0 || end + 22 > bytes.length)
    throw unreadable(path, 'the workbook is truncated (it has no directory)', SAVE_AGAIN);
  const at = bytes.readUInt32LE(end + 16);
  const entries = bytes.readUInt16LE(end + 10);
  if (at !== EMPTY_32 && entries !== 0xffff) return { at, entries };
  const locator = end - 20;
  if (locator < 0 || bytes.readUInt32LE(locator) !== 0x07064b50) return { at, entries };
  const record = u64(bytes, locator + 8);
  return { at: u64(bytes, record + 48), entries: u64(bytes, record + 32) };
}

/** Sizes and place of an entry: those of the directory or, where they say so, of its zip64 field, in this order. */
function placeOf(bytes: Buffer, at: number): { packed: number; local: number; size: number } {
  const place = {
    size: bytes.readUInt32LE(at + 24),
    packed: bytes.readUInt32LE(at + 20),
    local: bytes.readUInt32LE(at + 42),
  };
  const extra = at + 46 + bytes.readUInt16LE(at + 28);
  const end = extra + bytes.readUInt16LE(at + 30);
  for (let field = extra; field + 4 <= end; field += 4 + bytes.readUInt16LE(field + 2)) {
    if (bytes.readUInt16LE(field) !== 1) continue;
    let value = field + 4;
    for (const key of ['size', 'packed', 'local'] as const) {
      if (place[key] !== EMPTY_32) continue;
      place[key] = u64(bytes, value);
      value += 8;
    }
    break;
  }
  return place;
}

function unpack(path: string, bytes: Buffer): Map<string, Buffer> {
  const parts = new Map<string, Buffer>();
  const directory = findDirectory(path, bytes);
  let { at } = directory;
  let budget = MAX_UNPACKED_BYTES;
  for (let entry = 0; entry < directory.entries; entry += 1) {
    if (bytes.readUInt32LE(at) !== 0x02014b50)
      throw unreadable(path, 'the workbook’s directory is damaged', SAVE_AGAIN);
    const nameEnd = at + 46 + bytes.readUInt16LE(at + 28);
    // Names of parts do not differ by case (ECMA-376 part 2), and some writers part them by backslashes.
    const name = bytes
      .toString('utf8', at + 46, nameEnd)
      .replaceAll('\\', '/')
      .replace(/^\//u, '')
      .toLowerCase();
    if ((bytes.readUInt16LE(at + 8) & 1) !== 0)
      throw unreadable(path, 'the workbook is password-protected', 'Save it without a password.');
    const method = bytes.readUInt16LE(at + 10);
    if (method !== 0 && method !== 8)
      throw unreadable(path, `${name} uses compression method ${method}, expected 0 or 8`, SAVE_AGAIN);
    const { packed, local, size } = placeOf(bytes, at);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    if (start + packed > bytes.length) throw unreadable(path, 'the workbook is truncated', SAVE_AGAIN);
    const body = bytes.subarray(start, start + packed);
    const part = method === 0 ? body : inflateRawSync(body, { maxOutputLength: budget });
    budget -= part.length;
    if (budget <= 0) throw unreadable(path, `unpacks to more than ${MAX_UNPACKED_BYTES} bytes`, SAVE_AGAIN);
    if (part.length !== size || crc32(part) !== bytes.readUInt32LE(at + 16))
      throw unreadable(path, `the workbook is damaged: the content of ${name} is wrong`, SAVE_AGAIN);
    if (parts.has(name)) throw unreadable(path, `the workbook contains ${name} twice`, SAVE_AGAIN);
    if (!name.endsWith('/')) parts.set(name, part);
    at = nameEnd + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return parts;
}

/**
 * The parts of a workbook by name, in lower case and without a slash in front: `xl/workbook.xml`.
 * @throws NOTES_UNREADABLE
 */
export function readZip(path: string, bytes: Buffer): ReadonlyMap<string, Buffer> {
  if (bytes.length > 8 && bytes.readUInt32BE(0) === 0xd0cf11e0)
    throw unreadable(
      path,
      'is an old workbook (.xls) or password-protected, not XLSX',
      'Save it as XLSX, without a password.',
    );
  if (bytes.length < 22 || bytes.readUInt32LE(0) !== 0x04034b50)
    throw unreadable(
      path,
      'is not an XLSX workbook',
      'Save the table as XLSX, or as CSV with the extension .csv.',
    );
  try {
    return unpack(path, bytes);
  } catch (error) {
    if (error instanceof ReclmisError) throw error;
    const why =
      systemCode(error) === 'ERR_BUFFER_TOO_LARGE'
        ? `unpacks to more than ${MAX_UNPACKED_BYTES} bytes`
        : `the workbook is damaged (${error instanceof RangeError ? 'its directory points outside the file' : oneLine(error)})`;
    throw unreadable(path, why, SAVE_AGAIN, error);
  }
}

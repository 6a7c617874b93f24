/**
 * Unpacks a workbook within a budget. Stated sizes are not trusted, parts must match their CRC-32, and
 * duplicate names are refused, since two programs might read different parts.
 */
import { Inflate } from 'fflate';
import { crc32 } from '../crc32.js';
import { ReclmisError } from '../errors.js';
import { quoted } from '../printable.js';
import { oneLine } from '../system-errors.js';
import { unreadable } from './columns.js';
import { readZipDirectory, uint16, uint32, ZIP_STORED } from './zip-directory.js';

const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
const FLAG_ENCRYPTED = 1;
const DEFLATED = 8;
const SAVE_AGAIN =
  'Open the workbook in a spreadsheet program and save it again as XLSX, or download it again.';

/** Packed bytes that are unpacked at a time, so that what is beyond a limit takes no memory; they become 64 MB at most. */
const SLICE = 64 * 1024;

/** Null: more than `limit` bytes. @throws Error for damaged data, or data that end too early */
function inflate(packed: Uint8Array, limit: number): Uint8Array | null {
  const parts: Uint8Array[] = [];
  let size = 0;
  const stream = new Inflate((part) => {
    parts.push(part);
    size += part.length;
  });
  for (let at = 0; at === 0 || at < packed.length; at += SLICE) {
    stream.push(packed.subarray(at, at + SLICE), at + SLICE >= packed.length);
    if (size > limit) return null;
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function unpack(path: string, bytes: Uint8Array): Map<string, Uint8Array> {
  const archive = {
    size: bytes.length,
    read: (position: number, length: number) => bytes.subarray(position, position + length),
  };
  const { headers } = readZipDirectory(archive, {
    fail: (what) => unreadable(path, `the workbook is damaged (zip archive: ${what})`, SAVE_AGAIN),
    // Part names ignore case (ECMA-376 part 2); some writers use backslashes.
    nameOf: (name) => new TextDecoder().decode(name).replaceAll('\\', '/').replace(/^\//u, '').toLowerCase(),
    trailingBytes: true,
  });
  const parts = new Map<string, Uint8Array>();
  let budget = MAX_UNPACKED_BYTES;
  for (const { name, flags, method, crc, packed, size, offset } of headers) {
    if ((flags & FLAG_ENCRYPTED) !== 0)
      throw unreadable(path, 'the workbook is password-protected', 'Save it without a password.');
    if (method !== ZIP_STORED && method !== DEFLATED)
      throw unreadable(
        path,
        `${quoted(name)} uses compression method ${method}, expected ${ZIP_STORED} or ${DEFLATED}`,
        SAVE_AGAIN,
      );
    const start = offset + 30 + uint16(bytes, offset + 26) + uint16(bytes, offset + 28);
    if (start + packed > bytes.length) throw unreadable(path, 'the workbook is truncated', SAVE_AGAIN);
    const body = bytes.subarray(start, start + packed);
    const part = method === ZIP_STORED ? body : inflate(body, budget);
    budget -= part?.length ?? Infinity;
    if (part === null || budget <= 0)
      throw unreadable(path, `unpacks to more than ${MAX_UNPACKED_BYTES} bytes`, SAVE_AGAIN);
    if (part.length !== size || crc32(part) !== crc)
      throw unreadable(path, `the workbook is damaged: the content of ${name} is wrong`, SAVE_AGAIN);
    if (parts.has(name)) throw unreadable(path, `the workbook contains ${name} twice`, SAVE_AGAIN);
    if (!name.endsWith('/')) parts.set(name, part);
  }
  return parts;
}

/** Parts by lower-case name without leading slash: `xl/workbook.xml`. @throws NOTES_UNREADABLE */
export function readZip(path: string, bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  if (bytes.length > 8 && uint32(bytes, 0) === 0xe011cfd0)
    throw unreadable(
      path,
      'is an old workbook (.xls) or password-protected, not XLSX',
      'Save it as XLSX, without a password.',
    );
  if (bytes.length < 22 || uint32(bytes, 0) !== 0x04034b50)
    throw unreadable(
      path,
      'is not an XLSX workbook',
      'Save the table as XLSX, or as CSV with the extension .csv.',
    );
  try {
    return unpack(path, bytes);
  } catch (error) {
    if (error instanceof ReclmisError) throw error;
    const why = error instanceof RangeError ? 'its directory points outside the file' : oneLine(error);
    throw unreadable(path, `the workbook is damaged (${why})`, SAVE_AGAIN, error);
  }
}

/**
 * Unpacks a workbook within a budget. Stated sizes are not trusted, parts must match their CRC-32, and
 * duplicate names are refused, since two programs might read different parts.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { ReclmisError, oneLine, quoted, systemCode, unreadable } from '@reclmis/core';
import { readZipDirectory, ZIP_STORED } from './zip-directory.js';

const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
const FLAG_ENCRYPTED = 1;
const DEFLATED = 8;
const SAVE_AGAIN =
  'Open the workbook in a spreadsheet program and save it again as XLSX, or download it again.';

function unpack(path: string, bytes: Buffer): Map<string, Buffer> {
  const archive = {
    size: bytes.length,
    read: (position: number, length: number) => bytes.subarray(position, position + length),
  };
  const { headers } = readZipDirectory(archive, {
    fail: (what) => unreadable(path, `the workbook is damaged (zip archive: ${what})`, SAVE_AGAIN),
    // Part names ignore case (ECMA-376 part 2); some writers use backslashes.
    nameOf: (name) => name.toString('utf8').replaceAll('\\', '/').replace(/^\//u, '').toLowerCase(),
    trailingBytes: true,
  });
  const parts = new Map<string, Buffer>();
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
    const start = offset + 30 + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28);
    if (start + packed > bytes.length) throw unreadable(path, 'the workbook is truncated', SAVE_AGAIN);
    const body = bytes.subarray(start, start + packed);
    const part = method === ZIP_STORED ? body : inflateRawSync(body, { maxOutputLength: budget });
    budget -= part.length;
    if (budget <= 0) throw unreadable(path, `unpacks to more than ${MAX_UNPACKED_BYTES} bytes`, SAVE_AGAIN);
    if (part.length !== size || crc32(part) !== crc)
      throw unreadable(path, `the workbook is damaged: the content of ${name} is wrong`, SAVE_AGAIN);
    if (parts.has(name)) throw unreadable(path, `the workbook contains ${name} twice`, SAVE_AGAIN);
    if (!name.endsWith('/')) parts.set(name, part);
  }
  return parts;
}

/** Parts by lower-case name without leading slash: `xl/workbook.xml`. @throws NOTES_UNREADABLE */
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

/**
 * Reads regular files only: a pipe would block, a device may never end, and merely opening one may have
 * effects. The target is checked before opening, and again afterwards, in case it was swapped.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';

/** Does not wait for a pipe's writer; Windows lacks it. */
const READ_ONLY = constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0);

export interface RegularOptions {
  /** Bytes; larger files are refused unread. Default: no limit. */
  readonly limit?: number;
}

/** Not a regular file, or more bytes than the limit. */
export class NotRegularError extends Error {
  override readonly name = 'NotRegularError';
}

/** @throws NotRegularError, and system errors */
export async function openRegular(path: string): Promise<FileHandle> {
  requireRegular(await stat(path));
  const file = await open(path, READ_ONLY);
  try {
    requireRegular(await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Returns a descriptor, which the caller closes. */
export function openRegularSync(path: string): number {
  requireRegular(statSync(path));
  const fd = openSync(path, READ_ONLY);
  try {
    requireRegular(fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A regular file's bytes, as many as when it was opened. @throws NotRegularError, and system errors */
export async function readRegular(path: string, { limit = Infinity }: RegularOptions = {}): Promise<Buffer> {
  const file = await openRegular(path);
  try {
    const { size } = await file.stat();
    requireSize(size, limit);
    const bytes = Buffer.allocUnsafe(size);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await file.read(bytes, done, size - done, done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  } finally {
    await file.close();
  }
}

export function readRegularSync(path: string, { limit = Infinity }: RegularOptions = {}): Buffer {
  const fd = openRegularSync(path);
  try {
    const { size } = fstatSync(fd);
    requireSize(size, limit);
    const bytes = Buffer.allocUnsafe(size);
    let done = 0;
    while (done < size) {
      const count = readSync(fd, bytes, done, size - done, done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(fd);
  }
}

/** A regular file's UTF-8 text. @throws NotRegularError, and system errors */
export function readTextSync(path: string, options: RegularOptions = {}): string {
  return readRegularSync(path, options).toString('utf8');
}

function requireSize(size: number, limit: number): void {
  if (size > limit) throw new NotRegularError(`has ${size} bytes, the limit is ${limit}`);
}

function requireRegular(stats: Stats): void {
  if (stats.isFile()) return;
  const kind = stats.isDirectory()
    ? 'a folder'
    : stats.isFIFO()
      ? 'a pipe'
      : stats.isSocket()
        ? 'a socket'
        : 'a device';
  throw new NotRegularError(`is ${kind}, not a file`);
}

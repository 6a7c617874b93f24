/** The file behind an archive of weights: bytes by position; every failure is a coded error. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { ReclmisError } from '@reclmis/core';
import { oneLine, systemCode } from '@reclmis/files';

/** Bytes of one read call; the kernel's limit lies just below 2 GiB. */
const READ_CHUNK = 1 << 30;

/** A file, open for reading. */
export class ArchiveFile {
  #fd: number | null;

  private constructor(
    readonly path: string,
    fd: number,
    /** Bytes. */
    readonly size: number,
  ) {
    this.#fd = fd;
  }

  /** @throws ARCHIVE_INVALID when the file is missing, unreadable or not a regular file. */
  static open(path: string): ArchiveFile {
    let fd: number;
    try {
      // Without O_NONBLOCK (absent on Windows), opening a pipe would wait for its writer.
      fd = openSync(path, constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0));
    } catch (cause) {
      throw invalid(path, `cannot be opened: ${systemCode(cause) || oneLine(cause)}`, cause);
    }
    try {
      const status = fstatSync(fd);
      if (!status.isFile()) throw invalid(path, 'is not a regular file');
      return new ArchiveFile(path, fd, status.size);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Fills `into` with the bytes from `position`. @throws ARCHIVE_INVALID when the file ends before. */
  readInto(into: Uint8Array, position: number): void {
    if (this.#fd === null) throw new ReclmisError('INTERNAL', `${this.path}: was read after it was closed`);
    for (let done = 0; done < into.length;) {
      let count: number;
      try {
        const wanted = Math.min(into.length - done, READ_CHUNK);
        count = readSync(this.#fd, into, done, wanted, position + done);
      } catch (cause) {
        throw invalid(this.path, `cannot be read: ${systemCode(cause) || oneLine(cause)}`, cause);
      }
      if (count === 0) {
        const missing = into.length - done;
        throw invalid(this.path, `ends at byte ${position + done}, expected ${missing} more`);
      }
      done += count;
    }
  }

  /** `length` bytes from `position`, checked against `size` by the caller. */
  read(position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.readInto(bytes, position);
    return bytes;
  }

  /** Twice is safe. */
  close(): void {
    if (this.#fd === null) return;
    closeSync(this.#fd);
    this.#fd = null;
  }
}

/** The file is damaged, cut short or breaks a limit. */
export function invalid(path: string, what: string, cause?: unknown): ReclmisError {
  return new ReclmisError('ARCHIVE_INVALID', `${path}: ${what}`, cause === undefined ? {} : { cause });
}

/** The file asks for something outside the allow-list. */
export function refused(path: string, what: string): ReclmisError {
  return new ReclmisError('ARCHIVE_REFUSED', `${path}: ${what}`);
}

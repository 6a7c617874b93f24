/** An unfinished download: `TARGET.part`, hashed while written, and `TARGET.part.json` for resuming. */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, constants, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { systemCode } from '@reclmis/core';
import { cacheError } from '../home.js';
import { openRegular, readRegular } from '../regular.js';
import { syncFolder, writeFileAtomic } from '../whole-file.js';

/** Never write through a link. Windows lacks the flag. */
const NO_LINK = (constants.O_NOFOLLOW as number | undefined) ?? 0;

export interface PartOrigin {
  /** The whole file's. */
  readonly sha256: string;
  readonly url: string;
  /** Strong ETag or date, for `If-Range`. */
  readonly validator: string | null;
}

const READ_CHUNK = 1 << 20;

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await openRegular(path);
  await pipeline(file.createReadStream({ highWaterMark: READ_CHUNK }), hash); // closes it
  return hash.digest('hex');
}

export class Part {
  /** Written and hashed. */
  have = 0;
  private hash: Hash = createHash('sha256');
  private closed = false;

  private constructor(
    private readonly target: string,
    private readonly handle: FileHandle,
    private readonly sha256: string,
    public origin: PartOrigin | null,
  ) {}

  /** Opens or creates the part, and hashes it. @throws OUTPUT_UNWRITABLE, DISK_FULL */
  static async open(target: string, sha256: string): Promise<Part> {
    const path = `${target}.part`;
    try {
      const origin = await readOrigin(`${path}.json`);
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT | NO_LINK, 0o644);
      const part = new Part(target, handle, sha256, origin?.sha256 === sha256 ? origin : null);
      try {
        if (part.origin === null) await part.restart();
        else await part.rehash();
      } catch (error) {
        await handle.close();
        throw error;
      }
      return part;
    } catch (error) {
      throw cacheError(path, error);
    }
  }

  /** @throws DISK_FULL, OUTPUT_UNWRITABLE */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const at = this.have + done;
        done += (await this.handle.write(bytes, done, bytes.length - done, at)).bytesWritten;
      }
    } catch (error) {
      throw cacheError(this.path, error);
    }
    this.hash.update(bytes);
    this.have += bytes.length;
  }

  async restart(): Promise<void> {
    try {
      await this.handle.truncate(0);
    } catch (error) {
      throw cacheError(this.path, error);
    }
    this.have = 0;
    this.hash = createHash('sha256');
  }

  /** @throws DISK_FULL, OUTPUT_UNWRITABLE */
  async remember(url: string, validator: string | null): Promise<void> {
    if (this.origin?.url === url && this.origin.validator === validator) return;
    this.origin = { sha256: this.sha256, url, validator };
    try {
      await writeFileAtomic(`${this.path}.json`, `${JSON.stringify(this.origin)}\n`);
    } catch (error) {
      throw cacheError(`${this.path}.json`, error instanceof Error ? (error.cause ?? error) : error);
    }
  }

  digest(): string {
    return this.hash.copy().digest('hex');
  }

  /** Makes the part the target, durably. @throws DISK_FULL, OUTPUT_UNWRITABLE */
  async finish(): Promise<void> {
    try {
      await this.handle.sync();
      await this.close();
      await rename(this.path, this.target);
      await syncFolder(dirname(this.target));
      await rm(`${this.path}.json`, { force: true });
    } catch (error) {
      throw cacheError(this.target, error);
    }
  }

  async discard(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
    await rm(`${this.path}.json`, { force: true });
  }

  /** Keeps the part for later. Harmless after `finish` and `discard`. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.handle.close();
  }

  private get path(): string {
    return `${this.target}.part`;
  }

  private async rehash(): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_CHUNK);
    for (;;) {
      const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, this.have);
      if (bytesRead === 0) return;
      this.hash.update(buffer.subarray(0, bytesRead));
      this.have += bytesRead;
    }
  }
}

/** Null: the part starts over. */
async function readOrigin(path: string): Promise<PartOrigin | null> {
  let text: string;
  try {
    text = (await readRegular(path)).toString('utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { sha256, url, validator } = value as Record<string, unknown>;
    if (typeof sha256 !== 'string' || typeof url !== 'string') return null;
    return { sha256, url, validator: typeof validator === 'string' ? validator : null };
  } catch {
    return null;
  }
}

/**
 * Notes' features on disk. Folders are named by the encoder's fingerprint, files by the SHA-256 of the note's tokens,
 * so no note's text is stored. (Features do reveal something about it; only the user can read files and folders.)
 *
 *     8 bytes   "RCLMISF1"
 *     4 bytes   tokens of the note, unsigned, little-endian; then T and W, likewise
 *     T W 4     features, float32, little-endian
 *     32 bytes  SHA-256 of all before
 *
 * Any other file counts as absent and is replaced. An unwritable store is ignored.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRegularSync, writeFileAtomicSync } from '@reclmis/files';
import type { FeatureRow } from './encoder.js';

const MAGIC = Buffer.from('RCLMISF1', 'ascii');
const HEAD_BYTES = MAGIC.length + 12;
const HASH_BYTES = 32;
/** Per encoder: 8,192 notes of 24 x 512 take 400 MB. */
const CAPACITY = 8192;

export class FeatureStore {
  private readonly folder: string;
  private count: number | null = null;
  private writable = true;

  /** @param root made when needed. @param fingerprint the encoder's */
  constructor(
    root: string,
    fingerprint: string,
    private readonly contextLength: number,
    private readonly width: number,
    private readonly capacity = CAPACITY,
  ) {
    this.folder = join(root, fingerprint);
  }

  /** Null unless intact. @param ids with padding */
  get(ids: readonly number[]): FeatureRow | null {
    let bytes: Buffer;
    try {
      bytes = readRegularSync(this.path(ids));
    } catch {
      return null;
    }
    return this.decode(bytes);
  }

  /** Never throws. @returns whether it kept them */
  put(ids: readonly number[], row: FeatureRow): boolean {
    if (!this.writable) return false;
    const path = this.path(ids);
    try {
      if (this.files() >= this.capacity) return false;
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeFileAtomicSync(path, this.encode(row), { mode: 0o600 });
      this.count = this.files() + 1;
      return true;
    } catch {
      this.writable = false; // a full disk or read-only folder stays so
      return false;
    }
  }

  private path(ids: readonly number[]): string {
    return join(this.folder, createHash('sha256').update(ids.join(' ')).digest('hex'));
  }

  private files(): number {
    if (this.count === null) {
      try {
        this.count = readdirSync(this.folder).length;
      } catch {
        this.count = 0;
      }
    }
    return this.count;
  }

  private encode({ features, length }: FeatureRow): Buffer {
    const head = Buffer.alloc(HEAD_BYTES);
    MAGIC.copy(head);
    [length, this.contextLength, this.width].forEach((value, i) =>
      head.writeUInt32LE(value, MAGIC.length + 4 * i),
    );
    const body = Buffer.concat([
      head,
      Buffer.from(features.buffer, features.byteOffset, features.byteLength),
    ]);
    return Buffer.concat([body, createHash('sha256').update(body).digest()]);
  }

  private decode(bytes: Buffer): FeatureRow | null {
    const { contextLength: T, width: W } = this;
    if (bytes.length !== HEAD_BYTES + T * W * 4 + HASH_BYTES) return null;
    const body = bytes.subarray(0, -HASH_BYTES);
    const [length, t, w] = [0, 1, 2].map((i) => bytes.readUInt32LE(MAGIC.length + 4 * i));
    const intact =
      bytes.subarray(0, MAGIC.length).equals(MAGIC) &&
      t === T &&
      w === W &&
      length !== undefined &&
      length >= 1 &&
      length <= T &&
      createHash('sha256').update(body).digest().equals(bytes.subarray(-HASH_BYTES));
    if (!intact) return null;
    const features = new Float32Array(T * W);
    Buffer.from(features.buffer).set(body.subarray(HEAD_BYTES));
    return { features, length };
  }
}

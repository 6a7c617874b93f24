/** The storages of an archive: what persistent ids say, and where their bytes lie. */
import { crc32 } from 'node:zlib';
import { quoted } from '@reclmis/core';
import { DTYPE_BYTES } from '../invoke.js';
import { invalid, refused, type ArchiveFile } from './archive-file.js';
import { checkCrc } from './zip-reader.js';
import { PickleGlobal, type PickleValue } from './pickle-globals.js';
import { STORAGE_DTYPES, TorchStorage } from './torch-values.js';

/** Longest key; PyTorch's are numbers. */
const MAX_KEY_LENGTH = 128;
/** Bytes read at a time for a CRC alone. */
const CRC_CHUNK = 4 * 1024 * 1024;

/** Where a storage's bytes lie. */
export interface StoragePlace {
  /** Offset of the first byte from the beginning of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Null where the format has none. */
  readonly crc: number | null;
}

/** The storages that a pickle named. */
export class TorchStorages {
  readonly #storages = new Map<string, TorchStorage>();
  readonly #places = new Map<string, StoragePlace>();
  readonly #verified = new Set<string>();

  /** @param idLength 5 in zip archives; 6 before them, with the storage it is a part of, if any. */
  constructor(
    private readonly file: ArchiveFile,
    private readonly idLength: 5 | 6,
  ) {}

  get keys(): readonly string[] {
    return [...this.#storages.keys()];
  }

  get(key: string): TorchStorage | undefined {
    return this.#storages.get(key);
  }

  /** The storage of a persistent id ("storage", class, key, location, elements). All goes to the CPU. */
  declare(id: readonly PickleValue[]): TorchStorage {
    const { path } = this.file;
    const [kind, type, key, location, numel, view = null] = id;
    if (kind !== 'storage' || id.length !== this.idLength || typeof location !== 'string') {
      const what = typeof kind === 'string' ? quoted(kind) : `a ${typeof kind}`;
      throw refused(
        path,
        `its pickle has a persistent id of ${what} and ${id.length} parts, not of a storage`,
      );
    }
    const dtype = type instanceof PickleGlobal ? STORAGE_DTYPES.get(type.name) : undefined;
    if (dtype === undefined) throw refused(path, 'its pickle has a storage of an unknown class');
    if (view !== null) throw refused(path, 'its pickle has a storage that is a part of another one');
    if (typeof key !== 'string' || key.length > MAX_KEY_LENGTH) {
      throw invalid(path, 'its pickle has a storage without a key');
    }
    if (typeof numel !== 'number' || !Number.isSafeInteger(numel * DTYPE_BYTES[dtype]) || numel < 0) {
      throw invalid(path, `its pickle states no valid size of the storage ${quoted(key)}`);
    }
    const known = this.#storages.get(key);
    if (known === undefined) {
      const made = new TorchStorage(key, dtype, numel);
      this.#storages.set(key, made);
      return made;
    }
    if (known.dtype !== dtype || known.numel !== numel) {
      throw invalid(path, `its pickle states two types or sizes of the storage ${quoted(key)}`);
    }
    return known;
  }

  /** Says where a storage lies. @throws ARCHIVE_INVALID for another size than the pickle states. */
  place(key: string, place: StoragePlace): void {
    const { dtype, numel } = this.#storages.get(key)!;
    const expected = numel * DTYPE_BYTES[dtype];
    if (place.size !== expected) {
      const what = `the storage ${quoted(key)} has ${place.size} bytes, expected ${expected} for ${numel} of ${dtype}`;
      throw invalid(this.file.path, what);
    }
    this.#places.set(key, place);
  }

  /** Fills `into` with the storage's bytes from `begin`. The first read checks the whole storage's CRC. */
  read(storage: TorchStorage, begin: number, into: Uint8Array): void {
    const { key } = storage;
    const place = this.#places.get(key)!;
    const whole = begin === 0 && into.length === place.size;
    if (!whole) this.#verify(key, place, () => this.#crcOf(place));
    this.file.readInto(into, place.offset + begin);
    if (whole) this.#verify(key, place, () => crc32(into));
    // libtorch may rely on a boolean being 0 or 1.
    if (storage.dtype === 'bool' && into.some((byte) => byte > 1)) {
      throw invalid(
        this.file.path,
        `the storage ${quoted(key)} of booleans contains values other than 0 and 1`,
      );
    }
  }

  #verify(key: string, place: StoragePlace, crc: () => number): void {
    if (place.crc === null || this.#verified.has(key)) return;
    checkCrc(this.file.path, `data/${key}`, place.crc, crc());
    this.#verified.add(key);
  }

  #crcOf(place: StoragePlace): number {
    const buffer = new Uint8Array(Math.min(place.size, CRC_CHUNK));
    let crc = 0;
    for (let done = 0; done < place.size; done += buffer.length) {
      const part = buffer.subarray(0, Math.min(buffer.length, place.size - done));
      this.file.readInto(part, place.offset + done);
      crc = crc32(part, crc);
    }
    return crc;
  }
}

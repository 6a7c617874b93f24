/**
 * PyTorch's format before 1.6 (torch/serialization.py, `_legacy_save`): four pickles (a magic number, the
 * protocol, the machine, the data), a fifth with the storages' keys, then each storage: its number of
 * elements, int64, and its bytes. Without checksums, the lengths must fit the file to the byte.
 */
import { quoted } from '@reclmis/core';
import { DTYPE_BYTES } from '../invoke.js';
import { invalid, type ArchiveFile } from './archive-file.js';
import { MAX_PICKLE_BYTES, readPickle, type PickleHost } from './pickle-reader.js';
import { TorchStorages } from './torch-storages.js';
import type { TorchValue } from './torch-values.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
const COUNT_BYTES = 8;

/** Reads the pickles and finds the storages. @throws ARCHIVE_INVALID or ARCHIVE_REFUSED. */
export function readLegacy(file: ArchiveFile): {
  readonly root: TorchValue;
  readonly storages: TorchStorages;
} {
  const { path } = file;
  const bytes = file.read(0, Math.min(file.size, MAX_PICKLE_BYTES));
  if (bytes[0] !== 0x80) throw invalid(path, 'is neither a zip archive nor a pickle of PyTorch');
  const storages = new TorchStorages(file, 6);
  const host: PickleHost = { path, torchScript: false, storage: (id) => storages.declare(id) };
  let position = 0;
  const next = (): TorchValue => {
    const { value, end } = readPickle(bytes, host, position);
    position = end;
    return value;
  };
  if (next() !== MAGIC) throw invalid(path, 'is a pickle, but does not begin with the number of PyTorch');
  const protocol = next();
  if (protocol !== PROTOCOL) throw invalid(path, `is of a protocol other than ${PROTOCOL}`);
  const system = next();
  if (!(system instanceof Map) || system.get('little_endian') !== true) {
    throw invalid(path, 'was not written by a little-endian machine');
  }
  const root = next();
  const keys = next();
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) {
    throw invalid(path, 'has no list of the keys of its storages');
  }
  placeStorages(file, storages, keys, position);
  return { root, storages };
}

function placeStorages(
  file: ArchiveFile,
  storages: TorchStorages,
  keys: readonly string[],
  begin: number,
): void {
  const { path } = file;
  const missing = new Set(storages.keys);
  let position = begin;
  for (const key of keys) {
    const storage = storages.get(key);
    if (storage === undefined || !missing.delete(key)) {
      throw invalid(path, `lists the storage ${quoted(key)}, which its pickle does not name, or twice`);
    }
    const expected = storage.numel * DTYPE_BYTES[storage.dtype];
    const offset = position + COUNT_BYTES;
    if (offset + expected > file.size) {
      throw invalid(path, `ends at byte ${file.size}, within the storage ${quoted(key)}`);
    }
    const count = file.read(position, COUNT_BYTES).readBigInt64LE(0);
    if (count !== BigInt(storage.numel)) {
      throw invalid(path, `the storage ${quoted(key)} has ${count} elements, expected ${storage.numel}`);
    }
    storages.place(key, { offset, size: expected, crc: null });
    position = offset + expected;
  }
  const [left] = missing;
  if (left !== undefined) throw invalid(path, `lacks the storage ${quoted(left)}`);
  if (position !== file.size) {
    throw invalid(path, `has ${file.size - position} bytes after its last storage`);
  }
}

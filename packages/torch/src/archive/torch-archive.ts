/**
 * PyTorch's archives of weights (`.pt`, `.pth`, `.pth.tar`, `pytorch_model.bin`, TorchScript's `.pt`), read
 * without running the pickle inside.
 *
 * Since 1.6 an archive is a zip file (torch/serialization.py `_save`, caffe2/serialize/inline_container.cc)
 * with one folder: `data.pkl`, the data with storages by persistent id; `data/KEY`, a storage each;
 * `version`; `byteorder` since 2.1. TorchScript's (torch/csrc/jit/serialization) also has `constants.pkl` and
 * `code/`, which are not read. Before 1.6 it is a row of pickles (torch-legacy.ts). No name in an archive is
 * used as a path.
 *
 * Checked on opening: the zip directory, the CRC of `data.pkl`, the pickle against its allow-list, each
 * tensor's view against its storage, each storage's length against its entry. Checked on reading a tensor:
 * the CRC of its storage, once.
 */
import { constants as bufferConstants } from 'node:buffer';
import { quoted } from '@reclmis/core';
import { DTYPE_BYTES } from '../invoke.js';
import { Tensor } from '../tensor.js';
import { ArchiveFile, invalid } from './archive-file.js';
import { MAX_PICKLE_BYTES, readPickle } from './pickle-reader.js';
import { readLegacy } from './torch-legacy.js';
import { TorchStorages } from './torch-storages.js';
import {
  TorchModule,
  TorchTensor,
  gather,
  isContiguous,
  viewFault,
  viewSpan,
  type TorchValue,
} from './torch-values.js';
import { checkStored, readZipEntries, readZipEntry, type ZipEntry } from './zip-reader.js';

export { TorchModule, TorchStorage, TorchTensor, type TorchValue } from './torch-values.js';

/** For `version` and `byteorder`. */
const MAX_SMALL_BYTES = 64;
/** Usual names of a checkpoint's state dictionary. */
const STATE_KEYS = ['state_dict', 'model_state_dict', 'model'];

interface Contents {
  readonly kind: TorchArchive['kind'];
  readonly root: TorchValue;
  readonly storages: TorchStorages;
}

/** A PyTorch archive, open for reading: values at once, tensors on request. */
export class TorchArchive {
  readonly path: string;
  readonly kind: 'zip' | 'torchscript' | 'legacy';
  /** What `torch.load` would give; for TorchScript the modules' attributes, nested. */
  readonly root: TorchValue;
  readonly #file: ArchiveFile;
  readonly #storages: TorchStorages;
  #scratch = new Uint8Array(0);

  private constructor(file: ArchiveFile, { kind, root, storages }: Contents) {
    this.path = file.path;
    this.kind = kind;
    this.root = root;
    this.#file = file;
    this.#storages = storages;
  }

  /**
   * Opens an archive and reads all but the tensors' bytes.
   * @throws ARCHIVE_INVALID for a file that is missing, damaged, cut short or beyond a limit;
   * ARCHIVE_REFUSED, with what was refused, for a pickle of more than plain data and tensors.
   */
  static open(path: string): TorchArchive {
    const file = ArchiveFile.open(path);
    try {
      const isZip = file.size >= 2 && file.read(0, 2).toString('latin1') === 'PK';
      return new TorchArchive(file, isZip ? readZip(file) : { kind: 'legacy', ...readLegacy(file) });
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * The tensor's values, contiguous, on the CPU, owned by the current scope. Holds one tensor's bytes at a
   * time.
   * @throws ARCHIVE_INVALID when the CRC is wrong or the tensor is not of this archive.
   */
  read(tensor: TorchTensor): Tensor {
    const { dtype, shape, stride, storageOffset, storageKey } = tensor;
    const storage = this.#storages.get(storageKey);
    if (storage?.dtype !== dtype) throw invalid(this.path, `has no ${dtype} storage ${quoted(storageKey)}`);
    const fault = viewFault(tensor, storage.numel);
    if (fault !== null) throw invalid(this.path, `a tensor has ${fault}`);
    const bytes = DTYPE_BYTES[dtype];
    const span = viewSpan(shape, stride) * bytes;
    if (isContiguous(shape, stride)) {
      const read = this.#take(span);
      this.#storages.read(storage, storageOffset * bytes, read);
      return Tensor.fromBytes(read, dtype, shape);
    }
    const size = shape.reduce((product, length) => product * length, bytes);
    const both = this.#take(Math.ceil(span / 8) * 8 + size); // the copy begins at a multiple of any element's size
    const source = both.subarray(0, span);
    const target = both.subarray(both.length - size);
    this.#storages.read(storage, storageOffset * bytes, source);
    gather(source, target, tensor, bytes);
    return Tensor.fromBytes(target, dtype, shape);
  }

  /** Closes the file; safe to repeat. Tensors already read stay. */
  close(): void {
    this.#file.close();
    this.#scratch = new Uint8Array(0);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Scratch memory; it grows to the largest tensor. */
  #take(length: number): Uint8Array {
    if (length > bufferConstants.MAX_LENGTH)
      throw invalid(this.path, `a tensor takes ${length} bytes, too many`);
    if (length > this.#scratch.length) this.#scratch = new Uint8Array(length);
    return this.#scratch.subarray(0, length);
  }
}

function readZip(file: ArchiveFile): Contents {
  const { path } = file;
  const entries = readZipEntries(file);
  const data = [...entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = data;
  if (pickle === undefined || data.length > 1) {
    throw invalid(
      path,
      `is not an archive of PyTorch: it has ${data.length} entries */data.pkl, expected one`,
    );
  }
  const folder = pickle.name.slice(0, -'data.pkl'.length);
  for (const entry of entries.values()) {
    if (!entry.name.startsWith(folder)) {
      throw invalid(
        path,
        `the entry ${quoted(entry.name)} does not lie below ${quoted(folder)}, as all others`,
      );
    }
    // TorchScript compresses its source code, which is not read; PyTorch compresses nothing else.
    if (!entry.name.startsWith(`${folder}code/`)) checkStored(path, entry);
  }
  checkSmallEntries(file, entries, folder);
  const torchScript = entries.has(`${folder}constants.pkl`);
  const storages = new TorchStorages(file, 5);
  const { value: root, end } = readPickle(readZipEntry(file, pickle, MAX_PICKLE_BYTES), {
    path,
    torchScript,
    storage: (id) => storages.declare(id),
  });
  if (end !== pickle.size) throw invalid(path, `has ${pickle.size - end} bytes after the end of its pickle`);
  for (const key of storages.keys) {
    const entry = entries.get(`${folder}data/${key}`);
    if (entry === undefined) throw invalid(path, `lacks the storage ${quoted(key)}`);
    storages.place(key, { offset: entry.dataOffset, size: entry.size, crc: entry.crc });
  }
  return { kind: torchScript ? 'torchscript' : 'zip', root, storages };
}

function checkSmallEntries(file: ArchiveFile, entries: ReadonlyMap<string, ZipEntry>, folder: string): void {
  const text = (name: string): string | null => {
    const entry = entries.get(`${folder}${name}`);
    return entry === undefined ? null : readZipEntry(file, entry, MAX_SMALL_BYTES).toString('latin1').trim();
  };
  const version = text('version') ?? text('.data/version');
  if (version === null || !/^\d{1,4}$/.test(version)) {
    throw invalid(file.path, 'is not an archive of PyTorch: it has no version');
  }
  const order = text('byteorder') ?? 'little';
  if (order !== 'little') {
    throw invalid(file.path, `has the byte order ${quoted(order)}, expected "little"`);
  }
}

/**
 * The tensors of a state dictionary by name, in its order: the root's own members if all are tensors, else
 * those of its member `state_dict`, `model_state_dict` or `model`; for TorchScript the modules' parameters
 * and buffers by dotted name. Names stay as they are, "module." of DataParallel included.
 * @throws ARCHIVE_INVALID when there is none.
 */
export function stateDictOf(archive: TorchArchive): Map<string, TorchTensor> {
  const { root, path, kind } = archive;
  if (kind === 'torchscript') {
    const found = moduleTensors(root);
    if (found.size > 0) return found;
    throw invalid(path, 'is a TorchScript archive without parameters');
  }
  const own = tensorsOf(root);
  if (own !== null) return own;
  for (const key of STATE_KEYS) {
    const found = root instanceof Map ? tensorsOf(root.get(key) as TorchValue | undefined) : null;
    if (found !== null) return found;
  }
  const names = root instanceof Map ? [...root.keys()].filter((key) => typeof key === 'string') : [];
  const holds = names.length === 0 ? 'no dictionary' : names.slice(0, 8).map(quoted).join(', ');
  throw invalid(
    path,
    `holds no state dictionary, neither itself nor as ${STATE_KEYS.join(', ')}: it has ${holds}`,
  );
}

/** A dictionary's tensors by name; null for anything else. */
function tensorsOf(value: TorchValue | undefined): Map<string, TorchTensor> | null {
  if (!(value instanceof Map) || value.size === 0) return null;
  const tensors = new Map<string, TorchTensor>();
  for (const [name, member] of value as ReadonlyMap<TorchValue, TorchValue>) {
    if (typeof name !== 'string' || !(member instanceof TorchTensor)) return null;
    tensors.set(name, member);
  }
  return tensors;
}

/** Recursion is safe: the pickle reader bounds depth and number of values, shared ones counted each time. */
function moduleTensors(
  value: TorchValue,
  prefix = '',
  found = new Map<string, TorchTensor>(),
): Map<string, TorchTensor> {
  if (!(value instanceof TorchModule)) return found;
  for (const [name, member] of value) {
    if (member instanceof TorchTensor) found.set(`${prefix}${name}`, member);
    else moduleTensors(member, `${prefix}${name}.`, found);
  }
  return found;
}

/**
 * Writes archives that `torch.load(weights_only=True)` reads, in the form of PyTorch >= 1.6 (see torch-archive.ts): so a
 * model that was trained here can be used, or trained further, with the authors' code.
 */
import { ReclmisError } from '@reclmis/core';
import { type Write, writeFileAtomicSync } from '@reclmis/files';
import type { Tensor } from '../tensor.js';
import { PickleWriter } from './pickle-writer.js';
import { ZipWriter } from './zip-writer.js';

/** The version that PyTorch 1.6 and later write for archives without TorchScript. */
const FORMAT_VERSION = '3\n';

/** How `writeTorchArchive` lays out the data. */
export interface WriteTorchOptions {
  /**
   * The member that holds the state dictionary, and the members beside it; null for the bare state dictionary; default
   * `{ key: 'state_dict', meta: {} }`. PyTorch 1.13 with `weights_only=True` reads no floats here, 2.0 and later do.
   */
  readonly wrap?: {
    readonly key: string;
    readonly meta: Readonly<Record<string, string | number | boolean | null>>;
  } | null;
  /** The folder inside the archive; default "archive", as PyTorch names it where it does not know the file's name. */
  readonly archiveName?: string;
}

/**
 * Writes tensors (of any device and layout) under their names, as one dictionary `{ ...meta, [key]: OrderedDict }` or the
 * bare `OrderedDict`, whole or not at all. One tensor's bytes are held at a time; a tensor that stands under two names is
 * written once, and PyTorch reads it as one.
 *
 * @throws DISK_FULL or OUTPUT_UNWRITABLE, the latter also for a member of `meta` that is named like `key`.
 */
export function writeTorchArchive(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  options: WriteTorchOptions = {},
): void {
  const { wrap = { key: 'state_dict', meta: {} }, archiveName = 'archive' } = options;
  if (!/^[\w-][\w.-]*$/.test(archiveName)) {
    throw unwritable(path, `"${archiveName}" is not a name that the folder in an archive may have`);
  }
  if (wrap !== null && Object.hasOwn(wrap.meta, wrap.key)) {
    throw unwritable(path, `"${wrap.key}" is the state dictionary and cannot also be written next to it`);
  }
  const keys = new Map<Tensor, string>();
  for (const tensor of tensors.values()) if (!keys.has(tensor)) keys.set(tensor, String(keys.size));

  const pickle = new PickleWriter();
  if (wrap !== null) {
    pickle.beginDict();
    for (const [name, value] of Object.entries(wrap.meta)) {
      pickle.string(name);
      pickle.scalar(value);
    }
    pickle.string(wrap.key);
  }
  pickle.beginOrderedDict();
  for (const [name, tensor] of tensors) {
    pickle.string(name);
    pickle.tensor({ dtype: tensor.dtype, shape: tensor.shape, storageKey: keys.get(tensor)! });
  }
  pickle.endDict();
  if (wrap !== null) pickle.endDict();

  const archive = (write: Write): void => {
    const zip = new ZipWriter(write);
    zip.add(`${archiveName}/data.pkl`, pickle.finish());
    zip.add(`${archiveName}/byteorder`, Buffer.from('little'));
    for (const [tensor, key] of keys) zip.add(`${archiveName}/data/${key}`, tensor.toBytes());
    zip.add(`${archiveName}/version`, Buffer.from(FORMAT_VERSION));
    zip.finish();
  };
  writeFileAtomicSync(path, archive, { sync: true });
}

function unwritable(path: string, what: string): ReclmisError {
  return new ReclmisError('OUTPUT_UNWRITABLE', `${path}: ${what}`, { remedy: 'Choose another name.' });
}

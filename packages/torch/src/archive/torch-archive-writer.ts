/**
 * Writes archives that `torch.load(weights_only=True)` reads, in the form of PyTorch >= 1.6
 * (torch-archive.ts), so that the authors' code can use or train a model from here.
 */
import { ReclmisError } from '@reclmis/core';
import { type Write, writeFileAtomicSync } from '@reclmis/files';
import type { Tensor } from '../tensor.js';
import { PickleWriter } from './pickle-writer.js';
import { ZipWriter } from './zip-writer.js';

/** As PyTorch 1.6 and later write without TorchScript. */
const FORMAT_VERSION = '3\n';

/** How `writeTorchArchive` lays out the data. */
export interface WriteTorchOptions {
  /**
   * The member that holds the state dictionary, and the other members; null for the bare state dictionary;
   * default `{ key: 'state_dict', meta: {} }`. PyTorch 1.13 with `weights_only=True` reads no floats here,
   * 2.0 and later do.
   */
  readonly wrap?: {
    readonly key: string;
    readonly meta: Readonly<Record<string, string | number | boolean | null>>;
  } | null;
  /** The folder inside the archive; default "archive", as PyTorch's for an unknown file name. */
  readonly archiveName?: string;
}

/**
 * Writes tensors (any device and layout) by name, as one dictionary `{ ...meta, [key]: OrderedDict }` or the
 * bare `OrderedDict`; a failed write leaves the old file. Holds one tensor's bytes at a time; a tensor with
 * two names is written once, and PyTorch reads it as one.
 * @throws DISK_FULL or OUTPUT_UNWRITABLE, the latter also for a member of `meta` named like `key`.
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

/**
 * One view of published weights: safetensors, PyTorch's archives (torch-archive.ts) and NumPy's
 * (npz-archive.ts), told apart by content, not name.
 */
import { closeSync, readSync } from 'node:fs';
import { ReclmisError } from '@reclmis/core';
import { openRegularSync } from '@reclmis/files';
import type { DType } from '../invoke.js';
import type { Tensor } from '../tensor.js';
import { NpzArchive } from './npz-archive.js';
import { readSafetensors, readSafetensorsHeader } from './safetensors.js';
import { stateDictOf, TorchArchive, type TorchValue } from './torch-archive.js';

/** A tensor that a file holds. */
export interface SourceTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Named tensors in a file. */
export interface TensorSource {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, SourceTensor>;
  /** What else the file says, such as a checkpoint's epoch. */
  readonly about: ReadonlyMap<string, TorchValue>;
  /** One tensor, on the CPU, contiguous, owned by the current scope. @throws the codes of opening */
  read(name: string): Tensor;
  close(): void;
}

/**
 * Opens a file of weights; nothing in it is executed.
 * @throws ARCHIVE_INVALID, ARCHIVE_REFUSED, SAFETENSORS_INVALID, WEIGHTS_MISSING
 */
export function openTensorSource(path: string): TensorSource {
  if (looksLikeSafetensors(path)) return fromSafetensors(path);
  return NpzArchive.fits(path) ? fromNpz(path) : fromArchive(path);
}

function fromNpz(path: string): TensorSource {
  const archive = NpzArchive.open(path);
  return {
    path,
    tensors: archive.arrays,
    about: new Map(),
    read: (name) => archive.read(name),
    close: () => archive.close(),
  };
}

function fromSafetensors(path: string): TensorSource {
  const { entries, metadata } = readSafetensorsHeader(path);
  return {
    path,
    tensors: entries,
    about: new Map(Object.entries(metadata)),
    read(name) {
      const tensor = readSafetensors(path, { select: (key) => key === name }).tensors.get(name);
      return present(tensor, path, name);
    },
    close: () => undefined,
  };
}

function fromArchive(path: string): TensorSource {
  const archive = TorchArchive.open(path);
  try {
    const tensors = stateDictOf(archive);
    const { root } = archive;
    const about = new Map<string, TorchValue>();
    if (root instanceof Map) {
      for (const [key, value] of root as ReadonlyMap<TorchValue, TorchValue>)
        if (typeof key === 'string') about.set(key, value);
    }
    return {
      path,
      tensors,
      about,
      read: (name) => archive.read(present(tensors.get(name), path, name)),
      close: () => archive.close(),
    };
  } catch (error) {
    archive.close();
    throw error;
  }
}

/** A safetensors file begins with its header's length, 8 bytes, then a brace; no archive has one there. */
function looksLikeSafetensors(path: string): boolean {
  const head = Buffer.alloc(9);
  let fd: number;
  try {
    fd = openRegularSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ReclmisError('WEIGHTS_MISSING', `${path}: cannot be opened (${code ?? 'unknown error'})`, {
      remedy: 'Check the path of the file.',
      cause,
    });
  }
  try {
    return (
      readSync(fd, head, 0, head.length, 0) === head.length && head[8] === 0x7b && head.readUInt32LE(4) === 0
    );
  } catch (cause) {
    throw new ReclmisError('ARCHIVE_INVALID', `${path}: cannot be read`, { cause });
  } finally {
    closeSync(fd);
  }
}

function present<T>(value: T | undefined, path: string, name: string): T {
  if (value === undefined) throw new ReclmisError('ARCHIVE_INVALID', `${path}: holds no tensor ${name}`);
  return value;
}

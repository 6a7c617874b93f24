/**
 * The safetensors format (https://huggingface.co/docs/safetensors; the Rust crate is the reference):
 *
 *   8 bytes   length N of the header, unsigned, little-endian
 *   N bytes   JSON { name: { dtype, shape, data_offsets: [begin, end] }, __metadata__?: { string: string } },
 *             may end in spaces, to align the data to 8 bytes
 *   the rest  tensors, row-major, little-endian; offsets count from here, without holes or overlaps
 *
 * Every number is checked against the file before memory is allocated. At most one tensor is buffered at a
 * time.
 *
 * A sealed file holds a SHA-256 of its tensors and metadata (`SEAL_KEY`), which catches bits flipped on disk.
 * It does not cover the header's layout, so other programs may rewrite the file.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants as fsConstants, fstatSync, openSync, readSync } from 'node:fs';
import { constants as bufferConstants } from 'node:buffer';
import { ReclmisError } from '@reclmis/core';
import { type Write, writeFileAtomicSync } from '@reclmis/files';
import { findDuplicateKey } from './duplicate-keys.js';
import { DTYPE_BYTES } from '../invoke.js';
import { scope } from '../scope.js';
import { Tensor, type DType } from '../tensor.js';

/** The reference's limit. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;
const ALIGNMENT = 8;
/** Most bytes of one read; the kernel's limit is just below 2 GiB. */
const READ_CHUNK = 1 << 30;
/** Bytes hashed at a time when no tensor is made. */
const HASH_CHUNK = 1 << 24;
const METADATA_KEY = '__metadata__';
/** Metadata key of the SHA-256, in hexadecimal. */
const SEAL_KEY = 'reclmis.sha256';
const UNSEALED = '0'.repeat(64);

const NAMES: Readonly<Record<DType, string>> = {
  float64: 'F64',
  int64: 'I64',
  float32: 'F32',
  int32: 'I32',
  float16: 'F16',
  bfloat16: 'BF16',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};
const DTYPES = new Map((Object.keys(NAMES) as DType[]).map((dtype) => [NAMES[dtype], dtype]));

/** `begin` and `end` count from the end of the header. */
export interface SafetensorsEntry {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A checked header. */
export interface SafetensorsHeader {
  /** Tensors by name, in the order of their bytes. */
  readonly entries: Map<string, SafetensorsEntry>;
  /** Free text by key; has no prototype. */
  readonly metadata: Readonly<Record<string, string>>;
  /** File offset of the first tensor's bytes. */
  readonly dataStart: number;
}

export interface ReadOptions {
  /** Reads only tensors whose name this accepts; default all. */
  readonly select?: (name: string) => boolean;
}

export interface WriteOptions {
  /** Seal the file with a hash. Default false. */
  readonly seal?: boolean;
}

/** Whether a file's metadata hold a seal. */
export function isSealed(metadata: Readonly<Record<string, string>>): boolean {
  return metadata[SEAL_KEY] !== undefined;
}

/**
 * Reads tensors (on the CPU, owned by the current scope) and metadata. A sealed file is read whole, even for
 * a few tensors.
 * @throws SAFETENSORS_INVALID for a missing file, a breach of the format, and a wrong seal.
 */
export function readSafetensors(
  path: string,
  { select = () => true }: ReadOptions = {},
): { tensors: Map<string, Tensor>; metadata: Readonly<Record<string, string>> } {
  return withFile(path, (fd) => {
    const { entries, metadata, dataStart } = readHeader(fd, path);
    const seal = metadata[SEAL_KEY];
    const hash = seal === undefined ? null : beginSeal(entries, metadata);
    const wanted = [...entries].filter(([name]) => hash !== null || select(name));
    const largest = wanted.reduce((most, [, { begin, end }]) => Math.max(most, end - begin), 0);
    if (largest > bufferConstants.MAX_LENGTH)
      throw invalid(path, `a tensor takes ${largest} bytes, too many`);
    const buffer = new Uint8Array(largest);
    const tensors: [string, Tensor][] = [];
    scope(() => {
      for (const [name, { dtype, shape, begin, end }] of wanted) {
        const bytes = buffer.subarray(0, end - begin);
        readFully(fd, bytes, dataStart + begin, path);
        hash?.update(bytes);
        if (select(name)) tensors.push([name, Tensor.fromBytes(bytes, dtype, shape)]);
      }
      requireSeal(path, seal, hash);
      return tensors.map(([, tensor]) => tensor);
    });
    return { tensors: new Map(tensors), metadata };
  });
}

/** Checks a file against its seal, if any, without making tensors. @throws SAFETENSORS_INVALID */
export function verifySafetensors(path: string): void {
  withFile(path, (fd) => {
    const { entries, metadata, dataStart } = readHeader(fd, path);
    const seal = metadata[SEAL_KEY];
    if (seal === undefined) return;
    const hash = beginSeal(entries, metadata);
    const length = [...entries.values()].at(-1)?.end ?? 0;
    const buffer = new Uint8Array(Math.min(length, HASH_CHUNK));
    for (let at = 0; at < length; at += HASH_CHUNK) {
      const bytes = buffer.subarray(0, Math.min(HASH_CHUNK, length - at));
      readFully(fd, bytes, dataStart + at, path);
      hash.update(bytes);
    }
    requireSeal(path, seal, hash);
  });
}

/** Hashes the metadata and names, dtypes and shapes in byte order; the tensors' bytes follow. */
function beginSeal(
  entries: ReadonlyMap<string, Pick<SafetensorsEntry, 'dtype' | 'shape'>>,
  metadata: Readonly<Record<string, string>>,
): Hash {
  const byKey = ([a]: readonly unknown[], [b]: readonly unknown[]): number =>
    String(a) < String(b) ? -1 : 1;
  const texts = Object.entries(metadata).filter(([key]) => key !== SEAL_KEY);
  const described = [...entries].map(([name, { dtype, shape }]) => [name, NAMES[dtype], shape] as const);
  const isEmpty = ([, , shape]: (typeof described)[number]): boolean => shape.includes(0);
  // Empty tensors have no place among the others.
  const ordered = [...described.filter((one) => !isEmpty(one)), ...described.filter(isEmpty).sort(byKey)];
  return createHash('sha256').update(JSON.stringify([texts.sort(byKey), ordered]));
}

function requireSeal(path: string, seal: string | undefined, hash: Hash | null): void {
  if (hash === null || seal === undefined) return;
  const found = hash.digest('hex');
  if (found === seal) return;
  throw invalid(
    path,
    `its content has changed since it was written: SHA-256 ${found.slice(0, 16)}..., expected ${seal.slice(0, 16)}...`,
  );
}

/** Reads and checks the header only. */
export function readSafetensorsHeader(path: string): SafetensorsHeader {
  return withFile(path, (fd) => readHeader(fd, path));
}

/**
 * Writes tensors (any device and layout) by name; a failed write leaves the old file. Ordered as by the
 * reference writer, wide dtypes first, then by name, so all data is aligned.
 * @throws DISK_FULL or OUTPUT_UNWRITABLE.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  given: Readonly<Record<string, string>> = {},
  { seal = false }: WriteOptions = {},
): void {
  const metadata = seal ? { [SEAL_KEY]: UNSEALED, ...given } : given;
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) => DTYPE_BYTES[y.dtype] - DTYPE_BYTES[x.dtype] || (a < b ? -1 : 1),
  );
  const members: string[] = [];
  if (Object.keys(metadata).length > 0) members.push(`"${METADATA_KEY}":${JSON.stringify(metadata)}`);
  let offset = 0;
  for (const [name, tensor] of ordered) {
    if (name === METADATA_KEY) {
      throw new ReclmisError('OUTPUT_UNWRITABLE', `${path}: "${METADATA_KEY}" is not a valid tensor name`, {
        remedy: 'Rename the tensor.',
      });
    }
    const dtype = NAMES[tensor.dtype];
    const end = offset + tensor.numel * DTYPE_BYTES[tensor.dtype];
    members.push(
      `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape: tensor.shape, data_offsets: [offset, end] })}`,
    );
    offset = end;
  }
  const json = Buffer.from(`{${members.join(',')}}`, 'utf8');
  const padded = Math.ceil((LENGTH_BYTES + json.length) / ALIGNMENT) * ALIGNMENT - LENGTH_BYTES;
  const head = Buffer.alloc(LENGTH_BYTES + padded, ' ');
  head.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(head, LENGTH_BYTES);
  // One buffer for all: fresh ones at every checkpoint would fragment the heap.
  const largest = ordered.reduce((most, [, tensor]) => Math.max(most, byteCount(tensor)), 0);
  const buffer = new Uint8Array(largest);
  const hash = seal ? beginSeal(new Map(ordered), metadata) : null;
  const pieces = (write: Write): void => {
    write(head);
    for (const [, tensor] of ordered) {
      const bytes = buffer.subarray(0, byteCount(tensor));
      tensor.copyBytes(bytes);
      hash?.update(bytes);
      write(bytes);
    }
    // The seal is the metadata's first member, so the first match is its place.
    if (hash) write(Buffer.from(hash.digest('hex')), head.indexOf(UNSEALED, LENGTH_BYTES));
  };
  writeFileAtomicSync(path, pieces, { sync: true });
}

function byteCount(tensor: Tensor): number {
  return tensor.numel * DTYPE_BYTES[tensor.dtype];
}

function withFile<R>(path: string, use: (fd: number) => R): R {
  let fd: number;
  try {
    // Without O_NONBLOCK (absent on Windows), opening a pipe would wait for its writer.
    fd = openSync(path, fsConstants.O_RDONLY | ((fsConstants.O_NONBLOCK as number | undefined) ?? 0));
  } catch (cause) {
    throw invalid(path, `cannot be opened: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, cause);
  }
  try {
    if (!fstatSync(fd).isFile()) throw invalid(path, 'is not a regular file');
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function readFully(fd: number, into: Uint8Array, position: number, path: string): void {
  let done = 0;
  while (done < into.length) {
    let count: number;
    try {
      count = readSync(fd, into, done, Math.min(into.length - done, READ_CHUNK), position + done);
    } catch (cause) {
      throw invalid(path, `cannot be read: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, cause);
    }
    if (count === 0)
      throw invalid(path, `ends at byte ${position + done}, expected ${into.length - done} more`);
    done += count;
  }
}

function readHeader(fd: number, path: string): SafetensorsHeader {
  const size = fstatSync(fd).size;
  if (size < LENGTH_BYTES) throw invalid(path, `has ${size} bytes, expected at least ${LENGTH_BYTES}`);
  const head = Buffer.alloc(LENGTH_BYTES);
  readFully(fd, head, 0, path);
  const length = head.readBigUInt64LE(0);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(path, `declares a header of ${length} bytes, the limit is ${MAX_HEADER_BYTES}`);
  }
  const dataStart = LENGTH_BYTES + Number(length);
  if (dataStart > size)
    throw invalid(path, `declares a header of ${length} bytes, but the file has only ${size} bytes`);
  const bytes = Buffer.alloc(Number(length));
  readFully(fd, bytes, LENGTH_BYTES, path);
  const { members, metadata } = parseHeader(bytes, path);
  const entries = [...members].map(([name, value]) => [name, checkEntry(name, value, path)] as const);
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let expected = 0;
  for (const [name, { begin, end }] of entries) {
    if (begin !== expected) {
      const what = begin < expected ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw invalid(path, `tensor "${name}" ${what}: begins at ${begin}, expected ${expected}`);
    }
    expected = end;
  }
  if (expected !== size - dataStart) {
    throw invalid(path, `the tensors take ${expected} bytes, the file has ${size - dataStart}`);
  }
  return { entries: new Map(entries), metadata, dataStart };
}

function parseHeader(
  bytes: Buffer,
  path: string,
): { members: Map<string, unknown>; metadata: Record<string, string> } {
  if (bytes[0] !== 0x7b) throw invalid(path, 'its header does not begin with {');
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 'its header is not JSON in UTF-8', cause);
  }
  if (!isObject(parsed)) throw invalid(path, 'its header is not a JSON object');
  const duplicate = findDuplicateKey(text);
  if (duplicate !== null) throw invalid(path, `its header has the key "${duplicate}" twice`);
  // Object.entries lists "__proto__" like any key; no name becomes a property.
  const members = new Map(Object.entries(parsed));
  const metadata = Object.create(null) as Record<string, string>;
  const given = members.get(METADATA_KEY);
  members.delete(METADATA_KEY);
  if (given !== undefined) {
    if (!isObject(given)) throw invalid(path, `${METADATA_KEY} is not an object`);
    for (const [key, value] of Object.entries(given)) {
      if (typeof value !== 'string')
        throw invalid(path, `${METADATA_KEY}: the value of "${key}" is not a string`);
      metadata[key] = value;
    }
  }
  return { members, metadata };
}

function checkEntry(name: string, value: unknown, path: string): SafetensorsEntry {
  const bad = (what: string): ReclmisError => invalid(path, `tensor "${name}": ${what}`);
  if (!isObject(value) || Object.keys(value).sort().join() !== 'data_offsets,dtype,shape') {
    throw bad('expected exactly dtype, shape and data_offsets');
  }
  const { dtype: dtypeName, shape, data_offsets: offsets } = value;
  const dtype = typeof dtypeName === 'string' ? DTYPES.get(dtypeName) : undefined;
  if (dtype === undefined) {
    throw bad(`dtype ${JSON.stringify(dtypeName)} is not one of ${[...DTYPES.keys()].join(', ')}`);
  }
  if (!isSizes(shape)) throw bad(`shape ${JSON.stringify(shape)} is not a list of sizes`);
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw bad(`data_offsets ${JSON.stringify(offsets)} are not two offsets`);
  }
  const [begin = 0, end = 0] = offsets;
  const bytes = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
  // libtorch multiplies an empty tensor's sizes too, counting zeros as ones.
  const counted = shape.reduce((product, size) => product * Math.max(size, 1), DTYPE_BYTES[dtype]);
  if (!Number.isSafeInteger(counted)) throw bad(`shape [${shape.join(', ')}] is too large`);
  if (end - begin !== bytes) {
    throw bad(
      `${dtypeName as string} of shape [${shape.join(', ')}] takes ${bytes} bytes, its offsets span ${end - begin}`,
    );
  }
  return { dtype, shape, begin, end };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function invalid(path: string, what: string, cause?: unknown): ReclmisError {
  return new ReclmisError('SAFETENSORS_INVALID', `${path}: ${what}`, cause === undefined ? {} : { cause });
}

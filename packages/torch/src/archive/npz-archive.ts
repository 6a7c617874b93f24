/**
 * NumPy's archives of arrays (`.npz`): a zip file of `.npy` entries (NumPy's format specification, versions
 * 1.0 to 3.0), as Google publishes its vision transformers.
 *
 * An entry is `\x93NUMPY`, two bytes of version, the header's length, a header in Python's notation, and the
 * numbers. The header is matched against the one form that NumPy writes, never evaluated. Refused: arrays of
 * Python objects (pickles), and compressed entries, so that no archive can grow. No name is used as a path.
 */
import { constants as bufferConstants } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { quoted } from '@reclmis/core';
import { DTYPE_BYTES, type DType } from '../invoke.js';
import { Tensor } from '../tensor.js';
import { ArchiveFile, invalid, refused } from './archive-file.js';
import { checkCrc, checkStored, readZipEntries, type ZipEntry } from './zip-reader.js';

const SUFFIX = '.npy';
const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
/** Magic, version, and a length of two bytes (version 1) or four (2 and 3). */
const PREAMBLE_BYTES = { 1: 10, 2: 12, 3: 12 } as const;
const MAX_HEADER_BYTES = 64 * 1024;
/** Most dimensions, libtorch's own limit; NumPy's is 32. */
const MAX_DIMENSIONS = 64;

const DTYPES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ['<f8', 'float64'],
  ['<f4', 'float32'],
  ['<f2', 'float16'],
  ['<i8', 'int64'],
  ['<i4', 'int32'],
  ['<i2', 'int16'],
  ['|i1', 'int8'],
  ['|u1', 'uint8'],
  ['|b1', 'bool'],
]);

/** The header as NumPy writes it, without the padding. */
const HEADER =
  /^\{'descr': ?'([^']{1,32})', ?'fortran_order': ?(True|False), ?'shape': ?\(([0-9, ]*)\),? ?\}[ \n]*$/;

/** An array whose header is checked. */
interface StoredArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly entry: ZipEntry;
  /** Bytes before the numbers. */
  readonly skip: number;
  /** Whether the first axis is the fastest. */
  readonly fortran: boolean;
}

/** A `.npz` archive, open for reading: names and shapes at once, numbers on request. */
export class NpzArchive {
  private constructor(
    private readonly file: ArchiveFile,
    /** By name, without `.npy`. */
    readonly arrays: ReadonlyMap<string, StoredArray>,
  ) {}

  /** Whether a file is a zip archive of nothing but `.npy` entries. @throws ARCHIVE_INVALID for a damaged archive */
  static fits(path: string): boolean {
    const file = ArchiveFile.open(path);
    try {
      if (file.size < 2 || file.read(0, 2).toString('latin1') !== 'PK') return false;
      const names = [...readZipEntries(file).keys()];
      return names.length > 0 && names.every((name) => name.endsWith(SUFFIX));
    } finally {
      file.close();
    }
  }

  /** @throws ARCHIVE_INVALID for damage or a broken limit, ARCHIVE_REFUSED for an array of Python objects */
  static open(path: string): NpzArchive {
    const file = ArchiveFile.open(path);
    try {
      const arrays = new Map<string, StoredArray>();
      for (const entry of readZipEntries(file).values()) {
        const name = entry.name.slice(0, -SUFFIX.length);
        if (!entry.name.endsWith(SUFFIX) || name === '')
          throw invalid(path, `the entry ${quoted(entry.name)} is not an array`);
        arrays.set(name, readHeader(file, entry));
      }
      return new NpzArchive(file, arrays);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** One array, on the CPU, contiguous, owned by the current scope. @throws ARCHIVE_INVALID where there is none, or its CRC is wrong */
  read(name: string): Tensor {
    const { path } = this.file;
    const array = this.arrays.get(name);
    if (!array) throw invalid(path, `holds no array ${quoted(name)}`);
    const { entry, skip, fortran, dtype, shape } = array;
    const bytes = this.file.read(entry.dataOffset, entry.size);
    checkCrc(path, entry.name, entry.crc, crc32(bytes));
    const numbers = bytes.subarray(skip);
    // libtorch may rely on a boolean being 0 or 1.
    if (dtype === 'bool' && numbers.some((byte) => byte > 1))
      throw invalid(path, `the array ${quoted(name)} of booleans contains values other than 0 and 1`);
    if (!fortran) return Tensor.fromBytes(numbers, dtype, shape);
    const axes = shape.map((_, axis) => shape.length - 1 - axis);
    return Tensor.fromBytes(numbers, dtype, [...shape].reverse())
      .permute(axes)
      .contiguous();
  }

  /** Closes the file. Twice is safe. */
  close(): void {
    this.file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function readHeader(file: ArchiveFile, entry: ZipEntry): StoredArray {
  const { path } = file;
  const bad = (what: string): Error => invalid(path, `the array ${quoted(entry.name)} ${what}`);
  checkStored(path, entry, 'write it with numpy.savez, not savez_compressed');
  if (entry.size < PREAMBLE_BYTES[2]) throw bad(`has ${entry.size} bytes, too few`);
  if (entry.size > bufferConstants.MAX_LENGTH) throw bad(`takes ${entry.size} bytes, too many`);
  const preamble = file.read(entry.dataOffset, PREAMBLE_BYTES[2]);
  if (!preamble.subarray(0, MAGIC.length).equals(MAGIC)) throw bad('does not begin as NumPy’s arrays do');
  const version = preamble[6];
  if (version !== 1 && version !== 2 && version !== 3) throw bad(`has version ${version}, expected 1 to 3`);
  const begin = PREAMBLE_BYTES[version];
  const length = version === 1 ? preamble.readUInt16LE(8) : preamble.readUInt32LE(8);
  if (length > MAX_HEADER_BYTES)
    throw bad(`has a header of ${length} bytes, the limit is ${MAX_HEADER_BYTES}`);
  const skip = begin + length;
  if (skip > entry.size) throw bad(`has a header of ${length} bytes, beyond its ${entry.size}`);
  const { dtype, shape, fortran } = parseHeader(file.read(entry.dataOffset + begin, length), path, bad);
  const expected = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
  if (entry.size - skip !== expected)
    throw bad(`has ${entry.size - skip} bytes, expected ${expected} for ${dtype} [${shape.join(', ')}]`);
  return { entry, skip, fortran, dtype, shape };
}

function parseHeader(
  bytes: Buffer,
  path: string,
  bad: (what: string) => Error,
): Pick<StoredArray, 'dtype' | 'shape' | 'fortran'> {
  const [, descr, order, sizes] = HEADER.exec(bytes.toString('latin1')) ?? [];
  if (descr === undefined || sizes === undefined) throw bad('has a header that NumPy does not write');
  if (/^[|<>=]?O/.test(descr))
    throw refused(path, 'an array holds Python objects, which NumPy stores as pickles');
  const dtype = DTYPES.get(descr);
  if (dtype === undefined)
    throw bad(`has the type ${quoted(descr)}, expected one of ${[...DTYPES.keys()].join(', ')}`);
  const words = sizes.replace(/, ?$/, '').split(/, ?/);
  const shape = sizes.trim() === '' ? [] : words.map((word) => (/^\d{1,16}$/.test(word) ? Number(word) : -1));
  if (shape.length > MAX_DIMENSIONS) throw bad(`has ${shape.length} dimensions, at most ${MAX_DIMENSIONS}`);
  // libtorch multiplies an empty array's sizes too, counting zeros as ones.
  const whole = shape.reduce((product, size) => product * Math.max(size, 1), 8);
  if (shape.includes(-1) || whole > Number.MAX_SAFE_INTEGER) throw bad(`has the shape (${sizes})`);
  return { dtype, shape, fortran: order === 'True' };
}

/**
 * What a PyTorch archive holds, as plain values: dictionaries are Maps (a key "__proto__" is a key like any
 * other), lists, tuples and sets are arrays, and tensors are descriptions whose bytes are read on request.
 */
import type { DType } from '../invoke.js';

/** A strided view of a storage. Strides and offset count elements. */
export class TorchTensor {
  constructor(
    readonly dtype: DType,
    readonly shape: readonly number[],
    readonly stride: readonly number[],
    readonly storageOffset: number,
    readonly storageKey: string,
  ) {}
}

/** What tensors are views of; appears itself only where someone saved a storage. */
export class TorchStorage {
  constructor(
    readonly key: string,
    readonly dtype: DType,
    /** Elements. */
    readonly numel: number,
  ) {}
}

/** An object of a TorchScript class (`__torch__.…`), mostly a module: attributes by name. */
export class TorchModule extends Map<string, TorchValue> {
  constructor(readonly className: string) {
    super();
  }
}

/** Dtypes and devices are strings such as "torch.float16" and "cpu". */
export type TorchLeaf = null | boolean | number | bigint | string | Uint8Array | TorchTensor | TorchStorage;

/** What `torch.load` would have given. */
export type TorchValue = TorchLeaf | readonly TorchValue[] | ReadonlyMap<TorchValue, TorchValue>;

/** The dtypes of PyTorch's storages by the names of their classes. */
export const STORAGE_DTYPES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ['torch.DoubleStorage', 'float64'],
  ['torch.FloatStorage', 'float32'],
  ['torch.HalfStorage', 'float16'],
  ['torch.BFloat16Storage', 'bfloat16'],
  ['torch.LongStorage', 'int64'],
  ['torch.IntStorage', 'int32'],
  ['torch.ShortStorage', 'int16'],
  ['torch.CharStorage', 'int8'],
  ['torch.ByteStorage', 'uint8'],
  ['torch.BoolStorage', 'bool'],
  // PyTorch 2 saves a bare storage without a type; it loads as bytes.
  ['torch.storage.UntypedStorage', 'uint8'],
  ['torch.UntypedStorage', 'uint8'],
]);

/** Most dimensions, libtorch's own limit. */
const MAX_DIMENSIONS = 64;

/**
 * What is wrong with a view of a storage of `numel` elements, or null. A view may have no more elements than
 * its storage: a few bytes expanded by stride 0, which PyTorch can save, could ask for any amount of memory.
 */
export function viewFault(
  { shape, stride, storageOffset }: Pick<TorchTensor, 'shape' | 'stride' | 'storageOffset'>,
  numel: number,
): string | null {
  const sizes = [...shape, ...stride, storageOffset];
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    return 'a size, stride or offset is not an integer of at least 0';
  }
  if (shape.length !== stride.length || shape.length > MAX_DIMENSIONS) {
    return `${shape.length} sizes with ${stride.length} strides, expected as many, ${MAX_DIMENSIONS} at most`;
  }
  // libtorch multiplies an empty tensor's sizes too, counting zeros as ones.
  if (shape.reduce((product, size) => product * Math.max(size, 1), 1) > Number.MAX_SAFE_INTEGER) {
    return `shape [${shape.join(', ')}], too large`;
  }
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements > numel) return `${elements} elements in a storage of ${numel}`;
  const end = storageOffset + viewSpan(shape, stride);
  if (end > numel) return `elements up to ${end} in a storage of ${numel}`;
  return null;
}

/** Elements from a view's first to its last, inclusive. */
export function viewSpan(shape: readonly number[], stride: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((span, size, d) => span + (size - 1) * stride[d]!, 1);
}

/** Whether elements lie in row-major order without a gap. */
export function isContiguous(shape: readonly number[], stride: readonly number[]): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && stride[d] !== expected) return false;
    expected *= shape[d]!;
  }
  return true;
}

/**
 * Copies a view's elements, of `bytes` each, in row-major order. `source` begins with the view's first
 * element; both begin at a multiple of the element's size in their buffers.
 */
export function gather(
  source: Uint8Array,
  target: Uint8Array,
  { shape, stride }: Pick<TorchTensor, 'shape' | 'stride'>,
  bytes: number,
): void {
  const from = [source.buffer, source.byteOffset, source.byteLength / bytes] as const;
  const to = [target.buffer, target.byteOffset, target.byteLength / bytes] as const;
  if (bytes === 8) copyView(new BigUint64Array(...from), new BigUint64Array(...to), shape, stride);
  else if (bytes === 4) copyView(new Uint32Array(...from), new Uint32Array(...to), shape, stride);
  else if (bytes === 2) copyView(new Uint16Array(...from), new Uint16Array(...to), shape, stride);
  else copyView(source, target, shape, stride);
}

function copyView<T>(
  from: Readonly<ArrayLike<T>>,
  to: { [index: number]: T; readonly length: number },
  shape: readonly number[],
  stride: readonly number[],
): void {
  const index = shape.map(() => 0);
  const last = shape.length - 1;
  const [inner, innerStride] = [shape[last] ?? 1, stride[last] ?? 0];
  let base = 0;
  for (let at = 0; at < to.length;) {
    for (let i = 0; i < inner; i++) to[at++] = from[base + i * innerStride]!;
    // Next row: count the outer indices up like an odometer.
    for (let d = last - 1; d >= 0; d--) {
      base += stride[d]!;
      index[d]!++;
      if (index[d]! < shape[d]!) break;
      base -= shape[d]! * stride[d]!;
      index[d] = 0;
    }
  }
}

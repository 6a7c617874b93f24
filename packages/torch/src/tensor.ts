/** `Tensor`, a handle to a libtorch tensor. Operators (`generated/methods.ts`) make new handles. */
import { ReclmisError } from '@reclmis/core';
import { TensorOperators } from './generated/methods.js';
import { TO_DTYPE_LAYOUT } from './generated/table.js';
import {
  DTYPE_BYTES,
  dtypeCode,
  dtypeName,
  invoke,
  memoryFormatCode,
  type DType,
  type MemoryFormat,
} from './invoke.js';
import { native } from './native.js';
import { disown, own } from './scope.js';

/** Frees native tensors of handles dropped without disposal. */
const finaliser = new FinalizationRegistry<number>((id) => native().release([id]));

interface Description {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly device: string;
}

/** Device and dtype of a new tensor. */
export interface PlaceOptions {
  readonly device?: string | undefined;
}

export type { DType, MemoryFormat } from './invoke.js';

export class Tensor extends TensorOperators {
  #id: number;
  #description: Description | null = null;

  private constructor(id: number) {
    super();
    this.#id = id;
    own(this);
    finaliser.register(this, id, this);
  }

  /** Takes over the number of a new native tensor; internal. */
  static adopt(id: number): Tensor {
    return new Tensor(id);
  }

  protected override make(id: number): Tensor {
    return new Tensor(id);
  }

  // Data in.

  /**
   * A tensor with a copy of `bytes`, row-major and little-endian. For CUDA they are staged in page-locked
   * memory and copied while the caller goes on.
   * @throws TENSOR_SHAPE if the shape needs another number of bytes.
   */
  static fromBytes(
    bytes: Uint8Array,
    dtype: DType,
    shape: readonly number[],
    options: PlaceOptions = {},
  ): Tensor {
    const expected = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
    if (expected !== bytes.byteLength) {
      throw new ReclmisError(
        'TENSOR_SHAPE',
        `a ${dtype} tensor of shape [${shape.join(',')}] takes ${expected} bytes, got ${bytes.byteLength}`,
      );
    }
    const { device = 'cpu' } = options;
    const pinned = device.startsWith('cuda');
    const tensor = new Tensor(native().fromBytes(bytes, dtypeCode(dtype) as number, shape, pinned));
    if (device === 'cpu') return tensor;
    const moved = tensor.to({ device, nonBlocking: pinned });
    tensor.dispose();
    return moved;
  }

  /** float32 from numbers; `shape` defaults to one dimension. */
  static fromFloat32(
    data: Float32Array | readonly number[],
    shape?: readonly number[],
    options?: PlaceOptions,
  ): Tensor {
    const array = data instanceof Float32Array ? data : Float32Array.from(data);
    return Tensor.fromBytes(bytesOf(array), 'float32', shape ?? [array.length], options);
  }

  /** float64 from numbers. */
  static fromFloat64(
    data: Float64Array | readonly number[],
    shape?: readonly number[],
    options?: PlaceOptions,
  ): Tensor {
    const array = data instanceof Float64Array ? data : Float64Array.from(data);
    return Tensor.fromBytes(bytesOf(array), 'float64', shape ?? [array.length], options);
  }

  /** int64 from integers up to 2^53. */
  static fromInt64(
    data: BigInt64Array | readonly number[],
    shape?: readonly number[],
    options?: PlaceOptions,
  ): Tensor {
    const array = data instanceof BigInt64Array ? data : BigInt64Array.from(data, (value) => BigInt(value));
    return Tensor.fromBytes(bytesOf(array), 'int64', shape ?? [array.length], options);
  }

  /** uint8, or bool from 0 and 1. */
  static fromUint8(
    data: Uint8Array | readonly number[],
    shape?: readonly number[],
    options: PlaceOptions & { dtype?: 'uint8' | 'bool' } = {},
  ): Tensor {
    const array = data instanceof Uint8Array ? data : Uint8Array.from(data);
    return Tensor.fromBytes(array, options.dtype ?? 'uint8', shape ?? [array.length], options);
  }

  override get id(): number {
    if (this.#id === 0) {
      throw new ReclmisError('TENSOR_DISPOSED', 'a tensor was used after it was disposed');
    }
    return this.#id;
  }

  private get description(): Description {
    if (this.#description === null || this.#id === 0) {
      const { shape, dtype, device } = native().describe(this.id);
      this.#description = { shape, dtype: dtypeName(dtype), device };
    }
    return this.#description;
  }

  get shape(): readonly number[] {
    return this.description.shape;
  }

  get dtype(): DType {
    return this.description.dtype;
  }

  /** `cpu`, `cuda:0`, ... */
  get device(): string {
    return this.description.device;
  }

  /** Number of elements. */
  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Negative dimensions count from the end. @throws TENSOR_RANK if there is no such dimension. */
  size(dimension: number): number {
    const size = this.shape.at(dimension);
    if (size === undefined) {
      throw new ReclmisError(
        'TENSOR_RANK',
        `dimension ${dimension} of a tensor of shape [${this.shape.join(',')}]`,
      );
    }
    return size;
  }

  /** @throws TENSOR_RANK for another rank, as do the next three. */
  shape1(): readonly [number] {
    return this.#ranked(1) as unknown as readonly [number];
  }
  shape2(): readonly [number, number] {
    return this.#ranked(2) as unknown as readonly [number, number];
  }
  shape3(): readonly [number, number, number] {
    return this.#ranked(3) as unknown as readonly [number, number, number];
  }
  shape4(): readonly [number, number, number, number] {
    return this.#ranked(4) as unknown as readonly [number, number, number, number];
  }

  #ranked(rank: number): readonly number[] {
    if (this.shape.length === rank) return this.shape;
    throw new ReclmisError('TENSOR_RANK', `expected ${rank} dimensions, got shape [${this.shape.join(',')}]`);
  }

  override toString(): string {
    if (this.#id === 0) return 'Tensor(disposed)';
    return `Tensor(${this.dtype}[${this.shape.join(',')}]${this.device === 'cpu' ? '' : ` on ${this.device}`})`;
  }

  /** The elements in row-major order, little-endian. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.numel * DTYPE_BYTES[this.dtype]);
    native().readInto(this.id, bytes);
    return bytes;
  }

  /** `toBytes` into the caller's memory of exactly that size. @throws TENSOR_SHAPE */
  copyBytes(into: Uint8Array): void {
    const expected = this.numel * DTYPE_BYTES[this.dtype];
    if (into.length !== expected)
      throw new ReclmisError(
        'TENSOR_SHAPE',
        `copyBytes(): expected ${expected} bytes to fill, got ${into.length}`,
      );
    native().readInto(this.id, into);
  }

  /** The elements as float32, whatever the dtype. */
  toFloat32Array(): Float32Array {
    return new Float32Array(this.#bytesAs('float32').buffer);
  }

  /** The elements as float64, whatever the dtype. */
  toFloat64Array(): Float64Array {
    return new Float64Array(this.#bytesAs('float64').buffer);
  }

  /** Integers (or booleans as 0 and 1) up to 2^53. */
  toInt64Array(): number[] {
    return Array.from(new BigInt64Array(this.#bytesAs('int64').buffer), Number);
  }

  /** The elements as bytes; booleans as 0 and 1. */
  toUint8Array(): Uint8Array {
    return this.dtype === 'bool' ? this.toBytes() : this.#bytesAs('uint8');
  }

  #bytesAs(dtype: DType): Uint8Array {
    if (this.dtype === dtype) return this.toBytes();
    const converted = this.to({ dtype });
    try {
      return converted.toBytes();
    } finally {
      converted.dispose();
    }
  }

  /** The only element. Waits for the device. */
  item(): number {
    if (this.numel !== 1) {
      throw new ReclmisError(
        'TENSOR_SHAPE',
        `item() of a tensor of shape [${this.shape.join(',')}], expected one element`,
      );
    }
    return native().item(this.id);
  }

  /**
   * The tensor on another device, with another dtype or memory format. A new handle, sharing storage if
   * nothing changes and `copy` is off.
   */
  to(options: {
    dtype?: DType | undefined;
    device?: string | undefined;
    memoryFormat?: MemoryFormat | undefined;
    nonBlocking?: boolean | undefined;
    copy?: boolean | undefined;
  }): Tensor {
    const { dtype, device, memoryFormat, nonBlocking, copy } = options;
    // to.dtype_layout(self, *, dtype, layout, device, pin_memory, non_blocking, copy, memory_format)
    const values = [
      this.id,
      dtypeCode(dtype),
      undefined,
      device,
      undefined,
      nonBlocking,
      copy,
      memoryFormatCode(memoryFormat),
    ];
    return new Tensor(invoke(TO_DTYPE_LAYOUT, values) as number);
  }

  get requiresGrad(): boolean {
    return native().describe(this.id).requiresGrad;
  }

  /** Sets whether autograd follows this tensor; returns it. */
  requiresGrad_(on = true): this {
    try {
      native().setRequiresGrad(this.id, on);
    } catch (cause) {
      throw new ReclmisError(
        'OPERATOR_FAILED',
        `requiresGrad_(${this.toString()}): ${(cause as Error).message}`,
        { cause },
      );
    }
    return this;
  }

  /** The gradient left by `backward`, a new handle of the same storage, or null. */
  get grad(): Tensor | null {
    const id = native().grad(this.id);
    return id === 0 ? null : new Tensor(id);
  }

  set grad(gradient: Tensor | null) {
    native().setGrad(this.id, gradient === null ? 0 : gradient.id);
  }

  /** Drops the gradient: the next `backward` starts from none. */
  clearGrad(): void {
    native().setGrad(this.id, 0);
  }

  /** Takes another's storage, shape and device, outside autograd: how parameters move. */
  setData(source: Tensor): void {
    native().setData(this.id, source.id);
    this.#description = null;
  }

  /**
   * Adds the gradients of this tensor (a scalar, unless `gradient` of its shape is given) to the leaves'
   * `grad`.
   * @throws OPERATOR_FAILED if nothing requires a gradient or shapes differ.
   */
  backward(gradient: Tensor | null = null, options: { retainGraph?: boolean } = {}): void {
    try {
      native().backward(this.id, gradient === null ? 0 : gradient.id, options.retainGraph ?? false);
    } catch (cause) {
      if (cause instanceof ReclmisError) throw cause;
      const words = (cause as Error).message.split('\n')[0];
      throw new ReclmisError('OPERATOR_FAILED', `backward of ${this.toString()}: ${words}`, { cause });
    }
  }

  get isDisposed(): boolean {
    return this.#id === 0;
  }

  /** Frees the memory once no view or graph holds it. Safe to repeat. */
  dispose(): void {
    if (this.#id === 0) return;
    const id = this.#id;
    this.#id = 0;
    disown(this);
    finaliser.unregister(this);
    native().release([id]);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

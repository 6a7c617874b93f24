/**
 * Writes the pickle of a state dictionary, protocol 2, with opcodes and globals that
 * `torch.load(weights_only=True)` reads (torch/_weights_only_unpickler.py). PyTorch 1.13's restricted reader
 * knows no floats outside tensors; 2.0's does.
 */
import type { DType } from '../invoke.js';
import { OP } from './pickle-opcodes.js';
import { STORAGE_DTYPES } from './torch-values.js';

const PROTOCOL = 2;

/** PyTorch's storage classes by dtype. */
const STORAGE_NAMES = new Map([...STORAGE_DTYPES].reverse().map(([name, dtype]) => [dtype, name]));

/** A contiguous tensor; all views of its storage are equal. */
export interface PickledTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly storageKey: string;
}

/** A plain value beside the tensors. */
export type PickledScalar = string | number | boolean | null;

/** Appends opcodes; repeated values are recalled from the memo. */
export class PickleWriter {
  readonly #parts: Buffer[] = [];
  readonly #memo = new Map<string, number>();

  constructor() {
    this.#op(OP.PROTO, PROTOCOL);
  }

  /** Begins a dictionary; members are a `string` and a value each. */
  beginDict(): void {
    this.#op(OP.EMPTY_DICT, OP.MARK);
  }

  /** Begins a `collections.OrderedDict`. */
  beginOrderedDict(): void {
    this.#emptyOrderedDict();
    this.#op(OP.MARK);
  }

  endDict(): void {
    this.#op(OP.SETITEMS);
  }

  scalar(value: PickledScalar): void {
    if (value === null) this.#op(OP.NONE);
    else if (typeof value === 'boolean') this.#op(value ? OP.NEWTRUE : OP.NEWFALSE);
    else if (typeof value === 'string') this.string(value);
    else if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.#integer(value);
    else {
      const bytes = Buffer.alloc(9, OP.BINFLOAT);
      bytes.writeDoubleBE(value, 1);
      this.#parts.push(bytes);
    }
  }

  string(text: string): void {
    this.#once(`s${text}`, () => {
      const bytes = Buffer.from(text, 'utf8');
      const head = Buffer.alloc(5, OP.BINUNICODE);
      head.writeUInt32LE(bytes.length, 1);
      this.#parts.push(head, bytes);
    });
  }

  /** `_rebuild_tensor_v2(storage, 0, shape, stride, requires_grad=False, backward_hooks=OrderedDict())` */
  tensor({ dtype, shape, storageKey }: PickledTensor): void {
    const stride = shape.map((_, d) => shape.slice(d + 1).reduce((product, size) => product * size, 1));
    this.#global('torch._utils._rebuild_tensor_v2');
    this.#op(OP.MARK, OP.MARK);
    this.string('storage');
    this.#global(STORAGE_NAMES.get(dtype)!);
    this.string(storageKey);
    this.string('cpu');
    this.#integer(shape.reduce((product, size) => product * size, 1));
    this.#op(OP.TUPLE, OP.BINPERSID);
    this.#integer(0);
    for (const sizes of [shape, stride]) {
      this.#op(OP.MARK);
      for (const size of sizes) this.#integer(size);
      this.#op(OP.TUPLE);
    }
    this.#op(OP.NEWFALSE);
    this.#emptyOrderedDict();
    this.#op(OP.TUPLE, OP.REDUCE);
  }

  /** Ends the pickle and returns it. */
  finish(): Buffer {
    this.#op(OP.STOP);
    return Buffer.concat(this.#parts);
  }

  #op(...bytes: number[]): void {
    this.#parts.push(Buffer.from(bytes));
  }

  #emptyOrderedDict(): void {
    this.#global('collections.OrderedDict');
    this.#op(OP.EMPTY_TUPLE, OP.REDUCE);
  }

  #global(name: string): void {
    const dot = name.lastIndexOf('.');
    this.#once(`g${name}`, () => {
      this.#op(OP.GLOBAL);
      this.#parts.push(Buffer.from(`${name.slice(0, dot)}\n${name.slice(dot + 1)}\n`));
    });
  }

  #integer(value: number): void {
    if (value >= 0 && value < 256) {
      this.#op(OP.BININT1, value);
      return;
    }
    if (value >= -(2 ** 31) && value < 2 ** 31) {
      const bytes = Buffer.alloc(5, OP.BININT);
      bytes.writeInt32LE(value, 1);
      this.#parts.push(bytes);
      return;
    }
    const bytes = Buffer.alloc(10, OP.LONG1);
    bytes[1] = 8;
    bytes.writeBigInt64LE(BigInt(value), 2);
    this.#parts.push(bytes);
  }

  #once(key: string, write: () => void): void {
    const known = this.#memo.get(key);
    const index = Buffer.alloc(5, known === undefined ? OP.LONG_BINPUT : OP.LONG_BINGET);
    index.writeUInt32LE(known ?? this.#memo.size, 1);
    if (known === undefined) {
      write();
      this.#memo.set(key, this.#memo.size);
    }
    this.#parts.push(index);
  }
}

/**
 * The allow-list: every global that a pickle may name, and what calling it means here. A name leads to a
 * small function below or to a refusal; nothing is looked up by it. The list is that of
 * `torch.load(weights_only=True)` (torch/_weights_only_unpickler.py) for dense tensors on the CPU, with
 * numpy's scalars, which the authors' checkpoints hold, and TorchScript's type marks (torch/jit/_pickle.py).
 */
import {
  STORAGE_DTYPES,
  TorchStorage,
  TorchTensor,
  viewFault,
  type TorchLeaf,
  type TorchModule,
} from './torch-values.js';

/** A value on the pickle machine's stack. */
export type PickleValue =
  | TorchLeaf
  | TorchModule
  | PickleGlobal
  | NumpyDtype
  | readonly PickleValue[]
  | ReadonlyMap<PickleValue, PickleValue>;

/** What a call may need from the machine. */
export interface CallContext {
  /** Counts the memory of a call, bytes; throws past the limit. */
  charge(bytes: number): void;
  /** Makes a dictionary; attributes that BUILD attaches (a state dictionary's `_metadata`) are dropped. */
  orderedDict(): Map<PickleValue, PickleValue>;
  /** Makes a set, an array here. */
  set(items: readonly PickleValue[]): readonly PickleValue[];
}

/** Arguments that do not fit; the machine prepends the global's name. */
export class BadArguments extends Error {}

type Call = (args: readonly PickleValue[], context: CallContext) => PickleValue;

/** A global of the allow-list. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    /** What REDUCE does; null for what is only named: a storage's class, a factory, a TorchScript class. */
    readonly call: Call | null,
    /** Whether NEWOBJ makes a bag of attributes of it. */
    readonly isModule = false,
  ) {}
}

/** numpy's dtype of a scalar; BUILD says the byte order. */
export class NumpyDtype {
  littleEndian = false;
  constructor(readonly code: string) {}
}

/** Longest bytes of a numpy scalar of ours. */
const SCALAR_BYTES = 8;

const NUMPY_SCALARS: ReadonlyMap<string, (view: DataView) => number | bigint | boolean> = new Map<
  string,
  (view: DataView) => number | bigint | boolean
>([
  ['f8', (view) => view.getFloat64(0, true)],
  ['f4', (view) => view.getFloat32(0, true)],
  ['f2', (view) => fromFloat16(view.getUint16(0, true))],
  ['i8', (view) => toInteger(view.getBigInt64(0, true))],
  ['i4', (view) => view.getInt32(0, true)],
  ['i2', (view) => view.getInt16(0, true)],
  ['i1', (view) => view.getInt8(0)],
  ['u8', (view) => toInteger(view.getBigUint64(0, true))],
  ['u4', (view) => view.getUint32(0, true)],
  ['u2', (view) => view.getUint16(0, true)],
  ['u1', (view) => view.getUint8(0)],
  ['b1', (view) => view.getUint8(0) !== 0],
]);

const DTYPES = new Set(
  'float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool'
    .split(' ')
    .map((name) => `torch.${name}`),
);

/** The first argument, whatever the others: TorchScript's type marks of lists and dictionaries. */
const first =
  (count: number): Call =>
  (args) => {
    expectArguments(args, count, count);
    return args[0]!;
  };

const CALLS: ReadonlyMap<string, Call | null> = new Map<string, Call | null>([
  ['collections.OrderedDict', orderedDict],
  ['collections.defaultdict', defaultDict],
  ['collections.Counter', counter],
  ['builtins.dict', null],
  ['builtins.list', null],
  ['builtins.set', makeSet],
  ['builtins.frozenset', makeSet],
  ['torch._utils._rebuild_tensor', (args, context) => rebuildTensor(args, 4, 4, context)],
  ['torch._utils._rebuild_tensor_v2', (args, context) => rebuildTensor(args, 6, 7, context)],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['torch.Size', size],
  ['torch.device', device],
  ['numpy.dtype', numpyDtype],
  ['numpy.core.multiarray.scalar', numpyScalar],
  ['_codecs.encode', encode],
]);

const SCRIPT_CALLS: ReadonlyMap<string, Call> = new Map([
  ['torch.jit._pickle.build_intlist', first(1)],
  ['torch.jit._pickle.build_tensorlist', first(1)],
  ['torch.jit._pickle.build_doublelist', first(1)],
  ['torch.jit._pickle.build_boollist', first(1)],
  ['torch.jit._pickle.restore_type_tag', first(2)],
]);

/** Python 2's name, which protocol 2 keeps, and numpy 2's. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['__builtin__', 'builtins'],
  ['numpy._core.multiarray', 'numpy.core.multiarray'],
]);

/** A value, something to call, or null for what is not on the list. */
export function findGlobal(module: string, name: string, torchScript: boolean): PickleValue {
  const full = `${OTHER_NAMES.get(module) ?? module}.${name}`;
  const call = CALLS.get(full) ?? (torchScript ? SCRIPT_CALLS.get(full) : undefined) ?? null;
  if (call !== null || CALLS.has(full)) return new PickleGlobal(full, call);
  if (STORAGE_DTYPES.has(full)) return new PickleGlobal(full, null);
  if (DTYPES.has(full)) return full;
  if (torchScript && /^__torch__(\.|$)/.test(module)) return new PickleGlobal(full, null, true);
  return null;
}

/** An integer as a number where that is exact. */
export function toInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Tuples are frozen arrays on the machine's stack; lists and sets are not frozen. */
export function isTuple(value: PickleValue | undefined): value is readonly PickleValue[] {
  return Array.isArray(value) && Object.isFrozen(value);
}

function expectArguments(args: readonly PickleValue[], least: number, most: number): void {
  if (args.length >= least && args.length <= most) return;
  throw new BadArguments(
    `${args.length} arguments, expected ${least === most ? least : `${least} to ${most}`}`,
  );
}

function orderedDict(args: readonly PickleValue[], context: CallContext): PickleValue {
  expectArguments(args, 0, 1);
  const made = context.orderedDict();
  const pairs = args[0] ?? [];
  // Python 2 gives the members as a list of pairs.
  if (!Array.isArray(pairs)) throw new BadArguments('an argument that is not a list of pairs');
  context.charge(32 * pairs.length);
  for (const pair of pairs as readonly PickleValue[]) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') {
      throw new BadArguments('an argument that is not a list of pairs of a name and a value');
    }
    const [key, value] = pair as unknown as readonly [string, PickleValue];
    made.set(key, value);
  }
  return made;
}

function defaultDict(args: readonly PickleValue[]): PickleValue {
  expectArguments(args, 0, 1);
  const factory = args[0] ?? null;
  const allowed = ['builtins.dict', 'builtins.list'];
  if (factory !== null && !(factory instanceof PickleGlobal && allowed.includes(factory.name))) {
    throw new BadArguments('a factory other than dict and list');
  }
  return new Map();
}

function counter(args: readonly PickleValue[], context: CallContext): PickleValue {
  expectArguments(args, 0, 1);
  const counts = args[0] ?? new Map<PickleValue, PickleValue>();
  if (!(counts instanceof Map)) throw new BadArguments('an argument that is not a dictionary');
  context.charge(32 * counts.size);
  return new Map(counts as ReadonlyMap<PickleValue, PickleValue>);
}

function makeSet(args: readonly PickleValue[], context: CallContext): PickleValue {
  expectArguments(args, 0, 1);
  const items = args[0] ?? [];
  if (!Array.isArray(items)) throw new BadArguments('an argument that is not a list');
  context.charge(8 * items.length);
  return context.set(items as readonly PickleValue[]);
}

function rebuildTensor(
  args: readonly PickleValue[],
  least: number,
  most: number,
  context: CallContext,
): PickleValue {
  // storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata
  expectArguments(args, least, most);
  const [storage, storageOffset, shape, stride, requiresGrad = false, hooks = new Map(), metadata = null] =
    args;
  if (!(storage instanceof TorchStorage)) throw new BadArguments('a first argument that is not a storage');
  if (!isIntegers(shape) || !isIntegers(stride)) {
    throw new BadArguments('sizes or strides that are not tuples of integers');
  }
  if (typeof storageOffset !== 'number') throw new BadArguments('an offset that is not an integer');
  if (typeof requiresGrad !== 'boolean') throw new BadArguments('a requires_grad that is not a boolean');
  expectNothing(hooks, 'backward hooks');
  expectNothing(metadata, 'metadata (a conjugated or negated view)');
  const fault = viewFault({ shape, stride, storageOffset }, storage.numel);
  if (fault !== null) throw new BadArguments(fault);
  context.charge(128 + 16 * shape.length);
  return new TorchTensor(storage.dtype, [...shape], [...stride], storageOffset, storage.key);
}

function rebuildParameter(args: readonly PickleValue[]): PickleValue {
  expectArguments(args, 3, 3);
  const [tensor, requiresGrad, hooks] = args;
  if (!(tensor instanceof TorchTensor)) throw new BadArguments('a first argument that is not a tensor');
  if (typeof requiresGrad !== 'boolean') throw new BadArguments('a requires_grad that is not a boolean');
  expectNothing(hooks!, 'backward hooks');
  return tensor;
}

function expectNothing(value: PickleValue, what: string): void {
  const nothing = value === null || (value instanceof Map && value.size === 0);
  if (!nothing) throw new BadArguments(`${what}, which are not read`);
}

function isIntegers(value: PickleValue | undefined): value is readonly number[] {
  return (
    (isTuple(value) || Array.isArray(value)) && (value as readonly PickleValue[]).every(Number.isSafeInteger)
  );
}

function size(args: readonly PickleValue[], context: CallContext): PickleValue {
  expectArguments(args, 1, 1);
  if (isTuple(args[0])) context.charge(8 * args[0].length); // one long tuple, looked over at each of many calls, would take hours
  if (!isTuple(args[0]) || !isIntegers(args[0]))
    throw new BadArguments('sizes that are not a tuple of integers');
  return args[0];
}

function device(args: readonly PickleValue[], context: CallContext): PickleValue {
  expectArguments(args, 1, 2);
  const [type, index] = args;
  if (typeof type !== 'string' || (index !== undefined && typeof index !== 'number')) {
    throw new BadArguments('a device that is not a name and a number');
  }
  context.charge(64 + type.length);
  return index === undefined ? type : `${type}:${index}`;
}

function numpyDtype(args: readonly PickleValue[]): PickleValue {
  expectArguments(args, 1, 3);
  const [code] = args;
  if (typeof code !== 'string' || !NUMPY_SCALARS.has(code)) {
    throw new BadArguments(`a type of numpy that is not one of ${[...NUMPY_SCALARS.keys()].join(', ')}`);
  }
  return new NumpyDtype(code);
}

/** BUILD of numpy's dtype: (version, byte order, subdtype, names, fields, size, alignment, flags). */
export function buildNumpyDtype(dtype: NumpyDtype, state: PickleValue): void {
  if (!isTuple(state) || state.length < 8 || !['<', '|', '='].includes(state[1] as string)) {
    throw new BadArguments('a state of a type of numpy that is not plain and little-endian');
  }
  if (state[2] !== null || state[3] !== null || state[4] !== null) {
    throw new BadArguments('a type of numpy with parts');
  }
  dtype.littleEndian = true;
}

function numpyScalar(args: readonly PickleValue[]): PickleValue {
  expectArguments(args, 2, 2);
  const [dtype, bytes] = args;
  const read = dtype instanceof NumpyDtype && dtype.littleEndian ? NUMPY_SCALARS.get(dtype.code) : undefined;
  if (!(dtype instanceof NumpyDtype) || read === undefined) {
    throw new BadArguments('a first argument that is not a plain type of numpy');
  }
  const length = Number(dtype.code.slice(1));
  if (!(bytes instanceof Uint8Array) || bytes.length !== length || length > SCALAR_BYTES) {
    throw new BadArguments(`a second argument that is not ${length} bytes`);
  }
  return read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
}

/** Protocol 2 writes bytes as a string of the characters 0 to 255, to be encoded as Latin-1. */
function encode(args: readonly PickleValue[], context: CallContext): PickleValue {
  expectArguments(args, 2, 2);
  const [text, encoding] = args;
  if (typeof text !== 'string' || encoding !== 'latin1')
    throw new BadArguments('something other than Latin-1 text');
  context.charge(64 + text.length);
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.toString('latin1') !== text) throw new BadArguments('characters that Latin-1 lacks');
  return new Uint8Array(bytes);
}

function fromFloat16(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/**
 * Reads a pickle as data, without running it. Python's unpickler is a stack machine whose programs may import
 * and call anything (CPython's Lib/pickle.py); this one has the same stack, mark and memo, but only the
 * opcodes of plain data and the globals of an allow-list (pickle-globals.ts). Operations, stack, memory and
 * nesting are bounded; nothing here recurses on what the file says.
 */
import { quoted } from '@reclmis/core';
import { invalid, refused } from './archive-file.js';
import { OP, REFUSED_OPCODES } from './pickle-opcodes.js';
import {
  BadArguments,
  NumpyDtype,
  PickleGlobal,
  buildNumpyDtype,
  findGlobal,
  isTuple,
  type CallContext,
  type PickleValue,
} from './pickle-globals.js';
import { PickleBytes } from './pickle-bytes.js';
import { checkResult } from './pickle-result.js';
import { TorchModule, type TorchStorage, type TorchValue } from './torch-values.js';

/** Longest pickle, bytes; one of 10,000 tensors takes 1 MB. */
export const MAX_PICKLE_BYTES = 32 * 1024 * 1024;
/** Most operations; a tensor takes 40. */
const MAX_OPERATIONS = 4_000_000;
/** Most lists, tuples and dictionaries; a tensor takes 7. */
const MAX_CONTAINERS = 1_000_000;
/** Most values on the stack. */
const MAX_STACK = 1_000_000;
/** Most open marks. */
const MAX_MARKS = 1_000;
/** Most memory that calls may take, bytes. */
const MAX_CHARGE = 64 * 1024 * 1024;
const MAX_PROTOCOL = 5;

const EMPTY_TUPLE: readonly PickleValue[] = Object.freeze([]);

/** What reading a pickle needs to know of its archive. */
export interface PickleHost {
  /** The archive's path, for messages. */
  readonly path: string;
  /** Whether the classes of TorchScript may occur. */
  readonly torchScript: boolean;
  /** The storage of a persistent id; throws for another form. */
  storage(id: readonly PickleValue[]): TorchStorage;
}

/**
 * Reads the pickle that begins at `start`; returns its value and where it ends.
 * @throws ARCHIVE_INVALID for damage or a broken limit, ARCHIVE_REFUSED for what is not on the allow-list.
 */
export function readPickle(
  bytes: Uint8Array,
  host: PickleHost,
  start = 0,
): { readonly value: TorchValue; readonly end: number } {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const taken = new PickleBytes(source, start, host.path);
  const result = new Machine(taken, host).run();
  return { value: checkResult(result, host.path), end: taken.position };
}

class Machine implements CallContext {
  readonly #stack: PickleValue[] = [];
  /** The stack's length at each open mark; values below the last are out of reach. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  readonly #orderedDicts = new WeakSet();
  readonly #sets = new WeakSet();
  readonly #built = new WeakSet();
  #containers = 0;
  #charged = 0;

  constructor(
    private readonly bytes: PickleBytes,
    private readonly host: PickleHost,
  ) {}

  run(): PickleValue {
    for (let operations = 0; operations < MAX_OPERATIONS; operations++) {
      const op = this.bytes.byte();
      if (op === OP.STOP) {
        const result = this.#pop();
        if (this.#stack.length > 0) throw this.#invalid('ends with values left on its stack');
        return result;
      }
      const value = this.#value(op);
      if (value === undefined) this.#act(op);
      else this.#push(value);
    }
    throw this.#invalid(`has more than ${MAX_OPERATIONS} operations`);
  }

  /** What an opcode pushes; undefined if it does something else. */
  #value(op: number): PickleValue | undefined {
    const { bytes } = this;
    switch (op) {
      case OP.NONE:
        return null;
      case OP.NEWTRUE:
        return true;
      case OP.NEWFALSE:
        return false;
      case OP.BININT:
        return bytes.take(4).readInt32LE(0);
      case OP.BININT1:
        return bytes.byte();
      case OP.BININT2:
        return bytes.take(2).readUInt16LE(0);
      case OP.LONG1:
        return bytes.integer(bytes.byte());
      case OP.LONG4:
        return bytes.integer(bytes.take(4).readInt32LE(0));
      case OP.BINFLOAT:
        return bytes.take(8).readDoubleBE(0);
      case OP.SHORT_BINUNICODE:
      case OP.SHORT_BINSTRING: // Python 2's strings; those that PyTorch writes are ASCII
        return bytes.text(bytes.byte());
      case OP.BINUNICODE:
      case OP.BINSTRING:
        return bytes.text(bytes.take(4).readUInt32LE(0));
      case OP.BINUNICODE8:
        return bytes.text(bytes.long());
      case OP.SHORT_BINBYTES:
        return bytes.bytes(bytes.byte());
      case OP.BINBYTES:
        return bytes.bytes(bytes.take(4).readUInt32LE(0));
      case OP.BINBYTES8:
        return bytes.bytes(bytes.long());
      case OP.EMPTY_TUPLE:
        return EMPTY_TUPLE;
      case OP.TUPLE1:
      case OP.TUPLE2:
      case OP.TUPLE3:
        return this.#tuple(Array.from({ length: op - OP.TUPLE1 + 1 }, () => this.#pop()).reverse());
      case OP.TUPLE:
        return this.#tuple(this.#popMark());
      case OP.EMPTY_LIST:
        return this.#counted([]);
      case OP.EMPTY_DICT:
        return this.#counted(new Map());
      case OP.EMPTY_SET:
        return this.set([]);
      case OP.FROZENSET:
        return this.set(this.#popMark());
      case OP.BINGET:
        return this.#recall(bytes.byte());
      case OP.LONG_BINGET:
        return this.#recall(bytes.take(4).readUInt32LE(0));
      case OP.GLOBAL: {
        const module = bytes.line();
        return this.#global(module, bytes.line());
      }
      case OP.STACK_GLOBAL: {
        const name = this.#pop();
        return this.#global(this.#pop(), name);
      }
      case OP.REDUCE:
        return this.#reduce();
      case OP.NEWOBJ:
        return this.#newObject();
      case OP.BINPERSID: {
        const id = this.#pop();
        if (!isTuple(id)) throw this.#refused('has a persistent id that is not the tuple of a storage');
        return this.host.storage(id);
      }
      default:
        return undefined;
    }
  }

  /** What an opcode does that pushes nothing. */
  #act(op: number): void {
    const { bytes } = this;
    switch (op) {
      case OP.PROTO: {
        const protocol = bytes.byte();
        if (protocol > MAX_PROTOCOL) throw this.#invalid(`states protocol ${protocol}, known are up to 5`);
        break;
      }
      case OP.FRAME:
        bytes.take(8); // a hint for buffering
        break;
      case OP.MARK:
        if (this.#marks.length >= MAX_MARKS) throw this.#invalid(`has more than ${MAX_MARKS} open marks`);
        this.#marks.push(this.#stack.length);
        break;
      case OP.POP:
        this.#pop();
        break;
      case OP.POP_MARK:
        this.#popMark();
        break;
      case OP.APPEND:
        this.#append([this.#pop()], false);
        break;
      case OP.APPENDS:
        this.#append(this.#popMark(), false);
        break;
      case OP.ADDITEMS:
        this.#append(this.#popMark(), true);
        break;
      case OP.SETITEM: {
        const value = this.#pop();
        this.#setItems([this.#pop(), value]);
        break;
      }
      case OP.SETITEMS:
        this.#setItems(this.#popMark());
        break;
      case OP.BUILD:
        this.#build();
        break;
      case OP.BINPUT:
        this.#memo.set(bytes.byte(), this.#top());
        break;
      case OP.LONG_BINPUT:
        this.#memo.set(bytes.take(4).readUInt32LE(0), this.#top());
        break;
      case OP.MEMOIZE:
        this.#memo.set(this.#memo.size, this.#top());
        break;
      default: {
        const name = REFUSED_OPCODES.get(op);
        if (name !== undefined) {
          throw this.#refused(`uses the opcode ${name}, which plain data does not need`);
        }
        const hex = op.toString(16).padStart(2, '0');
        throw this.#invalid(`has no opcode at byte ${bytes.position - 1}, but 0x${hex}`);
      }
    }
  }

  // What calls may ask for.

  charge(bytes: number): void {
    this.#charged += bytes;
    if (this.#charged > MAX_CHARGE) throw this.#invalid(`makes more than ${MAX_CHARGE} bytes of values`);
  }

  orderedDict(): Map<PickleValue, PickleValue> {
    const made = this.#counted(new Map<PickleValue, PickleValue>());
    this.#orderedDicts.add(made);
    return made;
  }

  set(items: readonly PickleValue[]): readonly PickleValue[] {
    const made = this.#counted([...items]);
    this.#sets.add(made);
    return made;
  }

  // The stack and the memo.

  #push(value: PickleValue): void {
    if (this.#stack.length >= MAX_STACK)
      throw this.#invalid(`has more than ${MAX_STACK} values on its stack`);
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #top(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) {
      throw this.#invalid(`takes a value from an empty stack at byte ${this.bytes.position - 1}`);
    }
    return this.#stack.at(-1)!;
  }

  #popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined)
      throw this.#invalid(`looks for a mark that is not there at byte ${this.bytes.position - 1}`);
    return this.#stack.splice(mark);
  }

  #recall(index: number): PickleValue {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#invalid(`recalls value ${index}, which it has not put down`);
    return value;
  }

  // Containers.

  #counted<T>(container: T): T {
    if (++this.#containers > MAX_CONTAINERS) {
      throw this.#invalid(`has more than ${MAX_CONTAINERS} lists, tuples and dictionaries`);
    }
    return container;
  }

  #tuple(items: PickleValue[]): readonly PickleValue[] {
    return Object.freeze(this.#counted(items));
  }

  #append(items: readonly PickleValue[], toSet: boolean): void {
    const list = this.#top();
    if (!isMutable(list) || this.#sets.has(list) !== toSet) {
      throw this.#invalid(`adds an item to something that is not a ${toSet ? 'set' : 'list'}`);
    }
    for (const item of items) list.push(item);
  }

  #setItems(items: readonly PickleValue[]): void {
    const target = this.#top();
    if (!(target instanceof Map) || target instanceof TorchModule) {
      throw this.#invalid('sets an item of something that is not a dictionary');
    }
    if (items.length % 2 !== 0) throw this.#invalid('sets an item without a value');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i] ?? null;
      const hashable = key === null || typeof key !== 'object' || key instanceof Uint8Array || isTuple(key);
      if (!hashable) throw this.#invalid('has a dictionary with a key that Python could not hash');
      (target as Map<PickleValue, PickleValue>).set(key, items[i + 1]!);
    }
  }

  // Globals and calls.

  #global(module: PickleValue, name: PickleValue): PickleValue {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw this.#refused('names a global by something other than two strings');
    }
    const found = findGlobal(module, name, this.host.torchScript);
    if (found !== null) return found;
    throw this.#refused(
      `asks for ${quoted(`${module}.${name}`).slice(1, -1)}, which is not on the allow-list`,
    );
  }

  #reduce(): PickleValue {
    const args = this.#pop();
    const callee = this.#pop();
    if (!(callee instanceof PickleGlobal)) throw this.#refused(`calls ${describe(callee)}`);
    if (callee.call === null) throw this.#refused(`calls ${callee.name}, which may only be referenced`);
    if (!isTuple(args)) throw this.#refused(`calls ${callee.name} with ${describe(args)} for arguments`);
    return this.#arguments(callee.name, () => callee.call!(args, this));
  }

  #newObject(): PickleValue {
    const args = this.#pop();
    const type = this.#pop();
    if (!(type instanceof PickleGlobal && type.isModule)) {
      throw this.#refused(`makes an object of ${type instanceof PickleGlobal ? type.name : describe(type)}`);
    }
    if (!isTuple(args) || args.length > 0)
      throw this.#refused(`makes an object of ${type.name} with arguments`);
    return this.#counted(new TorchModule(type.name));
  }

  #build(): void {
    const state = this.#pop();
    const target = this.#top();
    if (target instanceof NumpyDtype) {
      this.#arguments('numpy.dtype', () => buildNumpyDtype(target, state));
      return;
    }
    const isModule = target instanceof TorchModule;
    if (!isModule && !(target instanceof Map && this.#orderedDicts.has(target))) {
      throw this.#refused(`sets the state of ${describe(target)}`);
    }
    if (state instanceof Map) this.charge(32 * state.size);
    if (!(state instanceof Map) || ![...state.keys()].every((key) => typeof key === 'string')) {
      throw this.#refused(`sets the state of ${describe(target)} to something other than attributes by name`);
    }
    if (!isModule) return; // attributes of a dictionary, such as _metadata, are no members
    if (this.#built.has(target)) throw this.#invalid(`sets the state of one ${target.className} twice`);
    this.#built.add(target);
    const attributes = state as ReadonlyMap<string, PickleValue>;
    for (const [name, value] of attributes) (target as Map<PickleValue, PickleValue>).set(name, value);
  }

  #arguments<R>(name: string, call: () => R): R {
    try {
      return call();
    } catch (error) {
      if (error instanceof BadArguments) throw this.#invalid(`${name} has ${error.message}`);
      throw error;
    }
  }

  #invalid(what: string): Error {
    return invalid(this.host.path, `its pickle ${what}`);
  }

  #refused(what: string): Error {
    return refused(this.host.path, `its pickle ${what}`);
  }
}

/** A list or a set; tuples are frozen. */
function isMutable(value: PickleValue): value is PickleValue[] {
  return Array.isArray(value) && !Object.isFrozen(value);
}

/** What kind of value it is, in words. */
function describe(value: PickleValue): string {
  if (value === null) return 'None';
  if (value instanceof PickleGlobal) return value.name;
  if (value instanceof TorchModule) return value.className;
  if (value instanceof Map) return 'a dictionary';
  if (isTuple(value)) return 'a tuple';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return `a ${value.constructor.name}`;
  return `a ${typeof value}`;
}

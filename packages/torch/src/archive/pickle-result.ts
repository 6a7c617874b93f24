/**
 * The last check of what a pickle gave. Nothing internal to the pickle machine may remain, and walking it as
 * a tree must end soon: it may not contain itself, nest deeply, or unfold far (a list of two equal lists,
 * each of two equal lists, ... has few parts and endless paths).
 */
import { invalid, refused } from './archive-file.js';
import { NumpyDtype, PickleGlobal, type PickleValue } from './pickle-globals.js';
import type { TorchValue } from './torch-values.js';

/** Deepest nesting; a model's modules nest 10 deep. */
const MAX_DEPTH = 256;
/** Shared parts count each time. */
const MAX_VALUES = 10_000_000;

interface Frame {
  readonly node: object;
  readonly children: readonly PickleValue[];
  next: number;
  depth: number;
  values: number;
}

/** @returns the value itself. @throws ARCHIVE_INVALID or ARCHIVE_REFUSED. */
export function checkResult(root: PickleValue, path: string): TorchValue {
  const done = new Map<object, { readonly depth: number; readonly values: number }>();
  const open = new Set<object>();
  const frames: Frame[] = [];
  const enter = (node: object): void => {
    open.add(node);
    frames.push({ node, children: childrenOf(node), next: 0, depth: 1, values: 1 });
    if (frames.length > MAX_DEPTH) throw tooDeep(path);
  };
  checkLeaf(root, path);
  if (isContainer(root)) enter(root);
  while (frames.length > 0) {
    const frame = frames.at(-1)!;
    if (frame.next === frame.children.length) {
      frames.pop();
      open.delete(frame.node);
      done.set(frame.node, { depth: frame.depth, values: frame.values });
      continue;
    }
    const child = frame.children[frame.next]!;
    checkLeaf(child, path);
    if (!isContainer(child)) {
      frame.values++;
      frame.next++;
      continue;
    }
    if (open.has(child)) throw invalid(path, 'its pickle holds a value that contains itself');
    const finished = done.get(child);
    if (finished === undefined) {
      enter(child);
      continue;
    }
    frame.depth = Math.max(frame.depth, finished.depth + 1);
    frame.values += finished.values;
    frame.next++;
    if (frame.depth > MAX_DEPTH) throw tooDeep(path);
    if (frame.values > MAX_VALUES) {
      throw invalid(path, `its pickle unfolds to more than ${MAX_VALUES} values`);
    }
  }
  return root as TorchValue;
}

function tooDeep(path: string): Error {
  return invalid(path, `its pickle nests deeper than ${MAX_DEPTH}`);
}

function checkLeaf(value: PickleValue, path: string): void {
  if (value instanceof PickleGlobal || value instanceof NumpyDtype) {
    const name = value instanceof PickleGlobal ? value.name : 'numpy.dtype';
    throw refused(path, `its pickle leaves ${name} itself in the data`);
  }
}

function isContainer(
  value: PickleValue,
): value is readonly PickleValue[] | ReadonlyMap<PickleValue, PickleValue> {
  return Array.isArray(value) || value instanceof Map;
}

function childrenOf(node: object): readonly PickleValue[] {
  if (Array.isArray(node)) return node as readonly PickleValue[];
  const map = node as ReadonlyMap<PickleValue, PickleValue>;
  return [...map.keys(), ...map.values()];
}

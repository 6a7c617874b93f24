/**
 * Ownership of native tensors. JavaScript does not see native memory, so every handle has a deterministic
 * end: `using`, `dispose()`, or a synchronous scope. A finaliser is the backstop.
 */
import { native } from './native.js';

export interface Owned {
  readonly isDisposed: boolean;
  dispose(): void;
}

const scopes: Set<Owned>[] = [];

/** Adds a new handle to the innermost scope. */
export function own(handle: Owned): void {
  scopes.at(-1)?.add(handle);
}

/** Takes a handle out of its scope. */
export function disown(handle: Owned): void {
  for (let i = scopes.length - 1; i >= 0; i--) if (scopes[i]!.delete(handle)) return;
}

/** Lifts a tensor out of all open scopes and returns it: the caller owns it now. */
export function keep<T extends Owned>(handle: T): T {
  disown(handle);
  return handle;
}

/**
 * Runs `body` and disposes every tensor made inside, except those in its result (nested arrays, maps and
 * plain objects included), which pass to the enclosing scope; on a throw, all. Refuses a promise: handles of
 * several tasks would mix.
 */
export function scope<T>(body: () => T): T {
  const made = new Set<Owned>();
  scopes.push(made);
  let result: T;
  try {
    result = body();
    if (result instanceof Promise) throw new TypeError('scope() is synchronous; its body returned a promise');
    for (const handle of held(result)) if (made.delete(handle)) scopes.at(-2)?.add(handle);
  } finally {
    scopes.pop();
    for (const handle of made) handle.dispose();
  }
  return result;
}

function* held(value: unknown, seen = new Set<unknown>()): Generator<Owned> {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if ('isDisposed' in value && 'dispose' in value) {
    yield value as Owned;
  } else if (Array.isArray(value) || value instanceof Set) {
    for (const item of value) yield* held(item, seen);
  } else if (value instanceof Map) {
    for (const item of value.values()) yield* held(item, seen);
  } else if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null) {
    for (const item of Object.values(value)) yield* held(item, seen);
  }
}

let gradients = true;

/** Whether operators are recorded for autograd: false within `noGrad`. */
export function isGradEnabled(): boolean {
  return gradients;
}

/** Runs `body` without recording for autograd. */
export function noGrad<T>(body: () => T): T {
  const before = native().setGradMode(false);
  gradients = false;
  try {
    return body();
  } finally {
    native().setGradMode(before);
    gradients = before;
  }
}

/**
 * Hearing a module at work: what a named part of a model gives in a forward pass, without that part knowing. PyTorch's forward hooks.
 *
 * A tap stands before the `forward` of one object while a body runs, and is gone afterwards, also after a throw. A module that is not
 * tapped is not touched: nothing is asked, nothing is kept. Operators are called as ever, so a trace and autograd see what they would see.
 */
import { ReclmisError } from '@reclmis/core';
import type { Module } from './module.js';

/**
 * Told at the end of each call of a module's `forward`. Tensors belong to the scope in which the module was called: `keep` what is to
 * outlive it. Layers above may change the output in place. What a tap itself runs is not heard, by no tap.
 * @param output what the module returns. @param inputs what it was called with.
 * @returns what the caller gets in place of the output; undefined leaves it.
 */
export type Tap = (output: unknown, inputs: readonly unknown[]) => unknown;

/** The method that a tap stands before. */
interface Callable {
  forward: (...inputs: unknown[]) => unknown;
}

/** Whether a tap is at work. */
let telling = false;

/** Whether a module can be tapped: it has a `forward` of its own, which a mere holder of others has not. */
export function isTappable(module: Module): boolean {
  return 'forward' in module && typeof module.forward === 'function';
}

/**
 * Runs `body` with taps on modules of a model.
 * @param taps by the module's path, as `namedModules` has it.
 * @throws OPTION_INVALID for a path that the model does not have; what `body` and the taps throw.
 */
export function withTaps<T>(model: Module, taps: ReadonlyMap<string, Tap>, body: () => T): T {
  const modules = model.namedModules();
  const places = [...taps].map(([path, tap]) => ({ tap, module: callable(modules, path) }));
  const undo = places.map(({ tap, module }) => stand(module, tap));
  try {
    return body();
  } finally {
    for (const remove of undo.reverse()) remove();
  }
}

/** Puts a tap before an object's `forward`. @returns what takes it away. */
function stand(module: Callable, tap: Tap): () => void {
  const own = Object.getOwnPropertyDescriptor(module, 'forward'); // another tap's; else it is the class's
  const before = module.forward;
  module.forward = function (this: unknown, ...inputs) {
    const output = before.apply(this, inputs);
    if (telling) return output;
    telling = true;
    try {
      const other = tap(output, inputs);
      return other === undefined ? output : other;
    } finally {
      telling = false;
    }
  };
  return () => {
    if (own) Object.defineProperty(module, 'forward', own);
    else Reflect.deleteProperty(module, 'forward');
  };
}

function callable(modules: ReadonlyMap<string, Module>, path: string): Callable {
  const module = modules.get(path);
  if (module && isTappable(module)) return module as unknown as Callable;
  const what = module ? 'cannot be run by itself' : 'is not part of the model';
  throw new ReclmisError('OPTION_INVALID', `layer ${path}: ${what}`, {
    remedy: 'Name a layer of the model; `reclmis explain RUN --list-layers` lists those with maps.',
  });
}

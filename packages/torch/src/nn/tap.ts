/**
 * Hears what named modules of a model return, as PyTorch's forward hooks, while a body runs. Traces and
 * autograd are unaffected.
 */
import { ReclmisError } from '@reclmis/core';
import type { Module } from './module.js';

/**
 * Called at the end of a module's `forward`. Tensors belong to that call's scope: `keep` what must outlive
 * it. Layers above may change the output in place. No tap hears what a tap runs.
 * @param output what the module returns. @param inputs its arguments. @returns a replacement for the output;
 * undefined leaves it.
 */
export type Tap = (output: unknown, inputs: readonly unknown[]) => unknown;

interface Callable {
  forward: (...inputs: unknown[]) => unknown;
}

/** Whether a tap is running. */
let telling = false;

/** Whether a module has a `forward`; mere containers have none. */
export function isTappable(module: Module): boolean {
  return 'forward' in module && typeof module.forward === 'function';
}

/** Whether a tap hears the module's `forward`, so that nothing may stand in for it. */
export function isTapped(module: Module): boolean {
  return Object.hasOwn(module, 'forward');
}

/** As `isTapped`, or a class below `layer` has a `forward` of its own. */
export function hasOwnForward(module: Module, layer: { readonly prototype: Module }): boolean {
  return Reflect.get(module, 'forward') !== Reflect.get(layer.prototype, 'forward');
}

/**
 * Runs `body` with taps.
 * @param taps by the module's path, as in `namedModules`. @throws OPTION_INVALID for a path that the model
 * lacks; what `body` and the taps throw.
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

/** Wraps an object's `forward`. @returns what undoes it. */
function stand(module: Callable, tap: Tap): () => void {
  const own = Object.getOwnPropertyDescriptor(module, 'forward'); // another tap's; else the class's
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

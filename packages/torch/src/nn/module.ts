/**
 * Base of layers and models: a tree of modules that owns parameters (trained) and buffers (not trained).
 *
 * A key is the path of children joined by dots ("down1.nConvs.0.conv.weight"), so a class laid out like the
 * reference loads its checkpoint by name. A child's key may hold dots where the reference nests without
 * meaning ("mlp_visual.0").
 *
 * Parameters and buffers live outside all scopes until `dispose`. `parameters`, `namedParameters` and
 * `stateDict` return the live handles: do not dispose them.
 */
import { ReclmisError } from '@reclmis/core';
import { keep, noGrad, scope } from '../scope.js';
import type { DType, Tensor } from '../tensor.js';

/** Keys that an error message lists at most. */
const LISTED_KEYS = 5;
/** Converted by `to`; integers and booleans stay. */
const FLOATING: ReadonlySet<DType> = new Set<DType>(['float16', 'bfloat16', 'float32', 'float64']);

/** Keys that the map lacks, and keys that the module lacks. */
export interface LoadReport {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

export interface LoadOptions {
  /** Throw on missing and unexpected keys (default), or only report them. */
  readonly strict?: boolean;
}

export abstract class Module {
  readonly #children = new Map<string, Module>();
  readonly #parameters = new Map<string, Tensor>();
  readonly #buffers = new Map<string, Tensor>();
  readonly #ignoredKeys: string[] = [];
  readonly #kept: { dispose(): void }[] = [];
  #training = true;
  #frozen = false;

  /** True until `eval()`; dropout and batch normalisation use it. */
  get training(): boolean {
    return this.#training;
  }

  /** Registers a sub-module under `key` and returns it. */
  protected child<M extends Module>(key: string, module: M): M {
    this.#claim(key);
    this.#children.set(key, module);
    return module;
  }

  /** Registers sub-modules under `key.0`, `key.1`, ... and returns them. */
  protected children<M extends Module>(key: string, modules: readonly M[]): readonly M[] {
    modules.forEach((module, i) => this.child(`${key}.${i}`, module));
    return modules;
  }

  /** Registers a trained tensor: lifts it out of all scopes and makes it require a gradient. */
  protected parameter(key: string, tensor: Tensor): Tensor {
    this.#claim(key);
    keep(tensor);
    tensor.requiresGrad_(true);
    this.#parameters.set(key, tensor);
    return tensor;
  }

  /** Registers an untrained tensor of the state, such as running statistics. */
  protected buffer(key: string, tensor: Tensor): Tensor {
    this.#claim(key);
    keep(tensor);
    this.#buffers.set(key, tensor);
    return tensor;
  }

  /** Registers what evaluation keeps of weights: disposed of when training begins, whose every step outdates it, and with the module. */
  protected keeps<K extends { dispose(): void }>(kept: K): K {
    this.#kept.push(kept);
    return kept;
  }

  /** `loadStateDict` ignores this key of reference checkpoints. */
  protected ignoreKey(key: string): void {
    this.#ignoredKeys.push(key);
  }

  #dropKept(): void {
    for (const kept of this.#kept) kept.dispose();
  }

  #claim(key: string): void {
    if (key === '' || this.#children.has(key) || this.#parameters.has(key) || this.#buffers.has(key)) {
      throw new Error(`${this.constructor.name}: the key "${key}" is empty or registered twice`);
    }
  }

  /** This module and all below it by path; the root's is empty. */
  namedModules(): Map<string, Module> {
    const all = new Map<string, Module>([['', this]]);
    for (const [key, child] of this.#children) {
      for (const [path, module] of child.namedModules())
        all.set(path === '' ? key : `${key}.${path}`, module);
    }
    return all;
  }

  #gather(own: (module: Module) => Iterable<readonly [string, Tensor]>): Map<string, Tensor> {
    const all = new Map<string, Tensor>();
    for (const [path, module] of this.namedModules()) {
      for (const [key, tensor] of own(module)) all.set(path === '' ? key : `${path}.${key}`, tensor);
    }
    return all;
  }

  /** By key, frozen ones included; own before the children's. */
  namedParameters(): Map<string, Tensor> {
    return this.#gather((module) => module.#parameters);
  }

  /** Each once, even if two keys share it. */
  parameters(): Tensor[] {
    return [...new Set(this.namedParameters().values())];
  }

  /** Parameters and buffers by key, as live handles. */
  stateDict(): Map<string, Tensor> {
    return this.#gather((module) => [...module.#parameters, ...module.#buffers]);
  }

  /** Scalars in the parameters; with `trainable`, only in those that require a gradient. */
  parameterCount({ trainable = false }: { readonly trainable?: boolean } = {}): number {
    return this.parameters().reduce((sum, p) => sum + (trainable && !p.requiresGrad ? 0 : p.numel), 0);
  }

  /**
   * Copies `state` into parameters and buffers, converting dtype and device; a refused state changes nothing.
   * Keys given to `ignoreKey` are neither missing nor unexpected.
   * @throws CHECKPOINT_MISMATCH for another shape and, when strict, for missing or unexpected keys.
   */
  loadStateDict(
    state: ReadonlyMap<string, Tensor>,
    { strict = true }: LoadOptions = {},
  ): { missing: string[]; unexpected: string[] } {
    const own = this.stateDict();
    const ignored = new Set<string>();
    for (const [path, module] of this.namedModules()) {
      for (const key of module.#ignoredKeys) ignored.add(path === '' ? key : `${path}.${key}`);
    }
    const missing = [...own.keys()].filter((key) => !state.has(key));
    const unexpected = [...state.keys()].filter((key) => !own.has(key) && !ignored.has(key));
    if (strict && missing.length + unexpected.length > 0) {
      const parts = [
        ...(missing.length > 0 ? [`${missing.length} missing (${listed(missing)})`] : []),
        ...(unexpected.length > 0 ? [`${unexpected.length} unexpected (${listed(unexpected)})`] : []),
      ];
      throw new ReclmisError(
        'CHECKPOINT_MISMATCH',
        `the checkpoint's keys do not match ${this.constructor.name}: ${parts.join(', ')}`,
      );
    }
    for (const [key, tensor] of own) {
      const source = state.get(key);
      if (source && !sameShape(source.shape, tensor.shape)) {
        throw new ReclmisError(
          'CHECKPOINT_MISMATCH',
          `${key}: expected shape [${tensor.shape.join(', ')}], the checkpoint has [${source.shape.join(', ')}]`,
        );
      }
    }
    noGrad(() =>
      scope(() => {
        for (const [key, tensor] of own) {
          const source = state.get(key);
          if (source) tensor.copy_(source);
        }
      }),
    );
    return { missing, unexpected };
  }

  /** Switches the whole tree to training (`false`: evaluation); frozen parts stay in evaluation. */
  train(on = true): this {
    if (on) this.#dropKept();
    this.#training = on && !this.#frozen;
    for (const child of this.#children.values()) child.train(this.#training);
    return this;
  }

  /** Switches the whole tree to evaluation. */
  eval(): this {
    return this.train(false);
  }

  /** Unfreezes (`false`: freezes) all parameters of the tree. */
  requiresGrad(on: boolean): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(on);
    return this;
  }

  /**
   * Takes the whole tree out of training for good: its parameters require no gradient, and it stays in evaluation
   * whatever `train` says, so that batch normalisation uses and keeps its running statistics, and nothing is dropped.
   * Gradients still pass through it.
   */
  freeze(): this {
    this.#frozen = true;
    return this.requiresGrad(false).eval();
  }

  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.clearGrad();
  }

  /**
   * Moves parameters and buffers to `device`, and floating-point ones to `dtype`, in place: other handles,
   * such as an optimiser's, stay valid. Drops gradients.
   */
  to(device: string, dtype?: DType): this {
    noGrad(() =>
      scope(() => {
        for (const tensor of new Set(this.stateDict().values())) {
          const floating = FLOATING.has(tensor.dtype);
          tensor.clearGrad();
          tensor.setData(tensor.to({ device, dtype: floating ? dtype : undefined }));
        }
      }),
    );
    return this;
  }

  /** Frees the whole tree's parameters and buffers. Safe to repeat. */
  dispose(): void {
    this.#dropKept();
    for (const child of this.#children.values()) child.dispose();
    for (const tensor of [...this.#parameters.values(), ...this.#buffers.values()]) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

function listed(keys: readonly string[]): string {
  const more = keys.length - LISTED_KEYS;
  return keys.slice(0, LISTED_KEYS).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

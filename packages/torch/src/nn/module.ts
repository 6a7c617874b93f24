/**
 * The base of every layer and model: a tree of modules that owns parameters (trained) and buffers (kept, not trained).
 *
 * Keys are the path of the children joined by dots ("down1.nConvs.0.conv.weight"), so that a class laid out as the
 * reference code's loads the reference checkpoint by name. A key may itself hold dots where the reference nests
 * containers without meaning ("mlp_visual.0").
 *
 * Ownership: parameters and buffers live outside every scope; `dispose` is their only end. `parameters`,
 * `namedParameters` and `stateDict` hand out the live handles, not copies: do not dispose them.
 */
import { ReclmisError } from '@reclmis/core';
import { keep, noGrad, scope } from '../scope.js';
import type { DType, Tensor } from '../tensor.js';

/** How many keys an error message lists before it says how many more there are. */
const LISTED_KEYS = 5;
/** What `to` converts; integers and booleans count or select and stay what they are. */
const FLOATING: ReadonlySet<DType> = new Set<DType>(['float16', 'bfloat16', 'float32', 'float64']);

/** What `loadStateDict` found: keys of the module that the map lacks, and keys of the map that the module lacks. */
export interface LoadReport {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/** Options of `loadStateDict`. */
export interface LoadOptions {
  /** Throw on any missing or unexpected key (default), or only report them. */
  readonly strict?: boolean;
}

export abstract class Module {
  readonly #children = new Map<string, Module>();
  readonly #parameters = new Map<string, Tensor>();
  readonly #buffers = new Map<string, Tensor>();
  readonly #ignoredKeys: string[] = [];
  #training = true;

  /** True between `train()` (the state at construction) and `eval()`; dropout and batch normalisation look at it. */
  get training(): boolean {
    return this.#training;
  }

  /** Registers a sub-module under `key` and returns it; for field initialisers. */
  protected child<M extends Module>(key: string, module: M): M {
    this.#claim(key);
    this.#children.set(key, module);
    return module;
  }

  /** Registers a list of sub-modules under `key.0`, `key.1`, ... and returns it. */
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

  /** Registers a tensor that is part of the state but is not trained, such as running statistics. */
  protected buffer(key: string, tensor: Tensor): Tensor {
    this.#claim(key);
    keep(tensor);
    this.#buffers.set(key, tensor);
    return tensor;
  }

  /** Names a key that reference checkpoints hold for this module and that `loadStateDict` passes over. */
  protected ignoreKey(key: string): void {
    this.#ignoredKeys.push(key);
  }

  #claim(key: string): void {
    if (key === '' || this.#children.has(key) || this.#parameters.has(key) || this.#buffers.has(key)) {
      throw new Error(`${this.constructor.name}: the key "${key}" is empty or registered twice`);
    }
  }

  /** This module and all below it by path; the root's path is the empty string. */
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

  /** The parameters by key, frozen ones included, in the order of registration (own before the children's). */
  namedParameters(): Map<string, Tensor> {
    return this.#gather((module) => module.#parameters);
  }

  /** The parameters, each once even where two keys share a tensor. */
  parameters(): Tensor[] {
    return [...new Set(this.namedParameters().values())];
  }

  /** Parameters and buffers by key: the live handles, of which a checkpoint is written. */
  stateDict(): Map<string, Tensor> {
    return this.#gather((module) => [...module.#parameters, ...module.#buffers]);
  }

  /** Number of scalars in the parameters; `trainable` counts only those that require a gradient. */
  parameterCount({ trainable = false }: { readonly trainable?: boolean } = {}): number {
    return this.parameters().reduce((sum, p) => sum + (trainable && !p.requiresGrad ? 0 : p.numel), 0);
  }

  /**
   * Copies `state` into the parameters and buffers, converting dtype and device. Everything is checked first, so a
   * refused state changes nothing. Keys that a layer passes over (batch normalisation's `num_batches_tracked`,
   * which only matters for a cumulative average that we do not offer) are neither missing nor unexpected.
   *
   * @throws ReclmisError CHECKPOINT_MISMATCH for a tensor of another shape, and, when strict, for missing or
   *   unexpected keys.
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

  /** Switches this module and all below it to training (or, with `false`, to evaluation) behaviour. */
  train(on = true): this {
    this.#training = on;
    for (const child of this.#children.values()) child.train(on);
    return this;
  }

  /** Switches this module and all below it to evaluation behaviour. */
  eval(): this {
    return this.train(false);
  }

  /** Freezes (`false`) or unfreezes every parameter of this module and all below it. */
  requiresGrad(on: boolean): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(on);
    return this;
  }

  /** Forgets the parameters' gradients. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.clearGrad();
  }

  /**
   * Moves the parameters and buffers to `device`, and its floating-point ones to `dtype` where that is given; in
   * place, so that handles held elsewhere (an optimiser's) stay good. Gradients are forgotten.
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

  /** Frees every parameter and buffer of this module and all below it; again is harmless. */
  dispose(): void {
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

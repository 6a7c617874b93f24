/** What is computed from weights and kept while they stay the same. */
import { invoke, operator } from './invoke.js';
import { keep, scope } from './scope.js';
import type { Tensor } from './tensor.js';

const VERSION = operator('aten::_version', '');

/** Tensors made from others, outside all scopes until `dispose`. */
export class Kept<T extends Readonly<Record<string, Tensor>>> {
  #made: { readonly tensors: T; readonly versions: readonly unknown[] } | null = null;

  /** What `make` returns, made again if one of `sources` changed in place, or of `others`. */
  of(sources: readonly Tensor[], make: () => T, others: readonly unknown[] = []): T {
    const versions = [...others, ...sources.map((source) => invoke(VERSION, [source.id]))];
    if (this.#made?.versions.every((version, i) => version === versions[i]) !== true) {
      this.dispose();
      const tensors = scope(make);
      Object.values(tensors).forEach(keep);
      this.#made = { tensors, versions };
    }
    return this.#made.tensors;
  }

  /** Frees what is kept; the next use makes it again. */
  dispose(): void {
    for (const tensor of Object.values(this.#made?.tensors ?? {})) tensor.dispose();
    this.#made = null;
  }
}

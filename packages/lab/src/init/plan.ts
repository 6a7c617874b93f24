/** Which parameters a file gives, by keys and shapes alone. */
import type { Table } from './family.js';
import { count, type Fit, fit, type Recipe, type Shapes } from './recipe.js';

export interface Planned {
  readonly key: string;
  readonly recipe: Recipe;
  readonly fit: NonNullable<Fit>;
}

export interface Plan {
  readonly steps: readonly Planned[];
  /** Names in the file that nothing takes. */
  readonly left: readonly string[];
  /** Keys of the model that keep fresh values. */
  readonly missing: readonly string[];
  /** Share of its part of the model's numbers that the file gives; 0 to 1. */
  readonly share: number;
}

/** In published files; follows from the architecture. */
const DERIVED = /(?:^|\.)(?:relative_position_index|attn_mask|num_batches_tracked|position_ids)$/;

/** @param own the model's parameters and buffers. @param prefix of the file's names; the table's lack it. */
export function planInit(own: Shapes, file: Shapes, table: Table, prefix = ''): Plan {
  const inner = withoutPrefix(file, prefix);
  const steps: Planned[] = [];
  const missing: string[] = [];
  const used = new Set<string>();
  let [asked, given] = [0, 0];
  for (const [key, shape] of own) {
    const recipe = table(key);
    const fits = recipe && fit(recipe, inner, shape);
    const numbers = count(shape);
    if (recipe) asked += numbers;
    if (!recipe || !fits) {
      missing.push(key);
      continue;
    }
    given += numbers;
    const from = recipe.from.map((name) => prefix + name);
    for (const name of from) used.add(name);
    steps.push({ key, recipe: { ...recipe, from }, fit: fits });
  }
  const left = [...file.keys()].filter((name) => !used.has(name) && !DERIVED.test(name));
  return { steps, left, missing, share: asked === 0 ? 0 : given / asked };
}

/** Tensors whose names have the prefix, by the rest of the name. */
export function withoutPrefix(file: Shapes, prefix: string): Shapes {
  const inner = new Map<string, readonly number[]>();
  for (const [name, shape] of file) if (name.startsWith(prefix)) inner.set(name.slice(prefix.length), shape);
  return inner;
}

/** A stage of which the model takes fewer blocks than the file has. */
export interface Deeper {
  readonly stage: string;
  readonly blocks: number;
  readonly taken: number;
}

/** @param blocks a name's stage and block, as in `Family`. */
export function deeperThanModel({ steps }: Plan, file: Shapes, blocks: RegExp, prefix = ''): Deeper | null {
  const all = blocksByStage(file.keys(), blocks, prefix);
  const taken = blocksByStage(
    steps.flatMap(({ recipe }) => recipe.from),
    blocks,
    prefix,
  );
  for (const [stage, own] of taken) {
    const found = all.get(stage)?.size ?? 0;
    if (found > own.size) return { stage, blocks: found, taken: own.size };
  }
  return null;
}

function blocksByStage(names: Iterable<string>, blocks: RegExp, prefix: string): Map<string, Set<string>> {
  const stages = new Map<string, Set<string>>();
  for (const name of names) {
    const [, stage, block] = (name.startsWith(prefix) && blocks.exec(name.slice(prefix.length))) || [];
    if (stage === undefined || block === undefined) continue;
    const known = stages.get(stage) ?? new Set();
    stages.set(stage, known.add(block));
  }
  return stages;
}

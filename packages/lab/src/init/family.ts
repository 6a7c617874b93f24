/** What a family of published weights is: how its files are told apart, and which of their tensors become which parameters of a model. */
import type { Recipe, Shapes } from './recipe.js';

/** A parameter of ours, and the recipe for it; null where the family has nothing for it. */
export type Table = (key: string) => Recipe | null;

/** Our keys by pattern, and the file's names. The first that matches decides. */
export type Renaming = readonly (readonly [pattern: RegExp, name: string, how?: Omit<Recipe, 'from'>])[];

export interface Family {
  /** For `run.json`. */
  readonly id: string;
  /** For people, with the publishers whose names it reads. */
  readonly title: string;
  /** Names that every such file has, behind one prefix. The first finds the prefix. */
  readonly marks: readonly [string, ...string[]];
  /** Names that none has; a file with one is of another architecture. */
  readonly absent?: readonly string[];
  /**
   * A name's stage and the number of its block there, where a file with more blocks than the model is of another architecture: a deeper residual network
   * spreads over all its blocks what a shallower one does in few.
   */
  readonly blocks?: RegExp;
  /** The file's table of words and the model's key for it. */
  readonly words?: { readonly name: string; readonly key: string };
  /** The table of each model that can start from it. @param file names without the prefix. */
  readonly tables: Readonly<Record<string, (file: Shapes) => Table>>;
}

/** The prefix of a family's names in a file, such as `module.`; null for another family's. */
export function prefixOf({ marks, absent = [] }: Family, names: Shapes): string | null {
  const [first, ...others] = marks;
  for (const name of names.keys()) {
    if (!name.endsWith(first)) continue;
    const prefix = name.slice(0, -first.length);
    const whole = prefix === '' || /[./]$/.test(prefix);
    if (
      whole &&
      others.every((mark) => names.has(prefix + mark)) &&
      !absent.some((mark) => names.has(prefix + mark))
    )
      return prefix;
  }
  return null;
}

/** A table by names alone. */
export function rename(rules: Renaming): Table {
  return (key) => {
    for (const [pattern, name, how] of rules)
      if (pattern.test(key)) return { from: [key.replace(pattern, name)], ...how };
    return null;
  };
}

/** A family of published weights: how to tell its files, and which tensors become which parameters. */
import type { Recipe, Shapes } from './recipe.js';

/** A parameter's recipe; null if the family has nothing for it. */
export type Table = (key: string) => Recipe | null;

/** Our keys by pattern, and the file's names. The first match decides. */
export type Renaming = readonly (readonly [pattern: RegExp, name: string, how?: Omit<Recipe, 'from'>])[];

export interface Family {
  /** For `run.json`. */
  readonly id: string;
  /** For people, with the publishers whose names it reads. */
  readonly title: string;
  /** Names in every such file, behind one prefix, which the first finds. */
  readonly marks: readonly [string, ...string[]];
  /** Names that mark a file of another architecture. */
  readonly absent?: readonly string[];
  /**
   * A name's stage and its block, for families whose deeper networks, with more blocks than the model, are
   * another architecture: they spread over all blocks what a shallower one does in few.
   */
  readonly blocks?: RegExp;
  /** The file's table of words, and the model's key for it. */
  readonly words?: { readonly name: string; readonly key: string };
  /** By model. @param file names without the prefix. */
  readonly tables: Readonly<Record<string, (file: Shapes) => Table>>;
}

/** The prefix of a family's names in a file, such as `module.`; null for another family's file. */
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

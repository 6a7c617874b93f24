/**
 * Cross-validation: cuts cases into folds, patient by patient.
 *
 * In random order, largest first, each patient goes to the smallest fold so far (Graham's
 * longest-processing-time rule), so folds differ by at most one patient's cases. They depend only on seed,
 * names and pattern.
 */
import { Random, ReclmisError } from '@reclmis/core';
import type { Config } from '../config/config.js';
import {
  fingerprintOf,
  openDataset,
  readAs,
  type Grouping,
  groupCases,
  grouping,
  type Named,
  presentSplits,
  type Case,
  type Dataset,
  type Split,
} from '@reclmis/data';

/**
 * Each case's fold, from 1.
 * @throws DATA_INVALID for equal ids, OPTION_INVALID for fewer patients than folds
 */
export function assignFolds(
  all: readonly Named[],
  folds: number,
  { groupOf }: Pick<Grouping, 'groupOf'>,
  seed: number,
): Map<string, number> {
  const cases = [...all].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const twice = cases.find(({ id }, i) => cases[i + 1]?.id === id);
  if (twice) {
    throw new ReclmisError(
      'DATA_INVALID',
      `${twice.id}: both the training and the validation cases contain an image of this name; folds need unique names across both`,
      {
        remedy:
          'Rename one of them together with its mask and note, or exclude it with --stems or --val-stems.',
      },
    );
  }
  const groups = [...groupCases(cases, { groupOf }).values()];
  if (groups.length < folds) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `data.folds: expected at most ${groups.length}, the number of patients, got ${folds}`,
      { remedy: 'Use fewer folds, or state with data.group which cases belong to one patient.' },
    );
  }
  const order = Random.from('folds', seed, folds)
    .shuffle(groups)
    .sort((a, b) => b.length - a.length); // stable: ties stay in random order
  const sizes = new Array<number>(folds).fill(0);
  const foldOf = new Map<string, number>();
  for (const members of order) {
    const smallest = sizes.indexOf(Math.min(...sizes));
    sizes[smallest] = (sizes[smallest] ?? 0) + members.length;
    for (const { id } of members) foldOf.set(id, smallest + 1);
  }
  return foldOf;
}

export interface FoldChoice {
  /** At least 2. */
  readonly folds: number;
  /** From 1; for validation. */
  readonly fold: number;
  /** The same for all folds of a cross-validation. */
  readonly foldSeed: number;
  /** See `grouping`. */
  readonly group: string;
}

/** Sorted by id. @throws as `assignFolds` and `grouping` */
export function cutFold<T extends Named>(
  cases: readonly T[],
  { folds, fold, foldSeed, group }: FoldChoice,
): { train: T[]; val: T[] } {
  const assigned = assignFolds(cases, folds, grouping(group), foldSeed);
  const sorted = [...cases].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    train: sorted.filter(({ id }) => assigned.get(id) !== fold),
    val: sorted.filter(({ id }) => assigned.get(id) === fold),
  };
}

async function foldDatasets(
  { train, val }: { readonly train: Dataset; readonly val: Dataset },
  choice: FoldChoice,
): Promise<{ train: Dataset; val: Dataset }> {
  const cut = cutFold([...train.cases, ...val.cases], choice);
  const { fold, folds } = choice;
  const part = async (of: Dataset, cases: readonly Case[]): Promise<Dataset> => ({
    ...of,
    cases,
    fingerprint: await fingerprintOf(cases),
    fold: { fold, folds },
  });
  return { train: await part(train, cut.train), val: await part(val, cut.val) };
}

/**
 * Training and validation cases: the two splits, or with `data.folds` both, cut into folds.
 * @throws CONFIG_INVALID without a folder, the codes of `openDataset` and `cutFold`
 */
export async function openFitted(
  data: Config['data'],
): Promise<{ readonly train: Dataset; readonly val: Dataset }> {
  if (data.dir === '')
    throw new ReclmisError('CONFIG_INVALID', 'data.dir: expected a data set folder, got nothing');
  const open = (split: Split, stems: string): Promise<Dataset> =>
    openDataset(data.dir, split, { ...readAs(data), ...(stems === '' ? {} : { stems }) });
  const train = await open('train', data.trainStems);
  if (data.folds === 0) return { train, val: await open('val', data.valStems) };
  // A data set without validation cases is cut as well.
  const present = await presentSplits(data.dir, readAs(data));
  const val = present.includes('val')
    ? await open('val', data.valStems)
    : { ...train, split: 'val' as const, cases: [] };
  return foldDatasets({ train, val }, data);
}

/**
 * Splits cases into train, val and test: by patient, seeded, and stratified by lesion size.
 *
 * Patients are sorted by the mean share of foreground of their masks and shuffled within strata of ten. Each in turn
 * goes to the split that holds least for its share (Webster's method), so every range of sizes is divided alike. A
 * patient's number of cases does not matter there, or patients with many would all be for training.
 * The result depends only on seed, names, masks and shares.
 */
import { encodeCsv, foregroundShare, Random, ReclmisError } from '@reclmis/core';
import { mapLimit, writeFileAtomic } from '@reclmis/files';
import { invalidDataset } from './dataset.js';
import { groupCases, grouping, type Grouping, type Named } from './groups.js';
import type { DataSourceOptions } from './layouts/layout.js';
import { readCaseMask } from './masks.js';
import { scanAll } from './source.js';
import { type Case, type Split, SPLITS } from './types.js';

const STRATUM = 10;
const LANES = 2;

export interface SplitShares {
  /** Share of the cases, above 0; the rest is for training. */
  readonly val: number;
  /** Share of the cases, from 0. */
  readonly test: number;
}

export interface SizedCase extends Named {
  /** Share of foreground, 0 to 1. */
  readonly foreground: number;
}

/**
 * Each case's split.
 * @throws OPTION_INVALID for shares that leave nothing to train on, or fewer patients than splits
 */
export function assignSplits(
  cases: readonly SizedCase[],
  { val, test }: SplitShares,
  { groupOf }: Pick<Grouping, 'groupOf'>,
  seed: number,
): Map<string, Split> {
  if (!(val > 0) || !(test >= 0) || !(val + test < 1))
    throw new ReclmisError('OPTION_INVALID', `shares: expected val above 0, test from 0, and less than 1 together, got ${val} and ${test}`); // prettier-ignore
  const shares: Readonly<Record<Split, number>> = { train: 1 - val - test, val, test };
  const splits = SPLITS.filter((split) => shares[split] > 0);
  const sorted = [...cases].sort((a, b) => (a.id < b.id ? -1 : 1));
  const patients = [...groupCases(sorted, { groupOf }).values()].map((members) => ({
    members,
    size: members.reduce((sum, { foreground }) => sum + foreground, 0) / members.length,
  }));
  if (patients.length < splits.length)
    throw new ReclmisError(
      'OPTION_INVALID',
      `expected at least ${splits.length} patients, got ${patients.length}`,
      {
        remedy: 'State with --group which cases belong to one patient, or split --by case.',
      },
    );
  const random = Random.from('splits', seed);
  const bySize = patients.sort((a, b) => a.size - b.size); // stable: ties stay in the order of names
  const order: typeof patients = [];
  for (let at = 0; at < bySize.length; at += STRATUM)
    order.push(...random.shuffle(bySize.slice(at, at + STRATUM)));
  const filled: Record<Split, number> = { train: 0, val: 0, test: 0 };
  const assigned = new Map<string, Split>();
  for (const [i, { members }] of order.entries()) {
    const empty = splits.filter((split) => filled[split] === 0);
    // The last patients go where there is none yet.
    const open = empty.length > 0 && order.length - i <= empty.length ? empty : splits;
    const fullness = (split: Split): number => (filled[split] + 0.5) / shares[split];
    const split = open.reduce((best, one) => (fullness(one) < fullness(best) ? one : best));
    filled[split] += members.length;
    for (const { id } of members) assigned.set(id, split);
  }
  return assigned;
}

export interface SplitPart {
  readonly split: Split;
  readonly cases: number;
  readonly patients: number;
  /** Mean share of foreground, 0 to 1. */
  readonly foreground: number;
  readonly emptyMasks: number;
}

export interface MadeSplit {
  readonly parts: readonly SplitPart[];
  /** Cases whose patient the data set or their names tell. */
  readonly named: number;
}

export interface MakeSplitOptions extends DataSourceOptions, SplitShares {
  /** `case`: every image its own patient. Default patient. */
  readonly by?: 'patient' | 'case';
  /** See `grouping`. */
  readonly group?: string;
  /** Default 1. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Splits a source's cases, whatever its own splits, and writes the table for `data.splits`. Decodes every mask.
 * @throws DATA_INVALID for unusable cases or two of one name; OPTION_INVALID as `assignSplits`; codes of layouts and
 * masks
 */
export async function makeSplit(source: string, out: string, options: MakeSplitOptions): Promise<MadeSplit> {
  const { by = 'patient', group = '', seed = 1 } = options;
  const patients = grouping(by === 'case' ? '^(.*)$' : group);
  const scans = await scanAll(source, options);
  const problems = scans.flatMap((one) => one.problems);
  if (problems.length > 0) throw invalidDataset(source, problems);
  const cases = scans.flatMap((one) => one.cases);
  refuseTwice(source, cases);
  const sized = await measure(cases, options);
  const assigned = assignSplits(sized, options, patients, seed);
  const rows = sized
    .map((one) => ({ one, split: assigned.get(one.id) ?? 'train' }))
    .sort((a, b) => SPLITS.indexOf(a.split) - SPLITS.indexOf(b.split) || (a.one.id < b.one.id ? -1 : 1));
  // Only what is known, so that later checks do not take images for patients.
  const told = grouping(group);
  const patientOf = (one: SizedCase): string =>
    told.fits(one) ? told.groupOf(one).replace(/^patient /u, '') : '';
  await writeFileAtomic(
    out,
    encodeCsv([
      ['case', 'split', 'patient'],
      ...rows.map(({ one, split }) => [one.id, split, patientOf(one)]),
    ]),
  );
  const parts = SPLITS.flatMap((split): SplitPart[] => {
    const own = rows.filter((row) => row.split === split).map(({ one }) => one);
    if (own.length === 0) return [];
    return [
      {
        split,
        cases: own.length,
        patients: groupCases(own, patients).size,
        foreground: own.reduce((sum, { foreground }) => sum + foreground, 0) / own.length,
        emptyMasks: own.filter(({ foreground }) => foreground === 0).length,
      },
    ];
  });
  return { parts, named: cases.filter(told.fits).length };
}

function refuseTwice(source: string, cases: readonly Case[]): void {
  const known = new Set<string>();
  for (const { id } of cases) {
    if (known.has(id))
      throw new ReclmisError(
        'DATA_INVALID',
        `${source}: two cases are named ${id}, so a table of splits cannot tell them apart`,
        {
          remedy: 'Rename one of them together with its mask and note.',
        },
      );
    known.add(id);
  }
}

async function measure(
  cases: readonly Case[],
  { signal, onProgress }: Pick<MakeSplitOptions, 'signal' | 'onProgress'>,
): Promise<SizedCase[]> {
  let done = 0;
  return mapLimit(cases, LANES, async (one) => {
    if (signal?.aborted === true)
      throw new ReclmisError('INTERRUPTED', `stopped after ${done} of ${cases.length} masks`);
    const foreground = foregroundShare((await readCaseMask(one)).mask);
    onProgress?.(++done, cases.length);
    const { id, imageId, patient } = one;
    return {
      id,
      foreground,
      ...(imageId === undefined ? {} : { imageId }),
      ...(patient === undefined ? {} : { patient }),
    };
  });
}

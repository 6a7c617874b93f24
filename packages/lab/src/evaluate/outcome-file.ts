/**
 * Where the scores of an evaluation lie in the run's folder. The name says what was asked, so that the same question has the same file and another
 * question never takes it:
 *
 *     evaluation/DATA-SPLIT[-NOTES][-seed-N][-sides-WHOSE][-ensemble][-flips][-last][-12345678].csv
 *
 * The digits stand for what a name cannot hold: the cases of another folder than the run's or of a list, the runs of an ensemble, groups, the size
 * of a pixel.
 */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Dataset } from '../data/types.js';
import type { Run } from '../run/run.js';
import type { EvaluateOptions } from './evaluate.js';

/** The choices that decide what scores mean. Device, threads, precision and batch size are not among them: they answer the same question. */
export type Asked = Pick<
  EvaluateOptions,
  'notes' | 'sides' | 'seed' | 'checkpoint' | 'ensemble' | 'flips' | 'stems' | 'group' | 'spacing'
>;

/** The path of the CSV with the scores of a run on a part of a data set. */
export function outcomeFile(
  { dir, config }: Pick<Run, 'dir' | 'config'>,
  dataset: Pick<Dataset, 'name' | 'dir' | 'split' | 'fingerprint'>,
  { notes = 'right', sides, seed, checkpoint = 'best', ensemble, flips, stems, group, spacing }: Asked,
): string {
  const isOwn = config.data.dir !== '' && resolve(dataset.dir) === resolve(config.data.dir);
  const rest = {
    ...(isOwn && stems === undefined ? {} : { cases: dataset.fingerprint }),
    ...(ensemble?.length ? { runs: ensemble.map((other) => resolve(other)).sort() } : {}),
    ...(group === undefined ? {} : { group }),
    ...(spacing === undefined ? {} : { spacing }),
  };
  const parts = [
    `${dataset.name}-${dataset.split}`,
    ...(notes === 'right' ? [] : [notes]),
    ...(seed === undefined || notes !== 'shuffled' ? [] : [`seed-${seed}`]),
    ...(sides === undefined ? [] : [`sides-${sides}`]),
    ...(ensemble === undefined ? [] : ['ensemble']),
    ...(flips === true ? ['flips'] : []),
    ...(checkpoint === 'best' ? [] : [checkpoint]),
    ...(Object.keys(rest).length === 0 ? [] : [digest(rest)]),
  ];
  return join(dir, 'evaluation', `${parts.join('-')}.csv`);
}

function digest(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);
}

/**
 * Where an evaluation's scores lie in the run's folder, named by what was asked:
 *
 *     evaluation/DATA-SPLIT[-NOTES][-seed-N][-free][-sides-WHOSE][-resize-RULE][-ensemble][-flips][-last][-12345678].csv
 *
 * The digits stand for what a name cannot hold: another folder, a list of cases, an ensemble's runs, groups, the
 * size of a pixel, another grey level window.
 */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Dataset } from '@reclmis/data';
import type { Run } from '../run/run.js';
import type { EvaluateOptions } from './evaluate.js';
import { isDrawn } from './note-variants.js';

/** What decides the scores' meaning. */
export type Asked = Pick<
  EvaluateOptions,
  | 'notes'
  | 'noteStyle'
  | 'sides'
  | 'seed'
  | 'checkpoint'
  | 'ensemble'
  | 'flips'
  | 'stems'
  | 'splits'
  | 'group'
  | 'spacing'
  | 'resize'
  | 'window'
>;

export function outcomeFile(
  { dir, config }: Pick<Run, 'dir' | 'config'>,
  dataset: Pick<Dataset, 'name' | 'dir' | 'split' | 'fingerprint'>,
  {
    notes = 'right',
    noteStyle,
    sides,
    seed,
    checkpoint = 'best',
    ensemble,
    flips,
    stems,
    splits,
    group,
    spacing,
    resize = config.data.resize,
    window = config.data.window,
  }: Asked,
): string {
  const isOwn = config.data.dir !== '' && resolve(dataset.dir) === resolve(config.data.dir);
  const rest = {
    ...(isOwn && stems === undefined && splits === undefined ? {} : { cases: dataset.fingerprint }),
    ...(ensemble?.length ? { runs: ensemble.map((other) => resolve(other)).sort() } : {}),
    ...(group === undefined ? {} : { group }),
    ...(spacing === undefined ? {} : { spacing }),
    ...(window === config.data.window ? {} : { window }),
  };
  const parts = [
    `${dataset.name}-${dataset.split}`,
    ...(notes === 'right' ? [] : [notes]),
    ...(seed === undefined || !isDrawn(notes) ? [] : [`seed-${seed}`]),
    ...(noteStyle === 'free' ? ['free'] : []),
    ...(sides === undefined ? [] : [`sides-${sides}`]),
    ...(resize === config.data.resize ? [] : [`resize-${resize}`]),
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

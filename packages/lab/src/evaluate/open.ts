import { resolve } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import {
  fingerprintOf,
  openDataset,
  readAs,
  readStems,
  type DataSourceOptions,
  type Dataset,
  type Split,
} from '@reclmis/data';
import { openFitted } from '../data/folds.js';
import type { Run } from '../run/run.js';

/** Read as the run's own data if it is those, unless told otherwise. */
export interface EvaluatedData extends DataSourceOptions {
  /** Default: the run's own. */
  readonly dataDir?: string;
  /** Default `test`. For a fold's run `train` and `val` are the fold's, if the folder holds its cases. */
  readonly split?: Split;
  /** A file, one stem per line; default all. */
  readonly stems?: string;
}

export const splitText = ({ split, fold }: Pick<Dataset, 'split' | 'fold'>): string =>
  fold === undefined ? split : `${split} (fold ${fold.fold} of ${fold.folds})`;

/** @throws the codes of `openDataset`; STEM_UNKNOWN for a stem that the fold lacks; DATA_FOLDER_MISSING if none is named */
export async function openEvaluated(
  run: Pick<Run, 'config' | 'info'>,
  { dataDir = run.config.data.dir, split = 'test', stems, ...source }: EvaluatedData = {},
): Promise<Dataset> {
  if (dataDir === '')
    throw new ReclmisError(
      'DATA_FOLDER_MISSING',
      'data.dir: the run’s configuration does not name a folder',
      {
        remedy: 'State with --data where the data set is.',
      },
    );
  const isOwn = resolve(dataDir) === resolve(run.config.data.dir);
  const { window = run.config.data.window } = source; // the model's, whatever it is evaluated on
  const reading = { ...(isOwn ? readAs(run.config.data) : {}), ...readAs(source), window };
  const fold = split === 'test' ? null : await openFold(run, dataDir, split, window);
  if (fold === null)
    return openDataset(dataDir, split, { ...reading, ...(stems === undefined ? {} : { stems }) });
  const chosen = await readStems(stems);
  if (chosen === undefined) return fold;
  const known = new Set(fold.cases.map(({ id }) => id));
  const strange = [...chosen].find((stem) => !known.has(stem));
  if (strange !== undefined)
    throw new ReclmisError(
      'STEM_UNKNOWN',
      `${strange}: not among the ${known.size} cases of ${splitText(fold)}`,
    );
  const cases = fold.cases.filter(({ id }) => chosen.has(id));
  return { ...fold, cases, fingerprint: await fingerprintOf(cases) };
}

/** The run's fold; null if it has none, or the folder holds other data. */
async function openFold(
  { config: { data }, info }: Pick<Run, 'config' | 'info'>,
  dir: string,
  split: Exclude<Split, 'test'>,
  window: string,
): Promise<Dataset | null> {
  if (data.folds === 0) return null;
  if (resolve(dir) === resolve(data.dir)) return (await openFitted({ ...data, window }))[split];
  try {
    const moved = (await openFitted({ ...data, dir, window }))[split];
    return moved.fingerprint === info.data?.[split].fingerprint ? moved : null;
  } catch (error) {
    if (error instanceof ReclmisError) return null; // no such cases there
    throw error;
  }
}

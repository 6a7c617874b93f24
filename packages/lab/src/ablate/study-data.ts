/** A study's data set: as given, or phantoms in the study's folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import type { Config, Overrides } from '../config/config.js';
import { type PhantomOptions, writePhantom } from '@reclmis/data';
import { findStudy, loadStudy, type Study } from './study.js';

/**
 * @param out the study's folder, for phantoms; undefined: none yet
 * @throws OPTION_INVALID without data set and phantoms, and as `loadStudy`
 */
export function loadStudyWithData(asked: string, out: string | undefined, overrides: Overrides): Study {
  const study = openStudy(asked, out, overrides);
  if (out === undefined || study.cells[0]?.config.data.dir !== '') return study;
  throw new ReclmisError(
    'OPTION_INVALID',
    `no data set: expected --data DIR, or phantom or data.dir in ${findStudy(asked)}`,
  );
}

/** Opens a study without computing; a missing data set is allowed. @throws as `loadStudy` */
export function openStudy(asked: string, out: string | undefined, overrides: Overrides): Study {
  const file = findStudy(asked);
  const study = loadStudy(file, overrides);
  const config = study.cells[0]?.config;
  if (!config || config.data.dir !== '' || out === undefined || !study.phantom) return study;
  return loadStudy(file, { ...overrides, 'data.dir': phantomFolder(study.phantom, config, out) });
}

/** Named by contents, so that other phantoms get their own folder. */
function phantomFolder(
  { count, seed }: NonNullable<Study['phantom']>,
  { model }: Config,
  out: string,
): string {
  return join(out, 'data', `phantom-${count}-of-${model.imageSize}-seed-${seed}`);
}

/** Unless the study has other data, or they exist. @throws as `writePhantom` */
export async function drawStudyPhantoms(
  { phantom, cells }: Study,
  out: string,
  listeners: Pick<PhantomOptions, 'signal' | 'onProgress'> = {},
): Promise<void> {
  const config = cells[0]?.config;
  if (!phantom || !config || config.data.dir !== phantomFolder(phantom, config, out)) return;
  const { dir } = config.data;
  if (existsSync(dir)) return;
  try {
    await writePhantom(dir, { ...phantom, size: config.model.imageSize, ...listeners });
  } catch (error) {
    if (!existsSync(dir)) throw error; // else another part of the study was first
  }
}

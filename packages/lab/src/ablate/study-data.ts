/** The data set of a study: the one that it is given, or phantoms of its own in the study's folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import type { Config, Overrides } from '../config/config.js';
import { type PhantomOptions, writePhantom } from '../data/phantom.js';
import { findStudy, loadStudy, type Study } from './study.js';

/**
 * Loads a study with its data set.
 * @param out the study's folder, where phantoms of its own lie; undefined: they have no place yet.
 * @throws OPTION_INVALID where there is neither a data set nor phantoms, and as `loadStudy`
 */
export function loadStudyWithData(asked: string, out: string | undefined, overrides: Overrides): Study {
  const study = openStudy(asked, out, overrides);
  if (out === undefined || study.cells[0]?.config.data.dir !== '') return study;
  throw new ReclmisError(
    'OPTION_INVALID',
    `no data set: expected --data DIR, or phantom or data.dir in ${findStudy(asked)}`,
  );
}

/** The same for those who compute nothing: without a data set, where there is none. @throws as `loadStudy` */
export function openStudy(asked: string, out: string | undefined, overrides: Overrides): Study {
  const file = findStudy(asked);
  const study = loadStudy(file, overrides);
  const config = study.cells[0]?.config;
  if (!config || config.data.dir !== '' || out === undefined || !study.phantom) return study;
  return loadStudy(file, { ...overrides, 'data.dir': phantomFolder(study.phantom, config, out) });
}

/** Its name says what it holds, so that a study that asks for others draws them beside it. */
function phantomFolder(
  { count, seed }: NonNullable<Study['phantom']>,
  { model }: Config,
  out: string,
): string {
  return join(out, 'data', `phantom-${count}-of-${model.imageSize}-seed-${seed}`);
}

/** Draws a study's own phantoms, unless it was given other data or they are there. @throws as `writePhantom` */
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

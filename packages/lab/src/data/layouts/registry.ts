/**
 * The layouts of data sets. A new one is its file and a line here (or `registerLayout` in a program of one's own); checking, planning, training and
 * evaluation take its folders.
 */
import { ReclmisError } from '@reclmis/core';
import type { Split } from '../types.js';
import { list } from './image-folder.js';
import type { DataLayout, SplitScan } from './layout.js';
import { LVIT } from './lvit.js';

/** In the order in which a folder is tried: what accepts many folders comes last. */
const LAYOUTS = new Map<string, DataLayout>([['lvit', LVIT]]);

/** Adds a layout, which is tried after those before it. @throws OPTION_INVALID where the name is taken */
export function registerLayout(name: string, layout: DataLayout): void {
  if (LAYOUTS.has(name))
    throw new ReclmisError('OPTION_INVALID', `a data set layout named ${name} already exists`, {
      remedy: 'Choose another name.',
    });
  LAYOUTS.set(name, layout);
}

/** Names of the layouts. */
export function layoutNames(): readonly string[] {
  return [...LAYOUTS.keys()];
}

/** The layout of a folder. @throws DATA_FOLDER_MISSING if there is no such folder, or it is of no known layout */
async function layoutOf(dir: string): Promise<DataLayout> {
  const names = await list(dir);
  if (names === null) throw new ReclmisError('DATA_FOLDER_MISSING', `${dir}: no such folder`);
  const layouts = [...LAYOUTS.values()];
  const found = layouts.find((layout) => layout.detect(names));
  if (found) return found;
  const expected = layouts.map(({ expects }) => expects).join('; or ');
  throw new ReclmisError('DATA_FOLDER_MISSING', `${dir}: expected ${expected}, got none of them`);
}

/** The splits that a folder has. @throws DATA_FOLDER_MISSING */
export async function presentSplits(dir: string): Promise<readonly Split[]> {
  return (await layoutOf(dir)).splits(dir);
}

/** The cases of a split, whatever the folder's layout. @throws DATA_FOLDER_MISSING */
export async function scanSplit(dir: string, split: Split, stems?: ReadonlySet<string>): Promise<SplitScan> {
  return (await layoutOf(dir)).scan(dir, split, stems);
}

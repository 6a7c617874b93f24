/** The layouts of data sets. To add one: its file and a line here (or `registerLayout` in your program). */
import { ReclmisError } from '@reclmis/core';
import type { Split } from '../types.js';
import { list } from './image-folder.js';
import type { DataLayout, SplitScan } from './layout.js';
import { LVIT } from './lvit.js';

/** Tried in order: put those that accept many folders last. */
const LAYOUTS = new Map<string, DataLayout>([['lvit', LVIT]]);

/** Tried last. @throws OPTION_INVALID if the name is taken */
export function registerLayout(name: string, layout: DataLayout): void {
  if (LAYOUTS.has(name))
    throw new ReclmisError('OPTION_INVALID', `a data set layout named ${name} already exists`, {
      remedy: 'Choose another name.',
    });
  LAYOUTS.set(name, layout);
}

export function layoutNames(): readonly string[] {
  return [...LAYOUTS.keys()];
}

/** @throws DATA_FOLDER_MISSING for a missing folder or unknown layout */
async function layoutOf(dir: string): Promise<DataLayout> {
  const names = await list(dir);
  if (names === null) throw new ReclmisError('DATA_FOLDER_MISSING', `${dir}: no such folder`);
  const layouts = [...LAYOUTS.values()];
  const found = layouts.find((layout) => layout.detect(names));
  if (found) return found;
  const expected = layouts.map(({ expects }) => expects).join('; or ');
  throw new ReclmisError('DATA_FOLDER_MISSING', `${dir}: expected ${expected}, got none of them`);
}

/** @throws DATA_FOLDER_MISSING */
export async function presentSplits(dir: string): Promise<readonly Split[]> {
  return (await layoutOf(dir)).splits(dir);
}

/** @throws DATA_FOLDER_MISSING */
export async function scanSplit(dir: string, split: Split, stems?: ReadonlySet<string>): Promise<SplitScan> {
  return (await layoutOf(dir)).scan(dir, split, stems);
}

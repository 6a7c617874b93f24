/** The layouts of data sets. To add one: its file and a line here (or `registerLayout` in your program). */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { COCO } from './coco.js';
import { HUGGING_FACE } from './hugging-face.js';
import { list } from './image-folder.js';
import type { DataLayout } from './layout.js';
import { LVIT } from './lvit.js';
import { NN_UNET } from './nn-unet.js';
import { TABLE } from './table.js';

const LAYOUTS = new Map<string, DataLayout>([
  ['lvit', LVIT],
  ['table', TABLE],
  ['huggingface', HUGGING_FACE],
  ['nnunet', NN_UNET],
  ['coco', COCO],
]);

/** @throws OPTION_INVALID if the name is taken */
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

/** The names in a folder, or a file's own. @throws DATA_FOLDER_MISSING */
async function namesOf(source: string): Promise<readonly string[]> {
  const names = await list(source);
  if (names !== null) return names;
  if ((await stat(source).catch(() => null))?.isFile() === true) return [basename(source)];
  throw new ReclmisError('DATA_FOLDER_MISSING', `${source}: no such folder or file`);
}

/**
 * A source's layout, by name or content.
 * @throws DATA_FOLDER_MISSING if there is none, DATA_LAYOUT_UNCLEAR if several fit, OPTION_INVALID for another name
 */
export async function layoutOf(
  source: string,
  asked = '',
): Promise<{ readonly name: string; readonly layout: DataLayout }> {
  const names = await namesOf(source);
  if (asked !== '') {
    const layout = LAYOUTS.get(asked);
    if (layout !== undefined) return { name: asked, layout };
    throw new ReclmisError(
      'OPTION_INVALID',
      `layout "${asked}": expected one of ${layoutNames().join(', ')}`,
    );
  }
  const all = [...LAYOUTS].map(([name, layout]) => ({ name, layout }));
  const answers = await Promise.all(all.map(async ({ layout }) => layout.detect(names, source)));
  const certain = all.filter((_, i) => answers[i] === true);
  const fits = certain.length > 0 ? certain : all.filter((_, i) => answers[i] === 'perhaps');
  const [only] = fits;
  if (only !== undefined && fits.length === 1) return only;
  if (fits.length > 1)
    throw new ReclmisError(
      'DATA_LAYOUT_UNCLEAR',
      `${source}: fits several layouts, ${fits.map(({ name }) => name).join(' and ')}`,
    );
  const expected = all.map(({ layout }) => layout.expects).join('; or ');
  throw new ReclmisError('DATA_FOLDER_MISSING', `${source}: expected ${expected}, got none of them`);
}

/** What tests of the studio do with its hands: folders of phantoms, files that it saves, places on the image. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mask } from '@reclmis/core';
import { encodePng, readMask } from '@reclmis/files';
import { drawPhantom } from '@reclmis/data';
import type { Page } from 'playwright-core';

export interface PhantomFolder {
  readonly dir: string;
  readonly names: readonly string[];
  readonly notes: readonly string[];
}

/** A data set of phantoms: `cases.csv`, `images` and `masks`. */
export async function writePhantoms(dir: string, count: number, size: number): Promise<PhantomFolder> {
  for (const folder of ['images', 'masks']) mkdirSync(join(dir, folder), { recursive: true });
  const [names, notes]: [string[], string[]] = [[], []];
  for (let i = 0; i < count; i++) {
    const { image, mask, note } = drawPhantom(5, i, size);
    const name = `phantom_${String(i).padStart(4, '0')}.png`;
    writeFileSync(join(dir, 'images', name), await encodePng(image, 1));
    const grey = { ...mask, data: mask.data.map((value) => 255 * value) };
    writeFileSync(join(dir, 'masks', name), await encodePng(grey, 1));
    names.push(name);
    notes.push(note);
  }
  const rows = names.map((name, i) => `${name},${name},"${notes[i]!}",patient\n`);
  writeFileSync(join(dir, 'cases.csv'), `image,mask,note,sides\n${rows.join('')}`);
  return { dir, names, notes };
}

/** Chooses a folder in the page's dialog. */
export async function chooseFolder(page: Page, dir: string): Promise<void> {
  const dialog = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose folder' }).click();
  await (await dialog).setFiles(dir);
}

/** A file that the export menu saves. */
export async function exported(
  page: Page,
  label: string,
): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  await page.getByRole('button', { name: 'Export' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: label }).first().click();
  const file = await download;
  const bytes = new Uint8Array(readFileSync(await file.path()));
  await page.getByText('read back and identical').waitFor();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  return { name: file.suggestedFilename(), bytes };
}

/** The shown mask, through the export menu. */
export async function savedMask(page: Page, root: string): Promise<Mask> {
  const { bytes } = await exported(page, 'Mask');
  const path = join(root, 'saved.png');
  writeFileSync(path, bytes);
  return readMask(path);
}

/** Where pixels of the open image, `size` a side, are on the page. */
export async function placeOf(
  page: Page,
  size: number,
): Promise<(x: number, y: number) => readonly [x: number, y: number]> {
  const box = (await page.locator('.picture').boundingBox())!;
  const scale = (Math.min(box.width, box.height) - 32) / size;
  const [left, top] = [box.x + (box.width - scale * size) / 2, box.y + (box.height - scale * size) / 2];
  return (x, y) => [left + scale * x, top + scale * y];
}

/** The steps in words, without those that were undone. */
export const steps = (page: Page): Promise<string[]> =>
  page.locator('.history li:not(.undone) .name').allTextContents();

/** The studio in a real Chromium, as `reclmis studio --build` writes it, with a small model. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { reclmisHere } from '#reclmis-here';
import { POLICY } from '@reclmis/studio';
import type { Services } from '@reclmis/studio/testing';
import type { Page } from 'playwright-core';
import { openPage, type OpenPage } from './browser-page.js';
import { makeSmallModel, type SmallModel } from './small-model.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

declare global {
  // Set by the page, as `openPage` asks it to.
  var reclmisStudio: Services;
}

export interface StudioSite extends SmallModel {
  /** Static files, model and samples included. */
  readonly folder: string;
}

export async function makeStudioSite(root: string): Promise<StudioSite> {
  const { run, model } = await makeSmallModel(root);
  const folder = join(root, 'studio');
  const { status, stderr } = await reclmisHere(root)('studio', '--build', folder, model);
  if (status !== 0) throw new Error(`reclmis studio ended with ${status}: ${stderr}`);
  return { run, model, folder };
}

/** Opens the page under its policy, past the hints, with its model loaded. */
export async function openStudio(
  folder: string,
  extra: Readonly<Record<string, string>> = {},
): Promise<OpenPage> {
  const open = await openPage({ folders: { '/': folder, ...extra }, policy: POLICY });
  await open.page.setViewportSize({ width: 1440, height: 900 });
  await loaded(open.page);
  await open.page.getByRole('button', { name: 'Skip' }).click();
  return open;
}

/** Waits until the page has its model. */
export async function loaded(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const { reclmisStudio: studio } = globalThis as { reclmisStudio: Services | null };
    return studio?.store.state.model.status === 'ready';
  });
}

/** Waits until nothing is being opened or computed, and the result is about the note that is written. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const { reading, computing, result, note, threshold, picture } = globalThis.reclmisStudio.store.state;
    const fits = result?.note.text === note.text && result.note.sides === note.sides;
    return reading === null && !computing && fits && result.threshold === threshold && result.picture === picture?.id; // prettier-ignore
  });
}

/** Opens a file through the dialog. */
export async function chooseFile(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page
    .getByRole('button', { name: /^(?:Open|Choose files)/ })
    .first()
    .click();
  await (await chooser).setFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) });
}

/** What the page shows: the mask as displayed, and the state's result. */
export function shown(page: Page): Promise<{
  readonly mask: number[];
  readonly probability: number[];
  readonly area: number;
  readonly note: string;
}> {
  return page.evaluate(() => {
    const { rasters, store } = globalThis.reclmisStudio;
    return {
      mask: [...(rasters.mask?.data ?? [])],
      probability: [...(rasters.probability ?? [])],
      area: store.state.result?.area ?? -1,
      note: store.state.result?.note.text ?? '',
    };
  });
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** What axe-core objects to. Its script is put in by the debugger, which no policy concerns. */
export async function objections(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}

/** A run's live curves in the studio, in a real Chromium. Skipped without Chromium. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEpochs } from '@reclmis/lab';
import { FOLLOW_RUN } from '@reclmis/studio';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, type OpenPage } from './browser-page.js';
import { loaded, makeStudioSite, openStudio, type StudioSite } from './studio-page.js';

describe.skipIf(!CHROMIUM)('a run in training', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-studio-run-'));
  let site: StudioSite;
  let open: OpenPage;

  const write = (epochs: readonly object[]): void =>
    writeFileSync(join(site.folder, 'run/epochs.json'), JSON.stringify(epochs));
  const points = (page: Page, at: number): Promise<number[][]> =>
    page
      .locator('.curve polyline')
      .nth(at)
      .evaluate((line) =>
        line
          .getAttribute('points')!
          .split(' ')
          .map((pair) => pair.split(',').map(Number)),
      );

  beforeAll(async () => {
    site = await makeStudioSite(root);
    mkdirSync(join(site.folder, 'run'));
    open = await openStudio(site.folder);
  });
  afterAll(async () => {
    await open.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('shows loss and Dice by epoch as they are written', async () => {
    const { page } = open;
    const epochs = readEpochs(join(site.run, 'metrics.jsonl'));
    write([]);
    await page.goto(open.url + FOLLOW_RUN);
    await loaded(page);
    await page.getByText('The first epoch is not written yet.').waitFor();
    write(epochs.slice(0, 2));
    await page.getByText('epoch 2', { exact: true }).waitFor();
    write(epochs);
    await page.getByText(`epoch ${epochs.length}`, { exact: true }).waitFor();
    const values = await page.locator('.curve strong').allTextContents();
    const last = epochs.at(-1)!;
    expect(values).toEqual([last.losses.total.toPrecision(3), last.validation.dice.toFixed(3)]);
    const best = epochs.findLast((one) => one.best)!;
    await page.getByText(`Best ${best.validation.dice.toFixed(3)}, epoch ${best.epoch}.`).waitFor();
    const dice = await points(page, 1);
    expect(dice.map(([, y]) => y)).toEqual(
      epochs.map(({ validation }) => Number((3 + 66 * (1 - validation.dice)).toFixed(1))),
    );
    const loss = await points(page, 0);
    const most = Math.max(...epochs.map(({ losses }) => losses.total));
    expect(loss.map(([, y]) => y)).toEqual(
      epochs.map(({ losses }) => Number((3 + 66 * (1 - losses.total / most)).toFixed(1))),
    );
    if (process.env['RECLMIS_SHOT']) await page.screenshot({ path: process.env['RECLMIS_SHOT'] });
  });

  it('asks for no run otherwise', async () => {
    const { page } = open;
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(open.url);
    await loaded(page);
    expect(asked.filter((path) => path.startsWith('/run/'))).toEqual([]);
    expect(await page.locator('.training').count()).toBe(0);
  });
});

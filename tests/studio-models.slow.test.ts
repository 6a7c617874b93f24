/** Two models side by side in the studio, in a real Chromium. Skipped without Chromium (`npm run test:browser` installs it). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reclmisHere } from '#reclmis-here';
import { exportModel } from '@reclmis/export';
import { loadModel, type Model } from '@reclmis/runtime';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, type OpenPage } from './browser-page.js';
import { difference } from './runtime-site.js';
import { makeStudioSite, objections, openStudio, settled, type StudioSite } from './studio-page.js';

const NOTE = 'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.';
/** Sums in another order may move probabilities across the threshold. */
const FEW = 2e-3;

const SLOW = process.env['RECLMIS_SLOW'] === '1';

describe.skipIf(!CHROMIUM || !SLOW)('two models in the studio', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-studio-models-'));
  const folder = join(root, 'two');
  let site: StudioSite;
  let node: readonly [Model, Model];
  let open: OpenPage;

  beforeAll(async () => {
    site = await makeStudioSite(root);
    const second = join(root, 'int8');
    await exportModel(site.run, { out: second, precision: 'int8', threads: 1 });
    const { status, stderr } = await reclmisHere(root)('studio', '--build', folder, site.model, second);
    expect([status, stderr]).toEqual([0, expect.any(String)]);
    node = [await loadModel(site.model, { threads: 1 }), await loadModel(second, { threads: 1 })];
  });
  afterAll(async () => {
    for (const model of node) await model.dispose();
    rmSync(root, { recursive: true, force: true });
  });
  afterEach(() => open.close());

  const start = async (dir: string): Promise<Page> => {
    open = await openStudio(dir);
    const { page } = open;
    await page.getByRole('button', { name: /^phantom_2/ }).click();
    await settled(page);
    return page;
  };
  const write = async (page: Page, text: string): Promise<void> => {
    await page.getByRole('textbox', { name: 'Note' }).fill(text);
    await settled(page);
    await page.getByRole('textbox', { name: 'Note' }).press('Escape');
  };
  /** Waits until both models' results are about the note that is written. */
  const bothSettled = (page: Page): Promise<unknown> =>
    page.waitForFunction(() => {
      const { compare, result, note, computing } = globalThis.reclmisStudio.store.state;
      return !computing && result?.note.text === note.text && compare?.second?.note.text === note.text && compare.second.threshold === result.threshold; // prettier-ignore
    });
  const masks = (page: Page): Promise<{ a: number[]; b: number[] }> =>
    page.evaluate(() => {
      const { rasters } = globalThis.reclmisStudio;
      return { a: [...(rasters.mask?.data ?? [])], b: [...(rasters.compared?.data ?? [])] };
    });
  const cells = (page: Page): Promise<string[]> =>
    page.locator('.difference td').evaluateAll((found) => found.map((cell) => cell.textContent));

  it('give the masks of Node for one note, with their Dice and what each has alone, by keyboard', async () => {
    const page = await start(folder);
    await write(page, NOTE);
    const bytes = readFileSync(join(folder, 'samples', 'phantom_2.png'));
    const plain = await node[0].segment(bytes, NOTE);
    const sorted = [...plain.probability].sort((x, y) => x - y);
    const threshold = Math.round(100 * sorted[Math.floor(0.8 * sorted.length)]!) / 100; // so that a fifth is in the mask
    await page.getByRole('slider', { name: 'Threshold' }).fill(String(Math.round(100 * threshold)));
    await settled(page);
    const before = open.page.workers().length;
    await page.locator('.picture').focus();
    await page.keyboard.press('d');
    await bothSettled(page);
    expect(open.page.workers().length).toBeGreaterThan(before); // loaded when asked for
    const found = await masks(page);
    const own = await Promise.all(node.map((model) => model.segment(bytes, NOTE, { threshold })));
    expect(difference(found.a, own[0]!.mask.data)).toBeLessThan(FEW);
    expect(difference(found.b, own[1]!.mask.data)).toBeLessThan(FEW);
    const [both, onlyA, onlyB] = [
      (a: number, b: number): boolean => a === 1 && b === 1,
      (a: number, b: number): boolean => a === 1 && b === 0,
      (a: number, b: number): boolean => a === 0 && b === 1,
    ].map((is) => found.a.filter((a, p) => is(a, found.b[p]!)).length) as [number, number, number];
    expect(both).toBeGreaterThan(100);
    const dice = (2 * both) / (2 * both + onlyA + onlyB);
    expect((await cells(page)).filter((_, i) => i % 2 === 0).slice(0, 3)).toEqual(
      [both, onlyA, onlyB].map(String),
    );
    expect((await cells(page)).at(-1)).toBe(dice.toFixed(3));
    expect(await page.locator('.models p').allInnerTexts()).toEqual([
      expect.stringMatching(/^A\s+reclmis-data, fp32$/),
      expect.stringMatching(/^B\s+reclmis-data, int8$/),
    ]);
    expect(await page.locator('.side-by-side .mask-view').count()).toBe(2);
    expect(await objections(page)).toEqual([]);
    for (const [key, shown] of [
      ['1', 'difference'],
      ['2', 'a'],
      ['3', 'b'],
      ['4', 'both'],
    ] as const) {
      await page.keyboard.press(key);
      expect(await page.evaluate(() => globalThis.reclmisStudio.store.state.compare?.shown)).toBe(shown);
    }
    await page.keyboard.press('Escape');
    expect(await page.locator('.models').count()).toBe(0);
    expect((await masks(page)).b).toEqual([]);
    await page.keyboard.press('d'); // again, with its mask
    await bothSettled(page);
    expect((await masks(page)).b).toEqual(found.b);
  });

  it('follow the note, at phone width too', async () => {
    const page = await start(folder);
    await write(page, NOTE);
    await page.getByRole('button', { name: /^Models/ }).click();
    await bothSettled(page);
    const other = 'Unilateral pulmonary infection, one infected area, lower left lung.';
    await write(page, other);
    await bothSettled(page);
    const bytes = readFileSync(join(folder, 'samples', 'phantom_2.png'));
    const own = await Promise.all(node.map((model) => model.segment(bytes, other)));
    const found = await masks(page);
    expect(difference(found.a, own[0]!.mask.data)).toBeLessThan(FEW);
    expect(difference(found.b, own[1]!.mask.data)).toBeLessThan(FEW);
    await page.setViewportSize({ width: 360, height: 800 });
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(widths[0]).toBeLessThanOrEqual(widths[1]!);
    expect(await objections(page)).toEqual([]);
  });

  it('go on with the first if the second is broken, which is said', async () => {
    writeFileSync(join(folder, 'second', 'segmenter.onnx'), 'broken');
    const page = await start(folder);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Models/ }).click();
    await page.getByRole('alert').filter({ hasText: 'cannot be used' }).waitFor();
    await page.keyboard.press('Escape');
    await write(page, NOTE);
    expect(await page.evaluate(() => globalThis.reclmisStudio.store.state.result?.note.text)).toBe(NOTE);
  });

  it('are not offered by a page with one model', async () => {
    const page = await start(site.folder);
    expect(await page.getByRole('button', { name: /^Models/ }).count()).toBe(0);
    await page.keyboard.press('d');
    expect(await page.evaluate(() => globalThis.reclmisStudio.store.state.compare)).toBeNull();
  });
});

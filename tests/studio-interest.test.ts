/** Patches and words of interest in the studio, in a real Chromium. Skipped without Chromium (`npm run test:browser` installs it). */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel, type Model } from '@reclmis/runtime';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, type OpenPage } from './browser-page.js';
import { makeStudioSite, objections, openStudio, settled, type StudioSite } from './studio-page.js';

const NOTE = 'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.';

describe.skipIf(!CHROMIUM)('interest in the studio', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-studio-interest-'));
  let site: StudioSite;
  let node: Model;
  let open: OpenPage;

  beforeAll(async () => {
    site = await makeStudioSite(root);
    node = await loadModel(site.model, { threads: 1 });
  });
  afterAll(async () => {
    await node.dispose();
    rmSync(root, { recursive: true, force: true });
  });
  afterEach(() => open.close());

  const start = async (folder: string): Promise<Page> => {
    open = await openStudio(folder);
    const { page } = open;
    await page.getByRole('button', { name: /^phantom_2/ }).click();
    await settled(page);
    await page.getByRole('textbox', { name: 'Note' }).fill(NOTE);
    await settled(page);
    await page.getByRole('textbox', { name: 'Note' }).press('Escape');
    return page;
  };
  const switchOf = (page: Page): ReturnType<Page['getByRole']> =>
    page.getByRole('button', { name: /^Interest/ });
  const asked = (page: Page): Promise<number> =>
    page.evaluate(
      () => new Promise<number>((resolve) => {
        const { store } = globalThis.reclmisStudio;
        const look = (): void => {
          const { result, computing } = store.state;
          if (result?.interest != null && !computing) resolve(result.interest.most);
          else setTimeout(look, 20);
        };
        look();
      }),
    ); // prettier-ignore

  it('is shown by a key: the map of Node, a legend with its range, and the words with their shares', async () => {
    const page = await start(site.folder);
    expect(await page.evaluate(() => globalThis.reclmisStudio.store.state.result?.interest)).toBeNull();
    expect(await page.locator('canvas.interest, .interest-legend, .interest-words').count()).toBe(0);
    await page.keyboard.press('i');
    const most = await asked(page);
    const bytes = readFileSync(join(site.folder, 'samples', 'phantom_2.png'));
    const { interest, note } = await node.segment(bytes, NOTE, { interest: true });
    expect(Math.abs(most - Math.max(...interest!.map))).toBeLessThan(1e-5);
    // Of four patches the scale ends at the whole.
    expect(await page.locator('.interest-legend').innerText()).toMatch(/Interest by patch\s+0\s+100 %/);
    expect(await page.locator('.interest-words mark').evaluateAll((marks) => marks.map(({ firstChild }) => firstChild?.textContent))).toEqual(interest!.words.map(({ text }) => text)); // prettier-ignore
    expect(await page.locator('.interest-words p').evaluate((p) => [...p.childNodes].map((n) => n.textContent).join('').replace(/ [\d.e-]+ %/g, ''))).toBe(note.sent); // prettier-ignore
    // The most opaque patch is the one with the largest share; under the mask, over the image.
    const drawn = await page.locator('canvas.interest').evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      const siblings = [...canvas.parentElement!.querySelectorAll('canvas')];
      return { opacity: [...data].filter((_, i) => i % 4 === 3), at: siblings.indexOf(canvas) };
    });
    expect(drawn.at).toBe(1);
    expect(drawn.opacity).toHaveLength(interest!.map.length);
    drawn.opacity.forEach((opacity, n) => expect(Math.abs(opacity - 200 * interest!.map[n]!)).toBeLessThanOrEqual(1)); // prettier-ignore
    expect(await objections(page)).toEqual([]);
    await page.evaluate(() => globalThis.reclmisStudio.store.dispatch({ type: 'theme/set', theme: 'light' }));
    expect(await objections(page)).toEqual([]);
  });

  it('follows the note, and goes with the switch; then notes are asked without', async () => {
    const page = await start(site.folder);
    await switchOf(page).click();
    const first = await asked(page);
    expect(await switchOf(page).getAttribute('aria-pressed')).toBe('true');
    const other = 'Infected area, lower left lung.';
    await page.getByRole('textbox', { name: 'Note' }).fill(other);
    await settled(page);
    const second = await asked(page);
    expect(second).not.toBe(first);
    const bytes = readFileSync(join(site.folder, 'samples', 'phantom_2.png'));
    const { interest, note } = await node.segment(bytes, other, { interest: true });
    expect(note.sent).not.toBe(other); // in the model's words, which are shown
    expect(await page.locator('.interest-words mark').count()).toBe(interest!.words.length);
    await switchOf(page).click();
    expect(await page.locator('canvas.interest, .interest-legend, .interest-words').count()).toBe(0);
    await page.getByRole('textbox', { name: 'Note' }).fill('Infected area, upper right lung.');
    await settled(page);
    expect(await page.evaluate(() => globalThis.reclmisStudio.store.state.result?.interest)).toBeNull();
  });

  it('is absent, key and help included, from a model that states none', async () => {
    const folder = join(root, 'older');
    cpSync(site.folder, folder, { recursive: true });
    const path = join(folder, 'model', 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { segmenter: object };
    writeFileSync(
      path,
      JSON.stringify({ ...manifest, segmenter: { ...manifest.segmenter, interest: null } }),
    );
    const page = await start(folder);
    expect(await switchOf(page).count()).toBe(0);
    await page.keyboard.press('i');
    expect(await page.evaluate(() => globalThis.reclmisStudio.store.state.view.interest)).toBe(false);
    await page.keyboard.press('?');
    expect(await page.locator('.help').getByText('Uncertainty', { exact: true }).count()).toBe(1);
    expect(await page.getByText(/^Interest/).count()).toBe(0);
  });
});

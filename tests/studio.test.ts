/**
 * The studio as its users work with it, in a real Chromium. Skipped without Chromium (`npm run test:browser` installs it).
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { orient } from '@reclmis/clinical';
import { plainDicomFile } from '@reclmis/clinical/testing';
import { drawPhantom } from '@reclmis/data';
import { loadModel, type Model } from '@reclmis/runtime';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM, openPage, type OpenPage } from './browser-page.js';
import { difference } from './runtime-site.js';
import {
  chooseFile,
  loaded,
  makeStudioSite,
  objections,
  openStudio,
  settled,
  shown,
  type StudioSite,
} from './studio-page.js';

const NOTE = 'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.';
/** Sums in another order may move probabilities across the threshold. */
const FEW = 1e-3;

describe.skipIf(!CHROMIUM)('the studio', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-studio-'));
  let site: StudioSite;
  let node: Model;
  let open: OpenPage;
  let asked: string[];

  beforeAll(async () => {
    site = await makeStudioSite(root);
    node = await loadModel(site.model, { threads: 1 });
  });
  afterAll(async () => {
    await node.dispose();
    rmSync(root, { recursive: true, force: true });
  });
  beforeEach(async () => {
    open = await openStudio(site.folder);
    asked = [];
    open.page.on('request', (request) => asked.push(request.url()));
    open.page.on('websocket', (socket) => asked.push(socket.url()));
  });
  afterEach(async () => {
    expect(asked.filter((url) => !url.startsWith(open.url) && !url.startsWith(`blob:${open.url}`))).toEqual(
      [],
    );
    await open.close();
  });

  const sample = (name: string): Uint8Array => readFileSync(join(site.folder, 'samples', name));
  const openSample = async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: /^phantom_2/ }).click();
    await settled(page);
  };
  const write = async (page: Page, text: string): Promise<void> => {
    await page.getByRole('textbox', { name: 'Note' }).fill(text);
    await settled(page);
  };

  it('gives the mask of Node for the note, and for each threshold', async () => {
    const { page } = open;
    await openSample(page);
    await write(page, NOTE);
    const own = await node.segment(sample('phantom_2.png'), NOTE);
    const first = await shown(page);
    const far = first.probability.map((value, p) => Math.abs(value - own.probability[p]!));
    expect(Math.max(...far)).toBeLessThan(1e-3);
    expect(difference(first.mask, own.mask.data)).toBeLessThan(FEW);
    const sorted = [...own.probability].sort((a, b) => a - b);
    const least = Math.round(100 * sorted[Math.floor(0.8 * sorted.length)]!) / 100; // so that a fifth is in the mask
    await page.getByRole('slider', { name: 'Threshold' }).fill(String(Math.round(100 * least)));
    await settled(page);
    const second = await shown(page);
    const cut = await node.segment(sample('phantom_2.png'), NOTE, { threshold: least });
    const area = cut.mask.data.filter(Boolean).length;
    expect(area).toBeGreaterThan(100);
    expect(difference(second.mask, cut.mask.data)).toBeLessThan(FEW);
    expect(Math.abs(second.area - area)).toBeLessThan(FEW * cut.mask.data.length);
  });

  it('cancels stale notes: of a note typed at once, the last alone counts', async () => {
    const { page } = open;
    await openSample(page);
    await page.evaluate(() => {
      const { store } = globalThis.reclmisStudio;
      const found: string[] = [];
      Object.assign(globalThis, { found });
      store.subscribe((_state, _before, action) => {
        if (action.type === 'result/found') found.push(action.result.note.text);
      });
      for (let length = 1; length <= 60; length++)
        store.dispatch({ type: 'note/typed', text: 'upper left lung, lower right lung, upper left lung, lower right'.slice(0, length) }); // prettier-ignore
    });
    await settled(page);
    const found = await page.evaluate(() => (globalThis as unknown as { found: string[] }).found);
    expect(found.at(-1)).toBe('upper left lung, lower right lung, upper left lung, lower ri');
    expect(found.length).toBeLessThanOrEqual(3);
  });

  it('shows how the note was read: places, numbers, an unknown word with its suggestion, and whose sides', async () => {
    const { page } = open;
    await openSample(page);
    await write(
      page,
      'Bilateral pulmonary infection, two infcted areas, upper left lung and lower right lung.',
    );
    const named = page.locator('.under .named');
    expect(await named.allTextContents()).toEqual(['upper left lung', 'lower right lung']);
    expect(await page.locator('.under .unknown').allTextContents()).toEqual(['infcted']);
    expect(await page.locator('.chip:not(.add)').allTextContents()).toEqual(['Bilateral', '2 areas', '1 Upper left', '2 Lower right']); // prettier-ignore
    // The patient's left is on the image's right.
    const leftOf = async (name: string): Promise<number> =>
      (await page.locator('.pill', { hasText: name }).boundingBox())!.x;
    const [upperLeft, lowerRight] = [await leftOf('upper left'), await leftOf('lower right')];
    expect(upperLeft).toBeGreaterThan(lowerRight);
    const note = page.getByRole('textbox', { name: 'Note' });
    await note.press('Tab');
    expect(await note.inputValue()).toBe(NOTE);
    await settled(page);
    expect(await page.locator('.under .unknown').count()).toBe(0);
    await page.getByText('Image', { exact: true }).click();
    await settled(page);
    expect(await leftOf('upper left')).toBeLessThan(await leftOf('lower right'));
    const mirrored = await node.segment(sample('phantom_2.png'), NOTE, { sides: 'image' });
    expect(difference((await shown(page)).mask, mirrored.mask.data)).toBeLessThan(FEW);
    expect(await page.locator('.marker .side').allTextContents()).toEqual(['R', 'L']);
  });

  it('shows a DICOM image as displayed, with its millimetres, and the mask of Node', async () => {
    const { page } = open;
    const { image } = drawPhantom(5, 1, 64);
    const uid = '1.2.826.0.1.3680043.8.498.1';
    // As a film seen from behind: the patient's left is on the left, so the display mirrors it.
    const bytes = plainDicomFile({ instance: `${uid}.3`, series: `${uid}.2`, study: `${uid}.1`, rows: 64, columns: 64, orientation: 'R\\F', pixels: image.data }); // prettier-ignore
    await chooseFile(page, 'film.dcm', bytes);
    await write(page, NOTE);
    const own = await node.segment(bytes, NOTE);
    const { orientation, spacing } = own.clinical!;
    expect([orientation, spacing]).toEqual([2, [0.2, 0.2]]);
    expect(difference((await shown(page)).mask, orient(own.mask, orientation).data)).toBeLessThan(FEW);
    expect(await page.getByText('Pixels of 0.2 x 0.2 mm, from the file.').isVisible()).toBe(true);
    await page.getByRole('slider', { name: 'Threshold' }).fill('30');
    await settled(page);
    const { area } = await shown(page);
    expect(area).toBeGreaterThan(0);
    const total = await page.locator('.measurements tfoot td').first().textContent();
    expect(Number(total)).toBeCloseTo(0.04 * area, 1);
  });

  it('compares two notes', async () => {
    const { page } = open;
    await openSample(page);
    await write(page, 'upper left lung');
    await page.getByRole('slider', { name: 'Threshold' }).fill('30');
    await settled(page);
    const a = await shown(page);
    await page.getByRole('button', { name: 'Compare' }).click();
    await write(page, 'lower right lung');
    const b = await shown(page);
    const count = (is: (a: number, b: number) => boolean): number => a.mask.filter((value, p) => is(value, b.mask[p]!)).length; // prettier-ignore
    const cells = await page.locator('.difference tbody td:first-of-type').allTextContents();
    expect(cells).toEqual([
      String(count((x, y) => x === 1 && y === 1)),
      `+${count((x, y) => x === 0 && y === 1)}`,
      `−${count((x, y) => x === 1 && y === 0)}`,
    ]);
    expect(await page.locator('.lost-word').allTextContents()).toEqual(['upper', 'left']);
    await page.getByRole('button', { name: 'Keep A' }).click();
    await settled(page);
    expect((await shown(page)).mask).toEqual(a.mask);
  });

  it('works by keyboard alone', async () => {
    const { page } = open;
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate(() => document.activeElement?.textContent ?? '');
      if (name.startsWith('phantom_2')) break;
    }
    await page.keyboard.press('Enter');
    await settled(page);
    await page.keyboard.press('n');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('upper left lung');
    await page.keyboard.press('Escape');
    await settled(page);
    const state = (): Promise<unknown> =>
      page.evaluate(() => {
        const { view, threshold, note, compare } = globalThis.reclmisStudio.store.state;
        const { hidden, style, zones, opacity, tool } = view;
        return {
          hidden,
          style,
          zones,
          opacity,
          tool,
          threshold,
          note: note.text,
          compare: compare?.shown ?? null,
        };
      });
    const first = { hidden: false, style: 'fill', zones: true, opacity: 0.35, tool: 'window', threshold: 0.5, note: 'upper left lung', compare: null }; // prettier-ignore
    expect(await state()).toEqual(first);
    for (const key of ['h', 't', 'z', '+', 'v', '<']) await page.keyboard.press(key);
    await settled(page);
    expect(await state()).toEqual({ ...first, hidden: true, style: 'outline', zones: false, opacity: 0.4, tool: 'pan', threshold: 0.45 }); // prettier-ignore
    await page.waitForTimeout(1100); // the note becomes a step after a pause
    await page.keyboard.press('ControlOrMeta+z');
    await page.keyboard.press('c');
    await page.keyboard.press('3');
    expect(await state()).toMatchObject({ compare: 'b' });
    await page.keyboard.press('Escape');
    expect(await state()).toMatchObject({ compare: null });
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.getByRole('checkbox', { name: 'Single keys' }).press('Space');
    await page.keyboard.press('Escape');
    await page.keyboard.press('h');
    expect(await state()).toMatchObject({ hidden: true }); // single keys are off
  });

  it.each(['dark', 'light'] as const)('gives axe-core no cause to object, %s', async (theme) => {
    const { page } = open;
    if (theme === 'light') await page.getByRole('button', { name: 'Light theme' }).click();
    expect(await objections(page)).toEqual([]);
    await openSample(page);
    await write(page, 'Bilateral pulmonary infection, two infcted areas, upper left lung.');
    expect(await objections(page)).toEqual([]);
    await page.getByRole('button', { name: 'Compare' }).click();
    expect(await objections(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Help' }).click();
    expect(await objections(page)).toEqual([]);
  });

  it.each([360, 800, 1100, 2560])('has no sideways scrolling at %i pixels', async (width) => {
    const { page } = open;
    await page.setViewportSize({ width, height: 800 });
    const wide = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await wide()).toBe(width);
    await openSample(page);
    await write(page, NOTE);
    expect(await wide()).toBe(width);
    expect(await page.getByText('Research use only', { exact: true }).isVisible()).toBe(true);
    if (width > 400) return;
    const image = (await page.locator('.picture').boundingBox())!;
    expect([image.x, image.width]).toEqual([0, width]);
    await page.keyboard.press('Escape'); // tools hide while the note is written
    const targets = await page
      .locator('.phone-tool:visible, .bar button:visible')
      .evaluateAll((all) =>
        all.map((one) => one.getBoundingClientRect()).map(({ width: w, height: h }) => Math.min(w, h)),
      );
    expect(targets.length).toBeGreaterThan(5);
    expect(Math.min(...targets)).toBeGreaterThanOrEqual(44);
    expect(await objections(page)).toEqual([]);
  });

  it('says what is wrong with a file that is no image, and goes on', async () => {
    const { page } = open;
    const alert = page.getByRole('alert');
    await chooseFile(page, '<b>notes<i>.png', new TextEncoder().encode('no image'));
    expect(await alert.textContent()).toBe('<b>notes<i>.png is not an image that this page can read. Use PNG, JPEG, DICOM or NIfTI.'); // prettier-ignore
    await chooseFile(page, 'cut.png', sample('phantom_1.png').subarray(0, 500));
    await page.waitForFunction(() => document.querySelector('[role=alert]')?.textContent.startsWith('cut.png') === true); // prettier-ignore
    await chooseFile(page, 'whole.png', sample('phantom_1.png'));
    await write(page, 'upper left lung');
    expect(await alert.count()).toBe(0);
    const warned = await page.locator('.finding .warning').count();
    await chooseFile(page, 'text.png', new TextEncoder().encode('no image'));
    await alert.waitFor();
    expect(await page.locator('.finding .warning').count()).toBe(warned); // of the mask that stays
    expect(warned).toBeGreaterThan(0);
    expect((await shown(page)).mask).toHaveLength(96 * 96);
  });

  it('says that a model is damaged, or missing', async () => {
    const alertOf = async (folder: string): Promise<string | null> => {
      const broken = await openPage({ folders: { '/': site.folder, '/model/': folder } });
      try {
        return await broken.page.getByRole('alert').textContent();
      } finally {
        await broken.close();
      }
    };
    const damaged = join(root, 'damaged');
    cpSync(site.model, damaged, { recursive: true });
    const { segmenter } = JSON.parse(readFileSync(join(damaged, 'manifest.json'), 'utf8')) as { segmenter: { file: { name: string } } }; // prettier-ignore
    truncateSync(join(damaged, segmenter.file.name), 100);
    const said = 'The model file is damaged. Reload the page, or export the model again.';
    expect(await alertOf(damaged)).toBe(said);
    writeFileSync(join(damaged, 'manifest.json'), '{');
    expect(await alertOf(damaged)).toBe(said);
    expect(await alertOf(join(root, 'nowhere'))).toBe('The model was not found next to this page. Export it there again, or check the server.'); // prettier-ignore
  });

  it('remembers theme and hints, and nothing of images and notes', async () => {
    const { page } = open;
    await openSample(page);
    await page.getByRole('button', { name: 'Light theme' }).click();
    await page.reload();
    await loaded(page);
    expect(await page.locator('.tour').count()).toBe(0);
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('light');
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toMatch(/lung|phantom/);
  });
});

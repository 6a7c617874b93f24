/** States of the studio that users meet at its edges, in a real Chromium. Skipped without Chromium. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, type OpenPage } from './browser-page.js';
import { makeStudioSite, openStudio, settled, shown, type StudioSite } from './studio-page.js';

describe.skipIf(!CHROMIUM)('the studio at its edges', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-studio-states-'));
  let site: StudioSite;
  let open: OpenPage;

  beforeAll(async () => {
    site = await makeStudioSite(root);
    open = await openStudio(site.folder);
  });
  afterAll(async () => {
    await open.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('keeps a note that was written before a sample was taken', async () => {
    const { page } = open;
    await page.locator('#note').fill('Lower left lung.');
    await page.getByRole('button', { name: /^phantom_2/ }).click();
    await page.locator('.picture').waitFor();
    await settled(page);
    expect(await page.locator('#note').inputValue()).toBe('Lower left lung.');
    expect((await shown(page)).note).toBe('Lower left lung.');
  });

  it('opens a file by the key O', async () => {
    const { page } = open;
    const dialog = page.waitForEvent('filechooser');
    await page.locator('.picture').focus();
    await page.keyboard.press('o');
    const buffer = readFileSync(join(site.folder, 'samples/phantom_3.png'));
    await (await dialog).setFiles({ name: 'own.png', mimeType: 'image/png', buffer });
    await page.locator('.bar .file', { hasText: 'own.png' }).waitFor();
  });

  it('says that a mask is empty, and what to do', async () => {
    const { page } = open;
    await page.locator('#note').fill('Upper left lung.');
    await settled(page);
    await page.getByRole('slider', { name: 'Threshold' }).fill('99');
    await settled(page);
    expect((await shown(page)).area).toBe(0);
    await page.getByText('No area found for this note. Lower the threshold or change the note.').waitFor();
    const shot = process.env['RECLMIS_SHOT'];
    if (shot !== undefined) await page.screenshot({ path: shot });
  });

  it('hands itself to nobody who does not ask', async () => {
    const page = await open.page.context().browser()!.newPage();
    await page.goto(open.url);
    await page.getByText('Model ready').waitFor();
    expect(await page.evaluate(() => 'reclmisStudio' in globalThis)).toBe(false);
    await page.close();
  });
});

/** Lists of cases, decisions and kept sessions in the studio, in a real Chromium. Skipped without Chromium. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { reclmisHere } from '#reclmis-here';
import { encodeWorkbook, readMask } from '@reclmis/files';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { CHROMIUM, type OpenPage } from './browser-page.js';
import { chooseFolder, placeOf, savedMask, steps, writePhantoms } from './studio-hands.js';
import { loaded, makeStudioSite, openStudio, settled, shown, type StudioSite } from './studio-page.js';

const rows = (page: Page): Promise<string[]> => page.locator('.case-row .case-name').allTextContents();
const current = (page: Page): Promise<string | null> =>
  page.locator('.case-row[aria-current] .case-name').textContent();
const opens = async (page: Page, name: string): Promise<void> => {
  await page.locator('.bar .file', { hasText: name }).waitFor();
  await settled(page);
};

const SLOW = process.env['RECLMIS_SLOW'] === '1';

describe.skipIf(!CHROMIUM || !SLOW)('cases in the studio', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-studio-cases-'));
  const size = 48;
  let site: StudioSite;
  let open: OpenPage;

  beforeAll(async () => {
    site = await makeStudioSite(root);
    await writePhantoms(join(root, 'set'), 6, size);
    open = await openStudio(site.folder);
  });
  afterAll(async () => {
    await open.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('lists a folder with notes and truth, opens the first, and steps by keys', async () => {
    const { page } = open;
    await chooseFolder(page, join(root, 'set'));
    await opens(page, 'phantom_0000.png');
    expect(await rows(page)).toEqual([0, 1, 2, 3, 4, 5].map((i) => `phantom_000${i}`));
    await page.locator('.picture').focus();
    await page.keyboard.press('j');
    await opens(page, 'phantom_0001.png');
    await page.keyboard.press('k');
    await opens(page, 'phantom_0000.png');
    expect(await current(page)).toBe('phantom_0000');
    const mask = await savedMask(page, root);
    const truth = await readMask(join(root, 'set/masks/phantom_0000.png'));
    let [both, sum] = [0, 0];
    mask.data.forEach((value, p) => {
      both += value & truth.data[p]!;
      sum += value + truth.data[p]!;
    });
    const about = await page.locator('.case-row[aria-current] .case-about').textContent();
    expect(about).toBe(`Dice ${((2 * both) / sum).toFixed(2)}`);
  });

  it('draws the true mask as an outline, tells its Dice, and hides it by a key', async () => {
    const { page } = open;
    const sky = (): Promise<number> =>
      page.evaluate(() => {
        const canvas = document.querySelectorAll<HTMLCanvasElement>('.picture > canvas')[1]!;
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        let pixels = 0;
        for (let p = 0; p < data.length; p += 4)
          if (data[p]! < 110 && data[p + 1]! > 160 && data[p + 2]! > 210 && data[p + 3]! > 240) pixels += 1;
        return pixels;
      });
    const about = await page.locator('.case-row[aria-current] .case-about').textContent();
    const dice = await page.locator('.finding .truth strong').textContent();
    expect(`Dice ${dice}`).toBe(about);
    expect(await sky()).toBeGreaterThan(200);
    await page.keyboard.press('g');
    expect(await sky()).toBe(0);
    await page.keyboard.press('g');
    await page.keyboard.press('c'); // a comparison is of two notes
    expect(await sky()).toBe(0);
    await page.keyboard.press('Escape');
    expect(await sky()).toBeGreaterThan(200);
  });

  it('shows masks in the list: the true one of cases not seen yet, over it the one seen last', async () => {
    const { page } = open;
    /** Pixels of a row's picture that are orange, and those that are sky blue. */
    const colours = (row: number): Promise<{ orange: number; sky: number }> =>
      page.evaluate((at) => {
        const canvas = document.querySelectorAll<HTMLCanvasElement>('.case-picture')[at]!;
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, 80, 80);
        let [orange, sky] = [0, 0];
        for (let p = 0; p < data.length; p += 4) {
          if (data[p]! - data[p + 2]! > 100) orange += 1;
          if (data[p + 2]! - data[p]! > 100) sky += 1;
        }
        return { orange, sky };
      }, row);
    await page.waitForFunction(() => {
      const { data } = document.querySelectorAll<HTMLCanvasElement>('.case-picture')[5]!.getContext('2d')!.getImageData(0, 0, 80, 80); // prettier-ignore
      return data.some((value) => value > 0);
    });
    const { mask } = await shown(page);
    const share = mask.filter(Boolean).length / mask.length;
    const { orange } = await colours(0);
    expect(orange / 6400).toBeGreaterThan(share - 0.1);
    expect(orange / 6400).toBeLessThan(share + 0.1);
    const unseen = await colours(5);
    expect(unseen.orange).toBe(0);
    expect(unseen.sky).toBeGreaterThan(40);
  });

  it('accepts, corrects and skips, and comes back to a case as it was left', async () => {
    const { page } = open;
    await page.keyboard.press('a');
    await opens(page, 'phantom_0001.png');
    await page.keyboard.press('b');
    const at = await placeOf(page, size);
    await page.mouse.move(...at(3, 44));
    await page.mouse.down();
    await page.mouse.move(...at(9, 44), { steps: 3 });
    await page.mouse.up();
    const corrected = await shown(page);
    await page.keyboard.press('a');
    await opens(page, 'phantom_0002.png');
    await page.keyboard.press('s');
    await opens(page, 'phantom_0003.png');
    await page.getByText('3 of 6 reviewed').waitFor();
    await page.getByText('1 corrected').waitFor();
    expect(await page.locator('.case-mark').evaluateAll((marks) => marks.map((mark) => mark.getAttribute('aria-label')))).toEqual(['Accepted', 'Corrected', 'Skipped']); // prettier-ignore
    for (let i = 0; i < 2; i++) await page.keyboard.press('k');
    await opens(page, 'phantom_0001.png');
    expect((await steps(page)).at(-1)).toMatch(/^Brush/);
    expect((await shown(page)).mask).toEqual(corrected.mask);
  });

  it('finds and sorts without moving the list while work goes on', async () => {
    const { page } = open;
    await page.keyboard.press('/');
    await page.keyboard.type('0004');
    expect(await rows(page)).toEqual(['phantom_0004']);
    await page.getByText('1 of 6').waitFor();
    await page.getByRole('searchbox').fill('');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox').selectOption('dice');
    const sorted = await rows(page);
    const figures = await page.locator('.case-row .case-about').allTextContents();
    const dice = figures.slice(0, 4).map((text) => Number(/^Dice (\S+?),?(?: |$)/.exec(text)?.[1]));
    expect(dice).toEqual([...dice].sort((a, b) => a - b));
    expect(sorted.slice(4)).toEqual(['phantom_0004', 'phantom_0005']); // not opened yet
    await page.getByRole('combobox').selectOption('name');
  });

  it('saves reviewed cases as a data set that data check takes, as a ZIP and into a folder', async () => {
    const { page } = open;
    await page.getByRole('button', { name: 'Export' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: '2 reviewed as a data set' }).first().click();
    const files = unzipSync(new Uint8Array(readFileSync(await (await download).path())));
    const out = join(root, 'reviewed');
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(out, name)), { recursive: true });
      writeFileSync(join(out, name), bytes);
    }
    const { status, stdout } = await reclmisHere(root)('data', 'check', out);
    expect(stdout).toContain('No problems found');
    expect(status).toBe(0);
    expect(Buffer.from(files['images/phantom_0001.png']!)).toEqual(
      readFileSync(join(root, 'set/images/phantom_0001.png')),
    );
    const { mask } = await shown(page); // of phantom_0001, which is open
    expect([...(await readMask(join(out, 'masks/phantom_0001.png'))).data]).toEqual(mask);
    // The browser's own folder stands for one that the user would choose in its dialog.
    const written = await page.evaluate(async () => {
      const folder = await navigator.storage.getDirectory();
      Object.assign(globalThis, { showDirectoryPicker: () => Promise.resolve(folder) });
      document.querySelector<HTMLElement>('#export-button')!.click();
      await new Promise((resolve) => setTimeout(resolve, 200));
      [...document.querySelectorAll<HTMLElement>('[role=menuitem]')].at(-1)!.click();
      for (let i = 0; i < 100; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        const table = await folder.getFileHandle('cases.csv').catch(() => null);
        if (table) return (await table.getFile()).text();
      }
      return null;
    });
    expect(written).toBe(Buffer.from(files['cases.csv']!).toString());
  });

  it('keeps a session over a reload if asked to, and clears it by one button', async () => {
    const { page } = open;
    const before = await shown(page);
    const reload = async (): Promise<void> => {
      await page.reload();
      await loaded(page);
    };
    await page.keyboard.press('?');
    await page.getByRole('checkbox', { name: 'Keep this session' }).check();
    await page.getByRole('button', { name: /^Close/ }).click();
    await page.keyboard.press('f'); // a step more: it may change nothing
    await page.waitForTimeout(1000); // longer than the pause before it is kept
    await reload();
    await opens(page, 'phantom_0001.png');
    expect((await shown(page)).mask.length).toBe(before.mask.length);
    expect((await steps(page)).some((name) => name.startsWith('Brush'))).toBe(true);
    await page.getByText('3 of 6 reviewed').waitFor();
    await page.locator('.picture').focus();
    await page.keyboard.press('j'); // was not opened since, so it is not kept
    await page.getByText('folder was not opened again').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('button', { name: 'Clear session' }).click();
    await page
      .getByRole('checkbox', { name: 'Keep this session' })
      .and(page.locator(':not(:checked)'))
      .waitFor();
    await reload();
    await page.getByText('No cases yet').waitFor();
    expect(await page.evaluate(() => indexedDB.databases())).toEqual([]);
  });

  it('keeps nothing of a tab that was killed, unless asked to', async () => {
    const browser = open.page.context().browser()!;
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript('globalThis.reclmisStudio = null');
    await page.goto(open.url);
    await loaded(page);
    await page.getByRole('button', { name: 'Skip' }).click();
    await chooseFolder(page, join(root, 'set'));
    await opens(page, 'phantom_0000.png');
    await page.locator('.picture').focus();
    await page.keyboard.press('a');
    await opens(page, 'phantom_0001.png');
    const killed = page.waitForEvent('crash');
    const session = await context.newCDPSession(page);
    session.send('Page.crash').catch(() => undefined); // the tab does not answer any more
    await killed;
    const again = await context.newPage();
    await again.addInitScript('globalThis.reclmisStudio = null');
    await again.goto(open.url);
    await loaded(again);
    await again.getByText('No cases yet').waitFor();
    expect(await again.evaluate(() => indexedDB.databases())).toEqual([]);
    expect(await again.evaluate(() => Object.keys(localStorage))).toEqual(['reclmis-studio']);
    expect(await again.evaluate(() => localStorage.getItem('reclmis-studio'))).not.toContain('phantom');
    // Asked to: a killed tab says nothing before it ends, and its work is there.
    await chooseFolder(again, join(root, 'set'));
    await opens(again, 'phantom_0000.png');
    await again.keyboard.press('?');
    await again.getByRole('checkbox', { name: 'Keep this session' }).check();
    await again.getByRole('button', { name: /^Close/ }).click();
    await again.locator('.picture').focus();
    await again.keyboard.press('a');
    await opens(again, 'phantom_0001.png');
    await again.waitForTimeout(1000); // longer than the pause before it is kept
    const crash = again.waitForEvent('crash');
    (await context.newCDPSession(again)).send('Page.crash').catch(() => undefined);
    await crash;
    const third = await context.newPage();
    await third.addInitScript('globalThis.reclmisStudio = null');
    await third.goto(open.url);
    await loaded(third);
    await opens(third, 'phantom_0001.png');
    await third.getByText('1 of 6 reviewed').waitFor();
    await context.close();
  });

  it('goes on after a tab that was closed half-way', async () => {
    const { page } = open;
    await chooseFolder(page, join(root, 'set'));
    await opens(page, 'phantom_0000.png');
    await page.keyboard.press('?');
    await page.getByRole('checkbox', { name: 'Keep this session' }).check();
    await page.getByRole('button', { name: /^Close/ }).click();
    await page.locator('.picture').focus();
    await page.keyboard.press('a');
    await opens(page, 'phantom_0001.png');
    await page.waitForTimeout(1000);
    await page.goto('about:blank');
    await page.goto(open.url);
    await loaded(page);
    await opens(page, 'phantom_0001.png');
    await page.getByText('1 of 6 reviewed').waitFor();
  });
});

describe.skipIf(!CHROMIUM)('folders in the studio', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-studio-folders-'));
  let open: OpenPage;

  beforeAll(async () => {
    const site = await makeStudioSite(root);
    open = await openStudio(site.folder);
    const { dir, notes } = await writePhantoms(join(root, 'book'), 3, 32);
    rmSync(join(dir, 'cases.csv'));
    const row = (i: number): string[] => [`phantom_000${i}.png`, `phantom_000${i}.png`, notes[i]!, 'patient'];
    const table = [['image', 'mask', 'note', 'sides'], ...[0, 1, 2].map(row)];
    writeFileSync(join(dir, 'cases.xlsx'), await encodeWorkbook(table));
    await writePhantoms(join(root, 'lines'), 2, 32);
    rmSync(join(root, 'lines/cases.csv'));
    const lines = [0, 1].map((i) =>
      JSON.stringify({ image: `phantom_000${i}.png`, note: notes[i], sides: 'image' }),
    );
    writeFileSync(join(root, 'lines/cases.jsonl'), lines.join('\n'));
  });
  afterAll(async () => {
    await open.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('takes a dropped folder with a workbook', async () => {
    const { page } = open;
    const data = { items: [], files: [join(root, 'book')], dragOperationsMask: 1 };
    const session = await page.context().newCDPSession(page);
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await session.send('Input.dispatchDragEvent', { type, x: 700, y: 400, data });
    await opens(page, 'phantom_0000.png');
    expect(await rows(page)).toEqual([0, 1, 2].map((i) => `phantom_000${i}`));
    const found = await page.evaluate(() => globalThis.reclmisStudio.store.state.cases);
    expect(found.folder).toBe('book');
    expect(found.items.map(({ sides, hasTruth }) => [sides, hasTruth])).toEqual([0, 1, 2].map(() => ['patient', true])); // prettier-ignore
    expect(await page.locator('#note').inputValue()).toBe(found.items[0]!.note);
  });

  it('takes JSON lines', async () => {
    const { page } = open;
    const dialog = page.waitForEvent('filechooser');
    await page.locator('.picture').focus();
    await page.keyboard.press('Shift+O');
    await (await dialog).setFiles(join(root, 'lines'));
    await page.getByText('2 cases').waitFor();
    await opens(page, 'phantom_0000.png');
    const { items } = await page.evaluate(() => globalThis.reclmisStudio.store.state.cases);
    expect(items.map(({ sides }) => sides)).toEqual(['image', 'image']);
  });

  it('says what a damaged workbook is, and where', async () => {
    const { page } = open;
    writeFileSync(join(root, 'book/cases.xlsx'), 'no workbook');
    const dialog = page.waitForEvent('filechooser');
    await page.locator('.picture').focus();
    await page.keyboard.press('Shift+O');
    await (await dialog).setFiles(join(root, 'book'));
    await page.getByText('cases.xlsx: is not an XLSX workbook').waitFor();
  });
});

describe.skipIf(!CHROMIUM)('a folder of a thousand cases', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-studio-thousand-'));
  let open: OpenPage;

  beforeAll(async () => {
    const site = await makeStudioSite(root);
    await writePhantoms(join(root, 'set'), 1000, 32);
    open = await openStudio(site.folder);
  });
  afterAll(async () => {
    await open.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('draws the rows in view alone, and makes their pictures as they are shown', async () => {
    const { page } = open;
    await chooseFolder(page, join(root, 'set'));
    await opens(page, 'phantom_0000.png');
    await page.getByText('1000 cases').waitFor();
    expect(await page.locator('.case-row').count()).toBeLessThan(40);
    await page.locator('.case-list').evaluate((list) => (list.scrollTop = list.scrollHeight));
    await page.locator('.case-row', { hasText: 'phantom_0999' }).waitFor();
    expect(await page.locator('.case-row').count()).toBeLessThan(40);
    await page.waitForFunction(() => {
      const canvas = [...document.querySelectorAll<HTMLCanvasElement>('.case-picture')].at(-1)!;
      return canvas
        .getContext('2d')!
        .getImageData(0, 0, 80, 80)
        .data.some((value) => value > 0);
    });
    await page.locator('.case-row', { hasText: 'phantom_0999' }).click();
    await opens(page, 'phantom_0999.png');
    await page.locator('.picture').focus();
    await page.keyboard.press('k');
    await opens(page, 'phantom_0998.png');
  });
});

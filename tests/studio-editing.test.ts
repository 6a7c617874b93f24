/** Editing and exporting in the studio, in a real Chromium, as a user does it. Skipped without Chromium. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { displayedFrame, readClinical, readNifti, readNrrd, readSeg, segLabels } from '@reclmis/clinical';
import { plainDicomFile } from '@reclmis/clinical/testing';
import type { Mask } from '@reclmis/core';
import { decodeImage, encodePng } from '@reclmis/files';
import { drawPhantom } from '@reclmis/data';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, type OpenPage } from './browser-page.js';
import { exported, placeOf, savedMask, steps, writePhantoms } from './studio-hands.js';
import { chooseFile, makeStudioSite, openStudio, settled, shown, type StudioSite } from './studio-page.js';

const NOTE = 'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.';
const count = ({ data }: Mask): number => data.reduce((sum, value) => sum + value, 0);

describe.skipIf(!CHROMIUM)('editing in the studio', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-studio-'));
  let site: StudioSite;
  let open: OpenPage;
  const size = 64;

  beforeAll(async () => {
    site = await makeStudioSite(root);
    const { dir, names } = await writePhantoms(join(root, 'set'), 1, size);
    open = await openStudio(site.folder);
    const { page } = open;
    await chooseFile(page, names[0]!, readFileSync(join(dir, 'images', names[0]!)));
    await page.locator('.picture').waitFor();
    await page.locator('#note').fill(NOTE);
    await settled(page);
    await page.locator('.history li', { hasText: 'Note' }).waitFor(); // after the pause
    await page.keyboard.press('Escape');
  });
  afterAll(async () => {
    await open.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('paints the pixels under the brush, and takes them back in one step', async () => {
    const { page } = open;
    const before = await savedMask(page, root);
    await page.keyboard.press('e');
    const at = await placeOf(page, size);
    const path = [
      [20.3, 20.2],
      [30.1, 34.4],
      [44.6, 30.7],
    ] as const;
    const [first, ...others] = path;
    await page.mouse.move(...at(...first));
    await page.mouse.down();
    for (const [x, y] of others) await page.mouse.move(...at(x, y), { steps: 9 });
    await page.mouse.up();
    const erased = await savedMask(page, root);
    const radius = 6; // the first brush is 12 pixels wide
    const wrong = [...erased.data.keys()].filter((p) => {
      const far = Math.min(
        ...others.map((to, i) => distance(path[i]!, to, (p % size) + 0.5, Math.floor(p / size) + 0.5)),
      );
      if (Math.abs(far - radius) < 0.15) return false; // pointers are at whole CSS pixels
      return erased.data[p] !== (far < radius ? 0 : before.data[p]);
    });
    expect(wrong).toEqual([]);
    expect(count(erased)).toBeLessThan(count(before) - 50);
    expect(await steps(page)).toEqual([
      'Opened',
      expect.stringContaining('Note, '),
      expect.stringMatching(/^Eraser, \w+ \w+$/),
    ]);
    await page.keyboard.press('Control+z');
    expect(await savedMask(page, root)).toEqual(before);
    await page.keyboard.press('Control+Shift+z');
    expect(await savedMask(page, root)).toEqual(erased);
    await page.keyboard.press('Control+z');
  });

  it('draws by keyboard alone: brush, polygon and repairs', async () => {
    const { page } = open;
    const before = await savedMask(page, root);
    await page.keyboard.press('e');
    await page.keyboard.press('ArrowRight'); // shows the brush in the middle
    await page.keyboard.press('Space');
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    const erased = await savedMask(page, root);
    for (let y = 27; y < 49; y++)
      expect(erased.data.slice(y * size + 30, y * size + 34)).toEqual(new Uint8Array(4));
    await page.keyboard.press('p');
    await page.keyboard.press('Space');
    for (const key of ['Shift+ArrowLeft', 'Shift+ArrowUp']) {
      await page.keyboard.press(key);
      await page.keyboard.press('Space');
    }
    await page.keyboard.press('Enter');
    const filled = await savedMask(page, root);
    // Corners (32, 44), (20, 44), (20, 32): the pixels below the diagonal.
    for (const [x, y, inside] of [[21, 42, 1], [29, 42, 1], [31, 30, 0]] as const) expect(filled.data[y * size + x], `${x}, ${y}`).toBe(inside); // prettier-ignore
    await page.keyboard.press('l');
    await page.keyboard.press('m');
    expect(await savedMask(page, root)).toEqual(before);
    const done = await steps(page);
    expect(done.at(-1)).toBe('Back to the model’s mask');
    for (let undo = done.length; undo > 2; undo--) await page.keyboard.press('Control+z');
    expect(await savedMask(page, root)).toEqual(before);
  });

  it('asks before a note replaces strokes, and undoes notes and strokes in order', async () => {
    const { page } = open;
    const before = await savedMask(page, root);
    const at = await placeOf(page, size);
    await page.keyboard.press('b');
    await page.mouse.move(...at(4, 60));
    await page.mouse.down();
    await page.mouse.move(...at(12, 60), { steps: 4 });
    await page.mouse.up();
    expect(await page.getByRole('button', { name: 'Save correction' }).isEnabled()).toBe(true);
    await page.locator('#note').fill('Lower left lung.');
    await page.getByText('Replace your strokes?').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.locator('#note').inputValue()).toBe(NOTE);
    await page.locator('#note').fill('Lower left lung.');
    await page.getByRole('button', { name: 'Keep strokes' }).click();
    await page.waitForFunction(() => document.querySelectorAll('.history li').length === 4);
    await settled(page);
    const kept = await savedMask(page, root);
    for (let x = 5; x < 12; x++) expect(kept.data[60 * size + x]).toBe(1);
    await page.locator('.picture').focus();
    await page.keyboard.press('Control+z');
    await page.waitForFunction(
      (note) => document.querySelector<HTMLTextAreaElement>('#note')?.value === note,
      NOTE,
    );
    await settled(page);
    await page.keyboard.press('Control+z');
    expect(await savedMask(page, root)).toEqual(before);
  });

  it('saves every format with the pixels that are shown', async () => {
    const { page } = open;
    const shown = await savedMask(page, root);
    const overlay = await exported(page, 'Overlay');
    expect(overlay.name).toBe('phantom_0000_overlay.png');
    const { width, data } = await decodeImage(overlay.bytes, 'overlay');
    // White strokes of R and L on black grounds, at the image's own edges.
    const whites = (from: number, to: number): number =>
      Array.from({ length: 14 }, (_, y) => Array.from({ length: to - from }, (__, x) => data[3 * ((y + 4) * width + from + x)]!))
        .flat()
        .filter((value) => value > 250).length; // prettier-ignore
    expect(Math.min(whites(4, 18), whites(size - 18, size - 4))).toBeGreaterThan(8);
    const nifti = await readNifti((await exported(page, 'NIfTI')).bytes);
    expect([...nifti.valuesOf(0)!]).toEqual([...shown.data]);
    const { slices } = await readNrrd((await exported(page, 'NRRD')).bytes);
    expect([...slices[0]!.data]).toEqual([...shown.data]);
    const geojson = JSON.parse(new TextDecoder().decode((await exported(page, 'GeoJSON')).bytes)) as { features: { properties: { area: number } }[] }; // prettier-ignore
    expect(geojson.features.reduce((sum, { properties }) => sum + properties.area, 0)).toBe(count(shown));
    const record = JSON.parse(new TextDecoder().decode((await exported(page, 'Record')).bytes)) as object;
    expect(record).toMatchObject({
      note: { text: NOTE },
      corrected: false,
      image: { left: 'R', right: 'L' },
    });
    const all = unzipSync((await exported(page, 'All of these')).bytes);
    expect(Object.keys(all)).toHaveLength(6);
    await page.keyboard.press('x');
    expect(await page.getByRole('menuitem', { name: 'DICOM SEG' }).textContent()).toContain(
      'needs a DICOM image',
    );
    await page.keyboard.press('Escape');
  });

  it('saves a DICOM SEG over a DICOM image that is stored mirrored', async () => {
    const { page } = open;
    const pixels = Uint8Array.from({ length: 64 * 48 }, (_, i) => (i * 5) % 256);
    const bytes = plainDicomFile({
      instance: '1.2.3.1',
      series: '1.2.3.2',
      study: '1.2.3.3',
      rows: 48,
      columns: 64,
      orientation: 'R\\F',
      pixels,
    });
    await chooseFile(page, 'chest.dcm', bytes); // prettier-ignore
    await page.locator('.bar .file', { hasText: 'chest.dcm' }).waitFor();
    await page.locator('#note').fill(NOTE);
    await settled(page);
    const seg = readSeg((await exported(page, 'DICOM SEG')).bytes);
    const labels = segLabels(seg, displayedFrame('chest', await readClinical(bytes)));
    const stored = await savedMask(page, root); // as the file stores its pixels
    const mirrored = Array.from(labels.data, (_, p) => stored.data[p - (p % 64) + 63 - (p % 64)]);
    expect([...labels.data]).toEqual(mirrored);
    expect(mirrored).toContain(1);
  });

  it('keeps its memory over many edits, and folds a long history into one step', async () => {
    const { page } = open;
    const { dir, names } = await writePhantoms(join(root, 'many'), 1, size);
    await chooseFile(page, 'many.png', readFileSync(join(dir, 'images', names[0]!)));
    await page.locator('.bar .file', { hasText: 'many.png' }).waitFor();
    await page.locator('#note').fill(NOTE);
    await settled(page);
    await page.waitForTimeout(1200); // the note becomes a step
    const draw = (strokes: number): Promise<number> =>
      page.evaluate((count) => {
        const { edits, store } = globalThis.reclmisStudio;
        for (let i = 0; i < count; i++) {
          const at = { x: (i * 7) % 64, y: (i * 13) % 64 };
          edits.begin(i % 2 === 0 ? 1 : 0, at);
          for (let k = 0; k < 20; k++) edits.moveTo({ x: at.x + k, y: at.y + Math.sin(k) });
          edits.end('Brush');
        }
        return store.state.history.steps.length;
      }, strokes);
    const session = await page.context().newCDPSession(page);
    const heap = async (): Promise<number> => {
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage');
      return usedSize + backingStorageSize;
    };
    expect(await draw(900)).toBeGreaterThan(800); // a stroke that changes nothing is no step
    const before = await heap();
    const mask = await shown(page);
    for (let i = 0; i < 3; i++) expect(await draw(900)).toBeLessThanOrEqual(1000);
    expect((await heap()) - before).toBeLessThan(4e6); // 2,700 strokes of 21 points would take 5 MB and more
    const folded = await steps(page);
    expect(folded[1]).toBe('Earlier steps');
    expect((await shown(page)).mask.length).toBe(mask.mask.length);
  });

  it('edits an image of 4096 x 4096 pixels', async () => {
    const { page } = open;
    const { image } = drawPhantom(5, 0, 256);
    const rows = Array.from({ length: 4096 }, (_, y) => y >> 4);
    const data = Uint8Array.from(rows.flatMap((y) => rows.map((x) => image.data[y * 256 + x]!)));
    await chooseFile(page, 'large.png', await encodePng({ width: 4096, height: 4096, data }, 1));
    await page.getByText('4096 × 4096').waitFor();
    await page.locator('#note').fill(NOTE);
    await settled(page);
    await page.locator('.history li', { hasText: 'Note' }).waitFor(); // its outline takes a while at this size
    const at = await placeOf(page, 4096);
    await page.locator('.picture').focus();
    await page.keyboard.press('b');
    await page.mouse.move(...at(500, 4000));
    await page.mouse.down();
    await page.mouse.move(...at(900, 4000), { steps: 12 });
    await page.mouse.up();
    await page.locator('.history li', { hasText: 'Brush' }).waitFor();
    await page.keyboard.press('Control+z');
    expect(await page.locator('.history li.undone').count()).toBe(1);
  });
});

function distance(
  [ax, ay]: readonly [number, number],
  [bx, by]: readonly [number, number],
  x: number,
  y: number,
): number {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

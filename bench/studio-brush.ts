/**
 * Brushing in the studio, in Chromium (WebAssembly, drawing on the processor): what a step of a stroke costs by the image's
 * size, how long frames are meanwhile, and whether many edits leave memory behind.
 *
 *     npm run bench:brush -- outputs/demo/model [--sizes 512,2048,4096] [--minutes 1] [--json]
 *
 * A step must cost the brush, not the image. 30 minutes of edits: --minutes 30.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openPage, type OpenPage } from '#browser-page';
import { reclmisHere } from '#reclmis-here';
import { encodePng } from '@reclmis/files';
import { drawPhantom, markdownTable } from '@reclmis/data';
import { POLICY } from '@reclmis/studio';
import type { Services } from '@reclmis/studio/testing';
import type { Page } from 'playwright-core';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sizes: { type: 'string', default: '512,2048,4096' },
    minutes: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const [model] = positionals;
const sizes = values.sizes.split(',').map(Number);
const minutes = Number(values.minutes);
if (model === undefined || !sizes.every((n) => Number.isInteger(n) && n >= 256) || !(minutes > 0))
  throw new Error('expected the folder of an exported model, --sizes from 256 and --minutes above 0');

const NOTE = 'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.';
const quantile = (numbers: readonly number[], q: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(q * numbers.length))] ??
  Number.NaN;

/** A phantom with pixels repeated to a size. */
async function pictureOf(size: number): Promise<Buffer> {
  const { image } = drawPhantom(7, 1, 256);
  const data = new Uint8Array(size * size);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      data[y * size + x] = image.data[Math.floor((y * 256) / size) * 256 + Math.floor((x * 256) / size)]!;
  return Buffer.from(await encodePng({ width: size, height: size, data }, 1));
}

async function openPicture({ page }: OpenPage, size: number): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: /^(?:Open|Choose files)/ }).first().click(); // prettier-ignore
  await (
    await chooser
  ).setFiles({ name: `${size}.png`, mimeType: 'image/png', buffer: await pictureOf(size) });
  await page.getByText(`${size} × ${size}`).waitFor();
  await page.locator('#note').fill(NOTE);
  await page.waitForFunction(() => globalThis.reclmisStudio.store.state.result !== null);
  await page.waitForTimeout(2000); // the note becomes a step, the tint ends
}

interface Stroke {
  /** Milliseconds in which a step of the stroke changes and draws pixels. */
  readonly step: readonly number[];
  /** Milliseconds between frames. */
  readonly frames: readonly number[];
  readonly undo: number;
}

/** A stroke of 240 frames, one step each, across the image. @param brush pixels wide */
function brush({ page }: OpenPage, width: number): Promise<Stroke> {
  return page.evaluate(async (wide) => {
    const { store, edits } = globalThis.reclmisStudio;
    const size = store.state.picture!.width;
    store.dispatch({ type: 'view/set', view: { tool: 'brush', brush: wide } });
    const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
    const [step, frames]: [number[], number[]] = [[], []];
    const at = (i: number): { x: number; y: number } => ({
      x: size * (0.1 + (0.8 * i) / 240),
      y: size * (0.5 + 0.3 * Math.sin(i / 12)),
    });
    edits.begin(1, at(0));
    let last = await frame();
    for (let i = 1; i <= 240; i++) {
      const begun = performance.now();
      edits.moveTo(at(i));
      step.push(performance.now() - begun);
      const now = await frame();
      frames.push(now - last);
      last = now;
    }
    edits.end('Brush');
    const begun = performance.now();
    store.dispatch({ type: 'history/undo' });
    return { step, frames, undo: performance.now() - begun };
  }, width);
}

/** Bytes of the page's objects and buffers after collection. */
async function heapOf({ page }: OpenPage): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const usage = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usage.usedSize + usage.embedderHeapUsedSize + usage.backingStorageSize;
}

/** Strokes, undo and notes for a time. @returns edits, and bytes of the heap after each tenth of it */
async function editFor(open: OpenPage, time: number): Promise<{ edits: number; heap: number[] }> {
  const heap: number[] = [];
  let count = 0;
  for (let part = 0; part < 10; part++) {
    count += await open.page.evaluate(async (budget) => {
      const { store, edits } = globalThis.reclmisStudio;
      const size = store.state.picture!.width;
      const end = performance.now() + budget;
      let done = 0;
      while (performance.now() < end) {
        const [x, y] = [size * (0.1 + 0.8 * Math.random()), size * (0.1 + 0.8 * Math.random())];
        edits.begin(done % 3 === 0 ? 0 : 1, { x, y });
        for (let i = 0; i < 20; i++) edits.moveTo({ x: x + i, y: y + 5 * Math.sin(i) });
        edits.end('Brush');
        done += 1;
        if (done % 20 === 0) for (let i = 0; i < 20; i++) store.dispatch({ type: 'history/undo' });
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      return done;
    }, time / 10);
    heap.push(await heapOf(open));
  }
  return { edits: count, heap };
}

/** Waits until the page has its model. */
const loaded = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => {
    const { reclmisStudio: studio } = globalThis as { reclmisStudio: Services | null };
    return studio?.store.state.model.status === 'ready';
  });

const root = mkdtempSync(join(tmpdir(), 'reclmis-bench-brush-'));
try {
  const folder = join(root, 'studio');
  const { status, stderr } = await reclmisHere(process.cwd())('studio', '--build', folder, model);
  if (status !== 0) throw new Error(stderr);
  const open = await openPage({ folders: { '/': folder }, policy: POLICY });
  try {
    const { page } = open;
    await page.setViewportSize({ width: 1440, height: 900 });
    await loaded(page);
    await page.evaluate(() => localStorage.setItem('reclmis-studio', '{"seen":true}'));
    await page.reload();
    await loaded(page);
    const rows: string[][] = [];
    const all: { size: number; width: number; stroke: Stroke }[] = [];
    for (const size of sizes) {
      await openPicture(open, size);
      for (const width of [12, Math.round(size / 20)]) {
        const stroke = await brush(open, width);
        all.push({ size, width, stroke });
        rows.push([
          `${size} x ${size}`,
          String(width),
          ...[0.5, 0.95].map((q) => quantile(stroke.step, q).toFixed(2)),
          ...[0.5, 0.95].map((q) => quantile(stroke.frames, q).toFixed(1)),
          stroke.undo.toFixed(0),
        ]);
      }
    }
    await openPicture(open, sizes[0]!);
    const { edits, heap } = await editFor(open, minutes * 60_000);
    if (values.json) console.log(JSON.stringify({ strokes: all, edits, heap }));
    else {
      console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores\n`);
      const head = ['image', 'brush, px', 'step, ms', '95 %', 'frame, ms', '95 %', 'undo, ms'];
      console.log(markdownTable(head, rows));
      console.log(`\n${edits} strokes in ${minutes} minutes; heap after each tenth, MB: ${heap.map((bytes) => (bytes / 1e6).toFixed(1)).join(', ')}`); // prettier-ignore
    }
  } finally {
    await open.close();
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}

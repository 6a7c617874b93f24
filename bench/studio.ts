/**
 * Times the studio in Chromium (WebAssembly) against its budgets, as a user meets them: first paint, the page's size
 * without model and runtime, the first mask from nothing loaded, a changed note until its mask is drawn.
 *
 *     npm run bench:studio -- outputs/demo/model [--pages 5] [--notes 20] [--json]
 *
 * Needs a quiet machine. Each page is a new browser, so nothing is cached.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { openPage } from '#browser-page';
import { reclmisHere } from '#reclmis-here';
import { markdownTable } from '@reclmis/data';
import { POLICY } from '@reclmis/studio';
import type { Services } from '@reclmis/studio/testing';

declare global {
  var reclmisStudio: Services;
}

const NOTES = ['upper left lung', 'lower right lung', 'middle left lung', 'upper right lung'].map(
  (place) => `Unilateral pulmonary infection, one infected area, ${place}.`,
);
/** What the page may take: milliseconds, and kB. */
const BUDGETS = { paint: 1000, size: 250, first: 3000, changed: 100 } as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pages: { type: 'string', default: '5' },
    notes: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const [model] = positionals;
const [pages, notes] = [Number(values.pages), Number(values.notes)];
if (model === undefined || ![pages, notes].every((n) => Number.isInteger(n) && n > 0))
  throw new Error(
    'expected the folder of an exported model, and whole numbers from 1 for --pages and --notes',
  );

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

/** kB after gzip of what index.html loads before the model: its script, style and the Latin font. */
function sizeOf(folder: string): number {
  const index = readFileSync(join(folder, 'index.html'), 'utf8');
  const assets = readdirSync(join(folder, 'assets'));
  const named = assets.filter((name) => index.includes(name) || /^inter-latin-wght/.test(name));
  const whole = ['.js', '.css', '.woff2'].map((end) => named.filter((name) => extname(name) === end).length);
  if (whole.some((count) => count === 0)) throw new Error(`${folder}: expected a script, a style and a font`);
  const bytes = named.map(
    (name) => gzipSync(readFileSync(join(folder, 'assets', name)), { level: 9 }).length,
  );
  return bytes.reduce((sum, count) => sum + count, gzipSync(index).length) / 1000;
}

interface Measured {
  /** Milliseconds from navigation to the first contentful paint. */
  readonly paint: number;
  /** Milliseconds from navigation to the first mask, of a sample taken as soon as it is shown. */
  readonly first: number;
  /** Milliseconds from a note's last change to its mask. */
  readonly changed: readonly number[];
}

async function measurePage(folder: string): Promise<Measured> {
  const { page, url, close } = await openPage({ folders: { '/': folder }, policy: POLICY });
  try {
    await page.goto(url); // again: the first one started browser and server
    await page
      .locator('.samples button')
      .first()
      .evaluate((button: HTMLElement) => button.click());
    await page.waitForFunction(() => globalThis.reclmisStudio.store.state.result !== null);
    const first = await page.evaluate(() => performance.now());
    const paint = await page.evaluate(
      () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
    );
    const changed = await page.evaluate(
      async ({ texts, count }) => {
        const { store, rasters } = globalThis.reclmisStudio;
        const times: number[] = [];
        for (let i = 0; i < count; i++) {
          const begun = performance.now();
          const drawn = new Promise<void>((resolve) => {
            const stop = rasters.subscribe((name) => {
              if (name !== 'mask') return;
              stop();
              requestAnimationFrame(() => resolve());
            });
          });
          store.dispatch({ type: 'note/typed', text: texts[i % texts.length]! });
          await drawn;
          times.push(performance.now() - begun);
          await new Promise((resolve) => setTimeout(resolve, 700)); // the tint ends
        }
        return times;
      },
      { texts: NOTES, count: notes },
    );
    return { paint, first, changed };
  } finally {
    await close();
  }
}

const root = mkdtempSync(join(tmpdir(), 'reclmis-bench-studio-'));
try {
  const folder = join(root, 'studio');
  const { status, stderr } = await reclmisHere(process.cwd())('studio', '--build', folder, model);
  if (status !== 0) throw new Error(stderr);
  const size = sizeOf(folder);
  const all: Measured[] = [];
  for (let i = 0; i < pages; i++) all.push(await measurePage(folder));
  const found = {
    paint: median(all.map(({ paint }) => paint)),
    size,
    first: median(all.map(({ first }) => first)),
    changed: median(all.flatMap(({ changed }) => changed)),
  };
  if (values.json) console.log(JSON.stringify({ ...found, budgets: BUDGETS, pages: all }));
  else {
    console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores; medians of ${pages} pages, ${pages * notes} notes\n`); // prettier-ignore
    const rows = [
      ['first paint, ms', found.paint.toFixed(0), String(BUDGETS.paint)],
      ['page without model and runtime, kB gzip', found.size.toFixed(0), String(BUDGETS.size)],
      ['first mask from nothing loaded, ms', found.first.toFixed(0), String(BUDGETS.first)],
      ['changed note until its mask is drawn, ms', found.changed.toFixed(0), String(BUDGETS.changed)],
    ];
    console.log(markdownTable(['', 'measured', 'budget'], rows));
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}

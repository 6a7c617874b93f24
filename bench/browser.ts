/**
 * Times exported models in Node (onnxruntime-node) and Chromium (onnxruntime-web: WebAssembly, threads,
 * SIMD): to the first mask from nothing loaded, then per image from file to mask. All share one note,
 * computed with the first. Then all models next to each other, image by image: an opened image's first note, and a
 * further one.
 *
 *     npm run bench:browser -- models/qata models/qata-int8 [--images 9] [--size 512] [--threads 2] [--json]
 *
 * Needs a quiet machine. Each model gets a new process and a new browser; for notes, all share one.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle, openPage, ORT_FILES, RUNTIME_PAGE } from '#browser-page';
import { encodePng } from '@reclmis/files';
import { drawPhantom, markdownTable } from '@reclmis/data';
import { loadModel, type Timings } from '@reclmis/runtime';

const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';
const OTHER = 'Unilateral pulmonary infection, one infected area, lower right lung.';

interface Measured {
  /** Milliseconds from `loadModel` to the first mask. */
  readonly first: number;
  readonly images: readonly Timings[];
}

/** Milliseconds by image, of each model: from its file to the first note's mask, and to a further one's. */
type Notes = readonly { readonly first: number[]; readonly further: number[] }[];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: 'string', default: '9' },
    size: { type: 'string', default: '512' },
    threads: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    'in-node': { type: 'string' },
  },
});
const threads = Number(values.threads);
const count = Number(values.images);
const size = Number(values.size);
if (positionals.length === 0 || ![threads, count, size].every((n) => Number.isInteger(n) && n > 0))
  throw new Error(
    'expected folders of exported models, and whole numbers from 1 for --images, --size and --threads',
  );

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

async function measureHere(folder: string, images: string): Promise<Measured> {
  const files = readdirSync(images).map((name) => readFileSync(join(images, name)));
  const begun = performance.now();
  const model = await loadModel(folder, { threads });
  await model.segment(files[0]!, NOTE);
  const first = performance.now() - begun;
  const later: Timings[] = [];
  for (const file of files.slice(1)) later.push((await model.segment(file, NOTE)).timings);
  await model.dispose();
  return { first, images: later };
}

function measureInNode(folder: string, images: string): Measured {
  const args = [fileURLToPath(import.meta.url), folder, '--in-node', images, '--threads', String(threads)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Measured;
}

async function measureInChromium(
  folder: string,
  images: string,
  site: string,
): Promise<Measured & { device: string; version: string }> {
  const folders = { '/': site, '/ort/': ORT_FILES, '/model/': folder, '/images/': images };
  const { page, close } = await openPage({ folders });
  try {
    const measured = await page.evaluate(
      async ({ names, note, threads }) => {
        const files: Blob[] = [];
        for (const name of names) files.push(await (await fetch(`/images/${name}`)).blob());
        const begun = performance.now();
        const model = await runtime.loadModel('/model/', { device: 'wasm', wasmPaths: '/ort/', threads });
        await model.segment(files[0]!, note);
        const first = performance.now() - begun;
        const later: Timings[] = [];
        for (const file of files.slice(1)) later.push((await model.segment(file, note)).timings);
        return { first, images: later, device: model.device };
      },
      { names: readdirSync(images), note: NOTE, threads },
    );
    return { ...measured, version: page.context().browser()?.version() ?? '' };
  } finally {
    await close();
  }
}

async function notesInNode(folders: readonly string[], images: string): Promise<Notes> {
  const models = [];
  for (const folder of folders) models.push(await loadModel(folder, { threads }));
  const found = models.map(() => ({ first: [] as number[], further: [] as number[] }));
  for (const [i, name] of readdirSync(images).entries()) {
    const file = readFileSync(join(images, name));
    for (const [k, model] of models.entries()) {
      const begun = performance.now();
      const image = await model.open(file);
      await image.segment(NOTE);
      const first = performance.now() - begun;
      const { timings } = await image.segment(OTHER);
      await image.dispose();
      if (i === 0) continue; // warms up
      found[k]?.first.push(first);
      found[k]?.further.push(timings.total);
    }
  }
  for (const model of models) await model.dispose();
  return found;
}

async function notesInChromium(folders: readonly string[], images: string, site: string): Promise<Notes> {
  const served = Object.fromEntries(folders.map((folder, k) => [`/model-${k}/`, folder]));
  const { page, close } = await openPage({
    folders: { '/': site, '/ort/': ORT_FILES, '/images/': images, ...served },
  });
  try {
    return await page.evaluate(
      async ({ addresses, names, note, other, threads }) => {
        const models = [];
        for (const address of addresses)
          models.push(await runtime.loadModel(address, { device: 'wasm', wasmPaths: '/ort/', threads }));
        const found = models.map(() => ({ first: [] as number[], further: [] as number[] }));
        for (const [i, name] of names.entries()) {
          const file = await (await fetch(`/images/${name}`)).blob();
          for (const [k, model] of models.entries()) {
            const begun = performance.now();
            const image = await model.open(file);
            await image.segment(note);
            const first = performance.now() - begun;
            const { timings } = await image.segment(other);
            await image.dispose();
            if (i === 0) continue; // warms up
            found[k]?.first.push(first);
            found[k]?.further.push(timings.total);
          }
        }
        return found;
      },
      { addresses: Object.keys(served), names: readdirSync(images), note: NOTE, other: OTHER, threads },
    );
  } finally {
    await close();
  }
}

async function compare(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-bench-browser-'));
  try {
    const [images, site] = [join(root, 'images'), join(root, 'site')];
    mkdirSync(images);
    for (let i = 0; i <= count; i++)
      // one more, for the first mask
      writeFileSync(join(images, `${i}.png`), await encodePng(drawPhantom(3, i, size).image, 1));
    await bundle(RUNTIME_PAGE, site);
    let chromium = '';
    const models = [];
    for (const folder of positionals.map((path) => resolve(path))) {
      process.stderr.write(`${folder}: Node ...\n`);
      const node = measureInNode(folder, images);
      process.stderr.write(`${folder}: Chromium ...\n`);
      const { version, ...browser } = await measureInChromium(folder, images, site);
      chromium = version;
      const total = (of: Measured): number => median(of.images.map((timings) => timings.total));
      models.push({ folder, node, browser, ratio: total(browser) / total(node) });
    }
    const machine = { cpu: cpus()[0]?.model ?? '', cores: cpus().length, node: process.version, chromium };
    const folders = models.map(({ folder }) => folder);
    process.stderr.write('notes, interleaved ...\n');
    const notes = {
      node: await notesInNode(folders, images),
      chromium: await notesInChromium(folders, images, site),
    };
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ machine, threads, count, size, models, notes }, null, 2)}\n`);
      return;
    }
    const row = (name: string, where: string, { first, images }: Measured, ratio: string): string[] => [
      name,
      where,
      String(Math.round(first)),
      ...(['total', 'preprocess', 'segment', 'postprocess'] as const).map((phase) =>
        String(Math.round(median(images.map((timings) => timings[phase])))),
      ),
      ratio,
    ];
    const head = [
      'model',
      'in',
      'first mask, ms',
      'image, ms (median)',
      'preprocess',
      'network',
      'postprocess',
      'times Node',
    ];
    const rows = models.flatMap(({ folder, node, browser, ratio }) => [
      row(folder, 'Node', node, ''),
      row(folder, 'Chromium', browser, ratio.toFixed(2)),
    ]);
    process.stdout.write(
      `${machine.cpu}, ${machine.cores} cores; Node ${machine.node}, Chromium ${chromium}; ${threads} threads; ${count} images of ${size} x ${size}\n\n${markdownTable(head, rows)}\n${notesTable(folders, notes)}`,
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function notesTable(folders: readonly string[], notes: Readonly<Record<'node' | 'chromium', Notes>>): string {
  const rows = Object.entries(notes).flatMap(([where, all]) =>
    all.map(({ first, further }, k) => [
      folders[k] ?? '',
      where === 'node' ? 'Node' : 'Chromium',
      String(Math.round(median(first))),
      median(first.map((time, i) => time / (all[0]?.first[i] ?? Number.NaN))).toFixed(2),
      String(Math.round(median(further))),
      median(further.map((time, i) => time / (first[i] ?? Number.NaN))).toFixed(2),
    ]),
  );
  const head = [
    'model',
    'in',
    'first note, ms',
    'of the first model',
    'further note, ms',
    'of the first note',
  ];
  return markdownTable(head, rows);
}

const images = values['in-node'];
if (images !== undefined) process.stdout.write(JSON.stringify(await measureHere(positionals[0]!, images)));
else await compare();

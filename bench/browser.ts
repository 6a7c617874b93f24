/**
 * Times exported models in Node (onnxruntime-node) and Chromium (onnxruntime-web: WebAssembly, threads,
 * SIMD): to the first mask from nothing loaded, then per image from file to mask. All share one note,
 * computed with the first.
 *
 *     npm run bench:browser -- models/qata models/qata-int8 [--images 9] [--size 512] [--threads 2] [--json]
 *
 * Needs a quiet machine. Each model gets a new process and a new browser.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle, openPage, ORT_FILES, RUNTIME_PAGE } from '#browser-page';
import { encodePng } from '@reclmis/files';
import { drawPhantom, markdownTable } from '@reclmis/lab';
import { loadModel, type Timings } from '@reclmis/runtime';

const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';

interface Measured {
  /** Milliseconds from `loadModel` to the first mask. */
  readonly first: number;
  readonly images: readonly Timings[];
}

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
  for (const file of files) later.push((await model.segment(file, NOTE)).timings);
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
        for (const file of files) later.push((await model.segment(file, note)).timings);
        return { first, images: later, device: model.device };
      },
      { names: readdirSync(images), note: NOTE, threads },
    );
    return { ...measured, version: page.context().browser()?.version() ?? '' };
  } finally {
    await close();
  }
}

async function compare(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-bench-browser-'));
  try {
    const [images, site] = [join(root, 'images'), join(root, 'site')];
    mkdirSync(images);
    for (let i = 0; i < count; i++)
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
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ machine, threads, count, size, models }, null, 2)}\n`);
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
      `${machine.cpu}, ${machine.cores} cores; Node ${machine.node}, Chromium ${chromium}; ${threads} threads; ${count} images of ${size} x ${size}\n\n${markdownTable(head, rows)}`,
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const images = values['in-node'];
if (images !== undefined) process.stdout.write(JSON.stringify(await measureHere(positionals[0]!, images)));
else await compare();

/** `reclmis studio`: a page to write notes and watch masks, on loopback or as static files. */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PageFolder } from '@reclmis/server';
import type { Command } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { openModel } from '../models/open.js';
import { type HubFlags, type ModelPlace, placeOf, withHubOptions } from '../models/place.js';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../output.js';
import { withScratch } from '../scratch.js';

interface StudioFlags extends OutputOptions, HubFlags {
  readonly build?: string;
  readonly port: number;
  readonly open: boolean;
}

/** Always the same, since browsers keep sessions and models by address. */
const PORT = 8765;

export function register(program: Command): void {
  const command = program
    .command('studio')
    .description(
      'open a model in the browser: write a note, watch the mask, correct and save it; all is computed in the page, and nothing is sent',
    )
    .argument(
      '[model]',
      'folder written by `reclmis export`, hf:owner/name[@revision][/folder] on a hub, or a run, which is exported first; default: a small model that knows only drawn phantoms',
    )
    .argument('[second]', 'another model or run, to compare on the same images and notes')
    .option('--build <dir>', 'write static files for any web server into a new folder instead')
    .option('--port <n>', 'port; 0: any free port', numberOf('--port', { min: 0, max: 65_535 }), PORT)
    .option('--no-open', 'do not open the browser');
  withOutputOptions(withHubOptions(command))
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis studio\n  $ reclmis studio models/qata\n  $ reclmis studio --build public/studio models/qata\n',
    )
    .action(run);
}

async function run(asked: string | undefined, second: string | undefined, flags: StudioFlags): Promise<void> {
  const output = new Output(flags);
  await withScratch('reclmis-studio-', async (scratch) => {
    const models: string[] = [];
    let watched: string | null = null;
    for (const [i, one] of (second === undefined ? [asked] : [asked, second]).entries()) {
      const place = one === undefined ? await phantomModel(output) : await placeOf(one, flags, output);
      const { kind } = await openModel(place);
      const { folder } = place;
      if (i === 0 && kind === 'run') watched = folder;
      models.push(kind === 'run' ? await exportRun(folder, join(scratch, `model-${i + 1}`), output) : folder);
    }
    const { siteFolders } = await import('../studio/site.js');
    const samples = await samplesIn(scratch, models.length);
    const folders = await siteFolders(models[0]!, samples, models[1] ?? null);
    if (flags.build === undefined) await serve(folders, flags, output, watched);
    else await build(folders, flags.build, output);
  });
}

/** Until there is a model of the user's own. */
async function phantomModel(output: Output): Promise<ModelPlace> {
  const { MODEL } = await import('@reclmis/phantom');
  output.warning(
    'no MODEL was named: this one knows only drawn phantoms, and its masks on real images are wrong',
  );
  return { folder: fileURLToPath(MODEL) };
}

async function exportRun(run: string, out: string, output: Output): Promise<string> {
  const { exportModel } = await import('@reclmis/export');
  output.notice(`exporting ${run} ...`);
  await exportModel(run, { out, signal: interruptSignal() });
  return out;
}

async function build(folders: readonly PageFolder[], dir: string, output: Output): Promise<void> {
  const { writeNewFolder } = await import('@reclmis/data');
  const { writeSite } = await import('../studio/site.js');
  await writeNewFolder(dir, (draft) => writeSite(folders, draft));
  await chmod(dir, 0o755); // drafts are private, and a web server is another user
  output.result({ out: dir });
  output.say(`Studio: ${dir} (README.txt says which headers to send)`);
}

/** @param run whose curves the page shows; null: none */
async function serve(
  folders: readonly PageFolder[],
  flags: StudioFlags,
  output: Output,
  run: string | null,
): Promise<void> {
  const { servePage } = await import('@reclmis/server');
  const { FOLLOW_RUN, PLACES, POLICY } = await import('@reclmis/studio');
  const { openBrowser } = await import('../studio/open-browser.js');
  const signal = interruptSignal();
  const live = new Map<string, () => unknown>();
  if (run !== null) {
    const { readEpochs } = await import('@reclmis/lab');
    live.set(`/${PLACES.epochs}`, () => readEpochs(join(run, 'metrics.jsonl')));
  }
  const server = await servePage(folders, {
    policy: `${POLICY}; frame-ancestors 'none'`,
    port: flags.port,
    live,
  });
  const url = server.url + (run === null ? '' : FOLLOW_RUN);
  try {
    output.result({ url });
    output.say(`${url}   (this machine only; press Ctrl-C to stop)`);
    if (flags.open && !openBrowser(url)) output.notice('open this address in a browser');
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    await server.stop();
  }
}

async function samplesIn(scratch: string, models: number): Promise<string> {
  const { writeSamples } = await import('../studio/samples.js');
  const folder = join(scratch, 'samples');
  await mkdir(folder);
  await writeSamples(folder, models);
  return folder;
}

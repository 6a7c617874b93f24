/**
 * `reclmis weights fetch|import|list|path|verify|export`: the cache of text-encoder weights; weights-run.ts
 * has the authors' checkpoints. To add a subcommand: a function that takes the `weights` command, and a line
 * in `SUBCOMMANDS`.
 */
import { defined, ReclmisError } from '@reclmis/core';
import type { RemoteFile, StoredWeights, WeightsEntry } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { interruptSignal, releaseInterrupt } from '../interrupt.js';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { formatTable, right } from '../table.js';
import { writeErr } from '../terminal.js';
import { importAsRun, type ImportRunFlags, registerExport } from './weights-run.js';

interface FetchFlags extends OutputOptions {
  readonly url?: string;
  readonly vocabularyUrl?: string;
  readonly sha256?: string;
  readonly vocabularySha256?: string;
  readonly force?: boolean;
}

interface ImportFlags extends ImportRunFlags {
  readonly as: 'encoder' | 'run';
  readonly id?: string;
  readonly force?: boolean;
}

const SUBCOMMANDS = [
  registerFetch,
  registerImport,
  registerList,
  registerPath,
  registerVerify,
  registerExport,
];

export function register(program: Command): void {
  const weights = program
    .command('weights')
    .description('fetch, import, list and verify text encoder weights')
    .addHelpText('after', '\nExample:\n  $ reclmis weights fetch clip-vit-b-32\n');
  for (const subcommand of SUBCOMMANDS) subcommand(weights);
}

function registerFetch(weights: Command): void {
  const command = weights
    .command('fetch')
    .description(
      'download weights into the cache: resumable, verified by SHA-256, keeping only the text tower; ' +
        'RECLMIS_HOME sets the cache folder and RECLMIS_WEIGHTS_URL a mirror; HTTPS_PROXY and NO_PROXY are honoured',
    )
    .argument('<id>', 'clip-vit-b-32 (the paper’s), clip-vit-b-16 or clip-vit-l-14')
    .option('--url <url>', 'download the model from this address; the known SHA-256 still applies')
    .option('--vocabulary-url <url>', 'download the vocabulary from this address')
    .option('--sha256 <hex>', 'SHA-256 of the model, for a file of your own')
    .option('--vocabulary-sha256 <hex>', 'SHA-256 of the vocabulary, for a file of your own')
    .option('--force', 'replace weights of the same id');
  withOutputOptions(command)
    .addHelpText('after', '\nExample:\n  $ reclmis weights fetch clip-vit-b-32\n')
    .action(runFetch);
}

function registerImport(weights: Command): void {
  const command = weights
    .command('import')
    .description('copy weights from a file into the cache, for machines without a network')
    .argument(
      '<file>',
      'OpenAI’s .pt, a state dictionary .pt or .pth, or Hugging Face’s .safetensors or .bin',
    )
    .option('--id <id>', 'name in the cache (default: from the shapes, e.g. clip-vit-b-32)')
    .option(
      '--vocabulary <file>',
      'bpe_simple_vocab_16e6.txt.gz or tokenizer.json (default: the one next to the file, or that of other cached weights)',
    )
    .option('--force', 'replace weights of the same id')
    .addOption(
      new Option(
        '--as <what>',
        'encoder: copy the text tower into the cache; run: turn the authors’ checkpoint into a run folder',
      )
        .choices(['encoder', 'run'])
        .default('encoder'),
    )
    .option('-o, --out <dir>', 'run folder to create; with --as run')
    .option(
      '--context-length <n>',
      'note length in tokens; with --as run',
      numberOf('--context-length', { min: 1 }),
    )
    .addOption(
      new Option(
        '--sides <whose>',
        'whose left and right its training notes meant (QaTa-COV19: image); with --as run (default: not known)',
      ).choices(['patient', 'image']),
    );
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis weights import ViT-B-32.pt\n  $ reclmis weights import --as run best_model.pth.tar -o runs/theirs --sides image\n',
    )
    .action(runImport);
}

function registerList(weights: Command): void {
  const command = weights.command('list').description('list the weights in the cache');
  withOutputOptions(command)
    .addHelpText('after', '\nExample:\n  $ reclmis weights list --json\n')
    .action(runList);
}

function registerPath(weights: Command): void {
  weights
    .command('path')
    .description('print the folder of the weights with this id')
    .argument('<id>', 'e.g. clip-vit-b-32')
    .addHelpText('after', '\nExample:\n  $ reclmis weights path clip-vit-b-32\n')
    .action(runPath);
}

function registerVerify(weights: Command): void {
  const command = weights
    .command('verify')
    .description('rehash weight files and compare')
    .argument('[id]', 'e.g. clip-vit-b-32 (default: all)');
  withOutputOptions(command)
    .addHelpText('after', '\nExample:\n  $ reclmis weights verify clip-vit-b-32\n')
    .action(runVerify);
}

async function runFetch(id: string, flags: FetchFlags): Promise<void> {
  const { fetchWeights, findWeights, importWeights, refuseStored, weightsSource } =
    await import('@reclmis/lab');
  const output = new Output(flags);
  const source = weightsSource(id, flags);
  if (flags.force !== true && findWeights(id)?.manifest.source.sha256 === source.model.sha256) {
    finish(output, findWeights(id), 'is already in the cache');
    return;
  }
  await refuseStored(id, { force: flags.force });
  const progress = new FileProgress(output.quiet);
  const signal = interruptSignal();
  let stored: StoredWeights;
  try {
    stored = await fetchWeights(
      source,
      {
        signal,
        onProgress: (file, done, total) => progress.update(file, done, total),
        onRetry: (file, problem) => progress.say(`${file.file}: ${problem}; trying again`),
        onWait: () => progress.say(`another process fetches ${id}; waiting for it`),
      },
      ({ model, vocabulary }) => {
        progress.stop();
        releaseInterrupt(); // the rest is short and may be interrupted
        const name = source.model.url.split('?')[0] ?? source.model.file; // without a signature in the query
        return importWeights(model, { id, vocabulary, name, force: flags.force === true });
      },
    );
  } finally {
    progress.stop();
    releaseInterrupt();
  }
  finish(output, stored, 'was fetched');
}

async function runImport(file: string, flags: ImportFlags): Promise<void> {
  const { id, vocabulary, force } = flags;
  const misplaced = flags.as === 'run' ? ['id', 'force'] : ['out', 'contextLength', 'sides'];
  const found = Object.keys(flags).find((name) => misplaced.includes(name));
  if (found !== undefined) {
    const flag = `--${found.replace('L', '-l')}`;
    throw new ReclmisError('OPTION_INVALID', `${flag}: does not apply to --as ${flags.as}`);
  }
  if (flags.as === 'run') return importAsRun(file, flags);
  const { importWeights } = await import('@reclmis/lab');
  const stored = await importWeights(file, {
    ...defined({ id, vocabulary }),
    force: force === true,
  });
  finish(new Output(flags), stored, 'was imported');
}

function finish(output: Output, stored: StoredWeights | null, what: string): void {
  if (stored === null) return;
  output.result({ dir: stored.dir, ...stored.manifest });
  output.say(`${stored.id} ${what}: ${stored.dir} (${megabytes(stored)} MB)`);
}

async function runList(flags: OutputOptions): Promise<void> {
  const { KNOWN_WEIGHTS, listWeights, weightsFolder } = await import('@reclmis/lab');
  const { cacheHome } = await import('@reclmis/files');
  const output = new Output(flags);
  const folder = weightsFolder(cacheHome());
  const entries = listWeights();
  output.result({
    folder,
    weights: entries.map(({ id, dir, weights, error }) =>
      weights
        ? { dir, ...weights.manifest }
        : { id, dir, error: { code: error.code, message: error.message } },
    ),
  });
  if (entries.length > 0) output.say(table(entries));
  else output.say(`No weights in ${folder}.`);
  const absent = Object.keys(KNOWN_WEIGHTS).filter((id) => !entries.some((entry) => entry.id === id));
  if (absent.length > 0) output.say(`\nAvailable with \`reclmis weights fetch ID\`: ${absent.join(', ')}`);
}

function table(entries: readonly WeightsEntry[]): string {
  return formatTable(
    [{ title: 'id' }, right('MB'), right('layers'), right('width'), { title: 'made' }, { title: 'from' }],
    entries.map(({ id, weights, error }) => {
      if (!weights) return [id, '', '', '', 'damaged', error.message];
      const { tower, createdAt, source } = weights.manifest;
      const made = createdAt.slice(0, 10);
      return [id, megabytes(weights), String(tower.layers), String(tower.width), made, source.name];
    }),
  );
}

function megabytes({ manifest }: StoredWeights): string {
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  return (bytes / 1e6).toFixed(1);
}

async function runPath(id: string): Promise<void> {
  const { requireWeights } = await import('@reclmis/lab');
  new Output({}).say(requireWeights(id).dir);
}

async function runVerify(id: string | undefined, flags: OutputOptions): Promise<void> {
  const { listWeights, verifyWeights } = await import('@reclmis/lab');
  const output = new Output(flags);
  const ids = id === undefined ? listWeights().map((entry) => entry.id) : [id];
  const results: { id: string; error: ReclmisError | null }[] = [];
  for (const each of ids) {
    const error = await verifyWeights(each).then(
      () => null,
      (thrown: unknown) => {
        if (thrown instanceof ReclmisError) return thrown;
        throw thrown;
      },
    );
    results.push({ id: each, error });
    if (error === null) output.say(`${each}: intact`);
    else if (id === undefined) output.say(`${each}: ${error.code}, ${error.message}`);
    else throw error;
  }
  output.result(results.map((result) => ({ id: result.id, intact: result.error === null })));
  if (results.length === 0) output.say('No weights in the cache.');
  const first = results.find(({ error }) => error !== null)?.error;
  if (first) throw first;
}

/** Progress over several files, in megabytes. */
class FileProgress {
  private current: { file: RemoteFile; total: number; bar: Progress } | null = null;

  constructor(private readonly quiet: boolean) {}

  update(file: RemoteFile, done: number, bytes: number): void {
    const total = Math.ceil(bytes / 1e6);
    if (this.current?.file !== file || this.current.total !== total) {
      this.stop();
      this.current = {
        file,
        total,
        bar: new Progress({ label: `${file.file} (MB)`, total, quiet: this.quiet }),
      };
    }
    this.current.bar.update(done === bytes ? total : Math.floor(done / 1e6));
  }

  say(text: string): void {
    if (!this.quiet) writeErr(`${text}\n`);
  }

  stop(): void {
    this.current?.bar.stop();
    this.current = null;
  }
}

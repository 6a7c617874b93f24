/** `reclmis weights import`: a file of weights into the cache, or the authors' PyTorch checkpoint into a run folder. */
import { basename } from 'node:path';
import { defined, ReclmisError } from '@reclmis/core';
import { type Command, Option } from 'commander';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../../output.js';
import type { SidesFlags } from '../../sides-options.js';
import { sayStored } from '../../tables/weights.js';

interface ImportRunFlags extends OutputOptions, SidesFlags {
  readonly out?: string;
  readonly vocabulary?: string;
  readonly contextLength?: number;
}

interface ImportFlags extends ImportRunFlags {
  readonly as: 'encoder' | 'run';
  readonly id?: string;
  readonly force?: boolean;
}

export function registerImport(weights: Command): void {
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
        'encoder: copy the text tower into the cache; run: turn the authors’ checkpoint, or one of `weights export`, into a run folder',
      )
        .choices(['encoder', 'run'])
        .default('encoder'),
    )
    .option('-o, --out <dir>', 'run folder to create; with --as run')
    .option(
      '--context-length <n>',
      'note length in tokens, for checkpoints that do not state it; with --as run',
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
  sayStored(new Output(flags), stored, 'was imported');
}

/** Keys that the terminal is given. */
const SHOWN = 12;

/** @throws OPTION_INVALID without -o, and what `importRun` throws */
async function importAsRun(file: string, flags: ImportRunFlags): Promise<void> {
  const { importRun } = await import('@reclmis/lab');
  const output = new Output(flags);
  if (flags.out === undefined)
    throw new ReclmisError('OPTION_INVALID', '--as run: expected -o RUN, the folder to create');
  const run = await importRun(file, flags.out, flags);
  const { dir, config, stated, missing, unexpected, unused } = run;
  output.result({
    dir,
    model: config.model,
    text: config.text,
    note: config.note,
    missing,
    unexpected,
    unused,
  });
  const { name, variant, baseWidth, imageSize, layers } = config.model;
  const own = name === 'reclmis' ? `, ${layers} layers, variant ${variant}` : '';
  output.say(
    `${basename(file)}: ${name}, base width ${baseWidth}, ${imageSize} x ${imageSize}${own}; ` +
      `notes of ${config.text.contextLength} tokens${stated ? `, encoder ${config.text.encoder}` : ' (--context-length)'}.`,
  );
  if (!stated) output.say(`${unused} keys do not affect any output and were skipped.`);
  if (config.note.sides === 'unknown')
    output.notice(
      `SIDES_UNKNOWN: it is not recorded whose left and right its training notes meant (record it with \`reclmis sides ${dir} patient\` or \`image\`).`,
    );
  listKeys(output, 'missing, none of which segmentation needs', missing);
  listKeys(output, 'unexpected and ignored', unexpected);
  output.say(`Run folder: ${dir}\nNext: reclmis evaluate ${dir} --data DIR`);
}

function listKeys(output: Output, what: string, keys: readonly string[]): void {
  if (keys.length === 0) return;
  output.say(`${keys.length} keys are ${what}:`);
  for (const key of keys.slice(0, SHOWN)) output.say(`  ${key}`);
  if (keys.length > SHOWN) output.say(`  ... and ${keys.length - SHOWN} more (--json lists all)`);
}

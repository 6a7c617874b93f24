/**
 * `reclmis weights import --as run` and `weights export`: runs from and to the authors' PyTorch checkpoints.
 */
import { basename, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import type { CheckpointKind } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import type { SidesFlags } from '../sides-options.js';

export interface ImportRunFlags extends OutputOptions, SidesFlags {
  readonly out?: string;
  readonly vocabulary?: string;
  readonly contextLength?: number;
}

interface ExportFlags extends OutputOptions {
  readonly out?: string;
  readonly format: 'pth';
  readonly checkpoint: CheckpointKind;
}

/** Keys shown. */
const SHOWN = 12;

/** @throws OPTION_INVALID without -o, and as `importRun` */
export async function importAsRun(file: string, flags: ImportRunFlags): Promise<void> {
  const { importRun } = await import('@reclmis/lab');
  const output = new Output(flags);
  if (flags.out === undefined)
    throw new ReclmisError('OPTION_INVALID', '--as run: expected -o RUN, the folder to create');
  const run = await importRun(file, flags.out, flags);
  const { dir, config, missing, unexpected, unused } = run;
  output.result({
    dir,
    model: config.model,
    text: config.text,
    note: config.note,
    missing,
    unexpected,
    unused,
  });
  const { baseWidth, imageSize, layers } = config.model;
  output.say(
    `${basename(file)}: base width ${baseWidth}, ${imageSize} x ${imageSize}, ${layers} layers, variant upstream; ` +
      `notes of ${config.text.contextLength} tokens (--context-length).`,
  );
  output.say(`${unused} keys do not affect any output and were skipped.`);
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

export function registerExport(weights: Command): void {
  const command = weights
    .command('export')
    .description('write a run’s checkpoint for PyTorch, with the keys of the authors’ code')
    .argument('<run>', 'run folder')
    .addOption(new Option('--format <name>', 'file format').choices(['pth']).default('pth'))
    .addOption(
      new Option('--checkpoint <which>', 'checkpoint to use').choices(['best', 'last']).default('best'),
    )
    .option('-o, --out <file>', 'file to write (default: RUN/CHECKPOINT.pth)');
  withOutputOptions(command)
    .addHelpText('after', '\nExample:\n  $ reclmis weights export runs/qata --format pth -o qata.pth\n')
    .action(runExport);
}

async function runExport(dir: string, flags: ExportFlags): Promise<void> {
  const { exportRun } = await import('@reclmis/lab');
  const output = new Output(flags);
  const written = exportRun(
    dir,
    flags.out ?? join(dir, `${flags.checkpoint}.${flags.format}`),
    flags.checkpoint,
  );
  output.result(written);
  output.say(
    `${written.file}: ${written.tensors} tensors${written.tower ? ', CLIP’s text tower among them' : ''}.\n` +
      'Parameters that the authors’ code has but never uses are missing, so load it with model.load_state_dict(checkpoint["state_dict"], strict=False).',
  );
}

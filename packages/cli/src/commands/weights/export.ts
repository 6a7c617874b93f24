/** `reclmis weights export`: a run's checkpoint for the authors' PyTorch code. */
import { join } from 'node:path';
import type { CheckpointKind } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { Output, type OutputOptions, withOutputOptions } from '../../output.js';

interface ExportFlags extends OutputOptions {
  readonly out?: string;
  readonly format: 'pth';
  readonly checkpoint: CheckpointKind;
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

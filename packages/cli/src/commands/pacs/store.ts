/** `reclmis pacs store`: DICOM files into a PACS; success only if it confirms each. */
import type { Command } from 'commander';
import { Output, withOutputOptions } from '../../output.js';
import { type PacsFlags, pacsOf, withPacsOptions } from '../../pacs/options.js';
import { Progress } from '../../progress.js';

export function registerStore(pacs: Command): void {
  const command = pacs
    .command('store')
    .description('store DICOM files; fails unless the PACS confirms each')
    .argument('<path...>', 'DICOM files, and folders with all DICOM files below');
  withPacsOptions(command);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis pacs store --url https://pacs.example/dicom-web --token-file token masks\n',
    )
    .action(run);
}

async function run(given: readonly string[], flags: PacsFlags): Promise<void> {
  const output = new Output(flags);
  const { dicomFiles, readAll } = await import('../../pacs/dicom-files.js');
  const pacs = await pacsOf(flags, output);
  const { paths, skipped } = await dicomFiles(given);
  const bar = new Progress({ label: 'storing', total: paths.length, quiet: output.quiet });
  try {
    const { instances, bytes } = await pacs.store(readAll(paths), (done) => bar.update(done));
    bar.stop();
    output.result({ stored: instances.length, bytes, skipped, instances });
    output.say(`stored ${instances.length} files (${(bytes / 1e6).toFixed(1)} MB)`);
    if (skipped > 0) output.notice(`${skipped} other files were left out: they are not DICOM`);
  } finally {
    bar.stop();
  }
}

/** `reclmis pacs fetch`: a series into a folder, byte for byte as the PACS stores it. */
import type { Command } from 'commander';
import { Output, withOutputOptions } from '../../output.js';
import { FetchBar } from '../../pacs/fetch-bar.js';
import { type PacsFlags, pacsOf, withPacsOptions } from '../../pacs/options.js';
import { oneSeries, type SeriesFlags, withSeriesOptions } from '../../pacs/select.js';
import { fetchSeries, requireEmpty } from '../../pacs/series-folder.js';

interface FetchFlags extends PacsFlags, SeriesFlags {
  readonly out: string;
}

export function registerFetch(pacs: Command): void {
  const command = pacs
    .command('fetch')
    .description('write a series into a folder, as 0001.dcm and so on by instance number')
    .requiredOption('-o, --out <dir>', 'folder, absent or empty');
  withSeriesOptions(withPacsOptions(command));
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis pacs fetch --url https://pacs.example/dicom-web --token-file token --study 1.2.840.113 -o series\n',
    )
    .action(run);
}

async function run(flags: FetchFlags): Promise<void> {
  const output = new Output(flags);
  await requireEmpty(flags.out);
  const pacs = await pacsOf(flags, output);
  const chosen = await oneSeries(pacs, flags);
  const bar = new FetchBar(output.quiet);
  const fetched = await fetchSeries(pacs, chosen, flags.out, bar.update).finally(() => bar.stop());
  output.result({ out: flags.out, ...chosen, ...fetched });
  output.say(`${fetched.files} files (${(fetched.bytes / 1e6).toFixed(1)} MB) in ${flags.out}`);
}

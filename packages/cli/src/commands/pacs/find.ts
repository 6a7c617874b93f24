/** `reclmis pacs find`: studies of a PACS, or the series of one. The table names patients; logs and errors never do. */
import type { Command } from 'commander';
import { numberOf, Output, withOutputOptions } from '../../output.js';
import { type PacsFlags, pacsOf, withPacsOptions } from '../../pacs/options.js';
import { seriesOf, type StudyFlags, studyFilters, withStudyOptions } from '../../pacs/select.js';
import { describeSeries, describeStudies } from '../../tables/pacs.js';

interface FindFlags extends PacsFlags, StudyFlags {
  readonly limit: number;
}

export function registerFind(pacs: Command): void {
  const command = pacs
    .command('find')
    .description('list studies, or with --study the series of one; the list names patients')
    .option('--limit <n>', 'most studies to list', numberOf('--limit', { min: 1, max: 100_000 }), 50);
  withStudyOptions(withPacsOptions(command));
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis pacs find --url https://pacs.example/dicom-web --token-file token --date 20260101- --modality DX\n' +
        '  $ reclmis pacs find --url https://pacs.example/dicom-web --token-file token --study 1.2.840.113\n',
    )
    .action(run);
}

async function run(flags: FindFlags): Promise<void> {
  const output = new Output(flags);
  const pacs = await pacsOf(flags, output);
  if (flags.study !== undefined) {
    const series = await seriesOf(pacs, flags.study, flags.modality);
    output.result({ study: flags.study, series });
    output.say(series.length === 0 ? 'no series' : describeSeries(series));
    return;
  }
  const { found, more } = await pacs.studies(studyFilters(flags), flags.limit);
  output.result({ studies: found, more });
  output.say(found.length === 0 ? 'no study matches' : describeStudies(found));
  if (more) output.notice(`only the first ${flags.limit} studies; narrow the search or raise --limit`);
}

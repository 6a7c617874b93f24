/** `reclmis pacs segment`: fetches a series, segments it by a note, and stores the DICOM SEG in the same study. */
import { join } from 'node:path';
import type { Pacs } from '@reclmis/clinical';
import { defined, ReclmisError, warningLines } from '@reclmis/core';
import { type Command, Option } from 'commander';
import { type HubFlags, withHubOptions } from '../../models/place.js';
import { type NoteFlags, withNoteOptions } from '../../note-options.js';
import { numberOf, Output, threadsOf, withOutputOptions } from '../../output.js';
import { FetchBar } from '../../pacs/fetch-bar.js';
import { type PacsFlags, pacsOf, withPacsOptions } from '../../pacs/options.js';
import { type Chosen, oneSeries, type SeriesFlags, withSeriesOptions } from '../../pacs/select.js';
import { fetchSeries, requireEmpty } from '../../pacs/series-folder.js';
import { BATCH_FLAG, BATCH_HELP } from '../../predict-options.js';
import { withScratch } from '../../scratch.js';
import { type Predicted, predictAsAsked } from '../predict.js';

interface SegmentFlags extends PacsFlags, SeriesFlags, NoteFlags, HubFlags {
  readonly note?: string;
  readonly classes?: string;
  readonly report?: boolean;
  readonly out?: string;
  readonly checkpoint?: 'best' | 'last';
  readonly batch?: number;
  readonly device?: string;
  readonly threads?: number;
}

export function registerSegment(pacs: Command): void {
  const command = pacs
    .command('segment')
    .description('fetch a series, segment it by a note, and store the DICOM SEG in its study')
    .argument(
      '<model...>',
      'folder written by `reclmis export` or `reclmis train`, or hf:owner/name[@revision][/folder] on a hub; several are averaged',
    )
    .option('--note <text>', 'what to segment; it is not written into the SEG')
    .option('--classes <file>', 'classes by name with their notes, in YAML: a segment of each')
    .option(
      '--report',
      'also store a report of areas and diameters (DICOM SR); needs a pixel size in the files',
    )
    .option('-o, --out <dir>', 'also keep masks, overlays, figures and the SEG here; absent or empty')
    .addOption(
      new Option('--checkpoint <which>', 'checkpoint of a run (default: best)').choices(['best', 'last']),
    )
    .option(BATCH_FLAG, BATCH_HELP, numberOf('--batch', { min: 1 }))
    .option('--device <name>', 'cpu, cuda or, for a run, cuda:N (default: the run’s, else cpu)')
    .option('--threads <n>', 'threads; 0: all cores', threadsOf);
  withHubOptions(withNoteOptions(withSeriesOptions(withPacsOptions(command)), 'as the model has learnt'));
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis pacs segment models/qata --url https://pacs.example/dicom-web --token-file token \\\n' +
        '      --study 1.2.840.113 --note "One infected area in the upper left lung."\n',
    )
    .action(run);
}

async function run(models: readonly string[], flags: SegmentFlags): Promise<void> {
  const output = new Output(flags);
  if (flags.out !== undefined) await requireEmpty(flags.out);
  const pacs = await pacsOf(flags, output);
  const chosen = await oneSeries(pacs, flags);
  await withScratch('reclmis-series-', (folder) => segmentIn(folder, models, pacs, chosen, flags, output));
}

async function segmentIn(
  folder: string,
  models: readonly string[],
  pacs: Pacs,
  chosen: Chosen,
  flags: SegmentFlags,
  output: Output,
): Promise<void> {
  const series = join(folder, 'series');
  const bar = new FetchBar(output.quiet);
  const fetched = await fetchSeries(pacs, chosen, series, bar.update).finally(() => bar.stop());
  const out = flags.out ?? join(folder, 'masks');
  const predicted = await predictAsAsked(
    models,
    {
      ...defined({ note: flags.note, classes: flags.classes, checkpoint: flags.checkpoint }),
      ...defined({ device: flags.device, threads: flags.threads, quiet: flags.quiet, json: flags.json }),
      ...defined({ batch: flags.batch }),
      ...defined({ sides: flags.sides, noteStyle: flags.noteStyle, noteVocabulary: flags.noteVocabulary }),
      ...defined({ hubUrl: flags.hubUrl, offline: flags.offline }),
      ...{
        image: series,
        out,
        overlay: flags.out !== undefined,
        format: flags.report ? ['seg', 'sr'] : ['seg'],
      },
    },
    output,
  );
  const segs = segsOf(predicted);
  const { dicomFiles, readAll } = await import('../../pacs/dicom-files.js');
  const { readFileHead, SR_STORAGE } = await import('@reclmis/clinical');
  const { paths } = await dicomFiles(segs.map((name) => join(out, name)));
  const [segmentations, reports]: [string[], string[]] = [[], []];
  const sent = async function* (): AsyncGenerator<Uint8Array> {
    for await (const bytes of readAll(paths)) {
      const { sopClass, sopInstance } = readFileHead(bytes)!; // readAll refuses files without
      (sopClass === SR_STORAGE ? reports : segmentations).push(sopInstance);
      yield bytes;
    }
  };
  await pacs.store(sent());
  const { counts, warnings, warned } = predicted.summary;
  output.result({ ...chosen, segmentations, reports, images: fetched.files, warned, warnings });
  for (const line of (predicted.summary.series ?? []).flatMap(({ advice = [] }) => advice))
    output.notice(line);
  for (const line of warningLines(warnings, counts.done, 'image')) output.warning(line);
  const what = `${counts.done} ${counts.done === 1 ? 'image' : 'images'} segmented`;
  const report = reports.length === 0 ? '' : `, report ${reports.join(', ')}`;
  output.say(`${what}; stored as SEG ${segmentations.join(', ')}${report}`);
}

/** Names of SEGs, which hold every image, and reports. @throws PREDICT_INCOMPLETE, INTERRUPTED */
function segsOf({ summary }: Predicted): string[] {
  const { status, counts, failures, series = [] } = summary;
  if (status === 'interrupted')
    throw new ReclmisError('INTERRUPTED', 'stopped before all images were segmented; nothing was stored');
  const [first] = failures;
  if (first)
    throw new ReclmisError(
      'PREDICT_INCOMPLETE',
      `${counts.failed} of ${counts.cases} images could not be segmented (the first: ${first.error.code}); nothing was stored`,
      { remedy: 'Fetch the series with `reclmis pacs fetch` and look at it with `reclmis predict`.' },
    );
  const left = series.flatMap((one) => one.left);
  const files = series.flatMap((one) => one.files).filter((name) => name.endsWith('.dcm'));
  if (left.length > 0 || files.length === 0)
    throw new ReclmisError(
      'PREDICT_INCOMPLETE',
      `no SEG could be made (${left[0] ?? 'the series holds no image'}); nothing was stored`,
      { remedy: 'Fetch the series with `reclmis pacs fetch` and segment its images one by one.' },
    );
  return files;
}

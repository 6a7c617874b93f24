/** `reclmis data check|list|split|convert|phantom`: data sets of any layout. */
import { dirname, join } from 'node:path';
import { defined, ReclmisError } from '@reclmis/core';
import type { Dataset, Split } from '@reclmis/data';
import { type Command, Option } from 'commander';
import { interruptSignal, releaseInterrupt } from '../interrupt.js';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { DATA_ARGUMENT, type SourceFlags, sourceOf, withSourceOptions } from '../source-options.js';
import { EACH_FIRST, type WindowFlags, windowIn, windowOption } from '../window-option.js';
import { registerConvert } from './data/convert.js';
import { registerSplit } from './data/split.js';
import { formatCases, type ListedCase } from '../tables/case-list.js';
import { formatReport } from '../tables/data-check.js';

interface SelectFlags extends OutputOptions, SourceFlags, WindowFlags {
  readonly split?: Split;
  readonly stems?: string;
}

interface CheckFlags extends SelectFlags {
  readonly strict?: boolean;
  readonly report?: string;
  readonly group?: string;
}

interface PhantomFlags extends OutputOptions {
  readonly out: string;
  readonly count: number;
  readonly seed: number;
  readonly size: number;
}

export function register(program: Command): void {
  const data = program.command('data').description('check, split, convert and create data sets');

  const check = data
    .command('check')
    .description(
      'decode every image and mask; report what is missing, unreadable or mismatched and what looks like a mistake; count the rest',
    )
    .argument('<data>', DATA_ARGUMENT)
    .addOption(splitOption('split to check (default: all that exist)'))
    .option('--stems <file>', 'check only the cases in this list, one stem per line; needs --split')
    .option('--strict', 'fail if anything is suspicious (DATA_SUSPICIOUS)')
    .option(
      '--report <path>',
      'write a page showing the suspicious pairs: an .html file, or a folder for data-check.html',
    )
    .option(
      '--group <regex>',
      'regular expression on file names whose capture group is the patient (default: known naming schemes)',
    );
  withSourceOptions(check).addOption(windowOption(EACH_FIRST));
  withOutputOptions(check)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis data check data/QaTa-COV19\n  $ reclmis data check data/mine --strict --report check.html\n',
    )
    .action(runCheck);

  const list = data
    .command('list')
    .description('list the cases of a split with their sizes and notes')
    .argument('<data>', DATA_ARGUMENT)
    .addOption(splitOption('split to list').default('train'))
    .option('--stems <file>', 'list only the cases in this list, one stem per line');
  withSourceOptions(list).addOption(windowOption(EACH_FIRST));
  withOutputOptions(list)
    .addHelpText('after', '\nExample:\n  $ reclmis data list data/MoNuSeg --split test\n')
    .action(runList);

  registerSplit(data);
  registerConvert(data);

  const phantom = data
    .command('phantom')
    .description('draw chest phantoms in which the note decides which opacities belong to the mask')
    .requiredOption('-o, --out <dir>', 'folder to create; it must be empty or not exist')
    .option(
      '--count <n>',
      'number of cases: 70 % train, 15 % val, 15 % test',
      numberOf('--count', { min: 3 }),
      200,
    )
    .option(
      '--seed <n>',
      'random seed; the same seed gives the same files',
      numberOf('--seed', { min: 0 }),
      1,
    )
    .option(
      '--size <px>',
      'side of the square images in pixels, 32 to 2048',
      numberOf('--size', { min: 32 }),
      224,
    );
  withOutputOptions(phantom)
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis data phantom --out data/phantom --count 200 --seed 1 --size 224\n',
    )
    .action(runPhantom);
}

function splitOption(description: string): Option {
  return new Option('--split <name>', description).choices(['train', 'val', 'test']);
}

async function runCheck(dir: string, flags: CheckFlags): Promise<void> {
  const { assertUnsuspicious, assertValid, inspectDataset, rememberCheck, writeCheckReport } =
    await import('@reclmis/data');
  if (flags.stems !== undefined && flags.split === undefined) {
    throw new ReclmisError('OPTION_INVALID', '--stems: needs --split, as a list belongs to one split');
  }
  const output = new Output(flags);
  const page = flags.report === undefined ? null : checkPagePath(flags.report);
  if (page !== null) {
    const { requireWritable } = await import('@reclmis/files');
    await requireWritable(dirname(page)); // before decoding
  }
  let bar: Progress | null = null;
  const { report, subjects } = await inspectDataset(dir, {
    ...(flags.split === undefined ? {} : { only: [flags.split] }),
    ...sourceOf(flags),
    ...windowIn(flags),
    ...defined({ stems: flags.stems, group: flags.group }),
    signal: interruptSignal(),
    onProgress: (done, total) => {
      bar ??= new Progress({ label: 'decoding', total, quiet: output.quiet });
      bar.update(done);
      if (done === total) bar.stop();
    },
  });
  releaseInterrupt();
  await rememberCheck(report, subjects, flags.group);
  if (page !== null) await writeCheckReport(page, report, subjects);
  output.result({ ...report, ...(page === null ? {} : { report: page }) });
  output.say(formatReport(report));
  if (page !== null) output.say(`\nReport: ${page}`);
  assertValid(report);
  if (flags.strict === true) assertUnsuspicious(report);
}

/** The path itself, or data-check.html in the folder. */
function checkPagePath(path: string): string {
  return /\.html?$/i.test(path) ? path : join(path, 'data-check.html');
}

async function runList(dir: string, flags: SelectFlags & { readonly split: Split }): Promise<void> {
  const { imageOptions, openDataset } = await import('@reclmis/data');
  const { readImageHeader } = await import('@reclmis/files');
  const output = new Output(flags);
  const dataset: Dataset = await openDataset(dir, flags.split, {
    ...sourceOf(flags),
    ...windowIn(flags),
    ...defined({ stems: flags.stems }),
  });
  const rows: (ListedCase & { image: string; mask: string })[] = [];
  for (const one of dataset.cases) {
    const { id, imagePath, maskPath, note, class: name } = one;
    const { width, height } = await readImageHeader(imagePath, imageOptions(one));
    rows.push({ id, width, height, ...defined({ class: name }), note, image: imagePath, mask: maskPath });
  }
  output.result({ name: dataset.name, split: dataset.split, fingerprint: dataset.fingerprint, cases: rows });
  output.say(formatCases(rows));
  for (const line of dataset.notices ?? []) output.notice(line);
  output.say(
    `\n${rows.length} cases of ${dataset.name}, ${dataset.split}; fingerprint ${dataset.fingerprint.slice(0, 12)}`,
  );
}

async function runPhantom(flags: PhantomFlags): Promise<void> {
  const { writePhantom } = await import('@reclmis/data');
  const output = new Output(flags);
  const { out, count, seed, size } = flags;
  const bar = new Progress({ label: 'drawing', total: count, quiet: output.quiet });
  const signal = interruptSignal();
  const splits = await writePhantom(out, {
    count,
    seed,
    size,
    signal,
    onProgress: (done) => bar.update(done),
  });
  bar.stop();
  output.result({ dir: out, seed, size, ...splits });
  output.say(
    `${out}: ${splits.train} train, ${splits.val} val and ${splits.test} test cases of ${size} x ${size} pixels`,
  );
}

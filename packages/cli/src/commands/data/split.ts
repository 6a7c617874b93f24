/** `reclmis data split`: splits a data set by patient and lesion size. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { defined, ReclmisError } from '@reclmis/core';
import { type Command, Option } from 'commander';
import { interruptSignal, releaseInterrupt } from '../../interrupt.js';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../../output.js';
import { Progress } from '../../progress.js';
import { DATA_ARGUMENT, type SourceFlags, sourceOf, withSourceOptions } from '../../source-options.js';
import { formatTable } from '../../table.js';

interface SplitFlags extends OutputOptions, SourceFlags {
  readonly out: string;
  readonly overwrite?: boolean;
  readonly by: 'patient' | 'case';
  readonly val: number;
  readonly test: number;
  readonly seed: number;
  readonly group?: string;
}

export function registerSplit(data: Command): void {
  const command = data
    .command('split')
    .description('split the cases into train, val and test by patient, with lesions of all sizes in each')
    .argument('<data>', DATA_ARGUMENT)
    .requiredOption('-o, --out <file>', 'table to write, for --splits')
    .option('--overwrite', 'replace the file')
    .addOption(
      new Option('--by <what>', 'what stays together: a patient’s cases, or an image’s')
        .choices(['patient', 'case'])
        .default('patient'),
    )
    .option('--val <share>', 'share of the cases for validation, above 0', share('--val'), 0.15)
    .option('--test <share>', 'share of the cases for testing, from 0', share('--test'), 0.15)
    .option(
      '--seed <n>',
      'random seed; the same seed gives the same split',
      numberOf('--seed', { min: 0 }),
      1,
    )
    .option(
      '--group <regex>',
      'regular expression on file names whose capture group is the patient (default: as the data set states, known naming schemes)',
    );
  withSourceOptions(command);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis data split data/MosMedDataPlus -o splits.csv\n' +
        '  $ reclmis train --preset mosmeddata-plus --data data/MosMedDataPlus --splits splits.csv\n' +
        '  $ reclmis data split cases.xlsx -o splits.csv --val 0.1 --test 0.2\n',
    )
    .action(run);
}

function share(flag: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= 0 && value < 1) return value;
    throw new ReclmisError(
      'OPTION_INVALID',
      `${flag}: expected a share from 0 to less than 1, got "${text}"`,
    );
  };
}

async function run(source: string, flags: SplitFlags): Promise<void> {
  const { makeSplit } = await import('@reclmis/data');
  const { requireWritable } = await import('@reclmis/files');
  const output = new Output(flags);
  const { out, by, val, test, seed, group } = flags;
  if (flags.splits !== undefined)
    throw new ReclmisError(
      'OPTION_INVALID',
      '--splits: is what this command writes; it splits all cases again',
    );
  if (existsSync(out) && flags.overwrite !== true)
    throw new ReclmisError('OUTPUT_EXISTS', `${out}: already exists`, {
      remedy: 'Choose another file, or add --overwrite.',
    });
  await requireWritable(dirname(out));
  let bar: Progress | null = null;
  const { parts, named } = await makeSplit(source, out, {
    ...sourceOf(flags),
    ...{ by, val, test, seed, signal: interruptSignal() },
    ...defined({ group }),
    onProgress: (done, total) => {
      bar ??= new Progress({ label: 'measuring masks', total, quiet: output.quiet });
      bar.update(done);
      if (done === total) bar.stop();
    },
  });
  releaseInterrupt();
  const all = parts.reduce((sum, { cases }) => sum + cases, 0);
  output.result({ out, by, seed, parts, named });
  const right = (title: string): { title: string; align: 'right' } => ({ title, align: 'right' });
  output.say(
    formatTable(
      [{ title: 'split' }, right('cases'), right('patients'), right('foreground'), right('empty masks')],
      parts.map((one) => [
        one.split,
        String(one.cases),
        String(one.patients),
        `${(100 * one.foreground).toFixed(1)} %`,
        String(one.emptyMasks),
      ]),
    ),
  );
  if (by === 'patient' && named < all)
    output.notice(
      `The patients of ${all - named} of ${all} cases are not known, so each of their images counts as one (--group, or a column patient, tells them).`,
    );
  output.say(`\nWritten to ${out}. Next: reclmis data check ${source} --splits ${out}`);
}

/** `reclmis data convert`: writes a data set in another layout. */
import { type Command, Option } from 'commander';
import type { ConvertTarget } from '@reclmis/data';
import { interruptSignal, releaseInterrupt } from '../../interrupt.js';
import { Output, type OutputOptions, withOutputOptions } from '../../output.js';
import { Progress } from '../../progress.js';
import { DATA_ARGUMENT, type SourceFlags, sourceOf, withSourceOptions } from '../../source-options.js';
import { EACH_FIRST, type WindowFlags, windowIn, windowOption } from '../../window-option.js';

interface ConvertFlags extends OutputOptions, SourceFlags, WindowFlags {
  readonly to: ConvertTarget;
}

export function registerConvert(data: Command): void {
  const command = data
    .command('convert')
    .description('write a data set in another layout')
    .argument('<data>', DATA_ARGUMENT)
    .argument('<out>', 'folder to create; it must be empty or not exist')
    .addOption(
      new Option('--to <name>', 'layout to write')
        .choices(['table', 'lvit', 'huggingface', 'nnunet', 'coco'])
        .default('table'),
    );
  withSourceOptions(command).addOption(windowOption(EACH_FIRST));
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis data convert data/QaTa-COV19 data/qata --to huggingface\n' +
        '  $ reclmis data convert cases.xlsx data/mine --to lvit --splits splits.csv\n',
    )
    .action(run);
}

async function run(source: string, out: string, flags: ConvertFlags): Promise<void> {
  const { convertDataset } = await import('@reclmis/data');
  const output = new Output(flags);
  const { to } = flags;
  let bar: Progress | null = null;
  const { cases, notices } = await convertDataset(source, out, {
    ...sourceOf(flags),
    ...windowIn(flags),
    ...{ to, signal: interruptSignal() },
    onProgress: (done, total) => {
      bar ??= new Progress({ label: 'converting', total, quiet: output.quiet });
      bar.update(Math.min(done, total));
    },
  });
  (bar as Progress | null)?.stop();
  releaseInterrupt();
  for (const line of notices) output.notice(line);
  output.result({ out, to, cases, notices });
  const counts = Object.entries(cases).map(([split, count]) => `${count} ${split}`);
  output.say(`${out}: ${counts.join(', ')} cases as ${to}`);
}

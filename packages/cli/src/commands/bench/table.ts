/** `reclmis bench table`: all models next to the paper's Tables 1 and 5. */
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { writeFileAtomic } from '@reclmis/files';
import {
  benchModels,
  describeModels,
  differences,
  modelRows,
  modelsLatex,
  modelsMarkdown,
  type TableEntry,
  tableEntries,
} from '@reclmis/lab';
import type { Command } from 'commander';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../../output.js';
import { Progress } from '../../progress.js';
import { configFrom, withSettings } from '../../settings.js';
import { formatTable, wrapText } from '../../table.js';
import { lineWidth } from '../../terminal.js';

interface TableFlags extends OutputOptions, Readonly<Record<string, unknown>> {
  readonly models?: string;
  readonly out?: string;
  readonly steps: number;
  readonly warmup: number;
}

export function registerTable(bench: Command): void {
  const command = bench
    .command('table')
    .description('compare all models: parameters, FLOPs, time and memory, next to the paper’s Tables 1 and 5')
    .option('--models <names>', 'only these models, by title, e.g. RecLMIS,U-Net')
    .option('-o, --out <dir>', 'folder for models.md, models.tex and models.json')
    .option('--steps <n>', 'measured steps per model', numberOf('--steps', { min: 1 }), 10)
    .option('--warmup <n>', 'warm-up steps that do not count', numberOf('--warmup', { min: 1 }), 2);
  withOutputOptions(withSettings(command))
    .addHelpText(
      'after',
      '\nThe batch size is 1 unless --batch or a file sets it. The paper’s figures are shown for models of its size\n' +
        '(base width 64, 224 x 224), the default.\n' +
        '\nExamples:\n  $ reclmis bench table\n  $ reclmis bench table --steps 20 -o outputs/models\n',
    )
    .action(run);
}

async function run(flags: TableFlags): Promise<void> {
  const output = new Output(flags);
  const { batch, config: file, preset, steps, warmup, out } = flags;
  const given = [batch, flags['train.batchSize'], file, preset].some((value) => value !== undefined);
  const entries = chosen(tableEntries(configFrom(given ? flags : { ...flags, batch: 1 })), flags.models);
  const bar = new Progress({ label: 'measuring', total: entries.length, quiet: output.quiet });
  const table = await benchModels(entries, {
    steps,
    warmup,
    onModel: (title, done) => bar.update(done, title),
  });
  bar.update(entries.length, '');
  bar.stop();
  const { columns, rows } = modelRows(table);
  output.result(table);
  output.say(
    formatTable(
      columns.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
      rows,
      lineWidth(),
    ),
  );
  const paragraphs = [describeModels(table), ...differences(table)];
  output.say(`\n${paragraphs.map((text) => wrapText(text, lineWidth())).join('\n\n')}`);
  if (out === undefined) return;
  const files: [string, string][] = [
    ['models.md', modelsMarkdown(table)],
    ['models.tex', modelsLatex(table)],
    ['models.json', `${JSON.stringify(table, null, 2)}\n`],
  ];
  for (const [name, text] of files) await writeFileAtomic(join(out, name), text);
  output.say(`\n${files.map(([name]) => join(out, name)).join('\n')}`);
}

/** @throws OPTION_INVALID */
function chosen(entries: readonly TableEntry[], asked: string | undefined): readonly TableEntry[] {
  if (asked === undefined) return entries;
  const names = asked.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !entries.some(({ title }) => title === name));
  if (unknown === undefined) return entries.filter(({ title }) => names.includes(title));
  throw new ReclmisError(
    'OPTION_INVALID',
    `--models: expected names among ${entries.map(({ title }) => title).join(', ')}, got ${unknown}`,
  );
}

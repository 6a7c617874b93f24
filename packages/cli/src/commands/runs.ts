/** `reclmis runs`: a folder's runs with their best figures; `runs compare`: their differences. */
import { basename, relative } from 'node:path';
import type { RunComparison, RunOverview } from '@reclmis/lab';
import type { Command } from 'commander';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { type Column, duration, formatTable, percent } from '../table.js';

interface CompareFlags extends OutputOptions {
  readonly out?: string;
}

export function register(program: Command): void {
  const runs = program
    .command('runs')
    .description('list runs with their best figures')
    .argument('[dir]', 'folder of runs, or a run', 'runs');
  withOutputOptions(runs)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis runs\n  $ reclmis runs compare runs/a runs/b -o compare.png\n',
    )
    .action(list);
  const compare = runs
    .command('compare')
    .description('compare settings and figures of runs side by side')
    .argument('<runs...>', 'two or more run folders')
    .option('-o, --out <file>', 'also plot Dice and loss over the epochs, as PNG');
  withOutputOptions(compare)
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis runs compare runs/qata runs/qata-no-notes -o compare.png\n',
    )
    .action(compareAll);
}

const COLUMNS: readonly Column[] = [
  { title: 'run' },
  { title: 'state' },
  { title: 'data' },
  { title: 'encoder' },
  { title: 'epochs', align: 'right' },
  { title: 'best', align: 'right' },
  { title: 'Dice', align: 'right' },
  { title: 'IoU', align: 'right' },
  { title: 'pooled', align: 'right' },
  { title: 's/image', align: 'right' },
  { title: 'time', align: 'right' },
  { title: 'begun' },
];

async function list(dir: string, flags: OutputOptions): Promise<void> {
  const { listRuns } = await import('@reclmis/lab');
  const output = new Output(flags);
  const runs = listRuns(dir);
  output.result(runs);
  if (runs.length === 0) {
    output.say(`${dir} contains no runs.`);
    return;
  }
  const name = (run: string): string => relative(dir, run) || basename(run);
  output.say(
    formatTable(
      COLUMNS,
      runs.map((run) => row(run, name(run.dir))),
    ),
  );
  output.say(
    '\nDice and IoU are means over the validation images of the best epoch; pooled: Dice over all their pixels.',
  );
  for (const { dir: run, problem } of runs) if (problem !== null) output.say(`${name(run)}: ${problem}`);
}

const share = (value: number | undefined): string => (value === undefined ? '' : percent(value));

function row(run: RunOverview, name: string): string[] {
  const { state, data, encoder, epochs, ofEpochs, best, secondsPerImage, seconds, startedAt } = run;
  return [
    name,
    state,
    data ?? '',
    encoder ?? (state === 'damaged' ? '' : 'none'),
    ofEpochs === null ? String(epochs) : `${epochs}/${ofEpochs}`,
    best ? String(best.epoch) : '',
    share(best?.dice),
    share(best?.iou),
    share(best?.pooledDice),
    secondsPerImage === null ? '' : secondsPerImage.toFixed(3),
    seconds > 0 ? duration(seconds) : '',
    startedAt?.slice(0, 16).replace('T', ' ') ?? '',
  ];
}

async function compareAll(dirs: readonly string[], flags: CompareFlags): Promise<void> {
  const { compareRuns, names, writeComparison } = await import('@reclmis/lab');
  const output = new Output(flags);
  const comparison = compareRuns(dirs);
  if (flags.out !== undefined) await writeComparison(flags.out, comparison);
  const { runs, settings } = comparison;
  output.result({ runs, settings });
  const columns: Column[] = [
    { title: '' },
    ...names(runs).map((title): Column => ({ title, align: 'right' })),
  ];
  output.say(formatTable(columns, figures(comparison)));
  output.say('');
  if (settings.length === 0) output.say('The settings are identical.');
  else
    output.say(
      formatTable(
        columns,
        settings.map(({ path, values }) => [path, ...values.map(shown)]),
      ),
    );
  if (flags.out !== undefined) output.say(`\nDrawn: ${flags.out}`);
}

const shown = (value: unknown): string =>
  value === undefined ? '-' : typeof value === 'string' ? value || '""' : JSON.stringify(value);

/** One column per run. */
function figures({ runs, epochs }: RunComparison): string[][] {
  const of = (title: string, cell: (run: RunOverview, index: number) => string): string[] => [
    title,
    ...runs.map(cell),
  ];
  const last = (index: number): string => epochs[index]?.at(-1)?.losses.total.toFixed(3) ?? '';
  return [
    of('state', ({ state }) => state),
    of('epochs', ({ epochs: done, ofEpochs }) => (ofEpochs === null ? String(done) : `${done}/${ofEpochs}`)),
    of('best epoch', ({ best }) => (best ? String(best.epoch) : '')),
    of('Dice, mean over images', ({ best }) => share(best?.dice)),
    of('IoU, mean over images', ({ best }) => share(best?.iou)),
    of('Dice, pooled', ({ best }) => share(best?.pooledDice)),
    of('IoU, pooled', ({ best }) => share(best?.pooledIou)),
    of('last training loss', (_, index) => last(index)),
    of('seconds per image', ({ secondsPerImage }) => secondsPerImage?.toFixed(3) ?? ''),
    of('time', ({ seconds }) => duration(seconds)),
  ];
}

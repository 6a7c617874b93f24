/** `reclmis parity`: compares models with their authors' code (docs/method.md 11 and 12). */
import type { ParityReport, ParityRow } from '@reclmis/lab';
import type { Command } from 'commander';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { formatTable } from '../table.js';

interface ParityOptions extends OutputOptions {
  readonly golden: string;
  readonly all?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('parity')
    .description('compare a model with the outputs of its authors’ code')
    .requiredOption(
      '--golden <file>',
      'golden JSON file, which names its model; a .safetensors file next to it is read too',
    )
    .option('--all', 'list every gradient, not only the worst');
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis parity --golden golden/reclmis.json\n  $ reclmis parity --golden golden/lvit.json --all\n',
    )
    .action(run);
}

async function run(options: ParityOptions): Promise<void> {
  const [{ assertParity, runParity }, { setThreads }, { availableParallelism }] = await Promise.all([
    import('@reclmis/lab'),
    import('@reclmis/torch'),
    import('node:os'),
  ]);
  setThreads(availableParallelism());
  const output = new Output(options);
  const report = runParity(options.golden);
  output.result(report);
  output.say(describe(report, options.all === true));
  assertParity(report);
}

/** Only the worst gradients unless `all`. */
function describe(report: ParityReport, all: boolean): string {
  const gradients = report.rows.filter(({ kind }) => kind === 'gradient').sort((a, b) => b.error - a.error);
  const others = report.rows.filter(({ kind }) => kind !== 'gradient');
  const line = ({ name, kind, error, tolerance, ok, detail }: ParityRow): string[] => [
    name,
    kind === 'gradient' ? 'gradient norm' : kind,
    error.toExponential(1),
    tolerance.toExponential(0),
    ok ? 'ok' : 'DIFFERS',
    detail,
  ];
  const table = formatTable(
    [
      { title: 'quantity' },
      { title: 'kind' },
      { title: 'error', align: 'right' },
      { title: 'allowed', align: 'right' },
      { title: '' },
      { title: 'compared' },
    ],
    [...others, ...(all ? gradients : gradients.slice(0, 3))].map(line),
  );
  const parts = [
    `worst absolute error of outputs ${report.worstOutput.toExponential(1)}, of losses ${report.worstLoss.toExponential(1)};`,
    `worst relative error of ${gradients.length} gradient norms ${report.worstGradient.toExponential(1)}`,
  ];
  return `${table}\n\n${parts.join(' ')}\n${report.model}: parity ${report.passed ? 'holds' : 'fails'}`;
}

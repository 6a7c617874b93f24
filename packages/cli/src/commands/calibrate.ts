/** `reclmis calibrate`: fits the Dice that a run predicts for its masks, on its validation cases. */
import { defined } from '@reclmis/core';
import type { CalibratedRun, CheckpointKind } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { numberOf, Output, type OutputOptions, threadsOf, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';

interface CalibrateFlags extends OutputOptions {
  readonly data?: string;
  readonly stems?: string;
  readonly checkpoint: CheckpointKind;
  readonly batch?: number;
  readonly device?: string;
  readonly threads?: number;
}

export function register(program: Command): void {
  const command = program
    .command('calibrate')
    .description(
      'fit the Dice that a run predicts for its masks, on its validation cases: writes RUN/confidence.json, which evaluate, predict and export then use',
    )
    .argument('<run>', 'run folder written by `reclmis train`')
    .option(
      '--data <data>',
      'where the data set is now, if it has moved (default: the one the run was trained on)',
    )
    .option('--stems <file>', 'list of the run’s validation stems, if it has moved')
    .addOption(
      new Option('--checkpoint <which>', 'checkpoint to use').choices(['best', 'last']).default('best'),
    )
    .option('--batch <n>', 'batch size', numberOf('--batch', { min: 1 }))
    .option('--device <name>', 'cpu, cuda or cuda:N (default: the run’s)')
    .option('--threads <n>', 'libtorch threads; 0: all cores', threadsOf);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis calibrate runs/qata\n  $ reclmis evaluate runs/qata --report report     # how good the prediction is on test cases\n',
    )
    .action(run);
}

async function run(dir: string, flags: CalibrateFlags): Promise<void> {
  const { calibrateRun } = await import('@reclmis/lab');
  const output = new Output(flags);
  const { data: dataDir, stems, checkpoint, batch: batchSize, device, threads } = flags;
  let bar: Progress | null = null;
  const result = await calibrateRun(dir, {
    checkpoint,
    ...defined({ dataDir, stems, batchSize, device, threads }),
    signal: interruptSignal(),
    onCases: (total) => {
      bar = new Progress({ label: 'calibrating', total, quiet: output.quiet });
    },
    onProgress: (done) => bar?.update(done),
    onNotice: (line) => output.notice(line),
  }).finally(() => bar?.stop());
  output.result(result);
  output.say(describeCalibration(result));
}

function describeCalibration({ file, checkpoint, calibration }: CalibratedRun): string {
  const { data, dice, presence, validation } = calibration;
  return [
    `${data.name}: ${data.cases} validation images of ${data.patients} patients, weights of epoch ${checkpoint.epoch}`,
    `predicted Dice (${dice.kind === 'ridge' ? 'ridge regression' : 'isotonic curve'}): off by ${(100 * validation.error).toFixed(2)} points on average, ` +
      `rank correlation ${validation.rank?.toFixed(2) ?? '–'} (cross-validated by patient; \`reclmis evaluate\` tells it for test images)`,
    presence.kind === 'logistic'
      ? `presence: calibrated, ${data.empty} of the images have an empty true mask`
      : `presence: not calibrated, ${data.empty} of the images have an empty true mask; the highest probability is given instead`,
    `\nWritten: ${file}`,
  ].join('\n');
}

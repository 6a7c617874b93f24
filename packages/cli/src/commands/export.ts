/** `reclmis export`: a run as an ONNX model with manifest, checked against libtorch. */
import { defined } from '@reclmis/core';
import type { CheckpointKind } from '@reclmis/lab';
import type { ExportPrecision, ExportReport, ExportStage, ExportTarget } from '@reclmis/export';
import { type Command, Option } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { numberOf, Output, type OutputOptions, threadsOf, withOutputOptions } from '../output.js';
import type { SidesFlags } from '../sides-options.js';
import { formatTable, percent } from '../table.js';

interface ExportFlags extends OutputOptions, SidesFlags {
  readonly out: string;
  readonly precision: ExportPrecision;
  readonly checkpoint: CheckpointKind;
  readonly target: ExportTarget;
  readonly calibrate?: string;
  readonly calibrationCases?: number;
  readonly storageUri?: string;
  readonly name?: string;
  readonly threads?: number;
}

const STAGES: Readonly<Record<ExportStage, string>> = {
  recording: 'recording the inference graph',
  calibrating: 'calibrating on training images',
  writing: 'writing',
  checking: 'comparing with libtorch',
};

export function register(program: Command): void {
  const command = program
    .command('export')
    .description(
      'export a run as an ONNX model with a manifest, checked against libtorch before it is written',
    )
    .argument('<run>', 'run folder written by `reclmis train`')
    .requiredOption('-o, --out <dir>', 'folder to create')
    .addOption(
      new Option('--precision <name>', 'fp16 halves the size; int8 quarters it and is faster on CPUs')
        .choices(['fp32', 'fp16', 'int8'])
        .default('fp32'),
    )
    .addOption(
      new Option('--checkpoint <which>', 'checkpoint to use').choices(['best', 'last']).default('best'),
    )
    .option(
      '--calibrate <dir>',
      'int8: data set whose training images and notes calibrate the ranges (default: the run’s)',
    )
    .option(
      '--calibration-cases <n>',
      'int8: number of calibration images (default: 32)',
      numberOf('--calibration-cases', { min: 2 }),
    )
    .addOption(
      new Option(
        '--target <server>',
        'also write a Triton model repository, or both it and a KServe InferenceService',
      )
        .choices(['onnx', 'triton', 'kserve'])
        .default('onnx'),
    )
    .option('--storage-uri <uri>', 'kserve: where the cluster finds the folder’s triton/')
    .option('--name <name>', 'name in the manifest (default: from model and data set)')
    .addOption(
      new Option(
        '--sides <whose>',
        'whose left and right the training notes meant, for a run that does not record it',
      ).choices(['patient', 'image']),
    )
    .option('--threads <n>', 'libtorch threads; 0: all cores', threadsOf);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis export runs/qata -o models/qata\n' +
        '  $ reclmis export runs/qata -o models/qata-int8 --precision int8\n',
    )
    .action(run);
}

async function run(dir: string, flags: ExportFlags): Promise<void> {
  const { exportModel } = await import('@reclmis/export');
  const output = new Output(flags);
  const { out, precision, checkpoint, target, calibrate, calibrationCases, storageUri, name, threads } =
    flags;
  const { sides } = flags;
  const report = await exportModel(dir, {
    out,
    precision,
    checkpoint,
    target,
    ...defined({ calibrate, calibrationCases, storageUri, name, sides, threads }),
    signal: interruptSignal(),
    onStage: (stage) => output.notice(`${STAGES[stage]} ...`),
  });
  output.result(report);
  output.say(describeExport(report));
  if (report.manifest.note?.sides === 'unknown')
    output.notice(
      'SIDES_UNKNOWN: the run does not record whose left and right its notes mean, so the model does not either (set it with --sides patient or --sides image).',
    );
}

export function describeExport({ out, manifest, check, bytes, floatLayers }: ExportReport): string {
  const megabytes = (count: number): string => (count / 1e6).toFixed(1);
  const { segmenter, textEncoder } = manifest;
  const files = [segmenter.file, ...(textEncoder ? [textEncoder.file] : [])];
  const rows = files.map((file) => [file.name, megabytes(file.bytes)]);
  const scores = manifest.scores.map(
    ({ data, split, cases, dice }) =>
      `scores of the run: ${data} ${split}, Dice ${percent(dice)} % of ${cases} images`,
  );
  const confidence = (manifest.confidence?.tests ?? []).map(
    ({ data, cases, error, rank }) =>
      `predicted Dice of the run: ${data} test, off by ${percent(error)} points on average, rank correlation ${rank?.toFixed(2) ?? '–'}, ${cases} images`,
  );
  return [
    `${manifest.name}, ${manifest.precision}, ${manifest.parameters.toLocaleString('en')} parameters, ${megabytes(bytes)} MB\n`,
    formatTable([{ title: 'file' }, { title: 'MB', align: 'right' }], rows),
    '',
    `largest difference from libtorch: ${check.worst.toExponential(1)} of a probability` +
      (check.worstNote === null ? '' : `, ${check.worstNote.toExponential(1)} of a note feature`) +
      (check.worstInterest === null
        ? ''
        : `, ${check.worstInterest.toExponential(1)} of a share of interest`) +
      ` (${check.cases} images, ${check.real} of them real)`,
    `same side of the threshold: ${(100 * check.agreement).toFixed(3)} % of the pixels`,
    ...(floatLayers.length > 0 ? [`left in float: ${floatLayers.join(', ')}`] : []),
    ...scores,
    ...confidence,
    '',
    `Model: ${out}`,
  ].join('\n');
}

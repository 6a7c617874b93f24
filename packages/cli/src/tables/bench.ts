/** Measurements of `reclmis bench train` and `bench infer`. */
import type { BenchReport, PhaseProfile } from '@reclmis/lab';
import { formatTable } from '../table.js';

/** Operators of a phase on the terminal; `--json` holds all. */
const SHOWN = 15;

const milliseconds = (seconds: number): string => (1000 * seconds).toFixed(1);
const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
const giga = (value: number): string => (value / 1e9).toFixed(1);
const share = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** Layers and variant are RecLMIS's alone. */
function describeModel({ name, baseWidth, imageSize, layers, variant }: BenchReport['model']): string {
  const parts = [
    name,
    `width ${baseWidth}`,
    ...(layers === null ? [] : [`${layers} layers`]),
    `${imageSize} x ${imageSize}`,
    ...(variant === null ? [] : [variant]),
  ];
  return parts.join(', ');
}

function describeParameters({ trainableParameters, inferenceParameters }: BenchReport['model']): string {
  const millions = (count: number): string => (count / 1e6).toFixed(2);
  const inference = inferenceParameters === null ? '' : `, ${millions(inferenceParameters)} M at inference`;
  return `${millions(trainableParameters)} M trained${inference}`;
}

export function formatReport(report: BenchReport): string {
  const { kind, engine, model, secondsPerImage: time, flops, peak, versions } = report;
  const phases = Object.entries(report.secondsPerPhase);
  const whole = phases.reduce((sum, [, seconds]) => sum + seconds, 0);
  const rows: [string, string][] = [
    [
      'device',
      `${engine.device}, ${engine.threads} threads, ${versions.vectors}, libtorch ${versions.libtorch}`,
    ],
    ['precision, layout, 3x3', `${engine.precision}, ${engine.memoryFormat}, ${engine.convolutions}`],
    ['model', `${describeModel(model)}; ${describeParameters(model)}`],
    ['batch, steps, data', `${report.batchSize}, ${report.steps}, ${report.data}`],
    ['seconds per image', `${time.median.toFixed(4)} (median)`],
    ['  min, p90, max', `${time.min.toFixed(4)}, ${time.p90.toFixed(4)}, ${time.max.toFixed(4)}`],
    ['images per second', report.imagesPerSecond.toFixed(2)],
    ...phases.map(([name, seconds]): [string, string] => [
      `  ${name}`,
      `${milliseconds(seconds)} ms a step, ${share(seconds / whole)}`,
    ]),
    ['peak tensor memory', mebibytes(report.memory.peakTensorBytes)],
    ['peak resident memory', mebibytes(report.memory.peakResidentBytes)],
    [
      'GFLOP per image',
      `${giga(flops.forwardPerImage)} forward${kind === 'train' ? `, ${giga(flops.stepPerImage)} a step` : ''}`,
    ],
    ['  convolutions', giga(flops.convolutionPerImage)],
    ['  matrix products', giga(flops.matrixProductPerImage)],
    ['GFLOP/s reached', report.achieved.toFixed(1)],
  ];
  if (report.waitShare !== null) rows.splice(7, 0, ['waiting for data', share(report.waitShare)]);
  if (peak && report.shareOfPeak !== null) {
    const { contiguous, channelsLast } = peak.convolution;
    rows.push(
      [
        'GFLOP/s, convolution only',
        `${contiguous.toFixed(0)} contiguous, ${channelsLast.toFixed(0)} channels-last`,
      ],
      ['GFLOP/s, matrix product only', peak.matrixProduct.toFixed(0)],
      ['share of the peak', share(report.shareOfPeak)],
    );
  }
  const table = formatTable([{ title: kind === 'train' ? 'training' : 'inference' }, { title: '' }], rows);
  return `${table}\n\nA multiply-add counts as two FLOP; only matrix products and convolutions are counted.`;
}

/** The operators of a phase that took most. */
export function formatProfile({ phase, operators }: PhaseProfile): string {
  const whole = operators.reduce((sum, { selfSeconds }) => sum + selfSeconds, 0);
  const rows = operators
    .slice(0, SHOWN)
    .map(({ name, selfSeconds, totalSeconds, calls }) => [
      name,
      milliseconds(selfSeconds),
      share(selfSeconds / whole),
      milliseconds(totalSeconds),
      String(calls),
    ]);
  const columns = ['self ms', 'share', 'total ms', 'calls'].map((title) => ({
    title,
    align: 'right' as const,
  }));
  return `${formatTable([{ title: `${phase}: ${milliseconds(whole)} ms` }, ...columns], rows)}${
    operators.length > SHOWN ? `\n... and ${operators.length - SHOWN} more` : ''
  }`;
}

import { formatTable, right } from '../table.js';
import type { ExportedReport } from '../bench/exported.js';

const mebibytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20));
const ms = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0));

/** Two tables: the models and their starts, and times per batch size. */
export function formatExported({ machine, device, threads, steps, models }: ExportedReport): string {
  const starts = models.map(({ dir, precision, bytes, coldStart, memory, flopsPerImage }) => [
    dir,
    precision,
    (bytes / 1e6).toFixed(1),
    flopsPerImage === null ? '' : (flopsPerImage / 1e9).toFixed(1),
    ms(coldStart.firstMask.median),
    ms(coldStart.load.median),
    mebibytes(memory.firstMaskBytes),
    mebibytes(memory.peakBytes),
  ]);
  const times = models.flatMap(({ dir, batches }) =>
    batches.map(({ batch, perImage, network, processor, imagesPerSecond, speedup, achieved }) => [
      dir,
      String(batch),
      ms(perImage.median),
      ms(perImage.p90),
      ms(perImage.min),
      ms(network.median),
      ms(processor.median),
      imagesPerSecond.toFixed(2),
      speedup.toFixed(2),
      achieved === null ? '' : achieved.toFixed(0),
    ]),
  );
  return [
    `${machine.processor}, ${machine.cores} cores; Node ${machine.node}, onnxruntime on ${device}, ${threads} threads; ${steps} rounds each\n`,
    formatTable(
      [
        { title: 'model' },
        { title: 'precision' },
        ...['MB', 'GFLOP', 'first mask, ms', 'loading, ms', 'MiB then', 'MiB at most'].map(right),
      ],
      starts,
    ),
    '',
    formatTable(
      [
        { title: 'model' },
        ...[
          'batch',
          'ms/image',
          'p90',
          'least',
          'network',
          'processor',
          'images/s',
          'times as fast',
          'GFLOP/s',
        ].map(right),
      ],
      times,
    ),
    '\nFirst mask: from the start of a fresh process. ms/image: from 512 x 512 pixels in memory to their mask. processor: CPU time of all threads.',
  ].join('\n');
}

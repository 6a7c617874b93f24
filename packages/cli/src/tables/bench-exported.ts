import { formatTable, right } from '../table.js';
import type { ExportedReport } from '../bench/exported.js';

const mebibytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20));
const ms = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0));

/** Three tables: the models and their starts, times per batch size, and several notes about one image. */
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
  const notes = models.flatMap(({ dir, notes }) =>
    notes === null
      ? []
      : [
          [
            dir,
            ms(notes.first.median),
            ms(notes.first.min),
            ms(notes.firstProcessor.median),
            notes.price.toFixed(2),
            ms(notes.further.median),
            ms(notes.further.min),
            ms(notes.furtherProcessor.median),
            notes.share.toFixed(2),
          ],
        ],
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
    ...(notes.length === 0
      ? []
      : [
          '',
          formatTable(
            [
              { title: 'model' },
              ...[
                'first note, ms',
                'least',
                'processor',
                'of the first model',
                'further note, ms',
                'least',
                'processor',
                'of the first note',
              ].map(right),
            ],
            notes,
          ),
        ]),
    '\nFirst mask: from the start of a fresh process. ms/image, first note: from 512 x 512 pixels in memory to their mask. processor: CPU time of all threads.',
  ].join('\n');
}

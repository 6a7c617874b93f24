/** `reclmis predict`: segments images by their notes; a mask and an overlay for each. */
import { ReclmisError } from '@reclmis/core';
import type { CheckpointKind, Precision } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { formatTable, percent } from '../table.js';

interface PredictFlags extends OutputOptions {
  readonly image: string;
  readonly note?: string;
  readonly notes?: string;
  readonly out: string;
  readonly checkpoint: CheckpointKind;
  readonly batch: number;
  readonly device?: string;
  readonly threads?: number;
  readonly precision?: Precision;
}

/** Rows of the table that the terminal is given. */
const SHOWN = 20;

export function register(program: Command): void {
  const command = program
    .command('predict')
    .description('segment images by their notes: a mask and an overlay at each image’s own size')
    .argument('<run>', 'run folder of `reclmis train`')
    .requiredOption('--image <path>', 'image (PNG, JPEG, TIFF) or a folder of images')
    .option('--note <text>', 'what to segment, for all images')
    .option('--notes <file>', 'notes by image: .xlsx or .csv with the columns Image and Description')
    .requiredOption('-o, --out <dir>', 'folder for ID_mask.png (0 or 255) and ID_overlay.png')
    .addOption(new Option('--checkpoint <which>', 'weights to use').choices(['best', 'last']).default('best'))
    .option('--batch <n>', 'images at once', numberOf('--batch', { min: 1 }), 8)
    .option('--device <name>', 'cpu, cuda or cuda:N (default: the run’s)')
    .option('--threads <n>', 'threads of libtorch; 0: all cores', numberOf('--threads', { min: 0 }))
    .addOption(
      new Option(
        '--precision <name>',
        'of matrix products and convolutions (default: the run’s on its own kind of device, else fp32)',
      ).choices(['fp32', 'bf16', 'fp16']),
    );
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis predict runs/qata --image chest.png \\\n' +
        '      --note "Unilateral pulmonary infection, one infected area, upper left lung." -o masks\n',
    )
    .action(run);
}

async function run(dir: string, flags: PredictFlags): Promise<void> {
  const { describeCutNotes, openRun, precisionNotice, predict, predictionCases } =
    await import('@reclmis/lab');
  const output = new Output(flags);
  const { image, note, notes, out, checkpoint, batch, device, threads, precision } = flags;
  const trained = openRun(dir);
  const cases = await predictionCases(image, {
    ...(note === undefined ? {} : { note }),
    ...(notes === undefined ? {} : { notes }),
    required: trained.config.model.components.ci, // without conditioned interaction the model reads no note
  });
  using model = trained.loadModel({
    checkpoint,
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
    ...(precision === undefined ? {} : { precision }),
  });
  const cut = model.model.readsNotes
    ? describeCutNotes(
        model.encoder,
        cases.map((one) => one.note),
      )
    : null;
  if (cut !== null) output.notice(cut);
  const slow = precisionNotice(model.engine);
  if (slow !== null) output.notice(slow);
  const signal = interruptSignal();
  const bar = new Progress({ label: 'segmenting', total: cases.length, quiet: output.quiet });
  const predictions = await predict(model, cases, out, {
    batchSize: batch,
    signal,
    onProgress: (done) => bar.update(done),
  });
  bar.stop();
  if (signal.aborted)
    throw new ReclmisError('INTERRUPTED', `${out}: stopped by Ctrl-C after ${predictions.length} images`);
  output.result(predictions);
  const rows = predictions
    .slice(0, SHOWN)
    .map((one) => [one.id, `${one.width} x ${one.height}`, percent(one.share)]);
  output.say(
    formatTable(
      [{ title: 'image' }, { title: 'pixels', align: 'right' }, { title: 'covered %', align: 'right' }],
      rows,
    ),
  );
  if (predictions.length > SHOWN) output.say(`... and ${predictions.length - SHOWN} more`);
  output.say(`\nMasks and overlays: ${out}`);
}

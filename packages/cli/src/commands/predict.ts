/** `reclmis predict`: segments images by their notes with a run or an exported model; masks, overlays, figures. */
import { defined, parseSpacing, ReclmisError, type Spacing, VERSION } from '@reclmis/core';
import type { CheckpointKind, Precision } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { numberOf, Output, type OutputOptions, threadsOf, withOutputOptions } from '../output.js';
import {
  type CaseStatistics,
  describeUnused,
  parsePart,
  type Part,
  predict,
  type PredictionCase,
  predictionCases,
  type UnusedRows,
} from '@reclmis/predict';
import { openModels } from '../models/open.js';
import { type NoteFlags, vocabularyOf, withNoteOptions } from '../note-options.js';
import { Progress } from '../progress.js';
import { judgePrediction, sayPrediction, SHOWN } from '../tables/prediction.js';

interface PredictFlags extends OutputOptions, NoteFlags {
  readonly image: string;
  readonly note?: string;
  readonly notes?: string;
  readonly emptyNotes?: boolean;
  readonly out: string;
  readonly flips?: boolean;
  readonly overlay: boolean;
  readonly probability?: 'png16' | 'npy';
  readonly contours?: boolean;
  readonly spacing?: Spacing;
  readonly part?: Part;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly checkpoint?: CheckpointKind;
  readonly batch: number;
  readonly device?: string;
  readonly threads?: number;
  readonly precision?: Precision;
}

export function register(program: Command): void {
  const command = program
    .command('predict')
    .description('segment images by their notes: masks, overlays and figures at each image’s original size')
    .argument(
      '<model...>',
      'folder written by `reclmis export` or `reclmis train`; several: their probabilities are averaged',
    )
    .requiredOption(
      '--image <path>',
      'image (PNG, JPEG, TIFF), folder of images, or a pattern in quotes: "scans/**/*.png"',
    )
    .option('--note <text>', 'what to segment, for all images')
    .option(
      '--notes <file>',
      'notes by image: .xlsx or .csv with the columns Image and Description (and Spacing), or .jsonl with image and note (and spacing)',
    )
    .option('--empty-notes', 'give images without a note an empty one instead of refusing them')
    .requiredOption(
      '-o, --out <dir>',
      'folder for ID_mask.png (0 or 255), ID_overlay.png, statistics.json, run.json',
    )
    .option('--flips', 'average with the prediction for the mirrored image and note (left <-> right)')
    .option('--no-overlay', 'do not write overlays')
    .addOption(
      new Option('--probability <kind>', 'also write probabilities, as 16-bit PNG or float32 NumPy').choices([
        'png16',
        'npy',
      ]),
    )
    .option('--contours', 'also write outlines as GeoJSON, in pixels')
    .option(
      '--spacing <mm>',
      'pixel size in mm, 0.143 or 0.143x0.2 (width x height): also gives areas in mm2',
      (text) => parseSpacing(text, '--spacing'),
    )
    .option('--part <i/n>', 'process the I-th of N parts; run the others elsewhere', parsePart)
    .option('--resume', 'continue an earlier run of this command; skips what is complete')
    .option('--overwrite', 'replace the results of an earlier run')
    .addOption(
      new Option('--checkpoint <which>', 'checkpoint of a run (default: best)').choices(['best', 'last']),
    )
    .option('--batch <n>', 'batch size', numberOf('--batch', { min: 1 }), 8)
    .option('--device <name>', 'cpu, cuda or, for a run, cuda:N (default: the run’s, else cpu)')
    .option('--threads <n>', 'threads; 0: all cores', threadsOf)
    .addOption(
      new Option(
        '--precision <name>',
        'precision of a run’s matrix products and convolutions (default: the run’s on its kind of device, else fp32)',
      ).choices(['fp32', 'bf16', 'fp16']),
    );
  withNoteOptions(command, 'as the model has learnt');
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis predict runs/qata --image chest.png \\\n' +
        '      --note "Unilateral pulmonary infection, one infected area, upper left lung." -o masks\n' +
        '  $ reclmis predict models/qata --image "scans/**/*.png" --notes notes.csv --spacing 0.143 -o masks\n' +
        '  $ reclmis predict models/qata --image "scans/**/*.png" --notes notes.csv --spacing 0.143 -o masks --resume\n' +
        '  $ reclmis predict runs/fold-1 runs/fold-2 runs/fold-3 --flips --image scans --notes notes.csv -o masks\n',
    )
    .action(run);
}

async function run(dirs: readonly string[], flags: PredictFlags): Promise<void> {
  const output = new Output(flags);
  const {
    image,
    note,
    notes,
    emptyNotes = false,
    out,
    part,
    spacing,
    checkpoint,
    device,
    threads,
    precision,
  } = flags;
  if (flags.resume && flags.overwrite) {
    throw new ReclmisError(
      'OPTION_INVALID',
      '--resume keeps what --overwrite replaces; use only one of them',
    );
  }
  const source = await openModels(dirs, await vocabularyOf(flags.noteVocabulary));
  let unused: UnusedRows | null = null;
  const cases = await predictionCases({
    onUnused: (rows) => {
      unused = rows;
      output.notice(describeUnused(rows));
    },
    image,
    out,
    emptyNotes,
    required: source.readsNotes,
    ...defined({ note, notes, spacing }),
  });
  const choice = defined({ checkpoint, device, threads, precision });
  const sided = source.notes({ sides: flags.sides, style: flags.noteStyle });
  const loaded = await source.load(choice, flags.flips ?? false, sided);
  try {
    for (const line of loaded.notices(notesOf(cases))) output.notice(line);
    const shown: CaseStatistics[] = [];
    const warned: Required<Pick<CaseStatistics, 'id' | 'warnings'>>[] = [];
    const total = Math.ceil((cases.length - (part?.index ?? 1) + 1) / (part?.of ?? 1));
    const bar = new Progress({ label: 'segmenting', total, quiet: output.quiet });
    const summary = await predict({
      segmenter: loaded.segmenters,
      model: loaded.model,
      notes: sided,
      checks: loaded.checks,
      cases,
      out,
      outputs: {
        overlay: flags.overlay,
        probability: flags.probability ?? null,
        contours: flags.contours ?? false,
      },
      part: part ?? null,
      beginning: flags.resume ? 'resume' : flags.overwrite ? 'overwrite' : 'new',
      batchSize: flags.batch,
      about: {
        versions: { reclmis: VERSION, node: process.versions.node, ...loaded.versions },
        engine: loaded.engine,
        settings: {
          image,
          notes: notes ?? (note === undefined ? 'none' : 'one for all'),
          emptyNotes,
          spacing: spacing ?? null,
          batch: flags.batch,
          threshold: loaded.threshold,
          flips: flags.flips ?? false,
          sides: flags.sides ?? 'as learnt',
          noteStyle: flags.noteStyle ?? 'as learnt',
          noteVocabulary: flags.noteVocabulary ?? 'as learnt',
        },
        unusedNotes: unused,
      },
      signal: interruptSignal(),
      onProgress: (done, failed) => bar.update(done, failed > 0 ? `${failed} failed` : ''),
      onCase: (one) => {
        if (shown.length < SHOWN) shown.push(one);
        if (flags.json && one.warnings?.length) warned.push({ id: one.id, warnings: one.warnings });
      },
    }).finally(() => bar.stop());
    output.result({ out, ...summary, casesWithWarnings: warned, unusedNotes: unused });
    sayPrediction(output, out, summary, shown);
    judgePrediction(out, summary);
  } finally {
    await loaded.dispose();
  }
}

function* notesOf(cases: readonly PredictionCase[]): Generator<string> {
  for (const { note, refused } of cases) if (!refused) yield note;
}

/** `reclmis predict`: segments images by their notes with a run or an exported model; masks, overlays, figures. */
import { defined, ReclmisError, VERSION } from '@reclmis/core';
import type { Command } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { Output, withOutputOptions } from '../output.js';
import {
  describeLeftOut,
  describeUnused,
  type LeftOut,
  predict,
  type PredictionCase,
  type PredictionSummary,
  predictionCases,
  type UnusedRows,
} from '@reclmis/predict';
import { openModels } from '../models/open.js';
import { placesOf, withHubOptions } from '../models/place.js';
import { vocabularyOf, withNoteOptions } from '../note-options.js';
import {
  classesAsked,
  outputsAsked,
  type PredictFlags,
  settingsOf,
  withPredictionOptions,
} from '../predict-options.js';
import { Progress } from '../progress.js';
import { judgePrediction, sayPrediction, SeenCases } from '../tables/prediction.js';

export function register(program: Command): void {
  const command = program
    .command('predict')
    .description('segment images by their notes: masks, overlays and figures at each image’s original size')
    .argument(
      '<model...>',
      'folder written by `reclmis export` or `reclmis train`, or hf:owner/name[@revision][/folder] on a hub; several: their probabilities are averaged',
    );
  withPredictionOptions(command);
  withHubOptions(withNoteOptions(command, 'as the model has learnt'));
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis predict runs/qata --image chest.png \\\n' +
        '      --note "One infected area in the upper left lung." -o masks\n' +
        '  $ reclmis predict models/qata --image "scans/**/*.png" --notes notes.csv --spacing 0.143 -o masks\n' +
        '  $ reclmis predict models/qata --image "scans/**/*.png" --notes notes.csv --spacing 0.143 -o masks --resume\n' +
        '  $ reclmis predict runs/chest --classes classes.yaml --image scans -o masks\n' +
        '  $ reclmis predict runs/fold-1 runs/fold-2 runs/fold-3 --flips --image scans --notes notes.csv -o masks\n',
    )
    .action(run);
}

async function run(dirs: readonly string[], flags: PredictFlags): Promise<void> {
  const output = new Output(flags);
  const { out } = flags;
  const { summary, seen, unused, leftOut } = await predictAsAsked(dirs, flags, output);
  output.result({
    ...{ out, ...summary, casesWithWarnings: seen.warned, unusedNotes: unused },
    ...{ slicesWithoutNote: leftOut },
    predictedDice: seen.predictedDice,
  });
  sayPrediction(output, out, summary, seen);
  judgePrediction(out, summary);
}

export interface Predicted {
  readonly summary: PredictionSummary;
  readonly seen: SeenCases;
  readonly unused: UnusedRows | null;
  /** Slices that the notes are not for. */
  readonly leftOut: readonly LeftOut[];
}

/** Segments as the flags say. Failures of single images are in the summary. */
export async function predictAsAsked(
  dirs: readonly string[],
  flags: PredictFlags,
  output: Output,
): Promise<Predicted> {
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
  const { outputs, formats } = outputsAsked(flags);
  const vocabulary = await vocabularyOf(flags.noteVocabulary);
  const source = await openModels(await placesOf(dirs, flags, output), vocabulary);
  const classes = await classesAsked(flags, source.readsNotes);
  let unused: UnusedRows | null = null;
  let leftOut: readonly LeftOut[] = [];
  const window = flags.window ?? source.window();
  const cases = await predictionCases({
    onUnused: (rows) => {
      unused = rows;
      output.notice(describeUnused(rows));
    },
    onLeftOut: (volumes) => {
      leftOut = volumes;
      for (const volume of volumes) output.notice(describeLeftOut(volume));
    },
    image,
    out,
    emptyNotes,
    required: source.readsNotes && classes === undefined,
    ...defined({ note, notes, spacing, window }),
  });
  const images = new Set(cases.map(({ imagePath, frame = 0 }) => `${frame} ${imagePath}`));
  const oneNote = classes === undefined && images.size === cases.length;
  const choice = { ...defined({ checkpoint, device, threads, precision }), oneNote };
  const sided = source.notes({ sides: flags.sides, style: flags.noteStyle });
  const loaded = await source.load(choice, flags.flips ?? false, sided);
  try {
    if (flags.window !== undefined && cases.every(({ frames }) => frames === undefined))
      output.notice('--window applies to DICOM and NIfTI alone, and all the images are pictures');
    for (const line of loaded.notices(notesOf(classes ?? cases))) output.notice(line);
    const seen = new SeenCases(flags.json);
    const { batch: batchSize = loaded.batchSize } = flags;
    const total = Math.ceil((cases.length - (part?.index ?? 1) + 1) / (part?.of ?? 1));
    const bar = new Progress({ label: 'segmenting', total, quiet: output.quiet });
    const summary = await predict({
      segmenter: loaded.segmenters,
      model: loaded.model,
      notes: sided,
      checks: loaded.checks,
      confidence: loaded.confidence,
      cases,
      ...defined({ classes }),
      out,
      outputs,
      formats,
      part: part ?? null,
      beginning: flags.resume ? 'resume' : flags.overwrite ? 'overwrite' : 'new',
      batchSize,
      about: {
        versions: { reclmis: VERSION, node: process.versions.node, ...loaded.versions },
        engine: loaded.engine,
        settings: settingsOf(flags, batchSize, loaded.threshold, window),
        unusedNotes: unused,
        slicesWithoutNote: leftOut,
      },
      signal: interruptSignal(),
      onProgress: (done, failed) => bar.update(done, failed > 0 ? `${failed} failed` : ''),
      onCase: (one) => seen.add(one),
    }).finally(() => bar.stop());
    return { summary, seen, unused, leftOut };
  } finally {
    await loaded.dispose();
  }
}

function* notesOf(all: readonly Pick<PredictionCase, 'note' | 'refused'>[]): Generator<string> {
  for (const { note, refused } of all) if (!refused) yield note;
}

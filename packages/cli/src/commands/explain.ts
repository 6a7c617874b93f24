/** `reclmis explain`: why a run segments an image as it does; Grad-CAM, patches and words of interest, and what attention reads. */
import { defined, ReclmisError, warningLines } from '@reclmis/core';
import type { CheckpointKind, ExplainedImages, LoadOptions, Run } from '@reclmis/lab';
import { describeUnused, type PredictionCase, predictionCases } from '@reclmis/predict';
import { type Command, Option } from 'commander';
import { type EngineFlags, engineChoice, withEngineOptions } from '../engine-options.js';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { type SidesFlags, withSidesOption } from '../sides-options.js';
import { formatTable, percent, right } from '../table.js';

interface ExplainFlags extends OutputOptions, EngineFlags, SidesFlags {
  readonly image?: string;
  readonly note?: string;
  readonly notes?: string;
  readonly emptyNotes?: boolean;
  readonly out?: string;
  readonly layer?: string;
  readonly listLayers?: boolean;
  readonly target: string;
  readonly numbers?: boolean;
  readonly overwrite?: boolean;
  readonly checkpoint?: CheckpointKind;
}

/** Each image takes some megabytes. */
const MOST_IMAGES = 400;
/** Failures shown. */
const SHOWN = 20;

export function register(program: Command): void {
  const command = program
    .command('explain')
    .description(
      'show why a run segments an image as it does: Grad-CAM, patches and words of interest, attention between words and patches',
    )
    .argument('<run>', 'run folder written by `reclmis train`')
    .option(
      '--image <path>',
      'image (PNG, JPEG, TIFF), folder of images, or a pattern in quotes: "scans/*.png"',
    )
    .option('--note <text>', 'what to segment, for all images')
    .option(
      '--notes <file>',
      'notes by image: .xlsx or .csv with the columns Image and Description, or .jsonl',
    )
    .option('--empty-notes', 'give images without a note an empty one instead of refusing them')
    .option('-o, --out <dir>', 'folder for report.html, report.json and the figures as SVG and PNG')
    .option('--layer <name>', 'layer for Grad-CAM (default: up4, the decoder’s first, as in the paper)')
    .option('--list-layers', 'list the layers available for Grad-CAM and exit')
    .option(
      '--target <what>',
      'what Grad-CAM explains: the predicted foreground, all pixels, one image pixel x,y, or a mask file of the image’s size',
      'predicted',
    )
    .option('--numbers', 'write only report.json, without figures and pages, for any number of images')
    .option('--overwrite', 'write into a non-empty folder, replacing files of the same names')
    .addOption(
      new Option('--checkpoint <which>', 'checkpoint to use (default: best)').choices(['best', 'last']),
    );
  withSidesOption(command, 'as the run has learnt');
  withEngineOptions(command);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis explain runs/qata --image chest.png \\\n' +
        '      --note "Unilateral pulmonary infection, one infected area, upper left lung." -o why\n' +
        '  $ reclmis explain runs/qata --image "scans/*.png" --notes notes.csv -o why --layer up3\n' +
        '  $ reclmis explain runs/qata --list-layers\n',
    )
    .action(run);
}

async function run(dir: string, flags: ExplainFlags): Promise<void> {
  const { openRun } = await import('@reclmis/lab');
  const output = new Output(flags);
  const source = openRun(dir);
  const { checkpoint } = flags;
  const choice: LoadOptions = { ...defined({ checkpoint }), ...engineChoice(flags) };
  if (flags.listLayers) await listLayers(source, choice, output);
  else await explain(source, choice, flags, output);
}

async function listLayers(source: Run, choice: LoadOptions, output: Output): Promise<void> {
  const { mapLayers } = await import('@reclmis/lab');
  using model = source.loadModel(choice);
  const layers = mapLayers(model);
  output.result({ layers });
  const rows = layers.map(({ path, channels, side }) => [path, String(channels), `${side} x ${side}`]);
  output.say(formatTable([{ title: 'layer' }, right('channels'), right('map')], rows));
}

async function explain(source: Run, choice: LoadOptions, flags: ExplainFlags, output: Output): Promise<void> {
  const { image, out, layer, sides, numbers = false } = flags;
  if (image === undefined)
    throw new ReclmisError('OPTION_INVALID', 'no image: expected --image PATH (or --list-layers)');
  if (out === undefined) throw new ReclmisError('OPTION_INVALID', 'no output folder: expected --out DIR');
  const { explainImages, readTarget, refuseTaken } = await import('@reclmis/lab');
  if (!flags.overwrite) refuseTaken(out, 'Choose another folder, or add --overwrite.');
  const cases = await casesOf(source, image, out, flags, output);
  const target = await readTarget(
    flags.target,
    cases.map(({ imagePath }) => imagePath),
  );
  using model = source.loadModel(choice);
  for (const line of model.notices) output.notice(line);
  const several = cases.length > 1;
  const bar = new Progress({ label: 'explaining', total: cases.length, quiet: output.quiet || !several });
  const explained = await explainImages(source, model, cases, out, {
    ...defined({ layer, sides }),
    ...{ target, numbers },
    onProgress: (done) => bar.update(done),
  }).finally(() => bar.stop());
  await report(out, explained, several, output);
}

/** The images with their notes. @throws OPTION_INVALID for more than figures are of use for, and as `predictionCases` */
async function casesOf(
  source: Run,
  image: string,
  out: string,
  { note, notes, emptyNotes = false, numbers }: ExplainFlags,
  output: Output,
): Promise<PredictionCase[]> {
  const { readsNotes } = await import('@reclmis/lab');
  const cases = await predictionCases({
    onUnused: (rows) => output.notice(describeUnused(rows)),
    required: readsNotes(source.config.model),
    ...{ image, out, emptyNotes, ...defined({ note, notes }) },
  });
  if (cases.length <= MOST_IMAGES || numbers === true) return cases;
  throw new ReclmisError(
    'OPTION_INVALID',
    `${image}: expected at most ${MOST_IMAGES} images to explain, found ${cases.length}`,
    { remedy: 'Select fewer with a pattern such as "scans/a*.png", or use --numbers.' },
  );
}

/** Says what was found. @throws PREDICT_INCOMPLETE where an image failed */
async function report(
  out: string,
  { cases, zones, files, report, notices, warnings }: ExplainedImages,
  several: boolean,
  output: Output,
): Promise<void> {
  const { zonesText } = await import('@reclmis/lab');
  const failures = cases.flatMap(({ error }) => (error ? [error] : []));
  for (const line of notices) output.notice(line);
  for (const line of warningLines(warnings.byCode, cases.length - failures.length, 'image'))
    output.warning(line);
  output.result({
    out,
    cases: cases.length,
    ...(several ? { gradCamZones: zones } : {}),
    files,
    notices,
    warnings: warnings.byCode,
  });
  if (zones) output.say(zonesText(zones));
  const [only] = cases;
  const what = several
    ? `${cases.length} images`
    : `${only?.id ?? ''}: ${percent(only?.share ?? 0)} % of the image is segmented`;
  output.say(`${what}\nReport: ${report}`);
  if (failures.length === 0) return;
  for (const { code, message } of failures.slice(0, SHOWN)) output.notice(`failed ${code}: ${message}`);
  throw new ReclmisError(
    'PREDICT_INCOMPLETE',
    `${out}: ${failures.length} of ${cases.length} images could not be explained; report.json lists them`,
    { remedy: 'Fix what the list of failures names, and run the command again with --overwrite.' },
  );
}

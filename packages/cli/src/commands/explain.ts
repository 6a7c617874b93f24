/** `reclmis explain`: why a run segments an image as it does; Grad-CAM, patches and words of interest, and what attention reads. */
import { resolve } from 'node:path';
import { defined, readBy, ReclmisError, warningLines } from '@reclmis/core';
import type { ExplainedImages, LoadOptions, Run } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { engineChoice, withEngineOptions } from '../engine-options.js';
import { asked, type ExplainFlags, refuseFailures } from '../explain-asked.js';
import { compare } from '../explain-compare.js';
import { vocabularyOf, withNoteOptions } from '../note-options.js';
import { Output, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { formatTable, percent, right } from '../table.js';
import { windowOption } from '../window-option.js';

export function register(program: Command): void {
  const command = program
    .command('explain')
    .description(
      'show why a run segments an image as it does: Grad-CAM, patches and words of interest, attention between words and patches',
    )
    .argument('<run>', 'run folder written by `reclmis train`')
    .argument('[others...]', 'further runs to show next to it on the same images: Grad-CAM and mask of each')
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
    .option(
      '--layer <name>',
      'layer for Grad-CAM, of all runs (default: the model’s own, the decoder’s first: up4 in RecLMIS, as in the paper)',
    )
    .option(
      '--masks <dir>',
      'with several runs: folder of true masks, named like the images (default: labelcol next to an image’s folder img)',
    )
    .option('--list-layers', 'list the layers available for Grad-CAM and exit')
    .option(
      '--target <what>',
      'what Grad-CAM explains: the predicted foreground, all pixels, one image pixel x,y, or a mask file of the image’s size',
      'predicted',
    )
    .option('--numbers', 'write only report.json, without figures and pages, for any number of images')
    .option('--overwrite', 'write into a non-empty folder, replacing files of the same names')
    .addOption(windowOption('the run’s, else each file’s first'))
    .addOption(
      new Option('--checkpoint <which>', 'checkpoint to use (default: best)').choices(['best', 'last']),
    );
  withNoteOptions(command, 'as the run has learnt');
  withEngineOptions(command);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis explain runs/qata --image chest.png \\\n' +
        '      --note "One infected area in the upper left lung." -o why\n' +
        '  $ reclmis explain runs/qata --image "scans/*.png" --notes notes.csv -o why --layer up3\n' +
        '  $ reclmis explain runs/reclmis runs/lvit runs/unet --image "scans/*.png" --notes notes.csv -o why\n' +
        '  $ reclmis explain runs/qata --list-layers\n',
    )
    .action(run);
}

async function run(dir: string, others: readonly string[], flags: ExplainFlags): Promise<void> {
  const { openRun } = await import('@reclmis/lab');
  const output = new Output(flags);
  const { checkpoint } = flags;
  const choice: LoadOptions = { ...defined({ checkpoint }), ...engineChoice(flags) };
  refuseUnclear(dir, others, flags);
  if (flags.listLayers) await listLayers(openRun(dir), choice, output);
  else if (others.length > 0) await compare([dir, ...others], choice, flags, output);
  else await explain(openRun(dir), choice, flags, output);
}

/** @throws OPTION_INVALID for options that do not fit one run, or several */
function refuseUnclear(dir: string, others: readonly string[], { listLayers, masks }: ExplainFlags): void {
  const dirs = [dir, ...others].map((path) => resolve(path));
  const twice = dirs.findIndex((path, i) => dirs.indexOf(path) !== i);
  if (twice >= 0)
    throw new ReclmisError(
      'OPTION_INVALID',
      `${others[twice - 1] ?? dir}: expected different runs, but this one is listed twice`,
    );
  if (listLayers && others.length > 0)
    throw new ReclmisError('OPTION_INVALID', `--list-layers: expected one run, got ${dirs.length}`);
  if (masks !== undefined && others.length === 0)
    throw new ReclmisError('OPTION_INVALID', '--masks: expected several runs, got one', {
      remedy: 'Name further runs to compare, or omit --masks.',
    });
}

async function listLayers(source: Run, choice: LoadOptions, output: Output): Promise<void> {
  const { mapLayers } = await import('@reclmis/lab');
  using model = source.loadModel(choice);
  const layers = mapLayers(model);
  output.result({ layers });
  const rows = layers.map(({ path, channels, side }) => [path, String(channels), `${side} x ${side}`]);
  output.say(formatTable([{ title: 'layer' }, right('channels'), right('map')], rows));
}

async function explain(run: Run, choice: LoadOptions, flags: ExplainFlags, output: Output): Promise<void> {
  const { layer, sides, noteStyle, numbers = false } = flags;
  const vocabulary = await vocabularyOf(flags.noteVocabulary);
  const source = vocabulary ? { ...run, habits: readBy(run.habits, vocabulary) } : run;
  const { explainImages } = await import('@reclmis/lab');
  const { out, cases, target } = await asked([source], flags, output);
  using model = source.loadModel(choice);
  for (const line of model.notices) output.notice(line);
  const several = cases.length > 1;
  const bar = new Progress({ label: 'explaining', total: cases.length, quiet: output.quiet || !several });
  const explained = await explainImages(source, model, cases, out, {
    ...defined({ layer, sides, noteStyle }),
    ...{ target, numbers },
    onProgress: (done) => bar.update(done),
  }).finally(() => bar.stop());
  await report(out, explained, several, output);
}

/** @throws PREDICT_INCOMPLETE if an image failed */
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
  refuseFailures(out, cases, output);
}

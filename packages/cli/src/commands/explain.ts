/** `reclmis explain`: why a run segments an image so: Grad-CAM, patches and words of interest, attention. */
import { basename, join, resolve } from 'node:path';
import {
  defined,
  ReclmisError,
  toReclmisError,
  type Warning,
  WarningCounts,
  warningLines,
} from '@reclmis/core';
import type {
  About,
  CheckpointKind,
  ExplainOptions,
  FolderCase,
  LoadedModel,
  LoadOptions,
  Run,
  Target,
} from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { type EngineFlags, engineChoice, withEngineOptions } from '../engine-options.js';
import { withFolderLock } from '@reclmis/files';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { describeUnused, type PredictionCase, predictionCases } from '@reclmis/predict';
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
  const choice: LoadOptions = {
    ...defined({ checkpoint }),
    ...engineChoice(flags),
  };
  if (flags.listLayers) await listLayers(source, choice, output);
  else await explainImages(source, choice, flags, output);
}

async function listLayers(source: Run, choice: LoadOptions, output: Output): Promise<void> {
  const { mapLayers } = await import('@reclmis/lab');
  using model = source.loadModel(choice);
  const layers = mapLayers(model);
  output.result({ layers });
  const rows = layers.map(({ path, channels, side }) => [path, String(channels), `${side} x ${side}`]);
  output.say(formatTable([{ title: 'layer' }, right('channels'), right('map')], rows));
}

async function explainImages(
  source: Run,
  choice: LoadOptions,
  flags: ExplainFlags,
  output: Output,
): Promise<void> {
  const { image, note, notes, emptyNotes = false, out, numbers = false } = flags;
  if (image === undefined)
    throw new ReclmisError('OPTION_INVALID', 'no image: expected --image PATH (or --list-layers)');
  if (out === undefined) throw new ReclmisError('OPTION_INVALID', 'no output folder: expected --out DIR');
  const {
    DEFAULT_LAYER,
    readsNotes,
    refuseTaken,
    summariseZones,
    writeFolderNumbers,
    writeFolderReport,
    zonesText,
  } = await import('@reclmis/lab');
  if (!flags.overwrite) refuseTaken(out, 'Choose another folder, or add --overwrite.');
  const cases = await predictionCases({
    onUnused: (rows) => output.notice(describeUnused(rows)),
    image,
    out,
    emptyNotes,
    required: readsNotes(source.config.model),
    ...defined({ note, notes }),
  });
  if (cases.length > MOST_IMAGES && !numbers) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `${image}: expected at most ${MOST_IMAGES} images to explain, found ${cases.length}`,
      {
        remedy: 'Select fewer with a pattern such as "scans/a*.png", or use --numbers.',
      },
    );
  }
  const target = await parseTarget(
    flags.target,
    cases.map(({ imagePath }) => imagePath),
  );
  const { layer } = flags;
  using model = source.loadModel(choice);
  for (const line of model.notices) output.notice(line);
  const about = await describe(source, model);
  const work = {
    model,
    about,
    numbers,
    options: {
      ...defined({ layer }),
      target,
      checks: model.checks,
      learnt: source.sides,
      ...defined({ sides: flags.sides }),
    },
  };

  const warned = new WarningCounts();
  const tell = (notices: Iterable<string>, explained: number): void => {
    for (const line of notices) output.notice(line);
    for (const line of warningLines(warned.byCode, explained, 'image')) output.warning(line);
  };

  await withFolderLock(out, {}, async () => {
    const page = numbers ? 'report.json' : 'report.html'; // the page to open
    const [only] = cases;
    if (cases.length === 1 && only) {
      const done = await explainOne(work, only, out);
      warned.add(only.id, done.warnings);
      tell(done.notices, 1);
      output.result({
        out,
        cases: 1,
        files: done.files.map((file) => join(out, file)),
        notices: done.notices,
        warnings: warned.byCode,
      });
      output.say(
        `${only.id}: ${percent(done.found.share ?? 0)} % of the image is segmented\nReport: ${join(out, page)}`,
      );
      return;
    }
    const bar = new Progress({ label: 'explaining', total: cases.length, quiet: output.quiet });
    const found: FolderCase[] = [];
    const said = new Set<string>();
    try {
      for (const [i, one] of cases.entries()) {
        const done = await explainOne(work, one, join(out, one.id)).catch((thrown: unknown) =>
          failed(one, thrown),
        );
        found.push(done.found);
        for (const line of done.notices) said.add(line);
        warned.add(one.id, done.warnings);
        bar.update(i + 1);
      }
    } finally {
      bar.stop();
    }
    tell(said, found.filter(({ error }) => error === undefined).length);
    const zones = summariseZones(found);
    const title = `Explanations by ${basename(resolve(source.dir))}`;
    const context = { title, layer: layer ?? DEFAULT_LAYER, about };
    if (numbers) await writeFolderNumbers(out, found, context);
    const files = numbers ? [page] : await writeFolderReport(out, found, context);
    output.result({
      out,
      cases: cases.length,
      gradCamZones: zones,
      files: files.map((file) => join(out, file)),
      notices: [...said],
      warnings: warned.byCode,
    });
    if (zones) output.say(zonesText(zones));
    output.say(`${cases.length} images\nReport: ${join(out, page)}`);
    judge(out, found, output);
  });
}

interface Work {
  readonly model: LoadedModel;
  readonly about: About;
  readonly options: ExplainOptions;
  /** Only numbers. */
  readonly numbers: boolean;
}

interface Done {
  readonly found: FolderCase;
  readonly files: readonly string[];
  /** Parts left out, and remarks. */
  readonly notices: readonly string[];
  readonly warnings: readonly Warning[];
}

async function explainOne(
  { model, about, options, numbers }: Work,
  one: PredictionCase,
  dir: string,
): Promise<Done> {
  const { explain, isMissing, sheetRow, writeCaseNumbers, writeCaseReport } = await import('@reclmis/lab');
  const { readImage } = await import('@reclmis/files');
  if (one.refused) throw new ReclmisError(one.refused.code, one.refused.message);
  const image = await readImage(one.imagePath);
  const explanation = explain(model, image, one.note, options);
  const explained = { id: one.id, image, explanation };
  if (numbers) await writeCaseNumbers(dir, explained, about);
  const files = numbers ? ['report.json'] : await writeCaseReport(dir, explained, about);
  const { mask, note, gradCam, zones, poi, woi, attention, remarks, warnings } = explanation;
  const said = new Set(warnings.map(({ code, message }) => `${code}: ${message}`)); // counted by code
  const parts = { 'Grad-CAM': gradCam, POI: poi, WOI: woi, attention };
  return {
    files,
    notices: [
      ...Object.entries(parts).flatMap(([name, part]) =>
        isMissing(part) ? [`${name} does not apply: ${part.missing}`] : [],
      ),
      ...remarks.filter((line) => !said.has(line)),
    ],
    warnings,
    found: {
      id: one.id,
      share: mask.data.reduce((sum, value) => sum + value, 0) / mask.data.length,
      note: note?.text ?? null,
      zones,
      row: numbers ? null : await sheetRow(explained),
    },
  };
}

/** One bad image does not stop the rest; an error in all does. */
function failed(one: PredictionCase, thrown: unknown): Done {
  const error = toReclmisError(thrown);
  const ofTheImage = error.code.startsWith('IMAGE_') || error.code.startsWith('NOTE_');
  if (!ofTheImage) throw error;
  const { code, message } = error;
  return {
    files: [],
    notices: [],
    warnings: [],
    found: { id: one.id, share: null, note: null, zones: null, error: { code, message }, row: null },
  };
}

function judge(out: string, found: readonly FolderCase[], output: Output): void {
  const failures = found.flatMap(({ error }) => (error ? [error] : []));
  if (failures.length === 0) return;
  for (const { code, message } of failures.slice(0, SHOWN)) output.notice(`failed ${code}: ${message}`);
  throw new ReclmisError(
    'PREDICT_INCOMPLETE',
    `${out}: ${failures.length} of ${found.length} images could not be explained; report.json lists them`,
    { remedy: 'Fix what the list of failures names, and run the command again with --overwrite.' },
  );
}

/** `predicted`, `all`, `x,y` or the path of a mask. */
async function parseTarget(text: string, images: readonly string[]): Promise<Target> {
  if (text === 'predicted' || text === 'all') return { kind: text };
  const [imagePath] = images;
  if (imagePath === undefined || images.length > 1) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `--target ${text}: a pixel or mask file applies to one image, got ${images.length} images`,
      {
        remedy: 'Use --target predicted or --target all for several images.',
      },
    );
  }
  const pixel = /^(\d+),(\d+)$/.exec(text);
  if (pixel) return { kind: 'pixel', x: Number(pixel[1]), y: Number(pixel[2]) };
  const { differentSizes, readImageHeader, readMaskWithValues } = await import('@reclmis/files');
  try {
    const { mask, header } = await readMaskWithValues(text);
    const image = await readImageHeader(imagePath).catch(() => header); // reported where the image is read
    if (image.width !== mask.width || image.height !== mask.height)
      throw new ReclmisError('MASK_SIZE_MISMATCH', `--target ${text}: ${differentSizes(header, image)}`);
    return { kind: 'mask', mask };
  } catch (cause) {
    const error = toReclmisError(cause);
    if (error.code !== 'IMAGE_MISSING') throw error;
    throw new ReclmisError(
      'OPTION_INVALID',
      `--target: expected predicted, all, a pixel x,y or a mask file, got "${text}"`,
      { cause },
    );
  }
}

async function describe(source: Run, model: LoadedModel): Promise<About> {
  const { version } = await import('@reclmis/torch');
  const { kind, epoch } = model.checkpoint;
  return {
    run: basename(resolve(source.dir)),
    checkpoint: `${kind}, epoch ${epoch}`,
    encoder: model.encoder.describe().kind,
    device: model.engine.device,
    precision: model.engine.precision,
    libtorch: version().torch,
    reclmis: source.info.versions.reclmis,
  };
}

/**
 * Explains the same images by several runs, next to each other: each model's Grad-CAM at its own layer and
 * its mask, with the true mask's outline if known. One model is in memory at a time.
 */
import { join } from 'node:path';
import {
  defined,
  foregroundShare,
  type NoteStyle,
  ReclmisError,
  score,
  type Sides,
  sidesToTell,
  readBy,
  styleFor,
  type Vocabulary,
  type StatedSides,
  toReclmisError,
  WarningCounts,
} from '@reclmis/core';
import { readImage, withFolderLock } from '@reclmis/files';
import { imageOptions, type CaseGroup } from '@reclmis/data';
import { caseTile, imageGroup } from '../plots/case-sheet.js';
import { readsNotes } from '../model/registry.js';
import { displayImage, drawAgreement } from '../plots/masks.js';
import { percentText } from '../plots/text.js';
import { type LoadedModel, type LoadOptions, openRun, type Run } from '../run/run.js';
import { names } from '../runs/runs.js';
import { writeComparison, writeComparisonNumbers } from './comparison-report.js';
import type { ComparedCase, ComparedResult, ComparedRun } from './compared.js';
import { explain } from './explain.js';
import { type CaseToExplain, describe } from './explain-images.js';
import { camOver } from './figures.js';
import { summariseZones } from './folder-report.js';
import type { Target } from './grad-cam.js';
import { isMissing } from './interest.js';
import { mapLayers } from './layers.js';
import { openTrueMasks, type TrueMasks } from './true-masks.js';
import { camZones } from './zones.js';

export interface ExplainRunsOptions {
  /** For all models; default: each one's `explainLayer`. */
  readonly layer?: string;
  readonly target: Target;
  /** Whose left and right the notes mean; default: the first run's that states them. */
  readonly sides?: Sides;
  readonly noteStyle?: NoteStyle;
  /** True masks by the images' names; default: `labelcol` next to an images' folder `img`. */
  readonly masks?: string;
  /** Write only report.json. Default false. */
  readonly numbers?: boolean;
  readonly load?: LoadOptions;
  /** Words in which the notes are read; default: as each run records. */
  readonly vocabulary?: Vocabulary;
  /** Before each run, with its name and loading notices. */
  readonly onRun?: (name: string, notices: readonly string[]) => void;
  /** Called as the images of a run are done. */
  readonly onProgress?: (done: number) => void;
}

export interface ComparedExplanations {
  readonly runs: readonly ComparedRun[];
  readonly cases: readonly ComparedCase[];
  readonly files: readonly string[];
  /** The report to open first. */
  readonly report: string;
}

/** Longer side of pictures. */
const SIDE = 256;

/**
 * Explains the images by each run. An unreadable image does not stop the others.
 * @throws OPTION_INVALID for a layer that a model lacks, before anything is explained; and as `explain`
 */
export async function explainRuns(
  dirs: readonly string[],
  cases: readonly CaseToExplain[],
  out: string,
  options: ExplainRunsOptions,
): Promise<ComparedExplanations> {
  const { vocabulary } = options;
  const runs = dirs
    .map(openRun)
    .map((run) => (vocabulary ? { ...run, habits: readBy(run.habits, vocabulary) } : run));
  for (const run of runs) if (readsNotes(run.config.model)) styleFor(run.habits, options.noteStyle); // refuses early
  const { layer, load = {}, numbers = false } = options;
  if (layer !== undefined) for (const run of runs) requireLayer(run, layer, load);
  const masks = await openTrueMasks(options.masks);
  const sides = options.sides ?? runs.map((run) => run.sides).find((stated) => stated !== 'unknown');
  const made = cases.map((one): Making => ({ one, results: [], groups: [], error: null }));
  return withFolderLock(out, {}, async () => {
    const compared: ComparedRun[] = [];
    const labels = names(dirs.map((dir) => ({ dir })));
    for (const [i, run] of runs.entries()) {
      using model = run.loadModel(load);
      const name = labels[i] ?? run.dir;
      options.onRun?.(name, model.notices);
      const warnings = new WarningCounts();
      const work = { run, model, masks, sides: sides ?? 'unknown', warnings, options } satisfies Work;
      for (const [done, making] of made.entries()) {
        await addResult(making, work);
        options.onProgress?.(done + 1);
        await new Promise(setImmediate); // lets signals and timers in
      }
      compared.push(describeRun(name, i, made, work));
    }
    const found = made.map(({ one, results, error, groups }): ComparedCase => ({
      ...{ id: one.id, note: one.note, results, groups },
      ...(error === null ? {} : { error }),
    }));
    const files = numbers
      ? await writeComparisonNumbers(out, compared, found)
      : await writeComparison(out, compared, found);
    const page = numbers ? 'report.json' : 'report.html';
    return {
      runs: compared,
      cases: found,
      files: files.map((file) => join(out, file)),
      report: join(out, page),
    };
  });
}

/** An image that collects the models' answers. */
interface Making {
  readonly one: CaseToExplain;
  results: ComparedResult[];
  groups: CaseGroup[];
  error: { readonly code: string; readonly message: string } | null;
}

interface Work {
  readonly run: Run;
  readonly model: LoadedModel;
  readonly masks: TrueMasks;
  readonly sides: StatedSides;
  readonly warnings: WarningCounts;
  readonly options: ExplainRunsOptions;
}

/** @throws OPTION_INVALID naming the run */
function requireLayer(run: Run, layer: string, load: LoadOptions): void {
  using model = run.loadModel(load);
  if (mapLayers(model).some(({ path }) => path === layer)) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `layer ${layer}: expected a layer of every model that gives a map, ${run.dir} (${model.model.title}) has none of this name`,
    {
      remedy:
        'Omit --layer, so that each model shows its own, or choose one that `reclmis explain RUN --list-layers` lists for each run.',
    },
  );
}

async function addResult(making: Making, work: Work): Promise<void> {
  if (making.error !== null) return;
  try {
    if (making.one.refused) throw new ReclmisError(making.one.refused.code, making.one.refused.message);
    await explainOne(making, work);
  } catch (thrown) {
    const { code, message } = toReclmisError(thrown);
    if (!/^(IMAGE|NOTE|MASK)_/.test(code)) throw thrown; // a mistake that all images share
    Object.assign(making, { error: { code, message }, results: [], groups: [] });
  }
}

async function explainOne(
  making: Making,
  { run, model, masks, sides, warnings, options }: Work,
): Promise<void> {
  const { imagePath, note, id } = making.one;
  const { layer, target, numbers, noteStyle } = options;
  const image = await readImage(imagePath, imageOptions(making.one));
  const truth = await masks.of(making.one, image);
  const found = explain(model, image, note, {
    ...defined({ layer, noteStyle }),
    ...(sides === 'unknown' ? {} : { sides }),
    ...{ target, checks: model.checks, habits: run.habits },
  });
  const { mask, gradCam } = found;
  warnings.add(id, found.warnings);
  const missing = isMissing(gradCam) ? gradCam.missing : null;
  const share = foregroundShare(mask);
  const zones = isMissing(gradCam)
    ? null
    : camZones(gradCam, found.worded, image, sidesToTell(sides), run.habits.vocabulary);
  const dice = truth === null ? null : score(mask, truth).dice;
  making.results.push({ share, dice, zones, missing });
  if (numbers) return;
  const shown = displayImage(image, SIDE);
  if (making.groups.length === 0) making.groups.push(await imageGroup(id, shown, truth));
  const { title } = model.model;
  const inZones = zones === null ? 'Grad-CAM' : `${percentText(zones.inside)} in named zones`;
  const cam = isMissing(gradCam)
    ? { missing: `No Grad-CAM: ${gradCam.missing}.` }
    : await caseTile(camOver(shown, gradCam, mask), `${id}: Grad-CAM of ${title}`, inZones);
  const agreement = dice === null ? `${percentText(share)} of the image` : `Dice ${percentText(dice)}`;
  const segmented = await caseTile(drawAgreement(shown, truth, mask), `${id}: mask of ${title}`, agreement);
  making.groups.push({ tiles: [cam, segmented] });
}

function describeRun(
  name: string,
  at: number,
  made: readonly Making[],
  { run, model, warnings, options }: Work,
): ComparedRun {
  const own = made.flatMap(({ results }) => results.slice(at, at + 1));
  const known = own.flatMap(({ dice }) => (dice === null ? [] : [dice]));
  const { title, unread, explainLayer } = model.model;
  return {
    ...{ name, title, unread, warnings },
    layer: options.layer ?? explainLayer,
    about: { ...describe(run, model), target: options.target.kind },
    zones: summariseZones(own),
    dice: known.length === 0 ? null : known.reduce((sum, dice) => sum + dice, 0) / known.length,
  };
}

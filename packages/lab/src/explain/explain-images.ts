/** Explains images by a run: one image's report, or a folder for each with a page that links to all. */
import { basename, join, resolve } from 'node:path';
import {
  defined,
  type ErrorCode,
  foregroundShare,
  type NoteStyle,
  ReclmisError,
  type Sides,
  toReclmisError,
  type Warning,
  WarningCounts,
  type WindowChoice,
} from '@reclmis/core';
import { readImage, withFolderLock } from '@reclmis/files';
import { version } from '@reclmis/torch';
import { imageOptions } from '@reclmis/data';
import type { LoadedModel, Run } from '../run/run.js';
import { type About, writeCaseNumbers, writeCaseReport } from './case-report.js';
import { sheetRow } from './contact-sheet.js';
import { explain, type ExplainOptions } from './explain.js';
import {
  type FolderCase,
  summariseZones,
  writeFolderNumbers,
  writeFolderReport,
  type ZonesSummary,
} from './folder-report.js';
import type { Target } from './grad-cam.js';
import { isMissing } from './interest.js';
import { SeenImage } from './seen-image.js';

export interface CaseToExplain {
  /** With several images, also its folder's path below the report's. */
  readonly id: string;
  readonly imagePath: string;
  readonly frame?: number;
  readonly window?: WindowChoice;
  readonly note: string;
  /** Why it cannot be explained, if known beforehand. */
  readonly refused?: { readonly code: ErrorCode; readonly message: string };
}

export interface ExplainImagesOptions {
  readonly layer?: string;
  readonly target: Target;
  /** Whose left and right the notes mean; default: the run's. */
  readonly sides?: Sides;
  readonly noteStyle?: NoteStyle;
  /** Write only report.json. Default false. */
  readonly numbers?: boolean;
  readonly onProgress?: (done: number) => void;
}

export interface ExplainedImages {
  readonly cases: readonly FolderCase[];
  /** Grad-CAM by the notes' zones; null for a single image, or if there is nothing to measure. */
  readonly zones: ZonesSummary | null;
  /** Without those of the cases' own folders. */
  readonly files: readonly string[];
  /** The report to open first. */
  readonly report: string;
  /** Parts that do not apply, and remarks; each once. */
  readonly notices: readonly string[];
  readonly warnings: WarningCounts;
}

/**
 * Explains the images. Of several, a bad one is listed with its error and the others go on.
 * @param model the run's, loaded. @throws the error of a single image, or one that all images share;
 * OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function explainImages(
  run: Run,
  model: LoadedModel,
  cases: readonly CaseToExplain[],
  out: string,
  { layer, target, sides, noteStyle, numbers = false, onProgress }: ExplainImagesOptions,
): Promise<ExplainedImages> {
  const about = describe(run, model);
  using seen = new SeenImage();
  const options: ExplainOptions = {
    ...defined({ layer, sides, noteStyle }),
    target,
    checks: model.checks,
    habits: run.habits,
    seen,
  };
  const work = { model, about, options, numbers };
  const page = numbers ? 'report.json' : 'report.html';
  const report = join(out, page);
  const warnings = new WarningCounts();
  return await withFolderLock(out, {}, async () => {
    const [only] = cases;
    if (cases.length === 1 && only) {
      const { found, files, notices, warnings: own } = await explainOne(work, only, out);
      warnings.add(only.id, own);
      return { cases: [found], zones: null, files: paths(out, files), report, notices, warnings };
    }
    const found: FolderCase[] = [];
    const notices = new Set<string>();
    for (const one of cases) {
      const done = await explainOne(work, one, join(out, one.id)).catch((thrown: unknown) =>
        failed(one, thrown),
      );
      found.push(done.found);
      for (const line of done.notices) notices.add(line);
      warnings.add(one.id, done.warnings);
      onProgress?.(found.length);
    }
    const context = {
      title: `Explanations by ${basename(resolve(run.dir))}`,
      layer: layer ?? model.model.explainLayer,
      about,
    };
    if (numbers) await writeFolderNumbers(out, found, context);
    const files = numbers ? [page] : await writeFolderReport(out, found, context);
    const zones = summariseZones(found);
    return { cases: found, zones, files: paths(out, files), report, notices: [...notices], warnings };
  });
}

const paths = (dir: string, files: readonly string[]): string[] => files.map((file) => join(dir, file));

interface Work {
  readonly model: LoadedModel;
  readonly about: About;
  readonly options: ExplainOptions;
  readonly numbers: boolean;
}

interface Done {
  readonly found: FolderCase;
  readonly files: readonly string[];
  readonly notices: readonly string[];
  readonly warnings: readonly Warning[];
}

async function explainOne(
  { model, about, options, numbers }: Work,
  one: CaseToExplain,
  dir: string,
): Promise<Done> {
  if (one.refused) throw new ReclmisError(one.refused.code, one.refused.message);
  const image = await readImage(one.imagePath, imageOptions(one));
  const explanation = explain(model, image, one.note, options);
  const explained = { id: one.id, image, explanation };
  if (numbers) await writeCaseNumbers(dir, explained, about);
  const files = numbers ? ['report.json'] : await writeCaseReport(dir, explained, about);
  const { mask, note, gradCam, zones, poi, woi, attention, remarks, warnings } = explanation;
  const said = new Set(warnings.map(({ code, message }) => `${code}: ${message}`)); // counted by code instead
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
      share: foregroundShare(mask),
      note: note?.text ?? null,
      zones,
      row: numbers ? null : await sheetRow(explained),
    },
  };
}

/** Lists a case by its error; throws a mistake that all cases share. */
function failed(one: CaseToExplain, thrown: unknown): Done {
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

/** What made an explanation. */
export function describe(run: Run, model: LoadedModel): About {
  const { kind, epoch } = model.checkpoint;
  return {
    run: basename(resolve(run.dir)),
    checkpoint: `${kind}, epoch ${epoch}`,
    encoder: model.encoder.describe().kind,
    device: model.engine.device,
    precision: model.engine.precision,
    libtorch: version().torch,
    reclmis: run.info.versions.reclmis,
  };
}

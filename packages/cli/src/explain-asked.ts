/** What `reclmis explain` is asked: flags, images with notes, target. */
import { defined, ReclmisError, type WindowChoice } from '@reclmis/core';
import type { CheckpointKind, Run, Target } from '@reclmis/lab';
import { describeLeftOut, describeUnused, type PredictionCase, predictionCases } from '@reclmis/predict';
import type { EngineFlags } from './engine-options.js';
import { sharedWindow, windowOfRun } from './models/shared-window.js';
import type { NoteFlags } from './note-options.js';
import type { Output, OutputOptions } from './output.js';

export interface ExplainFlags extends OutputOptions, EngineFlags, NoteFlags {
  readonly image?: string;
  readonly note?: string;
  readonly notes?: string;
  readonly emptyNotes?: boolean;
  readonly out?: string;
  readonly layer?: string;
  readonly masks?: string;
  readonly listLayers?: boolean;
  readonly target: string;
  readonly numbers?: boolean;
  readonly overwrite?: boolean;
  readonly window?: WindowChoice;
  readonly checkpoint?: CheckpointKind;
}

/** An image takes some megabytes per run. */
const MOST_IMAGES = 400;
/** Failures shown. */
const SHOWN = 20;

/** What all runs are asked. @throws OPTION_INVALID, OUTPUT_EXISTS, and as `predictionCases` and `readTarget` */
export async function asked(
  sources: readonly Run[],
  flags: ExplainFlags,
  output: Output,
): Promise<{ readonly out: string; readonly cases: PredictionCase[]; readonly target: Target }> {
  const { image, out } = flags;
  if (image === undefined)
    throw new ReclmisError('OPTION_INVALID', 'no image: expected --image PATH (or --list-layers)');
  if (out === undefined) throw new ReclmisError('OPTION_INVALID', 'no output folder: expected --out DIR');
  const { readTarget, refuseTaken } = await import('@reclmis/lab');
  if (!flags.overwrite) refuseTaken(out, 'Choose another folder, or add --overwrite.');
  const cases = await casesOf(sources, image, out, flags, output);
  const target = await readTarget(flags.target, cases);
  return { out, cases, target };
}

/** The images with their notes. @throws OPTION_INVALID for more than figures are of use for, and as `predictionCases` */
async function casesOf(
  sources: readonly Run[],
  image: string,
  out: string,
  { note, notes, emptyNotes = false, numbers, window: asked }: ExplainFlags,
  output: Output,
): Promise<PredictionCase[]> {
  const { readsNotes } = await import('@reclmis/lab');
  const window = asked ?? sharedWindow(sources.map((run) => ({ window: windowOfRun(run) })));
  const cases = await predictionCases({
    onUnused: (rows) => output.notice(describeUnused(rows)),
    onLeftOut: (volumes) => {
      for (const volume of volumes) output.notice(describeLeftOut(volume));
    },
    required: sources.some(({ config }) => readsNotes(config.model)),
    ...{ image, out, emptyNotes, ...defined({ note, notes, window }) },
  });
  const most = Math.floor(MOST_IMAGES / sources.length);
  if (cases.length <= most || numbers === true) return cases;
  throw new ReclmisError(
    'OPTION_INVALID',
    `${image}: expected at most ${most} images to explain${sources.length > 1 ? ` by ${sources.length} runs` : ''}, found ${cases.length}`,
    { remedy: 'Select fewer with a pattern such as "scans/a*.png", or use --numbers.' },
  );
}

/** @throws PREDICT_INCOMPLETE where an image failed */
export function refuseFailures(
  out: string,
  cases: readonly { readonly error?: { readonly code: string; readonly message: string } }[],
  output: Output,
): void {
  const failures = cases.flatMap(({ error }) => (error ? [error] : []));
  if (failures.length === 0) return;
  for (const { code, message } of failures.slice(0, SHOWN)) output.notice(`failed ${code}: ${message}`);
  throw new ReclmisError(
    'PREDICT_INCOMPLETE',
    `${out}: ${failures.length} of ${cases.length} images could not be explained; report.json lists them`,
    { remedy: 'Fix what the list of failures names, and run the command again with --overwrite.' },
  );
}

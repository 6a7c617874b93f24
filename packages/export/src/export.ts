/**
 * Exports a trained run to a folder that segments without libtorch: inference graph and note encoder as ONNX,
 * and a manifest. The folder appears, whole, only after all checks.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  defined,
  formatManifest,
  type GraphFeature,
  isModelName,
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  type ModelManifest,
  ReclmisError,
  type Sides,
  type StatedSides,
  type TrainingReference,
  whoseSides,
  statedResize,
} from '@reclmis/core';
import {
  makeFolder,
  readRegular,
  systemCode,
  temporaryName,
  writeError,
  writeFileAtomic,
} from '@reclmis/files';
import { countFlops, scope } from '@reclmis/torch';
import {
  measureReference,
  readReference,
  underSides,
  currentVersions,
  type LoadedModel,
  modelDescriptor,
  openRun,
  refuseTaken,
  type Run,
  type CheckpointKind,
  ownCases,
} from '@reclmis/lab';
import { calibrationCases, madeCases, readCases } from './cases.js';
import { checkExport, type CheckReport, type ExportPrecision, THRESHOLD } from './check.js';
import { calibrationOf } from './int8.js';
import { countParameters } from './onnx-graph.js';
import { interestOf, noteCut } from './note-cut.js';
import { noteWidth } from './note-input.js';
import { encodeModel, OPSET } from './onnx-model.js';
import { runPasses } from './passes.js';
import { confidenceTestsOf, scoresOf } from './scores.js';
import { onlyMask, SEGMENTER_NAMES, segmenterGraph } from './segmenter-graph.js';
import { checkTarget, type ExportTarget, writeTarget } from './targets.js';
import { type ExportedTokenizer, TEXT_NAMES, textGraph } from './text-graph.js';

const FILES = { segmenter: 'segmenter.onnx', text: 'text-encoder.onnx', merges: 'merges.txt' } as const;
const CHECKED = { made: 2, real: 4 } as const;

const INTENDED_USE =
  'Research on language-guided segmentation of medical images. Not a medical device: not for diagnosis, treatment or any other clinical decision.';
const LIMITS = [
  'The mask follows the note: a wrong note gives a wrong mask, and a note about something that the image does not show is not rejected.',
  'Trained on one kind of image and note; other devices, populations, views, languages and wordings are untested unless a score covers them.',
  'Images are resized to the input size, so fine structures of larger images are lost.',
  'Probabilities are not calibrated; the threshold is the one used for validation during training.',
] as const;

export interface ExportOptions {
  /** Folder to create; must be absent or empty. */
  readonly out: string;
  readonly precision?: ExportPrecision;
  readonly checkpoint?: CheckpointKind;
  /** int8: data set whose training cases give the ranges; default the run's own. */
  readonly calibrate?: string;
  /** int8: number of its cases. Default 32. */
  readonly calibrationCases?: number;
  /** Whose left and right the notes meant, if the run does not say. */
  readonly sides?: Sides;
  /** In the manifest; default from model and data. */
  readonly name?: string;
  /** Server to write files for. Default `onnx`: none. */
  readonly target?: ExportTarget;
  /** kserve: URI of `triton/` for the cluster. */
  readonly storageUri?: string;
  /** Threads of libtorch; default the run's. */
  readonly threads?: number;
  /** Stops between steps, leaving nothing. */
  readonly signal?: AbortSignal;
  readonly onStage?: (stage: ExportStage) => void;
  /** Called with lines to show the user. */
  readonly onNotice?: (line: string) => void;
}

export type ExportStage = 'recording' | 'calibrating' | 'writing' | 'checking';

export interface ExportReport {
  readonly out: string;
  readonly manifest: ModelManifest;
  readonly check: CheckReport;
  /** int8: layers too sensitive to quantise. */
  readonly floatLayers: readonly string[];
  readonly bytes: number;
}

/**
 * @throws OPTION_INVALID, RUN_MISSING, RUN_INVALID, CHECKPOINT_*, WEIGHTS_*, OUTPUT_EXISTS,
 * OUTPUT_UNWRITABLE, DISK_FULL, EXPORT_UNSUPPORTED, EXPORT_DIFFERS, INTERRUPTED
 */
export async function exportModel(runDir: string, options: ExportOptions): Promise<ExportReport> {
  const { checkpoint = 'best', threads } = options;
  const out = resolve(options.out);
  checkTarget(options.target ?? 'onnx', options.storageUri);
  checkName(options.name);
  const run = openRun(runDir);
  const sides = sidesToExport(run, options.sides);
  refuseTaken(out);
  using model = run.loadModel({
    checkpoint,
    device: 'cpu',
    precision: 'fp32',
    ...defined({ threads }),
  });
  for (const line of model.notices) options.onNotice?.(line);
  const staging = temporaryName(out);
  await makeFolder(staging);
  try {
    const report = await writeModel(run, model, staging, sides, options);
    options.signal?.throwIfAborted();
    await place(staging, out);
    return { ...report, out };
  } catch (error) {
    if (options.signal?.aborted && !(error instanceof ReclmisError))
      throw new ReclmisError('INTERRUPTED', `${out}: stopped, nothing was written`, { cause: error });
    throw error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function writeModel(
  run: Run,
  model: LoadedModel,
  dir: string,
  sides: StatedSides,
  options: ExportOptions,
): Promise<Omit<ExportReport, 'out'>> {
  const { precision = 'fp32', signal } = options;
  const onStage = (stage: ExportStage): void => {
    signal?.throwIfAborted();
    options.onStage?.(stage);
  };
  const { encoder } = model;
  onStage('recording');
  const graph = segmenterGraph(model.model, encoder.contextLength);
  const text = model.model.readsNotes ? textGraph(encoder, model.model.noteInput) : null;
  const parameters = countParameters(onlyMask(graph));
  const flopsPerImage = flopsOf(model);
  const calibration = precision === 'int8' ? await calibrationCases(run, model, options) : null;
  if (calibration) onStage('calibrating');
  const floatLayers = await runPasses(
    precision,
    { segmenter: graph, text: text?.graph ?? null },
    calibration && calibrationOf(model, calibration, signal),
  );

  const { noteEntersEarly } = modelDescriptor(run.config.model.name);
  const cut = noteEntersEarly === undefined ? await noteCut(graph) : null;

  onStage('writing');
  const { reclmis } = currentVersions();
  const segmenter = encodeModel(graph, reclmis);
  await writeFileAtomic(join(dir, FILES.segmenter), segmenter, { sync: true });
  if (text) {
    await writeFileAtomic(join(dir, FILES.text), encodeModel(text.graph, reclmis), { sync: true });
    if (text.tokenizer.merges !== null) await copyFile(text.tokenizer.merges, join(dir, FILES.merges));
  }

  onStage('checking');
  const cases = calibration?.kept ?? [
    ...madeCases(CHECKED.made, model.size),
    ...(await readCases(await ownCases(run, 'val'), CHECKED.real, model)),
  ];
  const check = await checkExport(
    model,
    {
      segmenter,
      cut,
      text: text && { file: join(dir, FILES.text), tokenizer: text.tokenizer },
    },
    cases,
    { precision, threshold: THRESHOLD, onProgress: () => signal?.throwIfAborted() },
  );

  const described = {
    precision,
    check,
    parameters,
    flopsPerImage,
    features: cut?.features ?? null,
    interest: interestOf(graph),
    sides,
    tokenizer: text?.tokenizer ?? null,
  };
  const manifest = await describe(run, model, dir, described, options);
  await writeFileAtomic(join(dir, MANIFEST_FILE), formatManifest(manifest), { sync: true });
  const { target = 'onnx', storageUri } = options;
  await writeTarget(dir, manifest, { target, ...defined({ storageUri }) });
  const files = [manifest.segmenter.file, manifest.textEncoder?.file].map((file) => file?.bytes ?? 0);
  return { manifest, check, floatLayers, bytes: files.reduce((sum, bytes) => sum + bytes, 0) };
}

interface Described {
  readonly precision: ExportPrecision;
  readonly check: CheckReport;
  readonly parameters: number;
  readonly flopsPerImage: number;
  readonly features: readonly GraphFeature[] | null;
  /** Name of the output. */
  readonly interest: string | null;
  readonly sides: StatedSides;
  readonly tokenizer: ExportedTokenizer | null;
}

async function describe(
  run: Run,
  model: LoadedModel,
  dir: string,
  { precision, check, parameters, flopsPerImage, features, interest, sides, tokenizer }: Described,
  { name = defaultName(run), onNotice }: Pick<ExportOptions, 'name' | 'onNotice'>,
): Promise<ModelManifest> {
  const { reclmis, libtorch } = currentVersions();
  const { encoder, checkpoint } = model;
  const { interestSide: side } = model.model;
  const { data } = run.info;
  const reference = await referenceOf(run, model, sides, onNotice);
  return {
    format: MANIFEST_FORMAT,
    name,
    created: new Date().toISOString(),
    versions: { reclmis, libtorch, opset: OPSET },
    precision,
    image: {
      size: model.size,
      channels: ['red', 'green', 'blue'],
      layout: 'NCHW',
      scale: 'v/255',
      mean: [0, 0, 0],
      deviation: [1, 1, 1],
      resize: statedResize(model.resize),
      ...(run.config.data.window === '' ? {} : { window: run.config.data.window }),
    },
    note: tokenizer && {
      contextLength: encoder.contextLength,
      width: noteWidth(model.model, encoder.width),
      sides,
      grammar: run.habits.grammar,
      ...(run.habits.vocabulary === undefined ? {} : { vocabulary: run.habits.vocabulary }),
      tokenizer: tokenizer.words ?? { kind: 'clip', merges: await fileEntry(dir, FILES.merges) },
    },
    threshold: THRESHOLD,
    activation: 'sigmoid',
    segmenter: {
      file: await fileEntry(dir, FILES.segmenter),
      inputs: { image: SEGMENTER_NAMES.image, note: tokenizer && SEGMENTER_NAMES.note },
      outputs: { probability: SEGMENTER_NAMES.probability },
      interest: interest === null || side === null ? null : { output: interest, side },
      features: features && features.map(({ shape, ...feature }) => ({ ...feature, shape: [...shape] })),
    },
    textEncoder: tokenizer && {
      file: await fileEntry(dir, FILES.text),
      inputs: { tokens: TEXT_NAMES.tokens },
      outputs: { note: TEXT_NAMES.note },
    },
    parameters,
    flopsPerImage,
    training: {
      data: data && { ...data.train },
      checkpoint: { kind: checkpoint.kind, epoch: checkpoint.epoch },
      seed: run.info.seed,
      ...(reference ? { reference } : {}),
    },
    scores: scoresOf(run, model),
    ...(model.confidence && {
      confidence: { calibration: model.confidence, tests: confidenceTestsOf(run, model) },
    }),
    intendedUse: INTENDED_USE,
    limits: [...LIMITS],
    check: { cases: check.cases, worst: check.worst, probe: [...check.probe] },
  };
}

/** The run's sides, or `asked`. @throws OPTION_INVALID if they differ */
function sidesToExport({ dir, sides }: Run, asked: Sides | undefined): StatedSides {
  if (asked === undefined || asked === sides) return sides;
  if (sides === 'unknown') return asked;
  throw new ReclmisError(
    'OPTION_INVALID',
    `--sides ${asked}: ${dir} was trained with notes that mean ${whoseSides(sides)} sides`,
    {
      remedy: `Omit it; if the run is wrong about its notes, correct it with \`reclmis sides ${dir} ${asked}\`.`,
    },
  );
}

/** Reference figures, by the export's sides; for older runs measured from training data, if still there. */
async function referenceOf(
  run: Run,
  model: LoadedModel,
  sides: StatedSides,
  onNotice?: (line: string) => void,
): Promise<TrainingReference | null> {
  const remembered = readReference(run.dir);
  if (remembered) {
    const { reference, notice } = await underSides(
      remembered,
      sides,
      run.sides,
      () => ownCases(run, 'train'),
      run.habits.vocabulary,
    );
    if (notice !== null) onNotice?.(notice);
    return reference;
  }
  const options = {
    size: model.size,
    resize: model.resize,
    readsNotes: model.model.readsNotes,
    sides,
    vocabulary: run.habits.vocabulary,
  };
  return measureReference(await ownCases(run, 'train'), { ...options, group: run.config.data.group });
}

function checkName(name: string | undefined): void {
  if (name === undefined || isModelName(name)) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `name: expected 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first, got ${JSON.stringify(name)}`,
  );
}

/** FLOPs of an image and its note's features in libtorch; the exported graph may need fewer (`phases.ts`). */
function flopsOf(model: LoadedModel): number {
  const [one] = madeCases(1, model.size);
  if (!one) throw new ReclmisError('INTERNAL', 'no case was made');
  // Counts the tower's work even if features are on disk.
  if (model.model.readsNotes) scope(() => void model.encoder.encode([one.note]));
  return countFlops(() => model.probabilities(one.image, [one.note])).flops.forward;
}

function defaultName(run: Run): string {
  const words = [run.config.model.name, run.info.data?.train.name ?? ''].filter((word) => word !== '');
  return words
    .join('-')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
}

async function fileEntry(dir: string, name: string): Promise<ModelManifest['segmenter']['file']> {
  const path = join(dir, name);
  const content = await readRegular(path);
  const { size: bytes } = await stat(path);
  return { name, sha256: createHash('sha256').update(content).digest('hex'), bytes };
}

/** Moves the folder to its place, absent or empty. @throws OUTPUT_EXISTS, OUTPUT_UNWRITABLE */
async function place(staging: string, out: string): Promise<void> {
  refuseTaken(out);
  try {
    if (existsSync(out)) await rmdir(out);
    else await mkdir(dirname(out), { recursive: true });
    await rename(staging, out);
  } catch (cause) {
    const taken = ['ENOTEMPTY', 'EEXIST'].includes(systemCode(cause));
    if (!taken) throw writeError(out, cause);
    throw new ReclmisError('OUTPUT_EXISTS', `${out}: something else was created there meanwhile`, { cause });
  }
}

/**
 * Imports as a run folder an authors' checkpoint (`.pth.tar` with `state_dict`, the CLIP tower inside), or one of any model
 * that `exportRun` wrote.
 *
 * The authors' shapes tell base width, image size, layers and trained components; the variant is `upstream`, and the
 * context length must be given. Ours state their settings and the words encoder's vocabulary (own-export.ts). A tower and
 * its vocabulary are copied into the run folder.
 */
import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ReclmisError, type Sides } from '@reclmis/core';
import { makeFolder, temporaryName, writeFileAtomic } from '@reclmis/files';
import { noGrad, openTensorSource, scope, type Tensor, type TensorSource } from '@reclmis/torch';
import { buildModel } from '../model/registry.js';
import { type Config, configToYaml, resolveConfig, withAbsolutePaths } from '../config/config.js';
import { prepareEngine } from '../engine/engine.js';
import { isUnusedKey, plainKey, sortCheckpoint } from '../model/checkpoint-keys.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import { currentVersions, refuseTaken, runFiles, type RunInfo, sidesOf, writeRunInfo } from '../run/run.js';
import { ClipEncoder } from '../text/clip-encoder.js';
import { RUN_WEIGHTS } from '../text/restore.js';
import { checkpointFolder, saveBest } from '../run/checkpoint.js';
import { EarlyStopping } from '../run/early-stopping.js';
import { writeReference } from '../run/reference.js';
import { fillWeights, findVocabulary } from '../weights/import.js';
import { readWeights, sealWeights } from '../weights/stored.js';
import { ownEncoder, type OwnExport, ownExportIn, withOptions } from './own-export.js';

export interface ImportRunOptions {
  /** Default as for `importWeights`. */
  readonly vocabulary?: string | undefined;
  /** Per note in training. Default: as the file states, else 18, upstream's for QaTa-COV19 (10 for MoNuSeg). */
  readonly contextLength?: number | undefined;
  /** In the training notes; default: as the file states, else unknown. */
  readonly sides?: Sides | undefined;
}

export interface ImportedRun {
  readonly dir: string;
  readonly config: Config;
  /** Whether the file states its settings, as ours do. */
  readonly stated: boolean;
  /** Not in the file; none takes part in inference. */
  readonly missing: readonly string[];
  /** Nothing reads them. */
  readonly unexpected: readonly string[];
  /** They affect no output (docs/method.md 12 and 13). */
  readonly unused: number;
}

/** The authors' tower. */
const ID = 'clip-vit-b-32';
const NONE: readonly number[] = [];

/**
 * Makes a run folder, or keeps nothing.
 * @throws WEIGHTS_UNSUPPORTED if it is no RecLMIS checkpoint, or lacks parameters for inference; OPTION_INVALID for options
 * that contradict the file; the codes of reading it, VOCABULARY_MISSING, VOCABULARY_INVALID, OUTPUT_EXISTS, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function importRun(
  file: string,
  out: string,
  options: ImportRunOptions = {},
): Promise<ImportedRun> {
  refuseTaken(out);
  const source = openTensorSource(file);
  const staging = temporaryName(out);
  try {
    const own = ownExportIn(source);
    const config = own ? withOptions(own, file, options) : configOf(source, options);
    if (own && config.text.encoder === 'words' && options.vocabulary !== undefined)
      throw new ReclmisError(
        'OPTION_INVALID',
        `--vocabulary: ${file} has the words encoder, whose vocabulary it holds`,
        { remedy: 'Omit it.' },
      );
    await makeFolder(staging);
    const found = await fillRun(source, { own, config, options }, staging);
    refuseTaken(out);
    await rename(staging, out); // replaces an empty folder
    return { dir: out, config, stated: own !== null, ...found };
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  } finally {
    source.close();
  }
}

type Loaded = Pick<ImportedRun, 'missing' | 'unexpected' | 'unused'>;

interface Source {
  readonly own: OwnExport | null;
  readonly config: Config;
  readonly options: ImportRunOptions;
}

async function fillRun(source: TensorSource, { own, config, options }: Source, dir: string): Promise<Loaded> {
  const encoder =
    own && config.text.encoder === 'words'
      ? ownEncoder(own, source.path)
      : await towerOf(source, config, options, dir);
  using model = buildModel(config.model, encoder);
  const found = own ? loadOwn(model, source) : load(model, source);
  const epoch = epochOf(source);
  const info: RunInfo = {
    format: 'reclmis-run/1',
    status: 'imported',
    importedFrom: basename(source.path),
    versions: currentVersions(),
    engine: prepareEngine(config),
    seed: config.seed,
    data: null,
    resize: config.data.resize,
    trainableParameters: model.parameterCount({ trainable: true }),
    encoderFingerprint: encoder.fingerprint,
    note: { by: 'statement', reason: null, ...own?.note, sides: sidesOf(config) },
    startedAt: new Date().toISOString(),
    seconds: 0,
    epochs: epoch,
    steps: 0,
    best: null,
  };
  await writeFileAtomic(runFiles(dir).config, configToYaml(withAbsolutePaths(config)));
  writeRunInfo(dir, info);
  if (own?.reference) writeReference(dir, own.reference);
  await makeFolder(checkpointFolder(dir));
  const about = {
    kind: 'best',
    epoch,
    step: 0,
    validation: null,
    earlyStopping: new EarlyStopping(0).current,
  } as const;
  saveBest(dir, { ...about, config, encoder: encoder.describe() }, model);
  return found;
}

/** CLIP's tower in the file, copied into the run. */
async function towerOf(
  source: TensorSource,
  { text: { encoder, contextLength } }: Config,
  { vocabulary = findVocabulary(source.path) }: ImportRunOptions,
  dir: string,
): Promise<ClipEncoder> {
  const text = join(dir, RUN_WEIGHTS);
  await makeFolder(text);
  await sealWeights(encoder, text, await fillWeights(source, vocabulary, text, { exact: true }));
  return new ClipEncoder(readWeights(text), { contextLength, features: null });
}

/** Ours hold all of the model, under its keys. */
function loadOwn(model: SegmentationModel, source: TensorSource): Loaded {
  const own = model.stateDict();
  const missing = [...own.keys()].filter((key) => !source.tensors.has(key));
  if (missing.length > 0)
    throw unsupported(source.path, `lacks ${missing.length} parameters of the model: ${few(missing)}`);
  copy(own, source, (key) => key);
  const isTower = (name: string): boolean => name.startsWith('clip.');
  const unexpected = [...source.tensors.keys()].filter((name) => !own.has(name) && !isTower(name));
  return { missing, unexpected, unused: 0 };
}

/** @param nameOf the file's name for a key, if it has it @throws WEIGHTS_UNSUPPORTED for other shapes and values that are not finite */
function copy(
  own: ReadonlyMap<string, Tensor>,
  source: TensorSource,
  nameOf: (key: string) => string | undefined,
): void {
  for (const [key, tensor] of own) {
    const name = nameOf(key);
    const shape = name === undefined ? undefined : source.tensors.get(name)?.shape;
    if (shape && shape.join() !== tensor.shape.join())
      throw unsupported(
        source.path,
        `${key}: expected shape [${tensor.shape.join(', ')}], got [${shape.join(', ')}]`,
      );
  }
  noGrad(() => {
    for (const [key, tensor] of own) {
      const name = nameOf(key);
      if (name !== undefined) scope(() => void tensor.copy_(finite(source.read(name), source.path, key)));
    }
  });
}

function load(model: SegmentationModel, source: TensorSource): Loaded {
  const sorted = sortCheckpoint([...source.tensors.keys()].map((name) => [name, name] as const));
  const own = model.stateDict();
  const missing = [...own.keys()].filter((key) => !sorted.model.has(key));
  const unexpected = [...sorted.model.keys()].filter((key) => !own.has(key));
  const needed = missing.filter((key) => isInference(key));
  if (needed.length > 0) {
    throw unsupported(source.path, `lacks ${needed.length} parameters that inference needs: ${few(needed)}`);
  }
  copy(own, source, (key) => sorted.model.get(key));
  return { missing, unexpected, unused: sorted.ignored.filter((key) => isUnusedKey(key)).length };
}

function configOf(source: TensorSource, { contextLength = 18, sides }: ImportRunOptions): Config {
  const shapes = new Map([...source.tensors].map(([name, { shape }]) => [plainKey(name), shape]));
  const at = (key: string): readonly number[] => shapes.get(key) ?? NONE;
  const has = (start: string): boolean => [...shapes.keys()].some((key) => key.startsWith(start));
  const [baseWidth] = at('inc.conv.weight');
  const [, patches] = at('interact.embeddings.position_embeddings');
  if (baseWidth === undefined || patches === undefined || !has('up1.')) {
    throw unsupported(
      source.path,
      'expected a RecLMIS checkpoint with inc.conv.weight, interact.embeddings.position_embeddings and up1, ' +
        `found ${shapes.size} tensors, ${few([...shapes.keys()])}`,
    );
  }
  const interest = has('mlp_visual.') && has('mlp_woi.');
  const layers = layersOf(shapes.keys());
  return resolveConfig(
    {
      model: {
        variant: 'upstream',
        baseWidth,
        imageSize: 16 * Math.round(Math.sqrt(patches)),
        ...(layers > 0 ? { layers } : {}),
        components: {
          ci: true,
          ccl: interest,
          clr: interest && has('rec_text_trans1.'),
          cvr: interest && has('rec_img_trans1.'),
        },
      },
      text: { encoder: ID, contextLength },
      note: { sides: sides ?? 'unknown' },
      data: { resize: 'upstream' }, // the authors' loader is LViT's
    },
    {},
    source.path,
  );
}

/** Counts layers in the reconstructors' stacks. */
function layersOf(keys: Iterable<string>): number {
  let layers = 0;
  for (const key of keys) {
    const match = /^rec_(?:img|text)_trans1\.decoder2\..*?layers?\.(\d+)\./.exec(key);
    if (match) layers = Math.max(layers, Number(match[1]) + 1);
  }
  return layers;
}

/** Encoder, text adapter, CI without the words' convolution, decoder. */
function isInference(key: string): boolean {
  return !/^(?:rec_(?:img|text)_trans1|mlp_visual|mlp_woi|clip)\.|^interact\.CTBN\./.test(key);
}

function finite(tensor: Tensor, path: string, key: string): Tensor {
  if (tensor.isfinite().all().item() === 0) throw unsupported(path, `${key}: expected finite values`);
  return tensor;
}

function epochOf({ about }: TensorSource): number {
  const epoch = about.get('epoch');
  return typeof epoch === 'number' && Number.isInteger(epoch) && epoch >= 0 ? epoch : 0;
}

function few(keys: readonly string[]): string {
  return keys.slice(0, 3).join(', ') + (keys.length > 3 ? ` and ${keys.length - 3} more` : '');
}

function unsupported(path: string, what: string): ReclmisError {
  return new ReclmisError('WEIGHTS_UNSUPPORTED', `${path}: ${what}`);
}

/** Loads a model: its files, checked, its networks, and a device that computes right. */
import {
  manifestFiles,
  type GraphFeature,
  type ModelManifest,
  type OnnxParts,
  parseVocabulary,
  ReclmisError,
  splitOnnx,
  withVocabulary,
} from '@reclmis/core';
import { requireGraph, segmenterOf, textEncoderOf } from './manifest-graph.js';
import { LoadedModel } from './model.js';
import { firstLine, unlessAborted, withCode } from './networks.js';
import { NoteFeatures } from './note-features.js';
import { readManifest } from './read-manifest.js';
import type { Network, Platform, Source } from './seams.js';
import {
  CutSegmenter,
  knowFeatureBytes,
  type Opening,
  type SegmenterNetworks,
  WholeSegmenter,
} from './segmenters.js';
import { tokenizerOf } from './tokens.js';
import type { LoadOptions, Model } from './types.js';

const NOTE_CACHE = 256;
/** Eleven images of the paper's model in fp32, and batches of eight. */
const FEATURE_BYTES = 256 * 2 ** 20;

/**
 * Loads manifest, tokeniser and networks.
 * @throws MODEL_MISSING, MODEL_INVALID, VOCABULARY_INVALID, NOTE_VOCABULARY_INVALID, OPTION_INVALID, DEVICE_WRONG, INFERENCE_FAILED;
 * the signal's reason
 */
export async function openModel(
  source: Source,
  platform: Platform,
  options: LoadOptions = {},
): Promise<Model> {
  const { signal, verify = true, noteCache = NOTE_CACHE, onProgress, vocabulary } = options;
  const featureBytes = knowFeatureBytes(options.featureBytes ?? FEATURE_BYTES);
  if (!Number.isInteger(noteCache) || noteCache < 0) {
    throw new ReclmisError('OPTION_INVALID', `noteCache: expected a whole number from 0, got ${noteCache}`);
  }
  signal?.throwIfAborted();
  const stated = await readManifest(source);
  const manifest = vocabulary === undefined ? stated : withVocabulary(stated, parseVocabulary(vocabulary));
  const total = manifestFiles(manifest).reduce((sum, { bytes }) => sum + bytes, 0);
  let loaded = 0;
  const read = async (file: ModelManifest['segmenter']['file']): Promise<Uint8Array> => {
    signal?.throwIfAborted();
    const cached = await cachedFile(platform, file);
    if (cached !== null) {
      loaded += cached.length;
      onProgress?.(loaded, total);
      return cached;
    }
    const bytes = await source.read(file.name, file.bytes, (count) => {
      loaded += count;
      onProgress?.(loaded, total);
    });
    const where = `${source.where}: ${file.name}`;
    if (bytes.length !== file.bytes)
      throw new ReclmisError('MODEL_INVALID', `${where}: expected ${file.bytes} bytes, got ${bytes.length}`);
    const hash = verify ? await platform.sha256(bytes) : file.sha256;
    if (hash !== file.sha256)
      throw new ReclmisError('MODEL_INVALID', `${where}: expected SHA-256 ${file.sha256}, got ${hash}`);
    if (verify) await platform.cache?.put(file.sha256, bytes);
    return bytes;
  };
  const open = async (
    bytes: Uint8Array,
    { name }: ModelManifest['segmenter']['file'],
    kept?: readonly string[],
  ): Promise<Network> => {
    signal?.throwIfAborted();
    return unlessAborted(platform.open(bytes, kept), signal).catch((cause: unknown) => {
      signal?.throwIfAborted();
      if (cause instanceof ReclmisError) throw cause;
      throw new ReclmisError(
        'MODEL_INVALID',
        `${source.where}: ${name}: onnxruntime rejects it (${firstLine(cause)})`,
        { cause },
      );
    });
  };
  const tokens = await tokenizerOf(manifest, read);
  const segmenterBytes = await read(manifest.segmenter.file);
  const textBytes = manifest.textEncoder && (await read(manifest.textEncoder.file));
  requireGraph(segmenterBytes, segmenterOf(manifest), `${source.where}: ${manifest.segmenter.file.name}`);
  if (textBytes && manifest.textEncoder)
    requireGraph(textBytes, textEncoderOf(manifest), `${source.where}: ${manifest.textEncoder.file.name}`);
  const { file: segmenterFile, features } = manifest.segmenter;
  const cut = featureBytes > 0 && features ? features : [];
  const parts = partsOf(manifest, segmenterBytes, cut, source.where);
  /** Opened when it is first asked for, maybe long after `signal` has ended loading. */
  const interestOf = (): Opening | null => {
    const bytes = parts?.interest?.();
    return bytes ? () => withCode(platform.open(bytes)) : null;
  };
  const openSegmenter = async (): Promise<SegmenterNetworks> => {
    if (!parts || cut.length === 0) {
      const whole = await open(parts?.note() ?? segmenterBytes, segmenterFile);
      return new WholeSegmenter(manifest, whole, interestOf());
    }
    const names = cut.map(({ name }) => name);
    const image = await open(parts.image(), segmenterFile, names);
    try {
      const note = await open(parts.note(), segmenterFile);
      return new CutSegmenter(manifest, { image, note, interest: interestOf() }, cut, featureBytes);
    } catch (error) {
      await image.release();
      throw error;
    }
  };
  const openAll = async (): Promise<LoadedModel> => {
    const segmenter = await openSegmenter();
    let text: Network | null = null;
    try {
      if (textBytes && manifest.textEncoder) text = await open(textBytes, manifest.textEncoder.file);
      const notes = text && new NoteFeatures(manifest, text, tokens, noteCache);
      const model = new LoadedModel(manifest, platform, segmenter, tokens, notes, source.origin);
      await model.tryDevice();
      signal?.throwIfAborted();
      return model;
    } catch (error) {
      await text?.release();
      await segmenter.release();
      throw error;
    }
  };
  try {
    return await openAll();
  } catch (error) {
    if (signal?.aborted === true || platform.giveUp?.(error) !== true) throw error;
    return openAll();
  }
}

/** A file that was kept under its SHA-256, if it still has it. */
async function cachedFile(
  platform: Platform,
  file: ModelManifest['segmenter']['file'],
): Promise<Uint8Array | null> {
  const found = (await platform.cache?.get(file.sha256)) ?? null;
  if (found === null || (await platform.sha256(found)) === file.sha256) return found;
  await platform.cache?.remove(file.sha256);
  return null;
}

/**
 * The parts of a segmenter that is cut at features, or whose interest is apart from its probability; null of others.
 * @throws MODEL_INVALID
 */
function partsOf(
  { segmenter }: ModelManifest,
  bytes: Uint8Array,
  features: readonly GraphFeature[],
  where: string,
): OnnxParts | null {
  const { inputs, outputs, interest, file } = segmenter;
  if (inputs.note === null || (features.length === 0 && !interest)) return null;
  const named = { image: inputs.image, note: inputs.note, probability: outputs.probability };
  try {
    return splitOnnx(bytes, { ...named, features, interest: interest?.output ?? null });
  } catch (cause) {
    const at = interest ? 'segmenter.features and segmenter.interest' : 'segmenter.features';
    throw new ReclmisError(
      'MODEL_INVALID',
      `${where}: ${file.name}: cannot be cut at ${at} (${firstLine(cause)})`,
      { cause },
    );
  }
}

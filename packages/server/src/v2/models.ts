/**
 * The two models of the Open Inference Protocol, as laid out by `reclmis export --target triton`: `segmenter`
 * (image and note features to probability) and `text-encoder` (tokens to note features). Tensors are named as
 * in the manifest and ONNX graphs. Unlike Triton, `text-encoder` also accepts `text` (BYTES [B]).
 */
import {
  CLIP_SIZE,
  type ModelManifest,
  ReclmisError,
  whyNoProbabilities,
  WordTokenizer,
} from '@reclmis/core';
import type { TensorSpec } from './tensors.js';

export const VERSION = '1';
export const TEXT: TensorSpec = { name: 'text', datatype: 'BYTES', shape: [-1] };
const PLATFORM = 'onnxruntime_onnx';
/** Allows for floating-point resampling outside [0, 1]. */
export const SLACK = 1e-3;

export interface ServedModel {
  readonly name: string;
  readonly role: 'segmenter' | 'text';
  readonly inputs: readonly TensorSpec[];
  readonly output: TensorSpec;
}

export function servedModels(manifest: ModelManifest): ServedModel[] {
  const { image, note, segmenter, textEncoder } = manifest;
  const S = image.size;
  const inputs: TensorSpec[] = [{ name: segmenter.inputs.image, datatype: 'FP32', shape: [-1, 3, S, S] }];
  if (note && segmenter.inputs.note !== null)
    inputs.push({
      name: segmenter.inputs.note,
      datatype: 'FP32',
      shape: [-1, note.contextLength, note.width],
    });
  const models: ServedModel[] = [
    {
      name: 'segmenter',
      role: 'segmenter',
      inputs,
      output: { name: segmenter.outputs.probability, datatype: 'FP32', shape: [-1, 1, S, S] },
    },
  ];
  if (note && textEncoder) {
    models.push({
      name: 'text-encoder',
      role: 'text',
      inputs: [{ name: textEncoder.inputs.tokens, datatype: 'INT64', shape: [-1, note.contextLength] }],
      output: {
        name: textEncoder.outputs.note,
        datatype: 'FP32',
        shape: [-1, note.contextLength, note.width],
      },
    });
  }
  return models;
}

/** The body of GET /v2/models/NAME. */
export function metadataOf(
  { name, inputs, output }: ServedModel,
  { note }: ModelManifest,
): Record<string, unknown> {
  // Beyond the protocol: whose left and right the training notes meant.
  const more = note ? { parameters: { sides: note.sides } } : {};
  return { name, versions: [VERSION], platform: PLATFORM, inputs, outputs: [output], ...more };
}

/** Token ids of the text encoder; 0 without notes. */
export function vocabularySize({ note }: ModelManifest): number {
  if (!note) return 0;
  const { tokenizer } = note;
  return tokenizer.kind === 'clip' ? CLIP_SIZE : WordTokenizer.fromJSON(tokenizer.vocabulary).size;
}

/** Pixels of 0 to 255 would give a meaningless mask. @throws REQUEST_INVALID outside [0, 1] */
export function checkPlanes(images: Float32Array, name: string): void {
  for (const value of images) {
    if (value >= -SLACK && value <= 1 + SLACK) continue;
    throw new ReclmisError('REQUEST_INVALID', `input ${name}: expected values from 0 to 1, got ${value}`, {
      remedy: 'Divide pixel values of 0 to 255 by 255.',
    });
  }
}

/** @throws REQUEST_INVALID for ids unknown to the text encoder */
export function checkTokens(tokens: BigInt64Array, size: number, name: string): void {
  for (const id of tokens) {
    if (id >= 0n && id < BigInt(size)) continue;
    throw new ReclmisError('REQUEST_INVALID', `input ${name}: expected ids from 0 to ${size - 1}, got ${id}`);
  }
}

/** @throws INFERENCE_FAILED for non-finite features and invalid probabilities */
export function checkOutput(values: Float32Array, { role, output: { name } }: ServedModel): void {
  const wrong = role === 'segmenter' ? whyNoProbabilities(values) : null;
  if (wrong !== null)
    throw new ReclmisError('INFERENCE_FAILED', `output ${name}: the model returned ${wrong}`);
  for (const value of values) {
    if (Number.isFinite(value)) continue;
    throw new ReclmisError('INFERENCE_FAILED', `output ${name}: the model returned non-finite values`);
  }
}

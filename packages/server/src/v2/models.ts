/**
 * The two models offered over the Open Inference Protocol, laid out as by `reclmis export --target triton`: `segmenter`,
 * image and note features to probability, and `text-encoder`, tokens to note features. Tensor names are those of the
 * manifest, so of the ONNX graphs. Beyond Triton's, `text-encoder` accepts `text` (BYTES [B]) instead of tokens: the
 * server has the tokeniser.
 */
import {
  CLIP_SIZE,
  type ModelManifest,
  ReclmisError,
  whyNoProbabilities,
  WordTokenizer,
} from '@reclmis/core';
import type { TensorSpec } from './tensors.js';

/** The only version of each. */
export const VERSION = '1';
/** Alternative input of the text encoder. */
export const TEXT: TensorSpec = { name: 'text', datatype: 'BYTES', shape: [-1] };
/** Triton's name for ONNX models. */
const PLATFORM = 'onnxruntime_onnx';
/** Tolerance of image values outside [0, 1], for floating-point resampling. */
export const SLACK = 1e-3;

export interface ServedModel {
  readonly name: string;
  readonly role: 'segmenter' | 'text';
  readonly inputs: readonly TensorSpec[];
  readonly output: TensorSpec;
}

/** The models of a manifest, the segmenter first. */
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

/** Metadata as returned by GET /v2/models/NAME. */
export function metadataOf(
  { name, inputs, output }: ServedModel,
  { note }: ModelManifest,
): Record<string, unknown> {
  // Beyond the protocol: whose left and right the model's training notes meant.
  const more = note ? { parameters: { sides: note.sides } } : {};
  return { name, versions: [VERSION], platform: PLATFORM, inputs, outputs: [output], ...more };
}

/** Number of token ids that the text encoder knows; 0 if the model reads no notes. */
export function vocabularySize({ note }: ModelManifest): number {
  if (!note) return 0;
  const { tokenizer } = note;
  return tokenizer.kind === 'clip' ? CLIP_SIZE : WordTokenizer.fromJSON(tokenizer.vocabulary).size;
}

/** Refuses pixels outside [0, 1]: an image of 0 to 255 would give a meaningless mask. @throws REQUEST_INVALID */
export function checkPlanes(images: Float32Array, name: string): void {
  for (const value of images) {
    if (value >= -SLACK && value <= 1 + SLACK) continue;
    throw new ReclmisError('REQUEST_INVALID', `input ${name}: expected values from 0 to 1, got ${value}`, {
      remedy: 'Divide pixel values of 0 to 255 by 255.',
    });
  }
}

/** Refuses ids that the text encoder does not know. @throws REQUEST_INVALID */
export function checkTokens(tokens: BigInt64Array, size: number, name: string): void {
  for (const id of tokens) {
    if (id >= 0n && id < BigInt(size)) continue;
    throw new ReclmisError('REQUEST_INVALID', `input ${name}: expected ids from 0 to ${size - 1}, got ${id}`);
  }
}

/**
 * Refuses unusable outputs: non-finite features, as for inputs beyond the network's range, and invalid probabilities.
 * @throws INFERENCE_FAILED
 */
export function checkOutput(values: Float32Array, { role, output: { name } }: ServedModel): void {
  const wrong = role === 'segmenter' ? whyNoProbabilities(values) : null;
  if (wrong !== null)
    throw new ReclmisError('INFERENCE_FAILED', `output ${name}: the model returned ${wrong}`);
  for (const value of values) {
    if (Number.isFinite(value)) continue;
    throw new ReclmisError('INFERENCE_FAILED', `output ${name}: the model returned non-finite values`);
  }
}

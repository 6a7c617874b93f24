/**
 * Files for servers: a model repository for NVIDIA Triton (versioned folders, `config.pbtxt` with fields of
 * model_config.proto), and an InferenceService by which KServe runs Triton on it. Both speak the Open
 * Inference Protocol (v2), like `reclmis serve`.
 */
import { copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelManifest, ReclmisError } from '@reclmis/core';
import { makeFolder, systemCode, writeFileAtomic } from '@reclmis/files';
import { stringify } from 'yaml';

/** `onnx`: only files and manifest; the others add to them. */
export const EXPORT_TARGETS = ['onnx', 'triton', 'kserve'] as const;
export type ExportTarget = (typeof EXPORT_TARGETS)[number];

export const TARGET_FILES = { repository: 'triton', service: 'inference-service.yaml' } as const;

/** Keeps two cores or a small GPU busy. */
const MAX_BATCH = 8;
/** For other requests, far below a batch's time. */
const QUEUE_MICROSECONDS = 5000;

type DataType = 'TYPE_FP32' | 'TYPE_INT64';

interface ServedTensor {
  readonly name: string;
  readonly type: DataType;
  /** Without the batch. */
  readonly dims: readonly number[];
}

interface ServedModel {
  readonly name: string;
  readonly file: string;
  readonly inputs: readonly ServedTensor[];
  readonly outputs: readonly ServedTensor[];
}

/** @throws OPTION_INVALID, OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeTarget(
  dir: string,
  manifest: ModelManifest,
  { target, storageUri }: { target: ExportTarget; storageUri?: string },
): Promise<void> {
  if (target === 'onnx') return;
  const repository = join(dir, TARGET_FILES.repository);
  for (const model of servedModels(manifest)) {
    const version = join(repository, model.name, '1');
    await makeFolder(version);
    await linkOrCopy(join(dir, model.file), join(version, 'model.onnx'));
    await writeFileAtomic(join(repository, model.name, 'config.pbtxt'), tritonConfig(model));
  }
  if (target === 'kserve')
    await writeFileAtomic(join(dir, TARGET_FILES.service), inferenceService(manifest, storageUri));
}

/** @throws OPTION_INVALID if the target lacks something */
export function checkTarget(target: ExportTarget, storageUri: string | undefined): void {
  if (target !== 'kserve') return;
  if (storageUri === undefined || !/^[a-z][a-z0-9+.-]*:\/\/\S+$/.test(storageUri)) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `storage address: expected an address such as pvc://models/reclmis/triton or s3://bucket/reclmis/triton, got ${storageUri ?? 'none'}`,
      {
        remedy: `State with --storage-uri where KServe finds the exported folder's ${TARGET_FILES.repository}/.`,
      },
    );
  }
}

export function servedModels(manifest: ModelManifest): ServedModel[] {
  const { segmenter, textEncoder, note, image } = manifest;
  const S = image.size;
  const features = note && [note.contextLength, note.width];
  const models: ServedModel[] = [
    {
      name: 'segmenter',
      file: segmenter.file.name,
      inputs: [
        { name: segmenter.inputs.image, type: 'TYPE_FP32', dims: [3, S, S] },
        ...(features && segmenter.inputs.note !== null
          ? [{ name: segmenter.inputs.note, type: 'TYPE_FP32' as const, dims: features }]
          : []),
      ],
      outputs: [
        { name: segmenter.outputs.probability, type: 'TYPE_FP32', dims: [1, S, S] },
        ...(segmenter.interest && note
          ? [
              {
                name: segmenter.interest.output,
                type: 'TYPE_FP32' as const,
                dims: [segmenter.interest.side ** 2 + note.contextLength],
              },
            ]
          : []),
      ],
    },
  ];
  if (textEncoder && note && features) {
    models.push({
      name: 'text-encoder',
      file: textEncoder.file.name,
      inputs: [{ name: textEncoder.inputs.tokens, type: 'TYPE_INT64', dims: [note.contextLength] }],
      outputs: [{ name: textEncoder.outputs.note, type: 'TYPE_FP32', dims: features }],
    });
  }
  return models;
}

/** `config.pbtxt`: server-side batches of up to 8; warms up with the smallest and the largest. */
export function tritonConfig({ name, inputs, outputs }: ServedModel): string {
  const tensor = ({ name: tensorName, type, dims }: ServedTensor): string =>
    `  {\n    name: ${quoted(tensorName)}\n    data_type: ${type}\n    dims: [ ${dims.join(', ')} ]\n  }`;
  const warmUp = (batch: number): string =>
    [
      '  {',
      `    name: ${quoted(`batch of ${batch}`)}`,
      `    batch_size: ${batch}`,
      ...inputs.map(
        (input) =>
          `    inputs {\n      key: ${quoted(input.name)}\n      value: {\n        data_type: ${input.type}\n` +
          `        dims: [ ${input.dims.join(', ')} ]\n        zero_data: true\n      }\n    }`,
      ),
      '  }',
    ].join('\n');
  return [
    `name: ${quoted(name)}`,
    'backend: "onnxruntime"',
    `max_batch_size: ${MAX_BATCH}`,
    `input [\n${inputs.map(tensor).join(',\n')}\n]`,
    `output [\n${outputs.map(tensor).join(',\n')}\n]`,
    `dynamic_batching {\n  max_queue_delay_microseconds: ${QUEUE_MICROSECONDS}\n}`,
    `model_warmup [\n${[1, MAX_BATCH].map(warmUp).join(',\n')}\n]`,
    '',
  ].join('\n');
}

/** Names are plain (`manifest.ts`): only quotes and backslashes need care. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** KServe's InferenceService (serving.kserve.io/v1beta1): Triton, protocol v2. */
export function inferenceService(manifest: ModelManifest, storageUri: string | undefined): string {
  checkTarget('kserve', storageUri);
  const service = {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: resourceName(manifest.name) },
    spec: {
      predictor: {
        model: {
          modelFormat: { name: 'onnx' },
          protocolVersion: 'v2',
          runtime: 'kserve-tritonserver',
          storageUri,
          resources: { requests: { cpu: '2', memory: '2Gi' }, limits: { cpu: '2', memory: '4Gi' } },
        },
      },
    },
  };
  return stringify(service);
}

/** Hosts are called NAME-predictor-NAMESPACE, at most 63 characters; 12 remain for the namespace. */
const RESOURCE_NAME = 40;

function resourceName(name: string): string {
  const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const begun = /^[a-z]/.test(plain) ? plain : `model-${plain}`;
  return begun.slice(0, RESOURCE_NAME).replace(/-+$/, '');
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'ENOSYS'].includes(systemCode(error))) throw error;
    await copyFile(from, to);
  }
}

/** Server files, read back strictly by the published schemas. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ModelManifest, parseManifest } from '@reclmis/core';
import { manifestFile, manifestJson } from '@reclmis/core/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkTarget, inferenceService, servedModels, tritonConfig, writeTarget } from './targets.js';
import { readPbtxt } from './testing/pbtxt-reader.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-targets-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const manifest = (change: object = {}): ModelManifest => {
  const json = manifestJson(
    { size: 224, tokens: 24, width: 512 },
    { name: 'RecLMIS-QaTa_COV19.v2', ...change },
  );
  return parseManifest(json, 'test');
};

describe('Triton', () => {
  it('is told names, types and sizes without the batch, batching and warm-up', () => {
    const [segmenter, text] = servedModels(manifest()).map((model) => readPbtxt(tritonConfig(model)));
    expect(segmenter).toEqual({
      name: 'segmenter',
      backend: 'onnxruntime',
      max_batch_size: 8,
      input: [
        { name: 'image', data_type: 'TYPE_FP32', dims: [3, 224, 224] },
        { name: 'note', data_type: 'TYPE_FP32', dims: [24, 512] },
      ],
      output: [{ name: 'probability', data_type: 'TYPE_FP32', dims: [1, 224, 224] }],
      dynamic_batching: { max_queue_delay_microseconds: 5000 },
      model_warmup: [1, 8].map((batch) => ({
        name: `batch of ${batch}`,
        batch_size: batch,
        inputs: [
          { key: 'image', value: { data_type: 'TYPE_FP32', dims: [3, 224, 224], zero_data: true } },
          { key: 'note', value: { data_type: 'TYPE_FP32', dims: [24, 512], zero_data: true } },
        ],
      })),
    });
    expect(text).toMatchObject({
      name: 'text-encoder',
      input: [{ name: 'tokens', data_type: 'TYPE_INT64', dims: [24] }],
      output: [{ name: 'note', data_type: 'TYPE_FP32', dims: [24, 512] }],
    });
  });

  it('gets one model if it reads no notes', () => {
    const free = manifest({
      note: null,
      textEncoder: null,
      segmenter: {
        file: manifestFile('segmenter.onnx'),
        inputs: { image: 'image', note: null },
        outputs: { probability: 'probability' },
        features: null,
        interest: null,
      },
    });
    const models = servedModels(free);
    expect(models.map(({ name, inputs }) => [name, inputs.length])).toEqual([['segmenter', 1]]);
  });

  it('is told of the interest, if the model states one', () => {
    const { segmenter } = manifest();
    const [stated] = servedModels(
      manifest({ segmenter: { ...segmenter, interest: { output: 'interest', side: 14 } } }),
    );
    expect(stated?.outputs).toEqual([
      { name: 'probability', type: 'TYPE_FP32', dims: [1, 224, 224] },
      { name: 'interest', type: 'TYPE_FP32', dims: [14 * 14 + 24] },
    ]);
  });

  it('finds hard-linked files in versioned folders', async () => {
    const dir = join(root, 'model');
    await writeFolder(dir);
    await writeTarget(dir, manifest(), { target: 'triton' });
    expect(readdirSync(join(dir, 'triton')).sort()).toEqual(['segmenter', 'text-encoder']);
    for (const name of ['segmenter', 'text-encoder']) {
      const folder = join(dir, 'triton', name);
      expect(readdirSync(folder).sort()).toEqual(['1', 'config.pbtxt']);
      expect(readFileSync(join(folder, '1', 'model.onnx'), 'utf8')).toBe(`${name}.onnx`);
      expect(readPbtxt(readFileSync(join(folder, 'config.pbtxt'), 'utf8'))).toMatchObject({ name });
      expect(statSync(join(folder, '1', 'model.onnx')).nlink).toBe(2);
    }
    expect(readdirSync(dir)).not.toContain('inference-service.yaml');
  });

  it('has a reader that is strict', () => {
    expect(() => readPbtxt('name: "a"\nmax_batch: 3')).toThrow(/max_batch/);
    expect(() => readPbtxt('name: 3')).toThrow(/name/);
    expect(() => readPbtxt('input [ { name: "a" data_type: TYPE_FLOAT } ]')).toThrow(/TYPE_FLOAT/);
    expect(() => readPbtxt('dynamic_batching { ')).toThrow(/end/);
  });
});

describe('KServe', () => {
  it('is told to run Triton on the repository by protocol v2', async () => {
    const dir = join(root, 'kserve');
    await writeFolder(dir);
    const storageUri = 'pvc://models/reclmis/triton';
    await writeTarget(dir, manifest(), { target: 'kserve', storageUri });
    expect(parse(readFileSync(join(dir, 'inference-service.yaml'), 'utf8'))).toEqual({
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'reclmis-qata-cov19-v2' },
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
    });
    expect(readdirSync(dir)).toContain('triton');
  });

  it("has a name valid for KServe, whatever the model's", () => {
    for (const name of [
      'A',
      'a.B_c-',
      'x'.repeat(64),
      `${'y'.repeat(39)}.z`,
      '3d-lungs',
      '7'.repeat(64),
      '0.-',
    ]) {
      const service = parse(inferenceService(manifest({ name }), 's3://bucket/x')) as {
        metadata: { name: string };
      };
      expect(service.metadata.name).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/); // IsvcNameFmt of its webhook
      expect(`${service.metadata.name}-predictor-kserve-test`.length).toBeLessThanOrEqual(63); // a host's name
    }
  });

  it("requires the repository's URI", () => {
    for (const uri of [undefined, '', 'models', 's3:// a']) {
      const check = (): void => checkTarget('kserve', uri);
      expect(check).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
    }
    expect(() => checkTarget('triton', undefined)).not.toThrow();
  });
});

async function writeFolder(dir: string): Promise<void> {
  const { mkdir } = await import('node:fs/promises');
  await mkdir(dir, { recursive: true });
  for (const name of ['segmenter.onnx', 'text-encoder.onnx']) writeFileSync(join(dir, name), name);
}

/** Opens exported models, for prediction on onnxruntime. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  defined,
  habitsOf,
  type HubOrigin,
  MANIFEST_FILE,
  manifestFiles,
  type ModelManifest,
  parseManifest,
  ReclmisError,
  resizeOf,
  windowOf,
} from '@reclmis/core';
import { oneLine, readRegular } from '@reclmis/files';
import type { Model } from '@reclmis/runtime';
import type { EngineChoice, ModelSource } from './model-source.js';
import type { ModelPlace } from './place.js';

/** @throws MODEL_INVALID */
export async function openExported(dir: string, origin?: HubOrigin): Promise<ModelSource> {
  const path = join(dir, MANIFEST_FILE);
  const bytes = await readRegular(path).catch((cause: unknown) => {
    throw new ReclmisError('MODEL_INVALID', `${path}: cannot be read (${oneLine(cause)})`, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new ReclmisError('MODEL_INVALID', `${path}: is not JSON (${oneLine(cause)})`, { cause });
  }
  const manifest = parseManifest(json, path);
  return {
    kind: 'model',
    readsNotes: manifest.note !== null,
    habits: habitsOf(manifest),
    window: windowOf(manifest),
    load: (choice) =>
      load(
        { folder: dir, ...defined({ origin }) },
        manifest,
        createHash('sha256').update(bytes).digest('hex'),
        choice,
      ),
  };
}

async function load(
  { folder: dir, origin }: ModelPlace,
  manifest: ModelManifest,
  sha256: string,
  { checkpoint, device = 'cpu', threads, precision, oneNote = false }: EngineChoice,
): ReturnType<ModelSource['load']> {
  for (const [flag, value] of Object.entries({ '--checkpoint': checkpoint, '--precision': precision })) {
    if (value === undefined) continue;
    throw new ReclmisError('OPTION_INVALID', `${flag}: applies to runs only; ${dir} is an exported model`, {
      remedy: 'Omit it; an exported model has one checkpoint and one precision.',
    });
  }
  if (device !== 'cpu' && device !== 'cuda') {
    throw new ReclmisError('OPTION_INVALID', `--device: expected cpu or cuda, got "${device}"`);
  }
  const { loadModel } = await import('@reclmis/runtime');
  const model = await loadModel(dir, {
    device,
    ...(threads === undefined || threads === 0 ? {} : { threads }),
    ...(oneNote ? { featureBytes: 0 } : {}),
  });
  return {
    segmenter: {
      size: manifest.image.size,
      resize: resizeOf(manifest),
      threshold: manifest.threshold,
      probabilities: (images, notes) => probabilities(model, images, notes),
    },
    model: {
      kind: 'model',
      name: manifest.name,
      ...defined({ origin }),
      files: [
        { name: MANIFEST_FILE, sha256 },
        ...manifestFiles(manifest).map((file) => ({ name: file.name, sha256: file.sha256 })),
      ],
    },
    versions: { exportedBy: manifest.versions.reclmis, opset: manifest.versions.opset },
    engine: { device: model.device, precision: manifest.precision },
    checks: model.checks,
    confidence: manifest.confidence?.calibration ?? null,
    notices: () => [],
    dispose: () => model.dispose(),
  };
}

async function probabilities(
  model: Model,
  images: Float32Array,
  notes: readonly string[],
): Promise<Float32Array> {
  const features = model.manifest.note === null ? null : await model.encodeNotes(notes); // [B,T,W]
  return model.run(images, features, notes.length);
}

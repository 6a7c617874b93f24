/** Opens run folders, for prediction on libtorch. */
import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { defined } from '@reclmis/core';
import { openRegular } from '@reclmis/files';
import type { Run } from '@reclmis/lab';
import type { EngineChoice, ModelSource } from './model-source.js';
import { windowOfRun } from './shared-window.js';

/** @throws RUN_MISSING, RUN_INVALID */
export async function openRunFolder(dir: string): Promise<ModelSource> {
  const { openRun, readsNotes } = await import('@reclmis/lab');
  const run = openRun(dir);
  return {
    kind: 'run',
    readsNotes: readsNotes(run.config.model),
    habits: run.habits,
    window: windowOfRun(run),
    load: (choice) => load(run, choice),
  };
}

async function load(run: Run, choice: EngineChoice): ReturnType<ModelSource['load']> {
  const { checkpointPath, confidencePath } = await import('@reclmis/lab');
  const { version } = await import('@reclmis/torch');
  const { checkpoint = 'best', device, threads, precision } = choice;
  const path = checkpointPath(run.dir, checkpoint);
  const model = run.loadModel({
    checkpoint,
    ...defined({ device, threads, precision }),
  });
  const { engine } = model;
  const files = [path, ...(model.confidence ? [confidencePath(run.dir)] : [])];
  return {
    segmenter: model,
    model: {
      kind: 'run',
      name: basename(resolve(run.dir)),
      files: await Promise.all(
        files.map(async (file) => ({ name: basename(file), sha256: await sha256(file) })),
      ),
    },
    versions: { libtorch: version().torch },
    engine: { ...engine, checkpoint, epoch: model.checkpoint.epoch },
    checks: model.checks,
    confidence: model.confidence,
    notices: () => model.notices,
    dispose: () => {
      model.dispose();
      return Promise.resolve();
    },
  };
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await openRegular(path);
  for await (const chunk of file.createReadStream()) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

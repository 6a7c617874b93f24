/**
 * Exports a run as a PyTorch checkpoint in the authors' form, bit-identical: `state_dict` under their keys,
 * the CLIP tower under `clip.`.
 *
 * It lacks what the authors' code never uses (`isUnusedKey`, CLIP's image tower): load it with
 * `load_state_dict(..., strict=False)`. With it go the run's settings and vocabulary (own-export.ts), for `importRun`.
 */
import { readSafetensors, scope, type Tensor, writeTorchArchive } from '@reclmis/torch';
import { readReference } from '../run/reference.js';
import { openRun } from '../run/run.js';
import { ClipEncoder } from '../text/clip-encoder.js';
import type { CheckpointKind } from '../run/checkpoint.js';
import { describeOwn, OWN_KEY } from './own-export.js';

export interface ExportedCheckpoint {
  readonly file: string;
  readonly tensors: number;
  /** The words encoder has none. */
  readonly tower: boolean;
}

/**
 * @throws RUN_MISSING, RUN_INVALID, CHECKPOINT_MISSING, CHECKPOINT_CORRUPT, CHECKPOINT_MISMATCH, WEIGHTS_MISSING,
 * WEIGHTS_CORRUPT, OUTPUT_UNWRITABLE, DISK_FULL
 */
export function exportRun(dir: string, file: string, kind: CheckpointKind = 'best'): ExportedCheckpoint {
  const run = openRun(dir);
  using loaded = run.loadModel({ checkpoint: kind, device: 'cpu' });
  const { model, encoder, checkpoint } = loaded;
  return scope(() => {
    const tensors = new Map<string, Tensor>(model.stateDict());
    const tower = encoder instanceof ClipEncoder;
    if (tower) {
      for (const [key, tensor] of readSafetensors(encoder.weights.model).tensors) {
        if (!tensors.has(`clip.${key}`)) tensors.set(`clip.${key}`, tensor);
      }
    }
    const own = describeOwn(run.config, encoder, run.info, readReference(dir));
    const meta = { epoch: checkpoint.epoch, model: model.title, best_model: kind === 'best', [OWN_KEY]: own };
    writeTorchArchive(file, tensors, { wrap: { key: 'state_dict', meta } });
    return { file, tensors: tensors.size, tower };
  });
}

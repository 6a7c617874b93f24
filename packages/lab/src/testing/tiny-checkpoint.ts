import { full, manualSeed, scope, type Tensor, writeTorchArchive, zeros } from '@reclmis/torch';
import { UPSTREAM } from '../model/options.js';
import { RecLMIS } from '../model/reclmis.js';
import { tinyTower } from './tiny-clip.js';

export const TINY_SIZE = 32;

/** Upstream's options with the tiny tower's width. */
export const TINY_OPTIONS = { ...UPSTREAM, baseWidth: 8, imageSize: TINY_SIZE, textWidth: 64, layers: 2 };

/** As the authors' training saves it: with CLIP inside, and keys that take no part. */
export function writeTinyCheckpoint(
  path: string,
  change: (state: Map<string, Tensor>) => void = () => undefined,
): void {
  manualSeed(3);
  using model = new RecLMIS(TINY_OPTIONS);
  scope(() => {
    const state = new Map(model.stateDict());
    for (const [key, tensor] of tinyTower()) state.set(`clip.${key}`, tensor);
    state.set('clip.visual.class_embedding', zeros([8]));
    state.set('inc.norm.num_batches_tracked', full([], 7, { dtype: 'int64' }));
    state.set('up4.pixModule.conv_sig.weight', zeros([1]));
    change(state);
    const meta = { epoch: 41, best_model: true, model: 'RecLMIS', val_loss: 0.25 };
    writeTorchArchive(path, state, { wrap: { key: 'state_dict', meta } });
  });
}

/** A model and its results in words, also for the live region. */
import { say, sayCount } from '../strings.js';
import type { ModelState, Result } from './state.js';

export const percent = (share: number): string => say('percent', { value: (100 * share).toFixed(2) });

export function deviceName(device: string): string {
  return device === 'webgpu' ? say('webgpu') : device === 'wasm' ? say('wasm') : device;
}

/** What the bar says of the model. @param result the last one */
export function modelLine(model: ModelState, result: Result | null): string {
  if (model.status === 'failed') return say('modelFailed');
  if (model.status === 'loading') {
    const { loaded, total } = model;
    const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
    return total === 0 ? say('modelStarting') : say('modelLoading', { loaded: mb(loaded), total: mb(total) });
  }
  if (result === null) return say('modelReady');
  return say('runtime', { device: deviceName(model.info.device), ms: Math.round(result.milliseconds) });
}

/** Spoken once per result: "Present, 97 %. 2 areas. One warning." */
export function spoken({ confidence, areas, warnings }: Result): string {
  const presence = confidence?.presence;
  const there =
    presence === undefined
      ? ''
      : say(presence.probability >= 0.5 ? 'livePresent' : 'liveNotPresent', {
          percent: Math.round(100 * presence.probability),
        });
  return there + sayCount('liveAreas', areas) + sayCount('liveWarnings', warnings.length);
}

/** What the page shows of a model, from its manifest. */
import type { ModelManifest } from '@reclmis/core';
import type { ModelInfo } from '../state/state.js';

export function infoOf(manifest: ModelManifest, device: string, bytes: number): ModelInfo {
  const { name, precision, note, training, scores, confidence } = manifest;
  const test = scores.find(({ split }) => split === 'test');
  return {
    name,
    precision,
    bytes,
    device,
    fellBack: device !== 'webgpu',
    threshold: manifest.threshold,
    sides: note?.sides ?? 'unknown',
    readsNotes: note !== null,
    hasInterest: manifest.segmenter.interest != null,
    trainedOn: training.data && { name: training.data.name, cases: training.data.cases },
    score: test ? { data: test.data, cases: test.cases, dice: test.dice } : null,
    calibration: confidence
      ? {
          data: confidence.calibration.data.name,
          cases: confidence.calibration.data.cases,
          error: confidence.calibration.validation.error,
          threshold: confidence.calibration.threshold,
        }
      : null,
    drawnOnly: training.data !== null && /phantom/i.test(training.data.name),
  };
}

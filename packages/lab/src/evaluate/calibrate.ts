/** Fits a run's predicted Dice on its validation cases, never on others (core's `fitConfidence`). */
import {
  type ConfidenceCalibration,
  defined,
  fitConfidence,
  type JudgedMask,
  maskFeatures,
  ReclmisError,
} from '@reclmis/core';
import { scope } from '@reclmis/torch';
import { grouping, Loader, type Dataset } from '@reclmis/data';
import { readCheckpoint } from '../run/checkpoint.js';
import { writeConfidence } from '../run/confidence.js';
import { type LoadOptions, openRun, type Run } from '../run/run.js';
import { withRunLock } from '../run/run-lock.js';
import { weightsHash } from '../run/weights-hash.js';
import { openEvaluated, splitText } from './open.js';
import { scoreCases } from './score-cases.js';

export interface CalibrateOptions extends Omit<LoadOptions, 'precision' | 'calibrated'> {
  /** Where the run's data are now; default: where they were. */
  readonly dataDir?: string;
  /** Default: the run's list of validation cases. */
  readonly stems?: string;
  /** Default: the run's. */
  readonly batchSize?: number;
  readonly onCases?: (count: number) => void;
  readonly onProgress?: (done: number) => void;
  readonly onNotice?: (line: string) => void;
  /** Ends the work; nothing is written. */
  readonly signal?: AbortSignal;
}

export interface CalibratedRun {
  /** `confidence.json`, replaced if it existed. */
  readonly file: string;
  readonly checkpoint: { readonly epoch: number; readonly step: number };
  readonly calibration: ConfidenceCalibration;
}

/**
 * In fp32, as models are exported, with the cases' own notes and without flips.
 * @throws CONFIDENCE_CASES, CONFIDENCE_DATA, RUN_BUSY while a process trains into it, INTERRUPTED; as `evaluateRun`
 */
export async function calibrateRun(dir: string, options: CalibrateOptions = {}): Promise<CalibratedRun> {
  openRun(dir); // no lock in a folder that is no run
  return withRunLock(dir, defined({ onNotice: options.onNotice, signal: options.signal }), async () => {
    const run = openRun(dir);
    const dataset = await validationOf(run, options);
    using model = run.loadModel({ ...options, precision: 'fp32', calibrated: false });
    for (const line of model.notices) options.onNotice?.(line);
    options.onCases?.(dataset.cases.length);
    const { groupOf } = grouping(run.config.data.group);
    const groups = new Map(dataset.cases.map((one) => [one.id, groupOf(one)]));
    const loader = new Loader({
      cases: dataset.cases,
      batchSize: options.batchSize ?? run.config.train.batchSize,
      size: model.size,
      resize: model.resize,
      workers: run.config.data.workers,
      cacheBytes: 0,
    });
    const judged: JudgedMask[] = [];
    try {
      await scoreCases(model, loader.batches(0), {
        ...defined({ onProgress: options.onProgress, signal: options.signal }),
        onCase: ({ score: { id, dice, truth }, probabilities, size }) => {
          const features = maskFeatures(probabilities, size, size);
          judged.push({ features, dice, empty: truth === 0, group: groups.get(id) ?? id });
        },
      });
    } finally {
      await loader.close();
    }
    if (options.signal?.aborted)
      throw new ReclmisError('INTERRUPTED', `${dir}: stopped, nothing was written`);
    const { name, fingerprint } = dataset;
    const calibration = fitConfidence(judged, { name, fingerprint });
    const { epoch, step } = model.checkpoint;
    const weights = scope(() => weightsHash(readCheckpoint(dir, model.checkpoint.kind, run.config).tensors));
    const file = writeConfidence(dir, { checkpoint: { epoch, step, weights }, calibration });
    return { file, checkpoint: { epoch, step }, calibration };
  });
}

/** The run's validation cases. @throws CONFIDENCE_DATA for any others; the codes of the data */
async function validationOf(run: Run, { dataDir, stems }: CalibrateOptions): Promise<Dataset> {
  const { folds, valStems } = run.config.data;
  const listed = stems ?? (folds === 0 && valStems !== '' ? valStems : undefined);
  const dataset = await openEvaluated(run, { split: 'val', ...defined({ dataDir, stems: listed }) });
  const expected = run.info.data?.val;
  if (expected === undefined || expected.fingerprint === dataset.fingerprint) return dataset;
  const told = (cases: number, fingerprint: string): string =>
    `${cases} cases (fingerprint ${fingerprint.slice(0, 16)})`;
  throw new ReclmisError(
    'CONFIDENCE_DATA',
    `${dataset.dir}: ${splitText(dataset)} has ${told(dataset.cases.length, dataset.fingerprint)}, ` +
      `expected ${run.dir}’s ${told(expected.cases, expected.fingerprint)}`,
  );
}

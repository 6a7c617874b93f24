export { train, type RunSummary, type StepReport, type TrainListeners, type TrainOptions } from './train.js';
export { Parallel } from './parallel.js';
export { deviceOfRun, resumeTraining, type ResumeOptions } from './resume.js';
export { openSession, openTrainingData, type Session, type TrainingData } from './session.js';
export { trainStep, type StepLosses, type StepParts, type StepPhase } from './step.js';
export {
  checkpointPath,
  type CheckpointInfo,
  type CheckpointKind,
  RESUMABLE_SETTINGS,
} from '../run/checkpoint.js';
export { readEpochs, type EpochLosses, type EpochRecord, type EpochScores } from '../run/metrics-log.js';
export { LOSS_NAMES, PAPER_WEIGHTS, type LossName, type LossWeights } from '../model/losses.js';
export { learningRate } from './schedule.js';

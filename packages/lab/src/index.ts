/**
 * The laboratory: the model, training and evaluation. Data sets are `@reclmis/data`.
 *
 * @packageDocumentation
 */
export * from './config/config.js';
export {
  buildModel,
  type EncoderTraits,
  type ModelDescriptor,
  modelNames,
  modelOfKeys,
  readsNotes,
  modelDescriptor,
  registerModel,
} from './model/registry.js';
export { prepareEngine, type Engine } from './engine/engine.js';
export { PRECISIONS, type Precision } from './config/precisions.js';
export { inPrecision, precisionNotice } from './engine/precision.js';
export { assignFolds, cutFold, openFitted, type FoldChoice } from './data/folds.js';
export { measureSides, settleNote, type NoteInfo, type SettledNote } from './data/sides.js';
export {
  currentVersions,
  openRun,
  refuseTaken,
  runFiles,
  sidesOf,
  LoadedModel,
  type LoadOptions,
  FROM_SCRATCH,
  type InitInfo,
  type Run,
  type RunData,
  type RunInfo,
  type RunStatus,
} from './run/run.js';
export { confidencePath } from './run/confidence.js';
export { ownCases } from './evaluate/own-cases.js';
export { stateSides } from './evaluate/state-sides.js';
export { measureReference, readReference, type ReferenceOptions, underSides } from './run/reference.js';
export * from './launch/index.js';
export * from './train/index.js';
export * from './evaluate/index.js';
export * from './evaluate/probes/index.js';
export * from './bench/index.js';
export * from './ablate/index.js';
export * from './model/index.js';
export { CLIP_END_TOKEN } from './clip/tower.js';
export * from './text/index.js';
export * from './weights/index.js';
export * from './exchange/index.js';
export * from './init/index.js';
export * from './explain/index.js';
export * from './parity/index.js';
export * from './plan/index.js';
export { casesThatNameASide, compareNotes } from './plots/compare.js';
export { overviewImage, writeOverview, type OverviewOptions, type OverviewRow } from './plots/overview.js';
export {
  compareRuns,
  comparisonSvg,
  listRuns,
  names,
  writeComparison,
  type RunComparison,
  type RunOverview,
  type RunState,
  type SettingDifference,
} from './runs/runs.js';
export { progressSvg, writeProgress } from './plots/progress.js';

/** The laboratory: the model, its data, training and evaluation. */
export * from './data/index.js';
export * from './config.js';
export { buildEncoder, buildModel } from './build.js';
export { prepareEngine, type Engine } from './engine.js';
export {
  openRun,
  refuseTaken,
  runFiles,
  LoadedModel,
  type LoadOptions,
  type Run,
  type RunData,
  type RunInfo,
  type RunStatus,
} from './run.js';
export * from './train/index.js';
export * from './evaluate/index.js';
export * from './model/index.js';
export * from './text/index.js';
export * from './parity/index.js';

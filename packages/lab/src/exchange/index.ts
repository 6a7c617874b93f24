/** Runs in and out of the authors' code: their checkpoints as runs, and runs as checkpoints. */
export { importRun, type ImportedRun, type ImportRunOptions } from './import-run.js';
export { exportRun, type ExportedCheckpoint } from './export-run.js';

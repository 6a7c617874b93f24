export { importRun, type ImportedRun, type ImportRunOptions } from './import-run.js';
export { exportRun, type ExportedCheckpoint } from './export-run.js';

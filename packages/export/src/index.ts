/**
 * Exports a run as an ONNX model with a manifest.
 *
 * @packageDocumentation
 */
export { AGREEMENT, FP32_LIMIT, type CheckReport, type ExportPrecision } from './check.js';
export { exportModel, type ExportOptions, type ExportReport, type ExportStage } from './export.js';
export { EXPORT_TARGETS, TARGET_FILES, type ExportTarget } from './targets.js';

export {
  interactionAttention,
  meanOverHeads,
  type AttentionMap,
  type InteractionAttention,
} from './attention.js';
export { isMaps, type AttentionMaps, type AttentionPart, type LabelledMap } from './attention-maps.js';
export { writeCaseNumbers, writeCaseReport, type About, type ExplainedCase } from './case-report.js';
export { contactSheet, ROWS_PER_SHEET, sheetRow, type SheetRow } from './contact-sheet.js';
export {
  explain,
  type Distribution,
  type Explanation,
  type ExplainOptions,
  type ReadNote,
} from './explain.js';
export {
  explainImages,
  type CaseToExplain,
  type ExplainedImages,
  type ExplainImagesOptions,
} from './explain-images.js';
export type { ComparedCase, ComparedResult, ComparedRun } from './compared.js';
export { comparedRunToJson } from './comparison-report.js';
export { explainRuns, type ComparedExplanations, type ExplainRunsOptions } from './explain-runs.js';
export { activationMap, type GradCam, type Target } from './grad-cam.js';
export { isMissing, type Missing } from './interest.js';
export { mapLayers, type MapLayer } from './layers.js';
export { readTarget } from './read-target.js';
export { explanationToJson } from './report-json.js';
export {
  summariseZones,
  writeFolderNumbers,
  writeFolderReport,
  zonesText,
  type FolderCase,
  type ZonesSummary,
} from './folder-report.js';
export { camZones, type CamZones } from './zones.js';

export { benchInfer, PICTURE_SIZE } from './infer.js';
export { madeBatch, madeData, madeNotes } from './made.js';
export { measurePeak, type Peak } from './peak.js';
export type { BenchOptions, BenchReport, PhaseProfile } from './report.js';
export { median, spread, type Spread } from '../statistics.js';
export { benchTrain } from './train.js';
export { TABLE_1, TABLE_5, type PaperSystem } from './paper.js';
export { countParameters, frozenParameters, type ParameterCounts } from './parameters.js';
export {
  benchModels,
  describeModels,
  differences,
  modelRows,
  modelsLatex,
  modelsMarkdown,
  tableEntries,
  type ModelTable,
  type TableEntry,
  type TableRow,
} from './table.js';

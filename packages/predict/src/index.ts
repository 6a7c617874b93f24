/**
 * Predicting many images with any segmenter: cases, batches, a journal to resume by, figures.
 *
 * @packageDocumentation
 */
export type { CaseStatistics, ComponentStatistics } from './case-statistics.js';
export { describeUnused, type PredictionCase, predictionCases, type UnusedRows } from './cases.js';
export { describeLeftOut, type LeftOut } from './slice-notes.js';
export { listImages } from './images.js';
export { SERIES_FORMATS, type SeriesFormat, type WrittenSeries } from './series.js';
export type { Outputs } from './outputs.js';
export { casesOf, type Part, parsePart } from './part.js';
export { predict, type PredictionSummary } from './predict.js';
export type { ModelIdentity, PlaneSegmenter } from './segmenter.js';
export { describeChanged, describeUnflipped, type ModelNotes, notesForModels } from './model-notes.js';

/**
 * The browser-safe parts of RecLMIS that training and serving share.
 *
 *
 * @packageDocumentation
 */
import type * as Csv from './tables/csv.js';
import type * as Workbook from './tables/workbook.js';

export * from './metrics/bootstrap.js';
export * from './metrics/calibration.js';
export * from './metrics/coverage.js';
export * from './metrics/ranks.js';
export {
  type Confidence,
  type ConfidenceCalibration,
  confidenceAt,
  confidenceFrom,
  confidenceOf,
  confidenceSchema,
  type Presence,
} from './confidence/confidence.js';
export { fitConfidence, type JudgedMask } from './confidence/fit-confidence.js';
export { maskFeatures, type MaskFeatures } from './confidence/mask-features.js';
export * from './masks/answers.js';
export { checkRle, type CocoRegion, decodeRuns, drawRegions, encodeRuns, maskRuns } from './masks/coco.js';
export {
  type ClassEntries,
  type ClassEntry,
  type ClassFlaw,
  classSlug,
  DESCRIBED_REGION,
  describeFlaw,
  parseClasses,
  readClasses,
  refuseSameWords,
  type SegmentClass,
} from './classes.js';
export { ClassVote, type LabelMap, LARGEST_CLASS } from './masks/class-vote.js';
export {
  components,
  type Component,
  type LabelledRuns,
  labelRuns,
  measureComponents,
} from './masks/components.js';
export {
  contours,
  contoursGeoJson,
  rings,
  signedArea,
  type Contour,
  type Polygon,
  type Ring,
} from './masks/contours.js';
export { squaredDistances } from './masks/distance.js';
export {
  addPlanes,
  AverageSegmenter,
  distinctImages,
  divideBy,
  FlippingSegmenter,
  mirrorPlanes,
  openPlanes,
  type OpenPlanes,
  pickedImages,
  sameValues,
  sharedThreshold,
  type PlaneSegmenter,
  RewordingSegmenter,
} from './ensemble.js';
export * from './essentials.js';
export * from './hub.js';
export {
  currentFormat,
  FILE_FORMATS,
  type FileFormat,
  type FormatPlace,
  NEWER_REMEDY,
  readFormat,
  statedFormat,
  versionIn,
} from './file-formats.js';
export * from './images/heat.js';
export { resizeImage, resizeMask, resizePlane, threshold } from './images/image.js';
export * from './images/resize-rule.js';
export * from './images/window-choice.js';
export { CLINICAL_HEAD_BYTES, clinicalFormat, type ClinicalFormat } from './images/clinical-format.js';
export { fileHeader, refuseRareKinds, type FileHeader } from './images/image-header.js';
export * from './manifest.js';
export {
  LARGEST_LABEL,
  maskOf,
  type MaskPixels,
  type MaskRule,
  type MaskValues,
} from './masks/mask-values.js';
export * from './metrics/metrics.js';
export * from './images/overlay.js';
export * from './masks/probabilities.js';
export * from './metrics/probability-histogram.js';
export { type GraphOutline, type GraphValue, readOutline } from './onnx-outline.js';
export {
  type Interest,
  type InterestingWord,
  interestingWords,
  type InterestShares,
  interestShares,
} from './interest.js';
export { type Cut, type GraphFeature, type OnnxParts, splitOnnx } from './onnx-parts.js';
export * from './onnx-types.js';
export * from './probe.js';
export * from './quantile.js';
export * from './random.js';
export * from './images/raster.js';
export * from './images/spacing.js';
export * from './metrics/surface.js';
export * from './metrics/threshold-curve.js';
export * from './warnings.js';
export * from './warning-counts.js';
export {
  fitLikeness,
  type ImageFeatures,
  imageFeatures,
  type ImageLikeness,
  imageWarnings,
  LEAST_IMAGES,
  unlikeness,
} from './images/image-likeness.js';
export {
  COVERS_ALL,
  insideNamedZones,
  LEAST_INSIDE,
  maskAreas,
  type MaskContext,
  type MaskRules,
  maskWarnings,
  rulesUnder,
  USUAL_RULES,
} from './notes/mask-warnings.js';
export { defined } from './defined.js';
export { editDistance } from './text/edit-distance.js';
export { type KnownWords, nearestWord } from './notes/nearest-word.js';
export { type NoteSense, noteWarnings } from './notes/note-warnings.js';
export { clipReader, ResultChecks, type ResultChecksOptions, wordReader } from './result-checks.js';
export { type TrainingReference, trainingReferenceSchema } from './training-reference.js';
export { wordsOf } from './text/words.js';
export * from './notes/word-tokenizer.js';
export * from './text/clip-tokens.js';
export { CLIP_SIZE } from './text/clip-vocabulary.js';
export {
  formatNote,
  type NucleiStatement,
  type ParsedNote,
  parseNote,
  type Place,
  type Side,
  type Zone,
} from './notes/note.js';
export { flipNoteVertically, mirrorNote, namesPlace, namesSide } from './notes/note-mirror.js';
export * from './text/note-lengths.js';
export * from './text/note-tokens.js';
export * from './notes/infer-sides.js';
export type { Laterality } from './notes/laterality.js';
export { exchangedNote, type ExchangedNote } from './notes/note-exchange.js';
export { flippedNote, mirroredNote, namesAnyPlace, namesAnySide } from './notes/note-motion.js';
export { meaningOf } from './notes/note-meaning.js';
export * from './notes/sides.js';
export { mayNameSide } from './notes/side-words.js';
export * from './notes/note-grammar.js';
export * from './notes/note-for-model.js';
export * from './notes/zones.js';
export {
  CHEST_LINES,
  countZones,
  imageFrame,
  lungFrame,
  mirrorZones,
  namedZones,
  THIRDS,
  zoneBit,
  zoneMap,
  zoneNames,
  type Sides,
  type ZoneFrame,
  type ZoneLines,
  type ZoneSet,
} from './notes/zone-map.js';
export * from './notes/consistency.js';
export { attributesOf, type Attributes, COUNT_CLASSES, SIZE_CLASSES } from './notes/attributes.js';
export { deriveNote, MIN_AREA, type DeriveOptions } from './notes/derive-note.js';
export { isNoteWord } from './notes/note-words.js';
export { isReportWord } from './notes/report-words.js';
export * from './notes/reader/index.js';
export * from './notes/reword/index.js';
export { LARGEST_NUMBER_WORD, recountNote } from './notes/note-count.js';
export {
  CASE_COLUMNS,
  type CaseColumn,
  caseColumn,
  type CaseColumns,
  caseForm,
  caseForms,
  type CaseTableOptions,
  parseColumns,
} from './tables/case-form.js';
export * from './tables/columns.js';
export { encodeCsv } from './tables/encode-csv.js';
export { decodeText } from './tables/text.js';
export {
  checkTableName,
  checkTableSize,
  MAX_TABLE_BYTES,
  parseTable,
  TABLE_EXTENSIONS,
  tableExtension,
  type TableForms,
} from './tables/read-table.js';
export {
  readZipDirectory,
  ZIP_STORED,
  type ZipBytes,
  type ZipDirectory,
  type ZipHeader,
  type ZipRules,
} from './tables/zip-directory.js';
export { Crc32, crc32 } from './crc32.js';

/** The reader of workbooks, loaded when one is read. */
export const loadWorkbook = (): Promise<typeof Workbook> => import('./tables/workbook.js');

/** The reader of CSV, loaded when a table is read: its parser is large. */
export const loadCsv = (): Promise<typeof Csv> => import('./tables/csv.js');

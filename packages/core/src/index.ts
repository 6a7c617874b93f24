/**
 * The browser-safe parts of RecLMIS that training and serving share.
 *
 *
 * @packageDocumentation
 */
export * from './metrics/bootstrap.js';
export * from './metrics/calibration.js';
export * from './masks/answers.js';
export { checkRle, type CocoRegion, decodeRuns, drawRegions, encodeRuns, maskRuns } from './masks/coco.js';
export { components, type Component } from './masks/components.js';
export {
  contours,
  contoursGeoJson,
  signedArea,
  type Contour,
  type Polygon,
  type Ring,
} from './masks/contours.js';
export { squaredDistances } from './masks/distance.js';
export {
  addPlanes,
  AverageSegmenter,
  divideBy,
  FlippingSegmenter,
  mirrorPlanes,
  sharedThreshold,
  type PlaneSegmenter,
  RewordingSegmenter,
} from './ensemble.js';
export * from './errors.js';
export * from './images/heat.js';
export * from './images/image.js';
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
export * from './printable.js';
export * from './masks/probabilities.js';
export * from './metrics/probability-histogram.js';
export * from './onnx-types.js';
export * from './probe.js';
export * from './quantile.js';
export * from './random.js';
export { VERSION } from './version.js';
export { isFull, oneLine, systemCode, writeError, type WriteRemedies } from './system-errors.js';
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
export * from './notes/note.js';
export { flipNoteVertically, mirrorNote, namesPlace, namesSide } from './notes/note-mirror.js';
export * from './text/note-lengths.js';
export * from './text/note-tokens.js';
export * from './notes/infer-sides.js';
export * from './notes/sides.js';
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

/** Pure, browser-safe parts of RecLMIS: everything that training and serving share. */
export * from './bootstrap.js';
export * from './calibration.js';
export { components, type Component } from './components.js';
export { contours, contoursGeoJson, signedArea, type Contour, type Polygon, type Ring } from './contours.js';
export { squaredDistances } from './distance.js';
export {
  addPlanes,
  AverageSegmenter,
  divideBy,
  FlippingSegmenter,
  mirrorPlanes,
  sharedThreshold,
  type PlaneSegmenter,
  SidedSegmenter,
} from './ensemble.js';
export * from './errors.js';
export * from './heat.js';
export * from './image.js';
export { fileHeader, refuseRareKinds, type FileHeader } from './image-header.js';
export * from './manifest.js';
export { LARGEST_LABEL, maskOf, type MaskPixels, type MaskRule, type MaskValues } from './mask-values.js';
export * from './metrics.js';
export * from './overlay.js';
export * from './printable.js';
export * from './probabilities.js';
export * from './probability-histogram.js';
export * from './probe.js';
export * from './quantile.js';
export * from './random.js';
export * from './raster.js';
export * from './spacing.js';
export * from './surface.js';
export * from './threshold-curve.js';
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
} from './image-likeness.js';
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
} from './mask-warnings.js';
export { editDistance } from './edit-distance.js';
export { type KnownWords, nearestWord } from './nearest-word.js';
export { type NoteSense, noteWarnings } from './note-warnings.js';
export { clipReader, ResultChecks, type ResultChecksOptions, wordReader } from './result-checks.js';
export { type TrainingReference, trainingReferenceSchema } from './training-reference.js';
export * from './words.js';
export * from './clip-tokens.js';
export { CLIP_SIZE } from './clip-vocabulary.js';
export * from './note.js';
export { flipNoteVertically, mirrorNote, namesPlace, namesSide } from './note-mirror.js';
export * from './note-lengths.js';
export * from './note-tokens.js';
export * from './infer-sides.js';
export * from './sides.js';
export * from './zones.js';
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
} from './zone-map.js';
export * from './consistency.js';
export { deriveNote, MIN_AREA, type DeriveOptions } from './derive-note.js';
export { isNoteWord } from './note-words.js';
export { isReportWord } from './report-words.js';
export { LARGEST_NUMBER_WORD, recountNote } from './note-count.js';

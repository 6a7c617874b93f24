/**
 * Data sets, without libtorch: layouts, check, splits, conversion, notes made from masks, phantoms, batches
 * of samples, and self-contained report pages.
 *
 * @packageDocumentation
 */
export * from './types.js';
export { imageFilesIn, stemOf } from './layouts/image-folder.js';
export type { DataLayout, Problem, ScanWarning, DataSourceOptions, SplitScan } from './layouts/layout.js';
export { FOLDERS, notesOfSplit } from './layouts/lvit.js';
export { layoutNames, layoutOf, registerLayout } from './layouts/registry.js';
export { presentSplits } from './source.js';
export {
  assertUsable,
  fingerprintOf,
  invalidDataset,
  openDataset,
  readAs,
  readStems,
  usableScan,
  type OpenOptions,
} from './dataset.js';
export { readCaseMask } from './masks.js';
export { imageOptions } from './image-options.js';
export {
  groupCases,
  grouping,
  KNOWN_PATTERNS,
  type Grouping,
  type Named,
  type NamePattern,
} from './groups.js';
export {
  agreementOf,
  derivedNotice,
  deriveNotes,
  maskPaths,
  type DerivedNote,
  type DeriveNotesOptions,
  type NoteAgreement,
} from './derive-notes.js';
export {
  writeDerivedNotes,
  type AgreementOfSplit,
  type DerivedNotesOptions,
  type DerivedNotesWritten,
} from './write-derived-notes.js';
export {
  findSuspicions,
  suspicionsSummary,
  type Subject,
  type SuspectCase,
  type Suspicion,
  type Turn,
} from './suspect/index.js';
export { writeCheckReport } from './check-report.js';
export { dataWarning, rememberCheck } from './suspect/remember.js';
export { imageStem, openLungMasks, type ImageOfMask, type LungMasks } from './lung-masks.js';
export { readSample } from './sample.js';
export {
  assertUnsuspicious,
  assertValid,
  checkDataset,
  inspectDataset,
  noteStatistics,
  type CheckOptions,
  type DatasetReport,
  type NoteStatistics,
  type SplitReport,
} from './check.js';
export { AUGMENT_DEFAULTS, type AugmentOptions, noteKindsOf } from './augment-options.js';
export { NoteRewordings } from './reword-notes.js';
export { augment, augmentRandom, drawAugment, applyAugment, type AugmentPlan } from './augment.js';
export { Loader, type LoaderOptions, type LoaderShard, shareOf } from './loader.js';
export { defaultCacheBytes } from './cache.js';
export { binAt, LEVELS, momentsOf, SHARE_BINS, shareBin, shareOfBin } from './measure/histogram.js';
export { measureAll, type Measures, type MeasureOptions } from './measure/measure-all.js';
export { NoteMotions } from './note-motions.js';
export {
  drawPhantom,
  phantomNote,
  phantomSplits,
  writePhantom,
  type LungZone,
  type Phantom,
  type PhantomOptions,
} from './phantom.js';
export {
  CONVERT_TARGETS,
  convertDataset,
  type Converted,
  type ConvertOptions,
  type ConvertTarget,
} from './convert/convert.js';
export {
  assignSplits,
  makeSplit,
  type MadeSplit,
  type MakeSplitOptions,
  type SizedCase,
  type SplitPart,
  type SplitShares,
} from './make-split.js';
export { writeNewFolder } from './new-folder.js';
export {
  checkVocabularyFile,
  describeProblem,
  readVocabulary,
  type VocabularyFile,
  type VocabularyProblem,
} from './note-vocabulary.js';
export { readClassesFile } from './classes-file.js';
export * from './report/index.js';
export {
  latexTable,
  type LatexOptions,
  markdownTable,
  meanAndDeviation,
  type Rows,
} from './report/tables.js';

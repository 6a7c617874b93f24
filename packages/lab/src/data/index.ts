export * from './types.js';
export { stemOf } from './layouts/image-folder.js';
export type { DataLayout, Problem, ScanWarning, DataSourceOptions, SplitScan } from './layouts/layout.js';
export { FOLDERS, notesOfSplit } from './layouts/lvit.js';
export { layoutNames, layoutOf, registerLayout } from './layouts/registry.js';
export { presentSplits } from './source.js';
export { assertUsable, openDataset, readAs, readStems, type OpenOptions } from './dataset.js';
export { readCaseMask } from './masks.js';
export { imageOptions } from './image-options.js';
export { assignFolds, cutFold, openFitted, type FoldChoice } from './folds.js';
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
export { writeCheckReport } from './suspect/report.js';
export { dataWarning, rememberCheck } from './suspect/remember.js';
export { openLungMasks, type LungMasks } from './lung-masks.js';
export { readSample } from './sample.js';
export { measureSides, settleNote, type SettledNote } from './sides.js';
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
export { AUGMENT_DEFAULTS, type AugmentOptions, noteKindsOf } from '../config/augment-options.js';
export { NoteRewordings } from './reword-notes.js';
export { augment, augmentRandom, drawAugment, applyAugment, type AugmentPlan } from './augment.js';
export { Loader, type LoaderOptions, shareOf } from './loader.js';
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

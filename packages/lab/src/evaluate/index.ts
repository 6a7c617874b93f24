export {
  evaluateRun,
  evaluationToJson,
  scoresToCsv,
  writeEvaluation,
  type EvaluatedModel,
  type EvaluateOptions,
  type Evaluation,
} from './evaluate.js';
export { type CaseMeasure, type ProbabilityMeasures } from './measure.js';
export { scoreCases, type CaseScore, type ScoredCase, type ScoreOptions } from './score-cases.js';
export { Segmenter } from '../engine/segmenter.js';
export { calibrateRun, type CalibratedRun, type CalibrateOptions } from './calibrate.js';
export {
  type ConfidenceBin,
  type ConfidenceReport,
  type CoveragePoint,
  type Estimate,
} from './confidence.js';
export { collectReport, type CollectOptions, type FitData, type RunReport } from './collect.js';
export {
  evaluateRuns,
  type EvaluatedRun,
  type EvaluatedRuns,
  type EvaluateRunsOptions,
} from './evaluate-runs.js';
export { outcomeFile, type Asked } from './outcome-file.js';
export { compareEvaluations, type Difference } from './compare.js';
export { chooseExamples, drawExample, drawExamples, type Example, type ExampleKind } from './examples.js';
export {
  isReworded,
  NOTE_CHANGES,
  NOTE_REWORDINGS,
  NOTE_VARIANTS,
  noteVariant,
  type NoteVariant,
} from './note-variants.js';
export { type NoteWording } from './note-wording.js';
export { openEvaluated, splitText, type EvaluatedData } from './open.js';
export { describeResizing, type Resizing } from './resizing.js';
export { type NoteSides } from './sides.js';
export { overlapOf, overlapWarnings, overlapWithRun, type Overlap, type OverlapReport } from './overlap.js';
export { type EvaluationReport, type ReportFiles, writeEvaluationReport } from './report.js';
export { figureName, figureText } from './report-sections.js';
export { type ClassScores, type ScoresByClass } from './by-class.js';
export { noteClasses, strataOf, type Stratum } from './strata.js';
export {
  distributionsOf,
  type MeasureDistribution,
  type Figure,
  FIGURES,
  figuresOf,
  type FigureKey,
} from './summary.js';

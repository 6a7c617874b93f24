/** Scores of a trained model. */
export {
  evaluateRun,
  evaluationToJson,
  NOTE_VARIANTS,
  noteVariant,
  scoresToCsv,
  writeEvaluation,
  type EvaluatedModel,
  type EvaluateOptions,
  type Evaluation,
  type NoteVariant,
} from './evaluate.js';
export { type CaseMeasure, type ProbabilityMeasures } from './measure.js';
export { scoreCases, type CaseScore, type ScoredCase, type ScoreOptions } from './score-cases.js';
export { Segmenter } from './segmenter.js';

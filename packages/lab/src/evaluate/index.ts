/** Scores of a trained model. */
export {
  evaluateRun,
  evaluationToJson,
  NOTE_VARIANTS,
  noteVariant,
  scoresToCsv,
  writeEvaluation,
  type EvaluateOptions,
  type Evaluation,
  type NoteVariant,
} from './evaluate.js';
export { scoreCases, type CaseScore, type ScoreOptions } from './score-cases.js';
export { Segmenter } from './segmenter.js';

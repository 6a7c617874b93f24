export { runStudy, type StudyListeners, type StudyOutcome, type TaskWork } from './run-study.js';
export { findStudy, loadStudy, studyNames, type Cell, type PaperFigures, type Study } from './study.js';
export {
  readScore,
  scoreFiles,
  studyTasks,
  type Task,
  type TaskChoice,
  type TaskScore,
  type TaskState,
  viewTask,
  writeScore,
} from './tasks.js';
export { drawStudyPhantoms, loadStudyWithData, openStudy } from './study-data.js';
export { writeStudyReport } from './report.js';
export {
  collectResults,
  describeStarts,
  resultTable,
  type CellResult,
  type RunResult,
  type StudyResult,
} from './results.js';

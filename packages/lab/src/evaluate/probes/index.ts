export {
  coverageOf,
  probeNotes,
  type NoteCoverage,
  type NoteProbes,
  type Probe,
  type ProbeOptions,
} from './probes.js';
export { probeEvaluated, type ProbedRun } from './probe-evaluated.js';
export { type NoteFigures, type NoteMeasures, type ProbeFigure } from './measure.js';
export { probesSvg } from './figure.js';
export { probeText, probesSection, verdictOf } from './section.js';
export { drawProbeSheet } from './sheet.js';
export { PROBE_TITLES } from './titles.js';

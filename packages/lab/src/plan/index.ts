export { takeFingerprint, type Fingerprint, type FingerprintOptions, type Repeats } from './fingerprint.js';
export { largestPart, type ModelShape, parameterCount, peakTensorBytes, residentBytes } from './memory.js';
export { type Plan, type PlanLimits, type Proposal, propose } from './propose.js';
export { planFor, type PlanForOptions } from './plan-for.js';
export { planToYaml } from './yaml.js';
export { type PlanTarget, PLAN_TARGETS, type Width, WIDTHS } from './width.js';

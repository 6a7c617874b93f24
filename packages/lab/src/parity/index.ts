export { PARITY_TOLERANCE, type ParityRow, type ParityTolerance } from './compare.js';
export { assertParity, runParity, type ParityReport } from './parity.js';

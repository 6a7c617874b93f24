/** The comparison with the authors' code. */
export {
  assertParity,
  PARITY_TOLERANCE,
  runParity,
  type ParityReport,
  type ParityRow,
  type ParityTolerance,
} from './parity.js';

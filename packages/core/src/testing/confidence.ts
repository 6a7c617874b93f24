/** A calibration for tests: predicted Dice rises from 0.2 at an expected Dice of 0.5 to 0.8 at 1. */
import type { ConfidenceCalibration } from '../confidence/confidence.js';

export const CALIBRATION: ConfidenceCalibration = {
  version: 1,
  data: { name: 'set', fingerprint: 'f'.repeat(64), cases: 40, patients: 30, empty: 0 },
  threshold: 0.5,
  dice: {
    kind: 'isotonic',
    feature: 'expectedDice',
    knots: [
      [0.5, 0.2],
      [1, 0.8],
    ],
  },
  presence: { kind: 'rule' },
  validation: { error: 0.05, rank: 0.5 },
};

/**
 * Selective prediction: which cases are kept if the least confident are refused (El-Yaniv and Wiener, "On the
 * foundations of noise-free selective classification", JMLR 11, 2010).
 */
import { ranksOf } from './ranks.js';

/**
 * Weight of each case if only the most confident share is kept: 1 kept, 0 refused. Weights sum to coverage
 * times the number of cases; equally confident cases at the limit share what is left.
 * @param coverage in [0, 1]
 */
export function keptWeights(confidence: ArrayLike<number>, coverage: number): Float64Array {
  const n = confidence.length;
  const refused = n * (1 - coverage);
  const ranks = ranksOf(confidence);
  const tied = new Map<number, number>();
  for (const rank of ranks) tied.set(rank, (tied.get(rank) ?? 0) + 1);
  return ranks.map((rank) => {
    const count = tied.get(rank) ?? 1;
    const below = rank - (count + 1) / 2; // cases less confident
    return 1 - Math.min(count, Math.max(0, refused - below)) / count;
  });
}

/** Histograms of bounded size: 8-bit intensities exactly, shares by logarithm. */

export const LEVELS = 256;
/** Down to 2^-28, less than one pixel of the largest image. */
const PER_OCTAVE = 8;
const OCTAVES = 28;
export const SHARE_BINS = PER_OCTAVE * OCTAVES;

export function addCounts(sum: Float64Array, more: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (more[i] as number);
}

/** The bin of a share in (0, 1]. */
export function shareBin(share: number): number {
  return Math.min(SHARE_BINS - 1, Math.max(0, Math.floor(-Math.log2(share) * PER_OCTAVE)));
}

/** Logarithmic middle: within 4.5 % of every share in the bin. */
export function shareOfBin(bin: number): number {
  return 2 ** (-(bin + 0.5) / PER_OCTAVE);
}

/** Moments of levels 0, 1, ...; NaN without counts. */
export function momentsOf(counts: Float64Array): { mean: number; sd: number } {
  let n = 0;
  let sum = 0;
  let squares = 0;
  counts.forEach((count, level) => {
    n += count;
    sum += count * level;
    squares += count * level * level;
  });
  const mean = sum / n;
  return { mean, sd: Math.sqrt(Math.max(0, squares / n - mean * mean)) };
}

/** The bin up to which this share of the counts lies; -1 without counts. */
export function binAt(counts: Float64Array, share: number): number {
  const all = counts.reduce((a, b) => a + b, 0);
  let below = 0;
  return all === 0 ? -1 : counts.findIndex((count) => (below += count) >= share * all && below > 0);
}

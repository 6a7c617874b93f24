/**
 * How often an image has each tone: a histogram of its grey values, as logarithms of shares. Pictures that were drawn have few tones and gaps between
 * them, which resizing blurs far less than it blurs their noise; radiographs have all tones of their range.
 *
 * The range goes from the 3rd to the 97th percentile, so that neither a black border nor a burnt-in letter stretches it, and exposure and contrast have no
 * effect. What is beyond counts in the outermost bins. Plain sums and logarithms: the same figures in Node and in browsers.
 */

/** Bins of the range, which are the figures. */
export const TONES = 20;
/** Share of the pixels beyond either end of the range. */
const BEYOND = 0.03;
/** Least share of a bin: below it differences are chance. */
const FLOOR = 0.02;
/** Steps of grey in which percentiles are found. */
const STEPS = 4096;
/** Least range: an image of one value has no tones to compare. */
const LEAST_RANGE = 0.02;

/** The figures of grey values, 0 to 1. */
export function toneFigures(grey: Float32Array): number[] {
  const counts = new Uint32Array(STEPS);
  for (let p = 0; p < grey.length; p++) {
    const step = Math.floor(grey[p]! * STEPS);
    const at = step < 0 ? 0 : step >= STEPS ? STEPS - 1 : step;
    counts[at] = counts[at]! + 1;
  }
  const low = stepAt(counts, BEYOND * grey.length);
  const high = stepAt(counts, (1 - BEYOND) * grey.length);
  const width = Math.max(LEAST_RANGE * STEPS, high - low) / TONES;
  const bins = new Float64Array(TONES);
  for (let step = 0; step < STEPS; step++) {
    const bin = Math.floor((step - low) / width);
    const at = bin < 0 ? 0 : bin >= TONES ? TONES - 1 : bin;
    bins[at] = bins[at]! + counts[step]!;
  }
  return Array.from(bins, (count) => Math.log(count / grey.length + FLOOR));
}

/** The step up to which so many pixels lie. */
function stepAt(counts: Uint32Array, pixels: number): number {
  let seen = 0;
  for (let step = 0; step < counts.length; step++) {
    seen += counts[step]!;
    if (seen > pixels) return step;
  }
  return counts.length - 1;
}

/**
 * An image's tones: a histogram of its grey values between their 3rd and 97th percentile, as logarithms of
 * shares. Radiographs have all tones of their range; drawings have few, even resized. Borders, burnt-in
 * letters, exposure and contrast do not matter.
 */

export const TONES = 20;
const BEYOND = 0.03;
const FLOOR = 0.02;
const STEPS = 4096;
/** Least range: a uniform image has no tones. */
const LEAST_RANGE = 0.02;

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

function stepAt(counts: Uint32Array, pixels: number): number {
  let seen = 0;
  for (let step = 0; step < counts.length; step++) {
    seen += counts[step]!;
    if (seen > pixels) return step;
  }
  return counts.length - 1;
}

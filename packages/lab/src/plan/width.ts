/**
 * Chooses the base width: what the target can carry, and what the time can train
 * (docs/measurements/performance.md#widths, docs/reference/planning.md).
 */
export const PLAN_TARGETS = ['accuracy', 'server', 'browser'] as const;
export type PlanTarget = (typeof PLAN_TARGETS)[number];

/** Widest first. */
export const WIDTHS = [64, 48, 32, 24, 16, 8] as const;
export type Width = (typeof WIDTHS)[number];

/** The widest for a target, and why. */
export const WIDEST: Readonly<Record<PlanTarget, { readonly width: Width; readonly reason: string }>> = {
  accuracy: { width: 64, reason: "the paper's" },
  server: { width: 32, reason: 'for a server: 5 MB in int8, a third of the time of the paper’s 64' },
  browser: {
    width: 16,
    reason: 'for a browser: 1.5 MB in int8, a sixth of the time of the paper’s 64',
  },
};

/** A training step's time relative to width 64: bf16, one core, 224 x 224. */
const STEP: Readonly<Record<Width, number>> = { 64: 1, 48: 0.633, 32: 0.326, 24: 0.313, 16: 0.134, 8: 0.076 };

/**
 * Training images seen, cases times epochs, from which a width is worth its time. Measured: after 4,000
 * width 16 scores higher than 32, and that higher than 64; after 120,000 width 64 has the best score so far.
 * 22,000 is the middle of both on a logarithmic scale, 9,000 that of the middle and 4,000. Width 24 takes as
 * long as 32, so time never chooses it.
 */
const LEAST_SEEN: readonly (readonly [width: Width, seen: number])[] = [
  [64, 22_000],
  [48, 14_000],
  [32, 9_000],
  [16, 0],
];

export interface WidthForTime {
  readonly width: Width;
  /** A training step's, per image. */
  readonly seconds: number;
  /** Null if the widest is worth its time. */
  readonly reason: string | null;
}

/**
 * The widest whose training sees enough images, at most `widest`; 8 if not even one epoch of 16 fits.
 * @param secondsPerImage of a training step at `widest`
 * @param seenIn training images seen in the time at so many seconds per image
 */
export function widthForTime(
  widest: Width,
  secondsPerImage: number,
  seenIn: (secondsPerImage: number) => number,
): WidthForTime {
  const secondsAt = (width: Width): number => (secondsPerImage * STEP[width]) / STEP[widest];
  const candidates = LEAST_SEEN.filter(([width]) => width < widest);
  const own = LEAST_SEEN.find(([width]) => width <= widest)?.[1] ?? 0;
  const atWidest = seenIn(secondsPerImage);
  if (atWidest > 0 && atWidest >= own) return { width: widest, seconds: secondsPerImage, reason: null };
  for (const [width, least] of candidates) {
    const seen = seenIn(secondsAt(width));
    if (seen < least || seen === 0) continue;
    return {
      width,
      seconds: secondsAt(width),
      reason: `its training sees ${seen} images in the time; ${widest} would see ${atWidest}, and pays from ${own}`,
    };
  }
  const width = Math.min(widest, 8) as Width;
  return {
    width,
    seconds: secondsAt(width),
    reason: width === widest ? null : 'the narrowest: the time does not hold one epoch of a wider one',
  };
}

export const isWidth = (width: number): width is Width => (WIDTHS as readonly number[]).includes(width);

/**
 * How much memory a training step takes, as a formula that was fitted to measurements (docs/measurements/memory.md has them, with their commands).
 *
 * A step holds 16 bytes of each parameter (weight, gradient, Adam's two moments), and of each image its feature maps; the optimiser's own
 * step holds the 16 bytes alone, on a CPU. The larger of the two is the peak.
 *
 *     fp32: max(16 P, 16.7 P + B (55.0 S^2 + 77.0 S^2 W + 109 N^2 + L (N + T) (656 W + 6083)))   bytes
 *     bf16: max(16 P, 16.6 P + B (9.2 S^2 + 54.0 S^2 W + 42.7 N^2 + L (N + T) (319 W + 6843)))
 *
 * P parameters, B images of a part, S side of the image in pixels, W base width, N = (S / 16)^2 patches, T tokens, L layers. The formula is
 * at most 5 % below and 7 % above every measurement.
 */
import type { Precision } from '../config/precisions.js';

/** What of a configuration decides its memory. */
export interface ModelShape {
  /** W. */
  readonly baseWidth: number;
  /** S. */
  readonly imageSize: number;
  /** L. */
  readonly layers: number;
  /** T. */
  readonly contextLength: number;
}

/** Bytes per parameter while feature maps are held, and per image: coefficients of S^2, S^2 W, N^2, L (N + T) W and L (N + T). */
const FITTED = {
  fp32: { perParameter: 16.65, perImage: [54.98, 77.0, 109.0, 655.98, 6083.0] },
  bf16: { perParameter: 16.57, perImage: [9.18, 53.96, 42.73, 318.95, 6842.84] },
} as const;
/** Bytes per parameter in the optimiser's step. */
const OPTIMISER = 16;
/** A process without tensors, and what it holds for each byte of tensors: 1.24 to 1.44 were measured, with glibc's allocator. */
const PROCESS = 300e6;
const HELD = 1.45;

/** Scalars that training changes, with note features of 512 (the words encoder's and CLIP's base models'). Exact. */
export function parameterCount({
  baseWidth: W,
  imageSize,
  layers,
}: Omit<ModelShape, 'contextLength'>): number {
  const patches = (imageSize / 16) ** 2;
  return 127 + 12635 * W + 4324 * W * W + layers * (448 * W + 2560 * W * W) + 8 * W * patches;
}

/** The most bytes that tensors take in a step of `images` images at once. fp16 is taken for bf16, whose numbers are of the same size. */
export function peakTensorBytes(shape: ModelShape, images: number, precision: Precision): number {
  const { perParameter, perImage } = FITTED[precision === 'fp32' ? 'fp32' : 'bf16'];
  const { baseWidth: W, imageSize: S, layers: L, contextLength: T } = shape;
  const patches = (S / 16) ** 2;
  const tokens = L * (patches + T);
  const terms = [S * S, S * S * W, patches ** 2, tokens * W, tokens];
  const maps = terms.reduce((sum, term, i) => sum + term * (perImage[i] ?? 0), 0);
  const parameters = parameterCount(shape);
  return Math.max(OPTIMISER * parameters, perParameter * parameters + images * maps);
}

/** Memory of the whole process on a CPU for that many bytes of tensors. */
export function residentBytes(tensorBytes: number): number {
  return PROCESS + HELD * tensorBytes;
}

/** The most images at once, up to `most`, whose step stays within `bytes` of the process; 0: not even one. */
export function largestPart(shape: ModelShape, precision: Precision, bytes: number, most: number): number {
  let part = 0;
  while (part < most && residentBytes(peakTensorBytes(shape, part + 1, precision)) <= bytes) part++;
  return part;
}

/** What the loader keeps of decoded cases at side S: image and mask, up to `limit` bytes reserved (`data/cache.ts`). */
export function cacheBytes(cases: number, side: number, grey: boolean, limit: number): number {
  const slot = 4 * side * side;
  return Math.min(cases, Math.floor(limit / slot)) * (grey ? slot / 2 : slot);
}

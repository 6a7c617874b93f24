/**
 * Memory of a training step, fitted to measurements (docs/measurements/memory.md).
 *
 * A step holds 16 bytes per parameter (weight, gradient, Adam's two moments) and feature maps; the optimiser, on a
 * CPU, only the 16 bytes.
 *
 *     max(16 P, a P + B (b S^2 + c S^2 W + d N^2 + L (N + T) (e W + f)))   bytes
 *
 * P parameters, B images of a part, S side of the image in pixels, W base width, N = (S / 16)^2 patches, T tokens, L
 * layers. Within 5 % below and 7 % above every measurement.
 */
import type { Precision } from '../config/precisions.js';

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

/**
 * Bytes per parameter while feature maps are held; per image the coefficients of S^2, S^2 W, N^2, L (N + T)
 * W, L (N + T).
 */
const FITTED = {
  fp32: { perParameter: 16.65, perImage: [54.98, 77.0, 109.0, 655.98, 6083.0] },
  bf16: { perParameter: 16.57, perImage: [9.18, 53.96, 42.73, 318.95, 6842.84] },
} as const;
/** Bytes per parameter in the optimiser's step. */
const OPTIMISER = 16;
/** Without tensors, and per byte of tensors (glibc's allocator). */
const PROCESS = 300e6;
const HELD = 1.45;

/** Trainable, exact for note features of width 512. */
export function parameterCount({
  baseWidth: W,
  imageSize,
  layers,
}: Omit<ModelShape, 'contextLength'>): number {
  const patches = (imageSize / 16) ** 2;
  return 127 + 12635 * W + 4324 * W * W + layers * (448 * W + 2560 * W * W) + 8 * W * patches;
}

/** Peak in a step of `images` images. fp16 has bf16's size. */
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

/** The process's memory, on a CPU. */
export function residentBytes(tensorBytes: number): number {
  return PROCESS + HELD * tensorBytes;
}

/** Images, at most `most`, that fit into `bytes`, or 0. */
export function largestPart(shape: ModelShape, precision: Precision, bytes: number, most: number): number {
  let part = 0;
  while (part < most && residentBytes(peakTensorBytes(shape, part + 1, precision)) <= bytes) part++;
  return part;
}

/** Image and mask, up to `limit` bytes (`data/cache.ts`). */
export function cacheBytes(cases: number, side: number, grey: boolean, limit: number): number {
  const slot = 4 * side * side;
  return Math.min(cases, Math.floor(limit / slot)) * (grey ? slot / 2 : slot);
}

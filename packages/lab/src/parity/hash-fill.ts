/**
 * Weights and inputs that need no download: docs/method.md 12. Every element is a 32-bit hash of its index,
 * its parameter's position and a seed. A scale and an offset, by the parameter's key and shape, follow in
 * double precision; then rounding to float32.
 */

/** The images' position p. */
export const IMAGE_POSITION = 100_000;

/** offset + scale * u, with u itself or its absolute value. */
export interface Fill {
  readonly offset: number;
  readonly scale: number;
  readonly absolute?: boolean;
}

/** @param position p, from 0 */
export function hashFill(count: number, position: number, seed: number, fill: Fill): Float32Array {
  const { offset, scale, absolute = false } = fill;
  const values = new Float32Array(count);
  let base = (Math.imul(position + 1, 40503) + Math.imul(seed, 668265263)) | 0;
  for (let i = 0; i < count; i++) {
    base = (base + 2654435761) | 0; // (i+1) * 2654435761 by repeated addition
    let h = base;
    h = Math.imul(h ^ (h >>> 16), 2246822507);
    h = Math.imul(h ^ (h >>> 13), 3266489909);
    const u = ((h ^ (h >>> 16)) >>> 0) / 2147483648 - 1;
    values[i] = offset + scale * (absolute ? Math.abs(u) : u);
  }
  return values;
}

/** Precedence as in docs/method.md 12. */
export function fillOf(key: string, shape: readonly number[]): Fill {
  if (key.endsWith('running_mean')) return { offset: 0, scale: 0.1 };
  if (key.endsWith('running_var')) return { offset: 1, scale: 0.5, absolute: true };
  if (key === 'clip.logit_scale') return { offset: 2, scale: 0 };
  if (shape.length < 2)
    return key.endsWith('weight') ? { offset: 1, scale: 0.1 } : { offset: 0, scale: 0.02 };
  if (/(token_embedding|positional_embedding|position_embeddings)/.test(key))
    return { offset: 0, scale: 0.05 };
  const fan =
    key === 'clip.text_projection'
      ? (shape[0] ?? 1)
      : shape.slice(1).reduce((product, size) => product * size, 1);
  return { offset: 0, scale: Math.sqrt(3 / fan) };
}

/** Images in [0, 1], [B,3,S,S]. */
export function hashImages(batch: number, size: number, seed: number): Float32Array {
  return hashFill(batch * 3 * size * size, IMAGE_POSITION, seed, { offset: 0.5, scale: 0.5 });
}

/**
 * Deep supervision as in nnU-Net (Isensee et al. 2021): coarser maps of the decoder learn the mask at their own size too.
 */

/**
 * Weights of the maps in the mask's losses, finest first: 1, 1/2, 1/4, ..., but 0 for the coarsest of several, divided by their sum.
 * @param levels of the decoder, at least 1
 */
export function supervisionWeights(levels: number): number[] {
  const raw = Array.from({ length: levels }, (_, level) =>
    level === levels - 1 && levels > 1 ? 0 : 2 ** -level,
  );
  const sum = raw.reduce((total, weight) => total + weight, 0);
  return raw.map((weight) => weight / sum);
}

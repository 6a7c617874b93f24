/** Which of the rasters are A's and B's: of two notes, B is the one that is written; of two models, A is the first. */
import type { Mask } from '@reclmis/core';
import type { Rasters } from '../rasters.js';
import type { Compare } from '../state/state.js';

export function twoMasks(
  compare: Compare,
  { mask, compared }: Pick<Rasters, 'mask' | 'compared'>,
): { readonly a: Mask | null; readonly b: Mask | null } {
  return compare.models ? { a: mask, b: compared } : { a: compared, b: mask };
}

/** What is on the image, and what it is compared with. */
export function shownMasks(
  compare: Compare | null,
  rasters: Pick<Rasters, 'mask' | 'compared' | 'before'>,
): { readonly mask: Mask | null; readonly before: Mask | null } {
  if (compare === null) return { mask: rasters.mask, before: rasters.before };
  const { a, b } = twoMasks(compare, rasters);
  const shown = compare.held ? 'a' : compare.shown;
  if (shown === 'a' || b === null) return { mask: a, before: null };
  return { mask: b, before: shown === 'difference' ? a : null };
}

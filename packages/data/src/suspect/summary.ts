import type { Suspicion } from './types.js';

/**
 * `warning: 2 suspicions about the data (MASKS_INVERTED 3 cases, ...); reclmis data check DIR shows them`, or
 * null.
 * @param seen cases examined, if not all
 */
export function suspicionsSummary(
  dir: string,
  suspicions: readonly Pick<Suspicion, 'code' | 'count'>[],
  seen?: { readonly looked: number; readonly all: number },
): string | null {
  if (suspicions.length === 0) return null;
  const list = suspicions.map(({ code, count }) => `${code} ${count} case${count === 1 ? '' : 's'}`);
  const sample =
    seen === undefined || seen.looked >= seen.all ? '' : ` in ${seen.looked} of ${seen.all} cases`;
  return `warning: ${suspicions.length} suspicion${suspicions.length === 1 ? '' : 's'} about the data${sample} (${list.join(', ')}); see them with reclmis data check ${dir}`;
}

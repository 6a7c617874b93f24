/** How a mask differs from the one before. */
import type { Mask } from '@reclmis/core';

/** Pixels gained and lost; all are gained where there was no mask, or one of another size. */
export function changeOf(
  before: Mask | null,
  after: Mask,
): { readonly gained: number; readonly lost: number } {
  const same = before?.width === after.width && before.height === after.height ? before.data : null;
  let [gained, lost] = [0, 0];
  for (let p = 0; p < after.data.length; p++) {
    const was = same?.[p] ?? 0;
    const is = after.data[p]!;
    if (is > was) gained++;
    else if (was > is) lost++;
  }
  return { gained, lost };
}

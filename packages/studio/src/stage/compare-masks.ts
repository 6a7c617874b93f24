/** Two masks as three: what both have, what only the second has, what only the first has. */
import type { Mask } from '@reclmis/core';

export interface Compared {
  readonly kept: Mask;
  readonly gained: Mask;
  readonly lost: Mask;
}

/** @param before null, or of another size: nothing */
export function compareMasks(before: Mask | null, after: Mask): Compared {
  const { width, height } = after;
  const was = before?.width === width && before.height === height ? before.data : null;
  const empty = (): Mask => ({ width, height, data: new Uint8Array(width * height) });
  const [kept, gained, lost] = [empty(), empty(), empty()];
  for (let p = 0; p < after.data.length; p++) {
    const [a, b] = [was?.[p] === 1, after.data[p] === 1];
    if (a && b) kept.data[p] = 1;
    else if (b) gained.data[p] = 1;
    else if (a) lost.data[p] = 1;
  }
  return { kept, gained, lost };
}

export function areaOf({ data }: Mask): number {
  let pixels = 0;
  for (const value of data) pixels += value;
  return pixels;
}

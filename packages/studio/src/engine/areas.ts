/** The table of measurements: each area of the mask belongs to the named place that holds most of it. */
import { measure } from '@reclmis/clinical';
import { labelRuns, type LabelledRuns, type Mask, type Spacing, type StatedSides } from '@reclmis/core';
import { zoneRects } from '../note/zone-rects.js';
import type { MeasuredArea, NamedPlace } from '../state/state.js';

export interface Areas {
  readonly pixels: number;
  readonly count: number;
  readonly rows: readonly MeasuredArea[];
}

/** @param spacing of a pixel, mm; null: unknown, so diameters are in pixels */
export function areasOf(
  mask: Mask,
  places: readonly NamedPlace[],
  sides: StatedSides,
  spacing: Spacing | null,
): Areas {
  const runs = labelRuns(mask, 8);
  const owner = owners(mask, runs, places, sides); // by component's label
  const all = [...places.map(({ number }) => number), null];
  const rows = all.flatMap((number) => {
    const label = places.find((place) => place.number === number)?.label ?? 'Elsewhere';
    const part = partOf(mask, runs, (component) => owner[component] === number);
    return part === null ? [] : [measured(part, number, label, spacing)];
  });
  return { pixels: rows.reduce((sum, { pixels }) => sum + pixels, 0), count: runs.count, rows };
}

/** The place that holds most pixels of each component; null if none holds any. The first place wins a tie. */
function owners(
  { width, height }: Mask,
  { rows, start, end, label, count }: LabelledRuns,
  places: readonly NamedPlace[],
  sides: StatedSides,
): (number | null)[] {
  const rects = zoneRects(width, height, sides);
  const held = places.map(({ zones }) => rects.filter(({ zone }) => (zones & zone) !== 0));
  const inside = places.map(() => new Float64Array(count));
  for (let y = 0; y < height; y++)
    for (let run = rows[y]!; run < rows[y + 1]!; run++)
      held.forEach((own, i) => {
        for (const rect of own) {
          if (y + 0.5 < rect.y || y + 0.5 >= rect.y + rect.height) continue;
          const within = Math.min(end[run]!, rect.x + rect.width) - Math.max(start[run]!, rect.x);
          inside[i]![label[run]!]! += Math.max(0, within);
        }
      });
  return Array.from({ length: count }, (_, component) => {
    let best: number | null = null;
    let most = 0;
    places.forEach(({ number }, i) => {
      const pixels = inside[i]![component]!;
      if (pixels > most) [best, most] = [number, pixels];
    });
    return best;
  });
}

/** The chosen components alone, cut to their box; null if there are none. */
function partOf(
  { width, height }: Mask,
  { rows, start, end, label }: LabelledRuns,
  chosen: (component: number) => boolean,
): Mask | null {
  let [left, top, right, bottom] = [width, height, 0, 0];
  const own: number[] = [];
  const at: number[] = [];
  for (let y = 0; y < height; y++)
    for (let run = rows[y]!; run < rows[y + 1]!; run++) {
      if (!chosen(label[run]!)) continue;
      own.push(run);
      at.push(y);
      left = Math.min(left, start[run]!);
      right = Math.max(right, end[run]!);
      top = Math.min(top, y);
      bottom = y + 1;
    }
  if (own.length === 0) return null;
  const cut = {
    width: right - left,
    height: bottom - top,
    data: new Uint8Array((right - left) * (bottom - top)),
  };
  own.forEach((run, i) => {
    const row = (at[i]! - top) * cut.width;
    cut.data.fill(1, row + start[run]! - left, row + end[run]! - left);
  });
  return cut;
}

function measured(part: Mask, place: number | null, label: string, spacing: Spacing | null): MeasuredArea {
  const [width, height] = spacing ?? [1, 1];
  const pixel = { width, height, at: 'patient' } as const;
  const [segment] = measure([{ plane: null, directions: null, pixel }], [{ name: label, value: 1, masks: [part] }]).segments; // prettier-ignore
  const [frame] = segment?.frames ?? [];
  return {
    place,
    label,
    pixels: frame?.pixels ?? 0,
    mm2: spacing === null ? null : (frame?.areaMm2 ?? null),
    longest: frame?.longestMm ?? null,
    perpendicular: frame?.perpendicularMm ?? null,
  };
}

/**
 * Figures of a cell: means over its seeds of both forms of Dice and IoU, with intervals over patients, and
 * differences to another cell on the same images.
 */
import { bootstrap, groupSums, holm, type Interval, measuresOf, pairedBootstrap } from '@reclmis/core';
import type { TaskScore } from '@reclmis/lab';

export const KEYS = ['dice', 'iou', 'pooledDice', 'pooledIou'] as const;
export type FigureKey = (typeof KEYS)[number];

/** Shares in [0, 1]. */
export type CellFigures = Readonly<Record<FigureKey, Interval & { readonly seeds: readonly number[] }>>;

export type CellDifference = Readonly<
  Record<FigureKey, Interval & { readonly p: number; readonly corrected: number }>
>;

/** Figures for each seed: Dice, IoU, and the areas of intersection, prediction and truth. */
const SUMS_OF_SEED = 5;

/**
 * @param scores one per seed @param seed of the bootstrap; with the run's own, one run's intervals are those of
 * `reclmis evaluate`
 * @returns null without scores, or for seeds that scored other images
 */
export function cellFigures(scores: readonly TaskScore[], seed?: number): CellFigures | null {
  const rows = rowsOf(scores);
  if (rows === null) return null;
  const intervals = bootstrap(
    groupSums(rows.sums, rows.groups),
    (sums) => meansOf(sums, 0, scores.length),
    seed === undefined ? {} : { seed },
  );
  const bySeed = scores.map(({ mean, pooled }) => [mean.dice, mean.iou, pooled.dice, pooled.iou]);
  return byKey((i) => ({
    ...(intervals[i] ?? UNDEFINED),
    seeds: bySeed.map((values) => values[i] ?? Number.NaN),
  }));
}

/** Each cell's figures less the reference's; null for other images. p by Holm over the cells, per figure. */
export function differencesTo(
  reference: readonly TaskScore[],
  cells: readonly (readonly TaskScore[])[],
): (CellDifference | null)[] {
  const base = rowsOf(reference);
  const found = cells.map((scores) => {
    const rows = rowsOf(scores);
    if (!base || !rows || JSON.stringify(rows.ids) !== JSON.stringify(base.ids)) return null;
    const pairs = rows.sums.map((own, i) => [...own, ...(base.sums[i] ?? [])]);
    const from = 1 + SUMS_OF_SEED * scores.length;
    return pairedBootstrap(groupSums(pairs, rows.groups), (sums) => {
      const before = meansOf(sums, from, reference.length);
      return meansOf(sums, 0, scores.length).map((value, i) => value - (before[i] ?? Number.NaN));
    });
  });
  const corrected = KEYS.map((_, i) => holm(found.map((one) => one?.[i]?.p ?? Number.NaN)));
  return found.map(
    (one, cell) =>
      one &&
      byKey((i) => ({
        ...(one[i] ?? { ...UNDEFINED, p: Number.NaN }),
        corrected: corrected[i]?.[cell] ?? Number.NaN,
      })),
  );
}

const UNDEFINED: Interval = { value: Number.NaN, low: Number.NaN, high: Number.NaN };

function byKey<T>(make: (index: number) => T): Record<FigureKey, T> {
  return { dice: make(0), iou: make(1), pooledDice: make(2), pooledIou: make(3) };
}

interface Rows {
  readonly ids: readonly string[];
  readonly groups: readonly string[];
  /** A row for each image: 1, then `SUMS_OF_SEED` figures for each seed. */
  readonly sums: readonly (readonly number[])[];
}

function rowsOf(scores: readonly TaskScore[]): Rows | null {
  const images = scores.map(({ perImage }) => perImage);
  const [first] = images;
  if (!first || first.ids.length === 0) return null;
  const key = JSON.stringify(first.ids);
  if (images.some((one) => one?.areas === undefined || JSON.stringify(one.ids) !== key)) return null;
  const sums = first.ids.map((_, i) => [
    1,
    ...images.flatMap((one) => {
      const area = one?.areas?.[i];
      return [one?.dice[i], one?.iou[i], area?.intersection, area?.predicted, area?.truth].map(
        (value) => value ?? Number.NaN,
      );
    }),
  ]);
  return { ids: first.ids, groups: first.groups, sums };
}

/** In the order of `KEYS`, of the seeds whose sums start at `from`. */
function meansOf(sums: Float64Array, from: number, seeds: number): number[] {
  const at = (i: number): number => sums[from + i] ?? Number.NaN;
  const images = at(0);
  const total = [0, 0, 0, 0];
  for (let seed = 0; seed < seeds; seed++) {
    const own = 1 + SUMS_OF_SEED * seed;
    const pooled = measuresOf({ intersection: at(own + 2), predicted: at(own + 3), truth: at(own + 4) });
    [at(own) / images, at(own + 1) / images, pooled.dice, pooled.iou].forEach((value, i) => {
      total[i] = (total[i] ?? 0) + value;
    });
  }
  return total.map((sum) => sum / seeds);
}

/**
 * Intervals of each cell, and a paired test against the study's best cell.
 *
 * An image counts with its mean over a cell's seeds; patients are drawn whole. So intervals speak of other
 * images, the deviation over seeds of other trainings. Holm's method corrects all tests together.
 */
import { bootstrap, groupSums, holm, type Interval, pairedBootstrap } from '@reclmis/core';
import type { TaskScore } from './tasks.js';

export interface CellIntervals {
  /** Percent. */
  readonly dice: Interval;
  readonly iou: Interval;
}

export interface CellTest {
  /** In percentage points, to the reference cell. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  /** Two-sided, for no difference. */
  readonly p: number;
  /** By Holm, over the cells of the study. */
  readonly corrected: number;
}

/** Percent, over seeds. */
interface ImageMeans {
  readonly ids: readonly string[];
  readonly groups: readonly string[];
  readonly dice: readonly number[];
  readonly iou: readonly number[];
}

/** Null without finished runs, or if they scored other images or kept no figures by image. */
export function imageMeans(scores: readonly TaskScore[]): ImageMeans | null {
  const kept = scores.map(({ perImage }) => perImage);
  const [first] = kept;
  if (!first || first.ids.length === 0) return null;
  const key = JSON.stringify(first.ids);
  if (kept.some((one) => one === undefined || JSON.stringify(one.ids) !== key)) return null;
  const mean = (measure: 'dice' | 'iou'): number[] =>
    first.ids
      .map((_, i) => kept.reduce((sum, one) => sum + (one?.[measure][i] ?? Number.NaN), 0) / kept.length)
      .map((share) => 100 * share);
  return { ids: first.ids, groups: first.groups, dice: mean('dice'), iou: mean('iou') };
}

/** 95 %, by a bootstrap over patients. */
export function cellIntervals({ groups, dice, iou }: ImageMeans): CellIntervals {
  const rows = dice.map((value, i) => [value, iou[i] ?? Number.NaN, 1]);
  const [ofDice, ofIou] = bootstrap(groupSums(rows, groups), ([d = 0, u = 0, n = 0]) => [d / n, u / n]);
  const undefinedInterval = { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  return { dice: ofDice ?? undefinedInterval, iou: ofIou ?? undefinedInterval };
}

/** Null without figures, or for other images. */
export function testAgainst(
  reference: ImageMeans | null,
  cells: readonly (ImageMeans | null)[],
): (CellTest | null)[] {
  const tests = cells.map((cell) => {
    if (!reference || !cell || JSON.stringify(cell.ids) !== JSON.stringify(reference.ids)) return null;
    const rows = cell.dice.map((value, i) => [value - (reference.dice[i] ?? Number.NaN), 1]);
    const [found] = pairedBootstrap(groupSums(rows, cell.groups), ([d = 0, n = 0]) => [d / n]);
    return found ?? null;
  });
  const corrected = holm(tests.map((found) => found?.p ?? Number.NaN));
  return tests.map(
    (found, i) =>
      found && {
        difference: found.value,
        low: found.low,
        high: found.high,
        p: found.p,
        corrected: corrected[i] ?? Number.NaN,
      },
  );
}

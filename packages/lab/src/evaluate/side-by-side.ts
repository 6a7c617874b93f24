/**
 * The same cases by several runs: those where the first is furthest behind the others, furthest ahead, and in
 * the middle.
 *
 * Masks stay compressed while runs are scored (about a kilobyte each), so the pictures show exactly what was
 * scored and no run is loaded twice.
 */
import { deflateSync, inflateSync } from 'node:zlib';
import type { Mask } from '@reclmis/core';
import { readImage } from '@reclmis/files';
import { imageOptions, readCaseMask, type Case, type CaseRow } from '@reclmis/data';
import { caseTile, imageGroup } from '../plots/case-sheet.js';
import { displayImage, drawAgreement } from '../plots/masks.js';
import { percentText } from '../plots/text.js';
import { chooseExamples, type ExampleKind } from './examples.js';
import type { CaseMeasure } from './measure.js';
import type { ScoredCase } from './score-cases.js';

/** Cases of each kind. */
const COUNT = 5;
/** Longer side of pictures. */
const SIDE = 224;

/** A run's predictions and notes, by case. */
export class KeptMasks {
  private readonly kept = new Map<
    string,
    { readonly bytes: Uint8Array; readonly size: number; readonly note: string }
  >();

  add({ score, prediction, note, size }: Pick<ScoredCase, 'score' | 'prediction' | 'note' | 'size'>): void {
    this.kept.set(score.id, { bytes: deflateSync(prediction.data, { level: 1 }), size, note });
  }

  /** @returns null for a case not scored */
  of(id: string): { readonly mask: Mask; readonly note: string } | null {
    const one = this.kept.get(id);
    if (one === undefined) return null;
    const { bytes, size, note } = one;
    return { mask: { width: size, height: size, data: new Uint8Array(inflateSync(bytes)) }, note };
  }
}

/** A run as one of several. */
export interface ShownRun {
  readonly rows: readonly CaseMeasure[];
  readonly masks: KeptMasks;
  /** The model's, in the literature. */
  readonly title: string;
  /** Why no note changes its masks, or null. */
  readonly unread: string | null;
}

/** A case by the first run's Dice less the mean of the others'. */
export interface ComparedExample {
  readonly kind: ExampleKind;
  readonly id: string;
  readonly difference: number;
}

export interface SideBySide {
  readonly models: readonly Pick<ShownRun, 'title' | 'unread'>[];
  readonly examples: readonly (ComparedExample & { readonly row: CaseRow })[];
}

/** `worst`: the first run is furthest behind. None twice; ties by id. */
export function chooseByDifference(
  runs: readonly (readonly Pick<CaseMeasure, 'id' | 'dice'>[])[],
  count = COUNT,
): ComparedExample[] {
  const [first = [], ...others] = runs;
  const diceOf = others.map((rows) => new Map(rows.map(({ id, dice }) => [id, dice])));
  const differences = first.map(({ id, dice }) => {
    const mean = diceOf.reduce((sum, byId) => sum + (byId.get(id) ?? 0), 0) / diceOf.length;
    return { id, dice: dice - mean };
  });
  return chooseExamples(differences, count).map(({ kind, row }) => ({
    ...{ kind, id: row.id, difference: row.dice },
  }));
}

/** Draws the cases. @throws the codes of `readImage` and `readMask` */
export async function drawSideBySide(
  runs: readonly ShownRun[],
  cases: readonly Case[],
  count = COUNT,
): Promise<SideBySide> {
  const byId = new Map(cases.map((one) => [one.id, one]));
  const examples: (ComparedExample & { row: CaseRow })[] = [];
  for (const chosen of chooseByDifference(
    runs.map(({ rows }) => rows),
    count,
  )) {
    const one = byId.get(chosen.id);
    if (one !== undefined) examples.push({ ...chosen, row: await drawRow(chosen, one, runs) });
    await new Promise(setImmediate); // lets signals and timers in
  }
  const models = runs.map(({ title, unread }) => ({ title, unread }));
  return { models, examples };
}

async function drawRow(
  { id, difference }: ComparedExample,
  one: Case,
  runs: readonly ShownRun[],
): Promise<CaseRow> {
  const { imagePath, note } = one;
  const [image, { mask: truth }] = await Promise.all([
    readImage(imagePath, imageOptions(one)),
    readCaseMask(one),
  ]);
  const shown = displayImage(image, SIDE);
  const groups = [await imageGroup(id, shown, truth)];
  for (const { rows, masks, title } of runs) {
    const mask = masks.of(id)?.mask;
    const dice = rows.find((row) => row.id === id)?.dice;
    if (mask === undefined || dice === undefined) groups.push({ tiles: [{ missing: 'Not scored.' }] });
    else {
      const caption = `Dice ${percentText(dice)}`;
      const drawn = drawAgreement(shown, truth, mask);
      groups.push({ tiles: [await caseTile(drawn, `${id}: mask of ${title}`, caption)] });
    }
  }
  const points = 100 * difference;
  return {
    heading: `${id}: ${points < 0 ? '−' : '+'}${Math.abs(points).toFixed(1)} points`,
    note: runs[0]?.masks.of(id)?.note ?? note,
    groups,
  };
}

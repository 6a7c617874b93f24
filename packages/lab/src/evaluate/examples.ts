/** Segments the cases with the lowest, middle and highest Dice again: scoring keeps no pictures. */
import {
  COLOURS,
  imageToPlanes,
  type Mask,
  overlay,
  type ResizeRule,
  resizeImage,
  resizeMask,
  type RgbImage,
  threshold,
} from '@reclmis/core';
import { readSample, type Case } from '@reclmis/data';
import type { CaseMeasure } from './measure.js';
import type { Opinion } from './ensemble.js';

export const EXAMPLE_KINDS = ['worst', 'median', 'best'] as const;
export type ExampleKind = (typeof EXAMPLE_KINDS)[number];

/** Smaller pictures are enlarged. */
const LEAST_SIDE = 224;

export interface Example {
  readonly kind: ExampleKind;
  readonly row: CaseMeasure;
  /** As the model read it. */
  readonly note: string;
  /** Truth: sky-blue outline; prediction: orange area. */
  readonly picture: RgbImage;
}

/** Rows by kind, at most `count` each, none twice: worst first, median from below, best last; ties by id. */
export function chooseExamples<Row extends Pick<CaseMeasure, 'id' | 'dice'>>(
  rows: readonly Row[],
  count = 10,
): { readonly kind: ExampleKind; readonly row: Row }[] {
  const sorted = [...rows].sort((a, b) => a.dice - b.dice || (a.id < b.id ? -1 : 1));
  const n = sorted.length;
  const each = Math.min(count, Math.max(1, Math.floor(n / 3)));
  const top = Math.min(each, Math.max(0, n - each)); // one or two rows do not suffice for all kinds
  const middle = Math.max(0, Math.min(each, n - each - top));
  const from = each + Math.floor((n - each - top - middle) / 2);
  return [
    ...sorted.slice(0, each).map((row) => ({ kind: 'worst' as const, row })),
    ...sorted.slice(from, from + middle).map((row) => ({ kind: 'median' as const, row })),
    ...sorted.slice(n - top).map((row) => ({ kind: 'best' as const, row })),
  ];
}

/** Segments and draws the chosen cases. @throws the codes of `readSample` */
export async function drawExamples(
  segmenter: Opinion,
  cases: readonly Case[],
  rows: readonly CaseMeasure[],
  { noteOf, resize }: { readonly noteOf: (note: string, id: string) => string; readonly resize: ResizeRule },
  count = 10,
): Promise<Example[]> {
  const S = segmenter.size;
  const byId = new Map(cases.map((one) => [one.id, one]));
  const examples: Example[] = [];
  for (const { kind, row } of chooseExamples(rows, count)) {
    const one = byId.get(row.id);
    if (one === undefined) continue;
    const { image, mask } = await readSample(one, S, resize);
    const note = noteOf(one.note, one.id);
    const plane = await segmenter.probabilities(imageToPlanes(image, S, resize), [note]); // [1,1,S,S]
    examples.push({ kind, row, note, picture: drawExample(image, mask, threshold(plane, S, S)) });
    await new Promise(setImmediate); // lets signals and timers in
  }
  return examples;
}

export function drawExample(image: RgbImage, truth: Mask, prediction: Mask): RgbImage {
  const times = Math.max(1, Math.ceil(LEAST_SIDE / image.width));
  const [width, height] = [image.width * times, image.height * times];
  const area = overlay(resizeImage(image, width, height), resizeMask(prediction, width, height), {
    colour: COLOURS.orange,
    fill: 0.4,
    contour: 0,
  });
  return overlay(area, resizeMask(truth, width, height), {
    colour: COLOURS.skyBlue,
    fill: 0,
    contour: Math.max(2, Math.round(width / 160)),
  });
}

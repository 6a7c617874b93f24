/** Scores of each class that the data set states, next to the overall figures (docs/reference/measures.md). */
import type { BootstrapOptions } from '@reclmis/core';
import type { Case } from '@reclmis/data';
import { csvField } from './csv-field.js';
import type { CaseMeasure } from './measure.js';
import { type Figure, figuresOf } from './summary.js';

export interface ClassScores {
  readonly name: string;
  /** Cases: an image counts for each of its notes. */
  readonly rows: number;
  readonly images: number;
  readonly patients: number;
  /** Rows whose true mask is empty. */
  readonly empty: number;
  /** With intervals by patients. */
  readonly figures: readonly Figure[];
}

export interface ScoresByClass {
  /** Sorted by name; empty if the data set states no classes. */
  readonly classes: readonly ClassScores[];
  /** Rows without a class; they count in the overall figures alone. */
  readonly withoutClass: number;
}

/** @param cases those of the rows */
export function scoresByClass(
  rows: readonly CaseMeasure[],
  cases: readonly Pick<Case, 'id' | 'imageId'>[],
  options: BootstrapOptions = {},
): ScoresByClass {
  const imageOf = new Map(cases.map(({ id, imageId = id }) => [id, imageId]));
  const byName = new Map<string, CaseMeasure[]>();
  for (const row of rows) {
    if (row.class === undefined) continue;
    const own = byName.get(row.class);
    if (own === undefined) byName.set(row.class, [row]);
    else own.push(row);
  }
  const classes = [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]): ClassScores => ({
      name,
      rows: own.length,
      images: new Set(own.map(({ id }) => imageOf.get(id) ?? id)).size,
      patients: new Set(own.map(({ group }) => group)).size,
      empty: own.filter(({ truth }) => truth === 0).length,
      figures: figuresOf(own, options),
    }));
  return { classes, withoutClass: rows.filter((row) => row.class === undefined).length };
}

/** CSV (RFC 4180): a row for each class; each figure with its interval; shares in [0, 1], distances in their unit. */
export function classesToCsv(classes: readonly ClassScores[]): string {
  const keys = [...new Set(classes.flatMap(({ figures }) => figures.map(({ key }) => key)))];
  const head = ['class', 'rows', 'images', 'patients', 'empty'];
  const lines = classes.map(({ name, rows, images, patients, empty, figures }) => [
    ...[name, rows, images, patients, empty],
    ...keys.flatMap((key) => {
      const { value, low, high } = figures.find((one) => one.key === key) ?? {};
      return [value, low, high];
    }),
  ]);
  return [[...head, ...keys.flatMap((key) => [key, `${key}Low`, `${key}High`])], ...lines]
    .map((line) => `${line.map(csvField).join(',')}\r\n`)
    .join('');
}

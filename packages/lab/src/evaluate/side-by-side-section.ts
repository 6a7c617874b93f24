/** Example cases of several runs next to each other, as a section and as a drawing. */
import { caseSheet, imageColumn } from '../plots/case-sheet.js';
import { AGREEMENT } from '../plots/masks.js';
import {
  type CaseColumn,
  caseRows,
  caseRowsStyle,
  colourKey,
  heading,
  joined,
  list,
  paragraph,
  type ReportSection,
} from '@reclmis/data';
import { EXAMPLE_KINDS, type ExampleKind } from './examples.js';
import type { SideBySide } from './side-by-side.js';

/** @param names of the runs */
export function sideBySideSection(shown: SideBySide, names: readonly string[]): ReportSection {
  const unread = shown.models.flatMap((model, i) =>
    model.unread === null ? [] : `${names[i] ?? ''}: ${model.unread}.`,
  );
  return {
    id: 'side-by-side',
    title: 'The same cases side by side',
    html: joined(
      paragraph(`Chosen by ${others(names)}: points of Dice above (+) or below (−).`),
      colourKey(AGREEMENT),
      unread.length === 0 ? '' : list(unread),
      EXAMPLE_KINDS.map((kind) => {
        const rows = shown.examples.filter((one) => one.kind === kind).map(({ row }) => row);
        if (rows.length === 0) return '';
        return joined(heading(titleOf(kind, names)), caseRows(columnsOf(shown, names), rows, 4));
      }),
    ),
  };
}

/** All rows as SVG, in the section's order. */
export function sideBySideSheet(shown: SideBySide, names: readonly string[]): string {
  return caseSheet({
    title: `${names.join(', ')} on the same cases`,
    subtitle: '',
    colours: AGREEMENT,
    columns: columnsOf(shown, names),
    rows: shown.examples.map(({ row }) => row),
  });
}

/** For the page of the section. */
export function sideBySideStyle(shown: SideBySide): string {
  return caseRowsStyle(columnsOf(shown, []));
}

function columnsOf({ models, examples }: SideBySide, names: readonly string[]): CaseColumn[] {
  return [
    imageColumn(examples.map(({ row }) => row)),
    ...models.map(({ title, unread }, i) => ({
      title: `${title}, ${names[i] ?? ''}`,
      about: unread === null ? '' : 'reads no note',
      tiles: 1,
    })),
  ];
}

function others([first = '', second = '', ...more]: readonly string[]): string {
  return `the Dice of ${first} less ${more.length === 0 ? `that of ${second}` : 'the mean of the others’'}`;
}

function titleOf(kind: ExampleKind, [first = '', second = '', ...more]: readonly string[]): string {
  const rest = more.length === 0 ? second : 'the others';
  return {
    worst: `${first} furthest behind ${rest}`,
    median: 'Around the median difference',
    best: `${first} furthest ahead of ${rest}`,
  }[kind];
}

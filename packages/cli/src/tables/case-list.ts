/** The cases of a split, as `reclmis data list` shows them. */
import { formatTable } from '../table.js';

export interface ListedCase {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly class?: string;
  readonly note: string;
}

/** With a column of classes where the data set has some. */
export function formatCases(cases: readonly ListedCase[]): string {
  const classed = cases.some(({ class: name }) => name !== undefined);
  return formatTable(
    [
      { title: 'case' },
      { title: 'pixels', align: 'right' },
      ...(classed ? [{ title: 'class' }] : []),
      { title: 'note' },
    ],
    cases.map(({ id, width, height, note, class: name = '' }) => [
      ...[id, `${width} x ${height}`],
      ...(classed ? [name] : []),
      note,
    ]),
  );
}

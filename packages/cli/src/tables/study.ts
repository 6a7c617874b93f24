/** A study as tables: cells with their settings, and results. */
import type { resultTable, Task, TaskState } from '@reclmis/lab';
import { type Column, formatTable, right } from '../table.js';

export interface TaskRow {
  readonly cell: string;
  readonly seed: number;
  readonly set: Task['cell']['set'];
  /** Absent where the study has no folder yet. */
  readonly state?: TaskState;
}

/** The runs with their settings, and their states where they have some. */
export function describeTasks(rows: readonly TaskRow[]): string {
  const hasState = rows.some(({ state }) => state !== undefined);
  const settings = (set: TaskRow['set']): string =>
    Object.entries(set)
      .map(([path, value]) => `${path}=${String(value)}`)
      .join(' ');
  const columns: Column[] = [
    { title: 'cell' },
    right('seed'),
    ...(hasState ? [{ title: 'state' }] : []),
    { title: 'settings' },
  ];
  return formatTable(
    columns,
    rows.map(({ cell, seed, state, set }) => [
      cell,
      String(seed),
      ...(hasState ? [state ?? ''] : []),
      settings(set),
    ]),
  );
}

export function describeResults({ columns, rows }: ReturnType<typeof resultTable>): string {
  return formatTable(
    columns.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
    rows,
  );
}

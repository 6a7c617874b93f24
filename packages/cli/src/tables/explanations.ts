/** What `reclmis explain` found of several runs, as a table. */
import type { ComparedRun } from '@reclmis/lab';
import { formatTable, percent, right } from '../table.js';

/** Grad-CAM's share in the notes' zones, and Dice, by run; in percent. */
export function describeCompared(
  runs: readonly Pick<ComparedRun, 'name' | 'title' | 'layer' | 'unread' | 'zones' | 'dice'>[],
): string {
  const shown = (value: number | null | undefined): string =>
    value === null || value === undefined ? '–' : percent(value);
  return formatTable(
    [
      ...['run', 'model', 'layer', 'note'].map((title) => ({ title })),
      ...['map in named zones %', 'their area %', 'denser there %', 'images', 'Dice %'].map(right),
    ],
    runs.map(({ name, title, layer, unread, zones, dice }) => [
      ...[name, title, layer, unread === null ? 'read' : 'not read'],
      ...[shown(zones?.inside), shown(zones?.area), shown(zones?.denser), String(zones?.cases ?? 0)],
      shown(dice),
    ]),
  );
}

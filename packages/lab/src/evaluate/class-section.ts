/** A report's section of classes. */
import { type Content, figure, joined, list, paragraph, type ReportSection, table } from '@reclmis/data';
import type { ClassScores } from './by-class.js';
import type { NamedRun } from './figures.js';
import { figureText } from './report-sections.js';
import type { Figure } from './summary.js';

/** Whether classes say more than the overall figures. */
export function hasClasses({ report: { classes, withoutClass } }: NamedRun): boolean {
  return classes.length > 1 || (classes.length === 1 && withoutClass > 0);
}

export function classesSection(runs: readonly NamedRun[], svg: string): ReportSection {
  const of = ({ figures }: ClassScores, key: Figure['key']): string => {
    const found = figures.find((one) => one.key === key);
    return found ? figureText(found) : '–';
  };
  const rows = runs.flatMap(({ name: run, report }) =>
    report.classes.map((one): Content[] => [
      ...(runs.length > 1 ? [run] : []),
      ...[one.name, one.rows, one.images, one.patients, one.empty],
      ...(['dice', 'iou', 'pooledDice', 'pooledIou'] as const).map((key) => of(one, key)),
    ]),
  );
  const without = runs.flatMap(
    ({ name, report: { withoutClass, evaluation } }) =>
    withoutClass === 0
      ? []
      : [`${name}: ${withoutClass} of ${evaluation.rows.length} rows without a class, which count in the overall figures alone.`], // prettier-ignore
  );
  const left = (title: string): { title: string; align: 'left' } => ({ title, align: 'left' });
  return {
    id: 'classes',
    title: 'By class',
    html: joined(
      figure(svg, { alt: 'Mean Dice of each class', caption: 'In brackets: number of rows.' }),
      table(
        [
          ...(runs.length > 1 ? [left('run')] : []),
          left('class'),
          ...['rows', 'images', 'patients', 'empty'],
          ...['Dice, %', 'IoU, %', 'pooled Dice, %', 'pooled IoU, %'],
        ],
        rows,
      ),
      paragraph(
        'A row is an image with one note, so an image counts once for each of its notes; the overall figures count all rows alike. “Empty” counts rows whose true mask is empty: they score 100 if the predicted mask is empty too, else 0.',
      ),
      without.length > 0 ? list(without) : '',
    ),
  };
}

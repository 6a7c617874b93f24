/** The report's section on predicted Dice. */
import { type Content, figure, joined, paragraph, type ReportSection, table } from '@reclmis/data';
import type { ConfidenceReport } from './confidence.js';
import type { NamedRun } from './figures.js';
import { figureText } from './report-sections.js';

/** Shares in the table. */
const SHOWN: readonly number[] = [1, 0.95, 0.9, 0.8, 0.7, 0.5];

export function confidenceSection(runs: readonly NamedRun[], svg: string): ReportSection {
  const judged = runs.flatMap(({ name, report }) =>
    report.confidence === null ? [] : [{ name, found: report.confidence }],
  );
  const left = (title: string): { title: string; align: 'left' } => ({ title, align: 'left' });
  const named = (name: string): Content[] => (runs.length > 1 ? [name] : []);
  const run = runs.length > 1 ? [left('run')] : [];
  return {
    id: 'confidence',
    title: 'Predicted Dice',
    html: joined(
      paragraph(
        'From the probability map alone the run predicts the Dice of each mask. It was calibrated on validation images; here it meets others. It is no statement about a patient, and a wrong note need not lower it.',
      ),
      figure(svg, {
        alt: 'Mean Dice of the kept images by their share, and predicted against true Dice',
        caption: 'Bars: 95 % intervals by patient.',
      }),
      table(
        [
          ...run,
          left('calibrated on'),
          'mean predicted, %',
          'mean true, %',
          'mean absolute error, points',
          'rank correlation',
        ],
        judged.map(({ name, found }) => [
          ...named(name),
          `${found.calibration.data.cases} images of ${found.calibration.data.name}`,
          percent(found.predicted),
          percent(found.dice),
          points(found.error),
          found.rank?.toFixed(2) ?? '–',
        ]),
      ),
      table(
        [...run, 'kept, %', 'Dice of the kept, %', 'gain, points', 'limit, %'],
        judged.flatMap(({ name, found }) =>
          found.coverage
            .filter(({ coverage }) => SHOWN.includes(coverage))
            .map((point) => [
              ...named(name),
              (100 * point.coverage).toFixed(0),
              points(point.dice),
              points(point.gain),
              percent(point.best),
            ]),
        ),
      ),
      table(
        [...run, 'predicted Dice, %', 'images', 'mean predicted, %', 'mean true, %'],
        judged.flatMap(({ name, found }) =>
          found.bins
            .filter(({ images }) => images > 0)
            .map(({ from, to, images, predicted, dice }) => [
              ...named(name),
              `${(100 * from).toFixed(0)} to ${(100 * to).toFixed(0)}`,
              images,
              percent(predicted),
              percent(dice),
            ]),
        ),
        { caption: 'Calibration' },
      ),
      judged.map(({ name, found }) => paragraph(runs.length > 1 ? `${name}: ` : '', presenceText(found))),
    ),
  };
}

function presenceText({ presence }: ConfidenceReport): string {
  const { calibrated, empty, whereEmpty, whereFound } = presence;
  const found = `mean ${percent(whereFound)} % where the true mask has pixels`;
  const means =
    empty === 0
      ? `${found}, as it has in all images`
      : `${found}, ${percent(whereEmpty)} % in the ${empty === 1 ? 'one image' : `${empty} images`} where it is empty`;
  return calibrated
    ? `Presence of what the note names: ${means}.`
    : `Presence of what the note names is not calibrated, because nearly all validation images show it; the highest probability is given instead: ${means}.`;
}

const percent = (value: number | null): string => (value === null ? '–' : (100 * value).toFixed(2));

const points = (one: ConfidenceReport['error']): string => figureText({ unit: '%', ...one });

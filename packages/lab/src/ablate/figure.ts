/** Draws a study over a grid of numbers: a line over one setting, a heat map over two. */
import { COLOURS } from '@reclmis/core';
import { svgChart } from '../plots/chart.js';
import { svgHeatMap } from '../plots/heat-map.js';
import { type CellResult, percentages, type StudyResult } from './results.js';

const [WIDTH, HEIGHT] = [760, 480];
const FRAME = { x: 28, y: 20, width: WIDTH - 56, height: HEIGHT - 36 };

/** @returns SVG; null for a list of cells, more than two axes, or no figures */
export function studyFigure(result: StudyResult): string | null {
  const { axes, cells } = result;
  if (axes === null || !cells.some((cell) => percentages(cell, 'dice').size > 0)) return null;
  const drawn = axes.length === 1 ? line(result) : axes.length === 2 ? grid(result) : null;
  if (drawn === null) return null;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">` +
    `<rect width="100%" height="100%" fill="white"/>${drawn}</svg>`
  );
}

/** Dice and IoU, with a standard deviation either way. */
function line({ axes, cells, columns, best, bestBy, title }: StudyResult): string {
  const path = axes?.[0]?.path ?? '';
  const marked = cells.find(({ name }) => name === best);
  const series = (
    [
      ['Dice', 'dice', COLOURS.blue],
      ['mIoU', 'iou', COLOURS.vermilion],
    ] as const
  ).map(([label, measure, colour]) => {
    const found = cells.flatMap((cell) => {
      const values = [...percentages(cell, measure).values()];
      return values.length === 0 ? [] : [{ x: Number(cell.values[path]), ...spreadOf(values) }];
    });
    found.sort((a, b) => a.x - b.x);
    return {
      label,
      colour,
      points: found.map(({ x, mean }) => [x, mean] as const),
      bars: found.flatMap(({ x, mean, deviation }) =>
        deviation === 0 ? [] : [[x, mean - deviation, mean + deviation] as const],
      ),
    };
  });
  return svgChart(
    {
      title: `${title} (test figures in percent)`,
      xLabel: headingOf(columns, path),
      xTicks: cells.every(({ values }) => Number.isInteger(values[path])) ? 'whole' : 'any',
      series,
      ...(marked && {
        mark: {
          x: Number(marked.values[path]),
          label: bestBy === 'paper' ? 'the paper’s best' : 'reference',
        },
      }),
    },
    FRAME,
  );
}

function grid({ axes, cells, columns, best, bestBy, title }: StudyResult): string {
  const [y, x] = axes ?? [];
  if (!x || !y) return '';
  const marked = cells.find(({ name }) => name === best);
  const at = (cell: CellResult, path: string): number => Number(cell.values[path]);
  return svgHeatMap(
    {
      title: `${title}: Dice on the test split in percent`,
      xLabel: headingOf(columns, x.path),
      yLabel: headingOf(columns, y.path),
      xs: [...x.values].sort((a, b) => a - b),
      ys: [...y.values].sort((a, b) => a - b),
      value: (atX, atY) => {
        const cell = cells.find((one) => at(one, x.path) === atX && at(one, y.path) === atY);
        const values = cell ? [...percentages(cell, 'dice').values()] : [];
        return values.length === 0 ? null : spreadOf(values).mean;
      },
      ...(marked && {
        mark: {
          x: at(marked, x.path),
          y: at(marked, y.path),
          label: bestBy === 'paper' ? 'the paper’s best' : 'reference',
        },
      }),
    },
    FRAME,
  );
}

function headingOf(columns: StudyResult['columns'], path: string): string {
  return columns.find((column) => column.path === path)?.title ?? path;
}

/** The sample's deviation; 0 for a single value. */
function spreadOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

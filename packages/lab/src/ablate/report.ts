import { join } from 'node:path';
import { renderSvg, writeFileAtomic, writePngRgb } from '@reclmis/files';
import { figure, type Html, page, type ReportSection, table, warning } from '@reclmis/data';
import { runFiles } from '../run/run.js';
import { comparisonSvg } from '../runs/runs.js';
import { readEpochs } from '../run/metrics-log.js';
import { studyFigure } from './figure.js';
import { legend, resultLatex, resultMarkdown, resultTable, type StudyResult } from './results.js';

/** More cannot be told apart. */
const MOST_LINES = 12;

/**
 * `report.html`, `results.md`, `results.tex`, `results.json` and, for a grid of numbers, `plot.svg` and
 * `plot.png`.
 * @returns the files, the one to read first @throws OUTPUT_UNWRITABLE, DISK_FULL, RUN_INVALID
 */
export async function writeStudyReport(out: string, result: StudyResult): Promise<string[]> {
  const plot = studyFigure(result);
  const files: [string, string][] = [
    ['report.html', studyPage(result, plot)],
    ['results.md', resultMarkdown(result, plot === null ? null : 'plot.svg')],
    ['results.tex', resultLatex(result)],
    ['results.json', `${JSON.stringify(result, null, 2)}\n`],
    ...(plot === null ? [] : [['plot.svg', plot] satisfies [string, string]]),
  ];
  for (const [name, text] of files) await writeFileAtomic(join(out, name), text);
  if (plot !== null) await writePngRgb(join(out, 'plot.png'), await renderSvg(plot));
  return [...files.map(([name]) => name), ...(plot === null ? [] : ['plot.png'])].map((name) =>
    join(out, name),
  );
}

function studyPage(result: StudyResult, plot: string | null): string {
  const { title, source, remark, cells } = result;
  const { columns, rows } = resultTable(result);
  const missing = cells.flatMap(({ runs }) => runs.filter(({ state }) => state !== 'done')).length;
  const sections: ReportSection[] = [
    { id: 'results', title: 'Results', html: table(columns, rows, { caption: legend(result) }) },
  ];
  if (plot !== null) {
    sections.push({
      id: 'picture',
      title: 'Over the settings',
      html: figure(plot, { alt: `${title}: figures over the settings` }),
    });
  }
  const curves = learningCurves(result);
  if (curves !== null) {
    sections.push({
      id: 'curves',
      title: 'Learning curves',
      html: figure(curves, {
        alt: 'Validation Dice and training loss over epochs',
        caption: 'First seed of each cell.',
      }),
    });
  }
  sections.push({ id: 'runs', title: 'Runs', html: runTable(result) });
  return page({
    title,
    subtitle: `${source}.${remark === '' ? '' : ` ${remark}`}`,
    ...(missing > 0 && {
      lead: warning(`${missing} runs have no results yet; the table shows those that do.`),
    }),
    sections,
  });
}

/** Each cell's first run; null if there are none or too many. */
function learningCurves({ cells }: StudyResult): string | null {
  const begun = cells.flatMap(({ label, runs }) => {
    const dir = runs.find(({ epochs }) => epochs > 0)?.dir;
    return dir === undefined ? [] : [{ label, epochs: readEpochs(runFiles(dir).metrics) }];
  });
  if (begun.length === 0 || begun.length > MOST_LINES) return null;
  return comparisonSvg(
    begun.map(({ label }) => label),
    begun.map(({ epochs }) => epochs),
  );
}

/** Both forms of Dice and IoU; never mix them. */
function runTable({ cells }: StudyResult): Html {
  const percent = (share: number | undefined): string =>
    share === undefined ? '' : (100 * share).toFixed(2);
  return table(
    ['cell', 'seed', 'state', 'epochs', 'best epoch', 'Dice', 'mIoU', 'Dice pooled', 'IoU pooled', 'minutes'],
    cells.flatMap(({ label, runs }) =>
      runs.map(({ seed, state, epochs, score, seconds }) => [
        label,
        seed,
        state,
        epochs,
        score?.checkpoint.epoch ?? '',
        percent(score?.mean.dice),
        percent(score?.mean.iou),
        percent(score?.pooled.dice),
        percent(score?.pooled.iou),
        (seconds / 60).toFixed(1),
      ]),
    ),
    { caption: 'In percent. The first two are means over images; pooled figures count all pixels at once.' },
  );
}

/** The files of a study's report: the table for people, papers and programs, and the picture of a grid. */
import { join } from 'node:path';
import { renderSvg, writeFileAtomic, writePngRgb } from '@reclmis/files';
import { studyFigure } from './figure.js';
import { resultLatex, resultMarkdown, type StudyResult } from './results.js';

/**
 * Writes `results.json`, `results.md`, `results.tex` and, of a grid of numbers, `plot.svg` and `plot.png`, each whole or not at all.
 * @returns the files, the one to read first first.
 * @throws OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function writeStudyReport(out: string, result: StudyResult): Promise<string[]> {
  const figure = studyFigure(result);
  const files: [string, string][] = [
    ['results.md', resultMarkdown(result, figure === null ? null : 'plot.svg')],
    ['results.tex', resultLatex(result)],
    ['results.json', `${JSON.stringify(result, null, 2)}\n`],
    ...(figure === null ? [] : [['plot.svg', figure] satisfies [string, string]]),
  ];
  for (const [name, text] of files) await writeFileAtomic(join(out, name), text);
  if (figure !== null) await writePngRgb(join(out, 'plot.png'), await renderSvg(figure));
  return [...files.map(([name]) => name), ...(figure === null ? [] : ['plot.png'])].map((name) =>
    join(out, name),
  );
}

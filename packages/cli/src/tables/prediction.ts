/** What `reclmis predict` did: a table of the first cases, failures, and the command's error. */
import { ReclmisError, warningCodes, warningLines } from '@reclmis/core';
import type { CaseStatistics, PredictionSummary } from '@reclmis/predict';
import type { Output } from '../output.js';
import { formatTable, percent, right } from '../table.js';

/** Rows and failures on the terminal. */
export const SHOWN = 20;

/** The first cases, the first failures, and where everything is. */
export function sayPrediction(
  output: Output,
  out: string,
  { counts, failures, statistics, warnings, warned }: PredictionSummary,
  shown: readonly CaseStatistics[],
): void {
  if (shown.length > 0) {
    const rows = shown.map((one) => [
      one.id,
      `${one.width} x ${one.height}`,
      percent(one.share),
      String(one.componentCount),
      ...(warned > 0 ? [warningCodes(one.warnings ?? []).join(' ')] : []),
    ]);
    const columns = [
      { title: 'image' },
      right('pixels'),
      right('covered %'),
      right('areas'),
      ...(warned > 0 ? [{ title: 'warnings' }] : []),
    ];
    output.say(formatTable(columns, rows));
  }
  if (counts.done > shown.length) output.say(`... and ${counts.done - shown.length} more`);
  if (counts.skipped > 0) output.say(`${counts.skipped} were complete before`);
  for (const { error } of failures.slice(0, SHOWN)) output.notice(`failed ${error.code}: ${error.message}`);
  if (counts.failed > SHOWN) output.notice(`... and ${counts.failed - SHOWN} more that failed`);
  for (const line of warningLines(warnings, counts.done + counts.skipped, 'image')) output.warning(line);
  output.say(`\nResults: ${out}${statistics.map((path) => `\nFigures: ${path}`).join('')}`);
}

/** The command's error for what is not done; a single image's own. */
export function judgePrediction(out: string, { status, counts, codes, failures }: PredictionSummary): void {
  if (status === 'interrupted') {
    const seen = counts.done + counts.skipped;
    throw new ReclmisError('INTERRUPTED', `${out}: stopped after ${seen} of ${counts.cases} images`, {
      remedy: 'Run the same command with --resume to continue.',
    });
  }
  const [first] = failures;
  if (!first) return;
  if (counts.cases === 1) throw new ReclmisError(first.error.code, first.error.message);
  const kinds = Object.entries(codes).map(([code, count]) => `${code} ${count}`);
  throw new ReclmisError(
    'PREDICT_INCOMPLETE',
    `${out}: ${counts.failed} of ${counts.cases} images could not be segmented (${kinds.join(', ')}); run.json and statistics.json list them`,
  );
}

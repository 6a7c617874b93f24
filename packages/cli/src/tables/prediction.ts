/** What `reclmis predict` did: a table of the first cases, failures, and the command's error. */
import { join } from 'node:path';
import { ReclmisError, warningCodes, warningLines } from '@reclmis/core';
import type { CaseStatistics, PredictionSummary } from '@reclmis/predict';
import type { Output } from '../output.js';
import { formatTable, percent, right } from '../table.js';
import { lineWidth } from '../terminal.js';

/** Rows and failures on the terminal. */
export const SHOWN = 20;

/** The first cases, the first failures, and where everything is. */
export function sayPrediction(
  output: Output,
  out: string,
  { counts, failures, statistics, series = [], warnings, warned }: PredictionSummary,
  { shown, predictedDice }: SeenCases,
): void {
  const judged = shown.some(({ confidence }) => confidence !== undefined);
  if (shown.length > 0) {
    const names = (shown[0]?.classes ?? []).map(({ name }) => name);
    const rows = shown.map((one) => [
      one.id,
      `${one.width} x ${one.height}`,
      ...(one.classes?.map(({ share }) => percent(share)) ?? [
        percent(one.share),
        String(one.componentCount),
        ...(judged ? [one.confidence ? percent(one.confidence.dice) : '–'] : []),
      ]),
      ...(warned > 0 ? [warningCodes(one.warnings ?? []).join(' ')] : []),
    ]);
    const columns = [
      { title: 'image' },
      right('pixels'),
      ...(names.length > 0
        ? names.map((name) => right(`${name} %`))
        : [right('covered %'), right('areas'), ...(judged ? [right('predicted Dice %')] : [])]),
      ...(warned > 0 ? [{ title: 'warnings' }] : []),
    ];
    output.say(formatTable(columns, rows, names.length > 0 ? lineWidth() : undefined));
  }
  if (counts.done > shown.length) output.say(`... and ${counts.done - shown.length} more`);
  if (counts.skipped > 0) output.say(`${counts.skipped} were complete before`);
  for (const { error } of failures.slice(0, SHOWN)) output.notice(`failed ${error.code}: ${error.message}`);
  if (counts.failed > SHOWN) output.notice(`... and ${counts.failed - SHOWN} more that failed`);
  for (const line of warningLines(warnings, counts.done + counts.skipped, 'image')) output.warning(line);
  if (predictedDice) {
    const { cases, mean, least } = predictedDice;
    output.say(
      `Predicted Dice: mean ${percent(mean)} % of ${cases} ${cases === 1 ? 'image' : 'images'}, lowest ${percent(least.dice)} % (${least.id})`,
    );
  }
  for (const { left, advice = [] } of series) {
    for (const line of left) output.notice(`not written: ${line}`);
    for (const line of advice) output.notice(line);
  }
  const files = series.flatMap((one) => one.files);
  const more = files.length > SHOWN ? `\n... and ${files.length - SHOWN} more` : '';
  output.say(
    `\nResults: ${out}${files
      .slice(0, SHOWN)
      .map((file) => `\nSeries: ${join(out, file)}`)
      .join('')}${more}${statistics.map((path) => `\nFigures: ${path}`).join('')}`,
  );
}

/** What the terminal and `--json` need of the cases. */
export class SeenCases {
  /** The first ones. */
  readonly shown: CaseStatistics[] = [];
  readonly warned: Required<Pick<CaseStatistics, 'id' | 'warnings'>>[] = [];
  private sum = 0;
  private count = 0;
  private least: { readonly id: string; readonly dice: number } | null = null;

  constructor(private readonly json = false) {}

  add(one: CaseStatistics): void {
    if (this.shown.length < SHOWN) this.shown.push(one);
    if (this.json && one.warnings?.length) this.warned.push({ id: one.id, warnings: one.warnings });
    if (!one.confidence) return;
    const { dice } = one.confidence;
    this.sum += dice;
    this.count++;
    if (this.least === null || dice < this.least.dice) this.least = { id: one.id, dice };
  }

  /** Null if no Dice was predicted. */
  get predictedDice(): { cases: number; mean: number; least: { id: string; dice: number } } | null {
    return this.least && { cases: this.count, mean: this.sum / this.count, least: this.least };
  }
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

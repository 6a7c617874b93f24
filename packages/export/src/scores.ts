/** Scores of an exported run, from its folder. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelManifest } from '@reclmis/core';
import { isLitter, readTextSync } from '@reclmis/files';
import type { LoadedModel, Run } from '@reclmis/lab';
import { checkpointPath } from '@reclmis/lab';

type Scores = ModelManifest['scores'];

/**
 * The validation that chose the weights, and tests of these weights with the right notes in `evaluation/`,
 * unless older than the weights.
 */
export function scoresOf(run: Run, { checkpoint }: LoadedModel): Scores {
  const scores: Scores = [];
  const { validation } = checkpoint;
  if (validation) {
    scores.push({
      data: run.info.data?.val.name ?? 'unknown',
      split: 'validation',
      cases: validation.images,
      dice: validation.dice,
      iou: validation.iou,
    });
  }
  const folder = join(run.dir, 'evaluation');
  if (!existsSync(folder)) return scores;
  const trained = statSync(checkpointPath(run.dir, checkpoint.kind)).mtimeMs;
  for (const name of readdirSync(folder)
    .filter((entry) => !isLitter(entry))
    .sort()) {
    // `reclmis evaluate` writes DATA-test.csv; other weights and notes add a suffix.
    const named = checkpoint.kind === 'best' ? /^(.+)-test\.csv$/ : /^(.+)-test-last\.csv$/;
    const path = join(folder, name);
    const data = named.exec(name)?.[1];
    if (data === undefined || statSync(path).mtimeMs < trained) continue;
    const means = meansOf(readTextSync(path));
    if (means) scores.push({ data: dataOf(path) ?? data, split: 'test', ...means });
  }
  return scores;
}

function dataOf(table: string): string | null {
  const file = table.replace(/\.csv$/, '.json');
  if (!existsSync(file)) return null;
  try {
    const { data } = JSON.parse(readTextSync(file)) as { data?: { name?: unknown } };
    return typeof data?.name === 'string' ? data.name : null;
  } catch {
    return null;
  }
}

/** Means of `dice` and `iou` in files of `scoresToCsv`; else null. */
function meansOf(csv: string): { cases: number; dice: number; iou: number } | null {
  const [header = '', ...lines] = csv.split(/\r?\n/).filter((line) => line !== '');
  // Quoted ids may hold commas: count columns from the end.
  const columns = header.split(',');
  const column = (line: string, name: string): number =>
    Number(line.split(',').at(columns.indexOf(name) - columns.length));
  if (columns[0] !== 'id' || !columns.includes('dice') || !columns.includes('iou') || lines.length === 0)
    return null;
  const mean = (name: string): number =>
    lines.reduce((sum, line) => sum + column(line, name), 0) / lines.length;
  const [dice, iou] = [mean('dice'), mean('iou')];
  const isShare = (value: number): boolean => value >= 0 && value <= 1;
  return isShare(dice) && isShare(iou) ? { cases: lines.length, dice, iou } : null;
}

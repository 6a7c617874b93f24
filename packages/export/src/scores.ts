/** Scores of an exported run, from its folder. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, groupSums, type ModelManifest, rankCorrelation } from '@reclmis/core';
import { isLitter, readTextSync } from '@reclmis/files';
import {
  type CheckpointKind,
  type LoadedModel,
  type Run,
  checkpointPath,
  confidencePath,
} from '@reclmis/lab';

type Scores = ModelManifest['scores'];
type ConfidenceTests = NonNullable<ModelManifest['confidence']>['tests'];

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
  for (const { data, column, groups } of testTables(run, checkpoint.kind, 0)) {
    const means = meansOf(column('dice'), column('iou'), groups);
    if (means) scores.push({ data, split: 'test', ...means });
  }
  return scores;
}

/** How far off predicted Dice was in those tests that were made since it was fitted. */
export function confidenceTestsOf(run: Run, { checkpoint }: LoadedModel): ConfidenceTests {
  const fitted = statSync(confidencePath(run.dir)).mtimeMs;
  return testTables(run, checkpoint.kind, fitted).flatMap(({ data, column }) => {
    const [predicted, dice] = [column('predictedDice'), column('dice')];
    if (predicted.length === 0 || ![...predicted, ...dice].every(isShare)) return [];
    const rank = rankCorrelation(predicted, dice);
    return {
      data,
      cases: predicted.length,
      error: meanOf(predicted.map((value, i) => Math.abs(value - dice[i]!))),
      rank: Number.isNaN(rank) ? null : rank,
    };
  });
}

interface TestTable {
  /** Name of the data set. */
  readonly data: string;
  /** Its figures, NaN where a field is empty; none if the table lacks it. */
  readonly column: (name: string) => number[];
  /** Each row's patient, or its own id; none in tables without that column. */
  readonly groups: readonly string[];
}

/** Tests of these weights with the right notes, neither older than the weights nor than `since`. */
function testTables(run: Run, kind: CheckpointKind, since: number): TestTable[] {
  const folder = join(run.dir, 'evaluation');
  if (!existsSync(folder)) return [];
  const trained = statSync(checkpointPath(run.dir, kind)).mtimeMs;
  // `reclmis evaluate` writes DATA-test.csv; other weights and notes add a suffix.
  const pattern = kind === 'best' ? /^(.+)-test\.csv$/ : /^(.+)-test-last\.csv$/;
  return readdirSync(folder)
    .filter((entry) => !isLitter(entry))
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      const data = pattern.exec(name)?.[1];
      if (data === undefined || statSync(path).mtimeMs < Math.max(trained, since)) return [];
      return [{ data: dataOf(path) ?? data, ...columnsOf(readTextSync(path)) }];
    });
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

/** Columns of files of `scoresToCsv`. */
function columnsOf(csv: string): Pick<TestTable, 'column' | 'groups'> {
  const [header = '', ...lines] = csv.split(/\r?\n/).filter((line) => line !== '');
  const columns = header.split(',');
  const groups = columns[1] === 'group' ? lines.map(secondField) : [];
  const column = (name: string): number[] => {
    // Quoted ids may hold commas: count columns from the end.
    const place = columns.indexOf(name) - columns.length;
    if (columns[0] !== 'id' || place === -1 - columns.length) return [];
    return lines.map((line) => {
      const field = line.split(',').at(place) ?? '';
      return field === '' ? Number.NaN : Number(field);
    });
  };
  return { column, groups };
}

/** As it is written; fields in quotes may hold commas. */
function secondField(line: string): string {
  return /^(?:"(?:[^"]|"")*"|[^,]*),("(?:[^"]|"")*"|[^,]*)/.exec(line)?.[1] ?? '';
}

/** Null unless both are shares of some cases. @param groups for intervals; none without */
function meansOf(
  dices: number[],
  ious: number[],
  groups: readonly string[],
): Pick<Scores[number], 'cases' | 'dice' | 'iou' | 'interval'> | null {
  const [dice, iou] = [meanOf(dices), meanOf(ious)];
  if (!isShare(dice) || !isShare(iou)) return null;
  const means = { cases: dices.length, dice, iou };
  if (groups.length !== dices.length) return means;
  const rows = dices.map((value, i) => [1, value, ious[i]!]);
  const [ofDice, ofIou] = bootstrap(groupSums(rows, groups), ([n, d, i]) => [d! / n!, i! / n!]);
  const range = ({ low, high }: { low: number; high: number }): [number, number] => [low, high];
  return {
    ...means,
    interval: { dice: range(ofDice!), iou: range(ofIou!), patients: new Set(groups).size },
  };
}

const isShare = (value: number): boolean => value >= 0 && value <= 1;

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

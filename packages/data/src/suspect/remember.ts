/**
 * Keeps a check's findings for `train` and `evaluate` in the cache (`cacheHome`), a file per selection of
 * cases, keyed by a hash of names, notes, sizes and times. It holds codes and numbers, no names or notes.
 * Without one, a sample is measured.
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isWarningCode, type WarningCode } from '@reclmis/core';
import { cacheHome, mapLimit, writeFileAtomic } from '@reclmis/files';
import { measureAll, type MeasureOptions } from '../measure/measure-all.js';
import type { Case, Split } from '../types.js';
import { findSuspicions } from './index.js';
import { suspicionsSummary } from './summary.js';
import type { Subject, Suspicion } from './types.js';

/** Increase when the same cases may be judged differently. */
const VERSION = 2;
/** Takes two seconds on two cores at 224 x 224. */
const SAMPLE = 256;
const LANES = 8;

interface Kept {
  readonly looked: number;
  readonly all: number;
  readonly suspicions: readonly { readonly code: WarningCode; readonly count: number }[];
}

type Placed = Case & { readonly split: Split };

/** Ignores an unwritable cache. */
export async function rememberCheck(
  { suspicions }: { readonly suspicions: readonly Suspicion[] },
  subjects: readonly Subject[],
  group = '',
): Promise<void> {
  const parts = new Set(subjects.map(({ split }) => split));
  await keep(subjects, group, { looked: subjects.length, all: subjects.length, suspicions });
  // Training reads two splits, evaluation one.
  if (parts.size < 2) return;
  const selections: readonly (readonly Split[])[] = [['train', 'val'], ['train'], ['val'], ['test']];
  for (const splits of selections) {
    const own = subjects.filter(({ split }) => splits.includes(split));
    if (own.length === 0 || own.length === subjects.length) continue;
    const theirs = suspicions.flatMap(({ code, cases }) => {
      const count = cases.filter(({ split, other }) => splits.includes(split) || (other !== undefined && splits.includes(other.split))).length; // prettier-ignore
      return count === 0 ? [] : [{ code, count }];
    });
    await keep(own, group, { looked: own.length, all: own.length, suspicions: theirs });
  }
}

/** Or null. Stores a sample's findings too. */
export async function dataWarning(
  dir: string,
  cases: readonly Placed[],
  options: MeasureOptions & { readonly group?: string } = {},
): Promise<string | null> {
  const { group = '' } = options;
  const known = await recall(cases, group);
  if (known !== null) return suspicionsSummary(dir, known.suspicions, known);
  const step = Math.max(1, cases.length / SAMPLE);
  const chosen = Array.from({ length: Math.min(cases.length, SAMPLE) }, (_, i) => cases[Math.floor(i * step)]).filter((one) => one !== undefined); // prettier-ignore
  const splits = [...new Set(chosen.map(({ split }) => split))];
  const measured = await measureAll(
    splits.map((split) => ({ dir, split, cases: chosen.filter((one) => one.split === split) })),
    options,
  );
  const measures = new Map(measured.cases.map((one) => [`${one.split} ${one.id}`, one]));
  const subjects = chosen.flatMap((one): Subject[] => {
    const measure = measures.get(`${one.split} ${one.id}`);
    return measure === undefined ? [] : [{ ...one, measure }];
  });
  const found = findSuspicions(subjects, { group });
  const kept = { looked: subjects.length, all: cases.length, suspicions: found };
  await keep(cases, group, kept);
  return suspicionsSummary(dir, found, kept);
}

async function keyOf(cases: readonly Placed[], group: string): Promise<string | null> {
  const hash = createHash('sha256').update(`${VERSION}\0${group}\0`);
  try {
    const stats = await mapLimit(cases, LANES, async ({ imagePath, maskPath }) =>
      (await Promise.all([stat(imagePath), stat(maskPath)])).map(({ size, mtimeMs }) => `${size} ${mtimeMs}`),
    );
    for (const [i, { split, id, note, frame, window }] of cases.entries()) {
      const shown = frame === undefined && window === undefined ? [] : [JSON.stringify([frame, window])];
      hash.update([split, id, note, ...(stats[i] ?? []), ...shown].join('\0') + '\n');
    }
  } catch {
    return null; // reading a missing file reports it
  }
  return hash.digest('hex');
}

async function fileOf(cases: readonly Placed[], group: string): Promise<string | null> {
  const key = await keyOf(cases, group);
  return key === null ? null : join(cacheHome(), 'checks', `${key}.json`);
}

async function keep(
  cases: readonly Placed[],
  group: string,
  { looked, all, suspicions }: Kept,
): Promise<void> {
  const path = await fileOf(cases, group);
  if (path === null) return;
  const found = suspicions.map(({ code, count }) => ({ code, count }));
  await writeFileAtomic(path, `${JSON.stringify({ looked, all, suspicions: found })}\n`).catch(
    () => undefined,
  );
}

async function recall(cases: readonly Placed[], group: string): Promise<Kept | null> {
  const path = await fileOf(cases, group);
  if (path === null) return null;
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as Partial<Kept>;
    const { looked, all, suspicions } = kept;
    if (typeof looked !== 'number' || typeof all !== 'number' || !Array.isArray(suspicions)) return null;
    const sound = (suspicions as Partial<Kept['suspicions'][number]>[]).every(
      ({ code, count }) => typeof code === 'string' && isWarningCode(code) && typeof count === 'number',
    );
    return sound ? { looked, all, suspicions: suspicions as Kept['suspicions'] } : null;
  } catch {
    return null; // missing, or no longer ours
  }
}

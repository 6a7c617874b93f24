/** Earlier results in the output folder: different runs never mix. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { writeError } from '@reclmis/files';
import type { PredictionCase } from './cases.js';
import { type Beginning, type Entry, journalIdentity, readEntry, scanJournal } from './journal.js';
import { isSuffix } from './outputs.js';
import { casesOf, type Part, partOfJournal, recordNames } from './part.js';

async function othersIn(out: string, own: Part | null): Promise<(Part | null)[]> {
  const names = await readdir(out).catch((error: unknown) => {
    throw writeError(out, error);
  });
  const mine = recordNames(own).journal;
  return names
    .filter((name) => name !== mine)
    .flatMap((name) => partOfJournal(name) ?? [])
    .map(({ part }) => part);
}

const sameDivision = (one: Part | null, other: Part | null): boolean => one?.of === other?.of;

/**
 * Refuses to mix results of another model or, when starting over, another division into parts.
 * @param identityOf what this model's journal of a part would say @throws OUTPUT_EXISTS
 */
export async function refuseMixing(
  out: string,
  own: Part | null,
  beginning: Beginning,
  identityOf: (part: Part | null) => string,
): Promise<void> {
  if (beginning === 'overwrite') return;
  for (const part of await othersIn(out, own)) {
    const path = join(out, recordNames(part).journal);
    const found = await journalIdentity(path);
    if (found === null) continue;
    const expected = identityOf(part);
    if (found !== expected)
      throw new ReclmisError(
        'OUTPUT_EXISTS',
        `${path}: expected results of ${expected}, found those of ${found}`,
        {
          remedy:
            'Use the model that made them, replace them with --overwrite, or choose another folder with -o.',
        },
      );
    if (beginning === 'new' && !sameDivision(part, own))
      throw new ReclmisError(
        'OUTPUT_EXISTS',
        `${path}: an earlier prediction with a different --part division has its results here`,
        {
          remedy:
            'Use the same division with --resume, replace its results with --overwrite, or choose another folder with -o.',
        },
      );
  }
}

/** Removes earlier results of a part's cases, and outdated journals and figures. @throws OUTPUT_UNWRITABLE */
export async function clearEarlier(
  out: string,
  own: Part | null,
  cases: readonly PredictionCase[],
): Promise<void> {
  const others = (await othersIn(out, own)).filter((part) => !sameDivision(part, own));
  for (const part of [own, ...others]) {
    const names = recordNames(part);
    const { entries } = (await scanJournal(join(out, names.journal))) ?? {};
    for (const { id } of casesOf(cases, own)) {
      const position = entries?.get(id);
      if (position) await removeStale(out, await readEntry(position), {});
    }
    for (const name of [names.statistics, names.table, names.journal]) await remove(join(out, name));
  }
  const all = recordNames(null);
  for (const name of [all.statistics, all.table]) await remove(join(out, name));
}

/**
 * Removes only what an earlier run wrote; a file of another size is the user's own.
 * @throws OUTPUT_UNWRITABLE
 */
export async function removeStale(
  out: string,
  earlier: Entry | null,
  written: Readonly<Record<string, number>>,
): Promise<void> {
  if (earlier === null || 'error' in earlier) return;
  for (const [suffix, bytes] of Object.entries(earlier.files)) {
    const path = join(out, `${earlier.id}${suffix}`);
    if (!isSuffix(suffix) || suffix in written) continue;
    const info = await stat(path).catch(() => null);
    if (info?.size === bytes) await remove(path);
  }
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error: unknown) => {
    throw writeError(path, error);
  });
}

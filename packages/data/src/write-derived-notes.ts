/** Writes notes derived from masks to a file or into the data set, and compares them with existing ones. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ReclmisError, type Sides } from '@reclmis/core';
import { DERIVED, writeNotes } from '@reclmis/files';
import { openDataset } from './dataset.js';
import {
  agreementOf,
  deriveNotes,
  type DeriveNotesOptions,
  maskPaths,
  type NoteAgreement,
} from './derive-notes.js';
import { FOLDERS, notesOfSplit } from './layouts/lvit.js';
import { presentSplits } from './source.js';
import type { Split } from './types.js';

export interface DerivedNotesOptions extends DeriveNotesOptions {
  /** Default: all that are there. */
  readonly split?: Split;
  /** .xlsx, .csv or .jsonl. */
  readonly out?: string;
  /** Where training looks for them. Default false. */
  readonly inPlace?: boolean;
  /** With the data set's own notes. Default false. */
  readonly compare?: boolean;
  /** Default false. */
  readonly overwrite?: boolean;
}

export interface AgreementOfSplit {
  readonly split: Split;
  readonly sides: Sides;
  readonly counts: NoteAgreement;
}

export interface DerivedNotesWritten {
  readonly notes: number;
  /** Notes of masks without an area. */
  readonly withoutArea: number;
  /** Undefined if nothing was compared. */
  readonly agreement: readonly AgreementOfSplit[] | undefined;
  readonly written: readonly string[];
}

/** For one file. */
interface Part {
  readonly split: Split | null;
  readonly paths: readonly string[];
}

interface Row {
  readonly image: string;
  readonly note: string;
  readonly source: string;
}

/** @throws OPTION_INVALID if it needs a data set, OUTPUT_EXISTS before reading masks, and as `deriveNotes` */
export async function writeDerivedNotes(
  dir: string,
  options: DerivedNotesOptions,
): Promise<DerivedNotesWritten> {
  const { out, inPlace = false, compare = false, split: only, onProgress } = options;
  const parts = await partsOf(dir, only, inPlace || compare);
  const targets = await refuseTaken(dir, parts, options);
  const total = parts.reduce((sum, { paths }) => sum + paths.length, 0);
  const derived: { readonly split: Split | null; readonly rows: Row[] }[] = [];
  let done = 0;
  for (const { split, paths } of parts) {
    const before = done;
    const notes = await deriveNotes(paths, {
      ...options,
      onProgress: (count) => onProgress?.(before + count, total),
    });
    done += paths.length;
    derived.push({ split, rows: notes.map((row) => ({ ...row, source: DERIVED })) });
  }
  const rows = derived.flatMap((part) => part.rows);
  const agreement = compare ? await compareAll(dir, derived, options.sides) : undefined;
  const written: string[] = [];
  for (const { split, rows: own } of derived) {
    const target = targets.get(split);
    if (target === undefined) continue;
    await writeNotes(target, own);
    written.push(target);
  }
  if (out !== undefined) {
    await writeNotes(out, rows);
    written.push(out);
  }
  const withoutArea = rows.filter(({ note }) => /^No /.test(note)).length;
  return { notes: total, withoutArea, agreement, written };
}

/** Splits, or a folder of masks as a whole. @throws OPTION_INVALID if it needs a data set */
async function partsOf(dir: string, split: Split | undefined, needsDataset: boolean): Promise<Part[]> {
  const isDataset = Object.values(FOLDERS).some((name) => existsSync(join(dir, name)));
  if (!isDataset && (needsDataset || split !== undefined)) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `${dir}: --in-place, --compare and --split need a data set with Train_Folder, Val_Folder or Test_Folder`,
    );
  }
  if (!isDataset) return [{ split: null, paths: await maskPaths(dir) }];
  const splits = split === undefined ? await presentSplits(dir) : [split];
  const parts: Part[] = [];
  for (const one of splits) parts.push({ split: one, paths: await maskPaths(dir, one) });
  return parts;
}

/** @throws OUTPUT_EXISTS if notes exist and must stay, or two masks of one file have the same name */
async function refuseTaken(
  dir: string,
  parts: readonly Part[],
  { out, inPlace, overwrite }: DerivedNotesOptions,
): Promise<Map<Split | null, string>> {
  const remedy = 'Add --overwrite to replace them, or use --out FILE to write elsewhere.';
  const targets = new Map<Split | null, string>();
  if (inPlace === true) {
    for (const { split } of parts) {
      if (split === null) continue;
      const { own, present } = await notesOfSplit(dir, split);
      if (present !== null && overwrite !== true) {
        throw new ReclmisError('OUTPUT_EXISTS', `${present}: the ${split} split already has notes`, {
          remedy,
        });
      }
      targets.set(split, own);
    }
  }
  if (out === undefined) return targets;
  if (existsSync(out) && overwrite !== true) {
    throw new ReclmisError('OUTPUT_EXISTS', `${out}: already exists`, { remedy });
  }
  const names = parts.flatMap(({ paths }) => paths.map((path) => basename(path)));
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice === undefined) return targets;
  throw new ReclmisError('OUTPUT_EXISTS', `${out}: two splits contain a mask named ${twice}`, {
    remedy: 'Write one split at a time with --split, or write into the data set with --in-place.',
  });
}

async function compareAll(
  dir: string,
  derived: readonly { readonly split: Split | null; readonly rows: readonly Row[] }[],
  sides: Sides,
): Promise<AgreementOfSplit[]> {
  const found: AgreementOfSplit[] = [];
  for (const { split, rows } of derived) {
    if (split === null) continue;
    const { cases } = await openDataset(dir, split);
    const notes = new Map(rows.map(({ image, note }) => [image, note]));
    const pairs = cases.map(({ maskPath, note }) => [notes.get(basename(maskPath)) ?? '', note] as const);
    found.push({ split, sides, counts: agreementOf(pairs) });
  }
  return found;
}

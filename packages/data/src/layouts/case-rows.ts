/**
 * Cases from tables of them (`readCaseTable`): a row is a case. Rows of one image with different notes are several
 * cases; whatever a row leaves unclear is a problem that names it.
 */
import { basename, relative, resolve, sep } from 'node:path';
import {
  type ErrorCode,
  inSidesOf,
  type NoteRow,
  parseSpacing,
  ReclmisError,
  type Sides,
  type Spacing,
  type Table,
} from '@reclmis/core';
import { nameKey, oneLine } from '@reclmis/files';
import { type Case, type Split, SPLITS } from '../types.js';
import { imageIds, noteIds } from './case-ids.js';
import { byCode, stemOf } from './image-folder.js';
import type { Problem, DataSourceOptions, SplitScan } from './layout.js';
import { IMAGE_FOLDERS, Places } from './places.js';

const SPLIT_WORDS: Readonly<Record<Split, readonly string[]>> = {
  train: ['train', 'training'],
  val: ['val', 'valid', 'validation', 'dev'],
  test: ['test', 'testing'],
};

/** `validation` as val; null for another word. */
export function splitNamed(word: string): Split | null {
  const lower = word.trim().toLowerCase();
  return SPLITS.find((split) => SPLIT_WORDS[split].includes(lower)) ?? null;
}

export interface CaseTable {
  readonly path: string;
  /** Folder that paths in it are relative to. */
  readonly base: string;
  readonly table: Table;
  /** The split of its rows, unless they state their own. */
  readonly split?: Split;
}

interface Entry {
  readonly row: NoteRow;
  readonly from: CaseTable;
  readonly split: Split;
  /** `cases.csv: line 3`. */
  readonly item: string;
}

interface Located extends Entry {
  readonly image: string;
  /** From 1; null: the image's only one. */
  readonly slice: number | null;
  readonly mask: string;
  /** The table has no column of masks. */
  readonly byName: boolean;
}

const statesSplits = (tables: readonly CaseTable[]): boolean =>
  tables.some(
    ({ split, table }) => split !== undefined || table.rows.some((row) => (row.split ?? '') !== ''),
  );

/** Those that rows state; train alone if none does. */
export function splitsOfTables(tables: readonly CaseTable[]): readonly Split[] {
  if (!statesSplits(tables)) return ['train'];
  const said = new Set(
    tables.flatMap(({ split, table }) =>
      table.rows.map((row) => splitNamed(row.split ?? '') ?? split ?? 'train'),
    ),
  );
  return SPLITS.filter((split) => said.has(split));
}

/** @param root the folder that paths may not leave. */
export async function scanTables(
  { root, tables }: { readonly root: string; readonly tables: readonly CaseTable[] },
  split: Split,
  stems: ReadonlySet<string> | undefined,
  { outside = false }: DataSourceOptions,
): Promise<SplitScan> {
  const problems: Problem[] = [];
  const report = (entry: Pick<Entry, 'item' | 'split'>, code: ErrorCode, why: string): void => {
    problems.push({ code, split: entry.split, item: entry.item, message: `${entry.item}: ${why}` });
  };
  const entries = entriesOf(root, tables, report);
  const places = new Places(resolve(root), outside);
  const located: Located[] = [];
  for (const entry of entries) {
    const found = await locate(entry, places);
    if ('code' in found) report(entry, found.code, found.why);
    else located.push({ ...entry, ...found });
  }
  reportSharedMasks(root, located, report);
  const named = nameCases(root, located, report);
  const cases = named.filter(
    ({ split: own, one }) =>
      own === split && (stems === undefined || stems.has(one.id) || stems.has(one.imageId ?? one.id)),
  );
  const here = entries.filter((entry) => entry.split === split);
  if (stems !== undefined) reportStrangeStems(stems, named.filter((one) => one.split === split).map(({ one }) => one), split, problems); // prettier-ignore
  if (here.length === 0) {
    const message = `${basename(tables[0]?.path ?? root)}: holds no case of the split ${split}`;
    problems.push({ code: 'DATA_SPLIT_EMPTY', split, item: split, message, remedy: NO_SPLIT });
  }
  return {
    split,
    notesPath: tables[0]?.path ?? null,
    cases: cases.map(({ one }) => one).sort((a, b) => byCode(a.id, b.id)),
    problems: problems.filter((one) => one.split === split),
    images: new Set(here.map(({ row }) => `${row.image}\n${row.slice ?? ''}`)).size,
    masks: new Set(here.map(({ row }) => `${row.mask ?? row.image}\n${row.slice ?? ''}`)).size,
    notes: here.filter(({ row }) => row.description !== '').length,
  };
}

export const NO_SPLIT =
  'Make a split with `reclmis data split SOURCE -o splits.csv` and use --splits splits.csv, or cross-validate with --folds.';

function entriesOf(
  root: string,
  tables: readonly CaseTable[],
  report: (entry: Pick<Entry, 'item' | 'split'>, code: ErrorCode, why: string) => void,
): Entry[] {
  const stated = statesSplits(tables);
  return tables.flatMap((from) =>
    from.table.rows.flatMap((row): Entry[] => {
      const item = `${relative(root, from.path) || basename(from.path)}: ${from.table.unit} ${row.number}`;
      const said = splitNamed(row.split ?? '');
      if (said === null && (row.split ?? '') !== '')
        report({ item, split: from.split ?? 'train' }, 'NOTES_UNREADABLE', `expected the split train, val or test, got "${row.split ?? ''}"`); // prettier-ignore
      else if (said === null && from.split === undefined && stated)
        report({ item, split: 'train' }, 'NOTES_UNREADABLE', 'states no split, as other rows do');
      else return [{ row, from, item, split: said ?? from.split ?? 'train' }];
      return [];
    }),
  );
}

async function locate(
  { row, from: { base } }: Entry,
  places: Places,
): Promise<Pick<Located, 'image' | 'slice' | 'mask' | 'byName'> | { code: ErrorCode; why: string }> {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  const bad = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd]/u;
  if ([row.image, row.mask ?? '', row.class ?? '', row.description].some((text) => bad.test(text)))
    return { code: 'NOTES_UNREADABLE', why: 'holds a control character, or the sign of lost text (U+FFFD)' };
  if (row.image === '') return { code: 'NOTES_UNREADABLE', why: 'names no image' };
  const slice = (row.slice ?? '') === '' ? null : Number(/^[1-9]\d{0,5}$/u.exec(row.slice ?? '')?.[0]);
  if (Number.isNaN(slice))
    return {
      code: 'NOTES_UNREADABLE',
      why: `expected a slice, a whole number from 1, got "${row.slice ?? ''}"`,
    };
  if (row.mask === '') return { code: 'MASK_MISSING', why: `names no mask for ${row.image}` };
  if (row.description === '') return { code: 'NOTE_EMPTY', why: `has no note for ${row.image}` };
  const image = await places.find(base, row.image, IMAGE_FOLDERS, 'image');
  if (image.path === null) {
    const cell =
      row.numericName === undefined
        ? ''
        : ` (cell ${row.numericName} holds a number: leading zeros are lost)`;
    return { ...image, why: image.why + cell };
  }
  const mask =
    row.mask === undefined
      ? await places.maskOf(base, image.path)
      : await places.maskCalled(base, row.mask, image.path);
  if (mask.path === null) return mask;
  return { image: image.path, slice, mask: mask.path, byName: row.mask === undefined };
}

/** Images of one name in several folders: a mask that was found by that name is of one of them at most. */
function reportSharedMasks(
  root: string,
  located: readonly Located[],
  report: (entry: Located, code: ErrorCode, why: string) => void,
): void {
  const below = (path: string): string => relative(resolve(root), path);
  for (const own of groupBy(
    located.filter(({ byName }) => byName),
    ({ mask }) => mask,
  ).values()) {
    const first = own[0]?.image ?? '';
    for (const other of own.filter(({ image }) => image !== first))
      report(other, 'DATA_INVALID', `${below(other.mask)} is by its name the mask of both ${below(first)} and ${below(other.image)}; state masks in a column`); // prettier-ignore
  }
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

const quoted = (name: string): string => (name === '' ? 'nothing' : `"${name}"`);

/** Ids depend on all rows, whatever their split. */
function nameCases(
  root: string,
  located: readonly Located[],
  report: (entry: Located, code: ErrorCode, why: string) => void,
): { readonly split: Split; readonly one: Case }[] {
  const pathOf = ({ image }: Located): string => relative(resolve(root), image).split(sep).join('/');
  /** `a/scan_12.nii.gz` for slice 12 of `a/scan.nii.gz`. */
  const keyOf = (one: Located): string => {
    const stem = stemOf(pathOf(one));
    return one.slice === null ? pathOf(one) : `${stem}_${one.slice}${pathOf(one).slice(stem.length)}`;
  };
  const ids = imageIds(located.map(keyOf));
  const volumes = imageIds(located.map(pathOf));
  reportSlicesOfOneName(located, keyOf, report);
  reportPatients(located, report);
  const byImage = groupBy(located, ({ image, slice }) => `${image}\n${slice ?? ''}`);
  reportSpellings(located, report);
  const mixed = new Set(located.map(({ row }) => (row.sides ?? '').toLowerCase())).size > 1;
  return [...byImage.values()].flatMap((own) => {
    const byNote = groupBy(own, ({ row }) => nameKey(row.description).toLowerCase().replace(/\s+/gu, ' '));
    for (const [first, ...others] of byNote.values())
      for (const other of others)
        report(other, 'NOTES_CONFLICT', `has the image and note of ${first?.from.table.unit ?? 'row'} ${first?.row.number ?? 0}`); // prettier-ignore
    const distinct = [...byNote.values()].flatMap(([first]) => (first === undefined ? [] : [first]));
    const [{ slice }] = own as [Located];
    const image = ids.get(keyOf(own[0]!)) ?? '';
    const volumeId = volumes.get(pathOf(own[0]!)) ?? '';
    const names = noteIds(image, distinct.map(({ row }) => row.description)); // prettier-ignore
    return distinct.flatMap((entry, i) => {
      const one = caseOf(entry, names[i] ?? image, mixed, report);
      return one === null
        ? []
        : [
            {
              split: entry.split,
              one: {
                ...one,
                ...(distinct.length > 1 ? { imageId: image } : {}),
                ...(slice === null ? {} : { frame: slice - 1, volumeId, row: entry.item }),
              },
            },
          ];
    });
  });
}

/** Slice 12 of `scan.nii` is called `scan_12`, as a file beside it may be. */
function reportSlicesOfOneName(
  located: readonly Located[],
  keyOf: (one: Located) => string,
  report: (entry: Located, code: ErrorCode, why: string) => void,
): void {
  for (const [first, ...others] of groupBy(located, keyOf).values())
    for (const other of others)
      if (first !== undefined && (other.image !== first.image || other.slice !== first.slice))
        report(other, 'DATA_INVALID', `would be called ${keyOf(other)}, as ${first.from.table.unit} ${first.row.number} is; rename one of the files`); // prettier-ignore
}

/** Slices of a file are of one patient, too. */
function reportPatients(
  located: readonly Located[],
  report: (entry: Located, code: ErrorCode, why: string) => void,
): void {
  for (const own of groupBy(located, ({ image }) => image).values()) {
    const patient = own[0]?.row.patient ?? '';
    for (const other of own)
      if ((other.row.patient ?? '') !== patient)
        report(other, 'DATA_INVALID', `expected the patient ${quoted(patient)} that ${own[0]?.from.table.unit ?? 'row'} ${own[0]?.row.number ?? 0} states for this image, got ${quoted(other.row.patient ?? '')}`); // prettier-ignore
  }
}

/** Two spellings of a class would be scored as two classes. */
function reportSpellings(
  located: readonly Located[],
  report: (entry: Located, code: ErrorCode, why: string) => void,
): void {
  const classOf = ({ row }: Located): string => row.class ?? '';
  const folded = (name: string): string =>
    nameKey(name)
      .toLowerCase()
      .replace(/[\s_]+/gu, ' ');
  for (const [first, ...others] of groupBy(located, (one) => folded(classOf(one))).values())
    for (const other of others)
      if (first !== undefined && nameKey(classOf(other)) !== nameKey(classOf(first)))
        report(other, 'DATA_INVALID', `expected the class ${quoted(classOf(first))}, as ${first.from.table.unit} ${first.row.number} spells it, got ${quoted(classOf(other))}`); // prettier-ignore
}

/** @param mixed not all rows state the same sides: notes that mean the image's are turned to the patient's. */
function caseOf(
  entry: Located,
  id: string,
  mixed: boolean,
  report: (entry: Located, code: ErrorCode, why: string) => void,
): Case | null {
  const { row, image, mask } = entry;
  const sides = (row.sides ?? '').toLowerCase();
  if (!['', 'patient', 'image'].includes(sides) || (mixed && sides === '')) {
    const got = sides === '' ? 'nothing, unlike other rows' : `"${row.sides ?? ''}"`;
    report(entry, 'NOTES_UNREADABLE', `expected the sides patient or image, got ${got}`);
    return null;
  }
  let spacing: Spacing | undefined;
  try {
    if (row.spacing !== '') spacing = parseSpacing(row.spacing, 'the spacing', 'NOTES_UNREADABLE');
  } catch (error) {
    if (!(error instanceof ReclmisError)) throw error;
    report(entry, 'NOTES_UNREADABLE', oneLine(error));
    return null;
  }
  const turned = mixed ? inSidesOf(row.description, 'patient', sides as Sides) : null;
  const [doubt] = turned?.warnings ?? [];
  if (doubt !== undefined) {
    report(entry, 'NOTES_UNREADABLE', doubt.message);
    return null;
  }
  return {
    id,
    imagePath: image,
    maskPath: mask,
    note: turned?.text ?? row.description,
    ...((row.class ?? '') === '' ? {} : { class: nameKey(row.class ?? '') }),
    ...(spacing === undefined ? {} : { spacing }),
    ...((row.patient ?? '') === '' ? {} : { patient: row.patient ?? '' }),
    ...(/^derived\b/iu.test(row.source) ? { derived: true as const } : {}),
    ...(sides === '' ? {} : { sides: mixed ? 'patient' : (sides as Sides) }),
  };
}

/** Reports selected stems without a case. */
export function reportStrangeStems(
  stems: ReadonlySet<string>,
  cases: readonly Case[],
  split: Split,
  problems: Problem[],
): void {
  const known = new Set(cases.flatMap(({ id, imageId = id }) => [id, imageId]));
  for (const stem of stems)
    if (!known.has(stem)) problems.push({ code: 'STEM_UNKNOWN', split, item: stem, message: `${stem}: the list of stems names no case of the split ${split}` }); // prettier-ignore
  if (stems.size === 0) problems.push({ code: 'DATA_SPLIT_EMPTY', split, item: split, message: `${split}: the list of stems is empty` }); // prettier-ignore
}

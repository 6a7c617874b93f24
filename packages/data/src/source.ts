/**
 * The splits of a source of data: its layout's, or those that a table of cases and splits states (`data.splits`):
 *
 *     case,split,patient
 *     scan-017,train,P-4
 *
 * A case without a split is left out; one that the table does not name is a problem, and so is the reverse.
 */
import { basename } from 'node:path';
import { parseWindow, ReclmisError } from '@reclmis/core';
import { nameKey, readCaseTable } from '@reclmis/files';
import { byCode } from './layouts/image-folder.js';
import type { Problem, DataSourceOptions, SplitScan } from './layouts/layout.js';
import { layoutOf } from './layouts/registry.js';
import { splitNamed } from './layouts/case-rows.js';
import { type Case, type Split, SPLITS } from './types.js';

interface Assigned {
  /** Null: left out. */
  readonly split: Split | null;
  readonly patient: string;
}

/** @throws NOTES_MISSING, NOTES_UNREADABLE, NOTES_CONFLICT for a case in two rows */
async function readSplits(path: string): Promise<ReadonlyMap<string, Assigned>> {
  const { rows, unit } = await readCaseTable(path, {
    names: { image: ['case'], slice: [], mask: [], note: [], class: [], spacing: [], sides: [], source: [] },
    required: ['image', 'split'],
  });
  const assigned = new Map<string, Assigned>();
  for (const { number, image, split = '', patient = '' } of rows) {
    const named = splitNamed(split);
    const refuse = (why: string): ReclmisError =>
      new ReclmisError('NOTES_UNREADABLE', `${path}: ${unit} ${number}: ${why}`, {
        remedy: 'Make the table again with `reclmis data split SOURCE -o splits.csv`.',
      });
    if (image === '') throw refuse('names no case');
    if (named === null && split !== '') throw refuse(`expected train, val, test or nothing, got "${split}"`);
    if (assigned.has(nameKey(image)))
      throw new ReclmisError('NOTES_CONFLICT', `${path}: ${unit} ${number}: names the case ${image} again`);
    assigned.set(nameKey(image), { split: named, patient });
  }
  return assigned;
}

/** @throws DATA_FOLDER_MISSING and other codes of layouts */
export async function presentSplits(
  source: string,
  options: DataSourceOptions = {},
): Promise<readonly Split[]> {
  const { splits = '' } = options;
  const { layout } = await layoutOf(source, options.layout);
  if (splits === '') return layout.splits(source, options);
  const said = new Set([...(await readSplits(splits)).values()].map(({ split }) => split));
  return SPLITS.filter((split) => said.has(split));
}

/** @throws DATA_FOLDER_MISSING and other codes of layouts */
export async function scanSplit(
  source: string,
  split: Split,
  stems?: ReadonlySet<string>,
  options: DataSourceOptions = {},
): Promise<SplitScan> {
  const { layout } = await layoutOf(source, options.layout);
  const { splits = '' } = options;
  if (splits === '') return shown(await layout.scan(source, split, stems, options), options);
  const assigned = await readSplits(splits);
  const scans = await scanAll(source, options);
  const problems: Problem[] = scans.flatMap((one) => one.problems);
  const report = (code: Problem['code'], item: string, message: string, remedy?: string): void => {
    problems.push({
      code,
      split,
      item,
      message: `${item}: ${message}`,
      ...(remedy === undefined ? {} : { remedy }),
    });
  };
  const file = basename(splits);
  const all = scans.flatMap(({ cases }) => cases);
  const known = new Set<string>();
  const cases: Case[] = [];
  for (const one of all) {
    const own = assigned.get(one.id);
    if (known.has(one.id)) report('DATA_INVALID', one.id, `two cases of the data set have this name, so ${file} cannot tell them apart`);
    else if (own === undefined) report('DATA_INVALID', one.id, `${file} does not name this case`, `Make ${file} again with \`reclmis data split\`, or add a row for the case; without a split there it is left out.`); // prettier-ignore
    known.add(one.id);
    if (
      own?.split !== split ||
      (stems !== undefined && !stems.has(one.id) && !stems.has(one.imageId ?? one.id))
    )
      continue;
    cases.push(own.patient === '' ? one : { ...one, patient: own.patient });
  }
  for (const id of problems.length > 0 ? [] : assigned.keys())
    if (!known.has(id)) report('STEM_UNKNOWN', id, `${file} names a case that the data set does not have`);
  if (cases.length === 0 && problems.length === 0)
    report('DATA_SPLIT_EMPTY', file, stems === undefined ? `holds no case of the split ${split}` : `holds none of the listed cases in the split ${split}`); // prettier-ignore
  return {
    split,
    notesPath: scans[0]?.notesPath ?? null,
    cases: cases.sort((a, b) => byCode(a.id, b.id)),
    // Of all splits: a row that cannot be read may be a case of this one.
    problems,
    warnings: scans.flatMap(({ warnings = [] }) => warnings),
    images: new Set(cases.map(({ imagePath }) => imagePath)).size,
    masks: cases.length,
    notes: cases.length,
  };
}

/** All cases by the source's own splits. @throws DATA_FOLDER_MISSING and other codes of layouts */
export async function scanAll(
  source: string,
  options: DataSourceOptions = {},
): Promise<readonly SplitScan[]> {
  const { layout } = await layoutOf(source, options.layout);
  const scans: SplitScan[] = [];
  for (const split of await layout.splits(source, options))
    scans.push(shown(await layout.scan(source, split, undefined, options), options));
  return scans;
}

/** Cases with the window in which they are shown. @throws OPTION_INVALID */
function shown(scan: SplitScan, { window: text = '' }: DataSourceOptions): SplitScan {
  if (text === '') return scan;
  const window = parseWindow(text, 'data.window');
  return { ...scan, cases: scan.cases.map((one) => ({ ...one, window })) };
}

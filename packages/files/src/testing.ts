/** For this package's tests. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ReclmisError, type ErrorCode } from '@reclmis/core';
import { strToU8, zipSync } from 'fflate';

/** Runs `work` in a fresh folder and removes it. */
export async function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'reclmis-files-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function writeFiles(
  dir: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  }
}

/** Code and message of a promise's coded error; fails if there is none. */
export async function errorOf(promise: Promise<unknown>): Promise<{ code: ErrorCode; message: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ReclmisError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('expected an error, got none');
}

/** A made workbook; everything else is minimal. */
export interface MadeWorkbook {
  readonly sheets: readonly {
    readonly name: string;
    readonly state?: 'visible' | 'hidden' | 'veryHidden';
    /** Content of `<sheetData>`, or with `whole` of the whole part. */
    readonly data: string;
    readonly after?: string;
    readonly whole?: string | Uint8Array;
    /** Relationship type. Default worksheet. */
    readonly type?: string;
  }[];
  /** Content of `<sst>`, shared strings. */
  readonly strings?: string;
  /** Content of `<styleSheet>`. */
  readonly styles?: string;
  readonly properties?: string;
  /** Further or replaced parts. */
  readonly parts?: Readonly<Record<string, string | Uint8Array>>;
}

const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';

/** An XLSX workbook by hand, with what no program of ours writes. */
export function makeWorkbook({
  sheets,
  strings,
  styles,
  properties = '',
  parts = {},
}: MadeWorkbook): Uint8Array {
  const relations = (rows: readonly (readonly [id: string, type: string, target: string])[]): string =>
    `<Relationships>${rows.map(([id, type, target]) => `<Relationship Id="${id}" Type="${OFFICE}/${type}" Target="${target}"/>`).join('')}</Relationships>`;
  const files: Record<string, string | Uint8Array> = {
    '[Content_Types].xml': '<Types/>',
    '_rels/.rels': relations([['r', 'officeDocument', 'xl/workbook.xml']]),
    'xl/workbook.xml': `<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}">${properties}<sheets>${sheets
      .map(
        ({ name, state }, i) =>
          `<sheet name="${name}" sheetId="${i + 1}"${state === undefined ? '' : ` state="${state}"`} r:id="s${i}"/>`,
      )
      .join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relations([
      ...sheets.map(({ type = 'worksheet' }, i) => [`s${i}`, type, `worksheets/sheet${i}.xml`] as const),
      ...(strings === undefined ? [] : [['t', 'sharedStrings', '/xl/sharedStrings.xml'] as const]),
      ...(styles === undefined ? [] : [['y', 'styles', 'styles.xml'] as const]),
    ]),
    ...Object.fromEntries(
      sheets.map(({ data, after = '', whole }, i) => [
        `xl/worksheets/sheet${i}.xml`,
        whole ?? `<worksheet xmlns="${MAIN}"><sheetData>${data}</sheetData>${after}</worksheet>`,
      ]),
    ),
    ...(strings === undefined ? {} : { 'xl/sharedStrings.xml': `<sst xmlns="${MAIN}">${strings}</sst>` }),
    ...(styles === undefined
      ? {}
      : { 'xl/styles.xml': `<styleSheet xmlns="${MAIN}">${styles}</styleSheet>` }),
    ...parts,
  };
  return zipSync(
    Object.fromEntries(
      Object.entries(files).map(([name, part]) => [name, typeof part === 'string' ? strToU8(part) : part]),
    ),
    { level: 1 },
  );
}

/** A row of text cells for `makeWorkbook`, without `r`; XML cells are kept. */
export const cells = (...texts: readonly string[]): string =>
  `<row>${texts.map((text) => (text.startsWith('<c') ? text : `<c t="inlineStr"><is><t>${text}</t></is></c>`)).join('')}</row>`;

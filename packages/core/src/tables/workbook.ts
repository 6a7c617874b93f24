/**
 * Notes from an XLSX workbook (ECMA-376): the first visible sheet with the columns. Hidden sheets are never
 * read; two sheets of notes are refused.
 */
import { ReclmisError } from '../errors.js';
import { describeFields, type NoteRow, NOTES, type Table, type TableForm, unreadable } from './columns.js';
import { readFormats } from './formats.js';
import { isShownText, readSheet, type SharedParts, unescapeText } from './sheet.js';
import { readXml } from './xml.js';
import { readZip } from './zip.js';

interface Sheet {
  readonly name: string;
  readonly visible: boolean;
  readonly part: string;
}

interface Relation {
  /** `worksheet`, `sharedStrings`, `styles`. */
  readonly type: string;
  readonly part: string;
}

/** With a slash at its end; empty: none. */
const folderOf = (part: string): string => part.slice(0, part.lastIndexOf('/') + 1);
const nameOf = (part: string): string => part.slice(part.lastIndexOf('/') + 1);

/** A path without "." and "..". */
function resolved(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..' && names.length > 0) names.pop();
    else if (name !== '.' && name !== '') names.push(name);
  }
  return names.join('/');
}

class Workbook {
  constructor(
    readonly path: string,
    private readonly parts: ReadonlyMap<string, Uint8Array>,
  ) {}

  bytesOf(part: string): Uint8Array {
    const bytes = this.parts.get(part);
    if (bytes !== undefined) return bytes;
    throw unreadable(
      this.path,
      `the workbook is damaged: it has no part ${part}`,
      'Save the table again as XLSX.',
    );
  }

  /** Targets by id, without links out of the workbook. */
  relationsOf(part: string): ReadonlyMap<string, Relation> {
    const relations = new Map<string, Relation>();
    const file = `${folderOf(part)}_rels/${nameOf(part)}.rels`;
    const bytes = this.parts.get(file);
    if (bytes === undefined) return relations;
    readXml(this.path, file, bytes, {
      open: (at, { Id = '', Type = '', Target = '', TargetMode }) => {
        if (at.length !== 2 || TargetMode === 'External') return;
        const target = Target.startsWith('/') ? Target.slice(1) : resolved(folderOf(part) + Target);
        relations.set(Id, { type: nameOf(Type), part: target.toLowerCase() });
      },
    });
    return relations;
  }
}

function sheetsOf(book: Workbook, part: string): { sheets: Sheet[]; from1904: boolean } {
  const relations = book.relationsOf(part);
  const sheets: Sheet[] = [];
  let from1904 = false;
  readXml(book.path, part, book.bytesOf(part), {
    open: ([, group, element], attributes) => {
      if (group === 'workbookPr' && element === undefined)
        from1904 = /^(?:1|true|on)$/u.test(attributes['date1904'] ?? '');
      if (group !== 'sheets' || element !== 'sheet') return;
      const [, id = ''] = Object.entries(attributes).find(([name]) => name.endsWith(':id')) ?? [];
      const relation = relations.get(id);
      if (relation === undefined)
        throw unreadable(
          book.path,
          `the workbook is damaged: it does not state where the sheet ${JSON.stringify(attributes['name'])} is`,
          'Open the workbook in a spreadsheet program and save it again as XLSX.',
        );
      if (relation.type !== 'worksheet') return; // a chart, a dialogue, a macro
      const name = attributes['name'] ?? '';
      sheets.push({ name, visible: (attributes['state'] ?? 'visible') === 'visible', part: relation.part });
    },
  });
  return { sheets, from1904 };
}

function stringsOf(path: string, part: string, bytes: Uint8Array): string[] {
  const strings: string[] = [];
  let text = '';
  readXml(path, part, bytes, {
    open: (at) => {
      if (at.length === 2) text = '';
    },
    text: (at, piece) => {
      if (isShownText(at)) text += piece;
    },
    close: (at) => {
      if (at.length === 2 && at[1] === 'si') strings.push(unescapeText(text));
    },
  });
  return strings;
}

const list = (sheets: readonly { readonly name: string }[]): string =>
  sheets.map(({ name }) => JSON.stringify(name)).join(' and ');

/**
 * @throws NOTES_UNREADABLE (damaged, too large, no visible sheet with the columns, a cell that is no text),
 * NOTES_CONFLICT (two sheets of notes)
 */
export function parseWorkbook(path: string, bytes: Uint8Array, form: TableForm = NOTES): Table {
  const book = new Workbook(path, readZip(path, bytes));
  const main = [...book.relationsOf('').values()].find(({ type }) => type === 'officeDocument')?.part;
  if (main === undefined)
    throw unreadable(
      path,
      'is a zip archive but not a workbook',
      'Save the table as XLSX, or as CSV with the extension .csv.',
    );
  const { sheets, from1904 } = sheetsOf(book, main);
  const linked = [...book.relationsOf(main).values()];
  const stylesPart = linked.find(({ type }) => type === 'styles')?.part;
  const stringsPart = linked.find(({ type }) => type === 'sharedStrings')?.part;
  const shared: SharedParts = {
    strings: stringsPart === undefined ? [] : stringsOf(path, stringsPart, book.bytesOf(stringsPart)),
    formats: readFormats(
      path,
      stylesPart === undefined ? null : { part: stylesPart, bytes: book.bytesOf(stylesPart) },
      from1904,
    ),
  };

  const found: { readonly name: string; readonly rows: readonly NoteRow[] }[] = [];
  const others: { readonly name: string; readonly fields: readonly string[] }[] = [];
  const failures: { readonly name: string; readonly error: ReclmisError }[] = [];
  for (const { name, part } of sheets.filter(({ visible }) => visible)) {
    try {
      const { rows, fields } = readSheet(path, { name, part, bytes: book.bytesOf(part) }, shared, form);
      if (rows === null) others.push({ name, fields });
      else found.push({ name, rows });
    } catch (error) {
      if (!(error instanceof ReclmisError)) throw error;
      failures.push({ name, error });
    }
  }
  const filled = found.filter(({ rows }) => rows.length > 0);
  const claims = [...filled, ...failures];
  if (claims.length > 1)
    throw new ReclmisError(
      'NOTES_CONFLICT',
      `${path}: expected one visible sheet with the columns ${form.shown}, got ${list(claims)}`,
      {
        remedy: 'Hide or delete the other sheets, or move the notes to a separate workbook.',
      },
    );
  if (failures[0] !== undefined) throw failures[0].error;
  const only = filled[0] ?? found[0];
  if (only !== undefined) return { unit: 'row', rows: only.rows };
  if (
    others.length > 0 &&
    others.every(({ fields }) => fields.length === 0) &&
    sheets.every(({ visible }) => visible)
  )
    return { unit: 'row', rows: [] };
  throw withoutColumns(
    path,
    form,
    others,
    sheets.filter(({ visible }) => !visible),
  );
}

function withoutColumns(
  path: string,
  { shown }: TableForm,
  others: readonly { readonly name: string; readonly fields: readonly string[] }[],
  hidden: readonly Sheet[],
): ReclmisError {
  const got = others
    .map(({ name, fields }) => `${JSON.stringify(name)}: ${describeFields(fields)}`)
    .slice(0, 5);
  const visible = others.length === 1 ? describeFields(others[0]?.fields ?? []) : got.join('; ');
  const besides =
    hidden.length === 0
      ? ''
      : `; ${list(hidden.slice(0, 5))} ${hidden.length === 1 ? 'is' : 'are'} hidden and not read`;
  return unreadable(
    path,
    `expected the columns ${shown} in the first row of a visible sheet, got ${visible || 'no visible sheet'}${besides}`,
    hidden.length === 0
      ? `Name the columns ${shown} in the first row of the sheet.`
      : `Unhide the sheet; its first row must name the columns ${shown}.`,
  );
}

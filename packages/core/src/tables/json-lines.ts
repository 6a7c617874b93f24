/**
 * Rows from JSON lines, for notes `{"image": ..., "note": ..., "spacing": ..., "source": ...}`; all but the image
 * may be missing or null; spacing is a number or [width, height]. Other members are ignored, unless similar to
 * these.
 */
import type { ReclmisError } from '../errors.js';
import { type Column, NOTE_MEMBERS, type NoteRow, rowOf, type Table, type TableForm, unreadable } from './columns.js'; // prettier-ignore

const MISTAKEN: Readonly<Record<string, string>> = { description: 'note', mask: 'image', file: 'image' };

function memberNames(json: string): string[] {
  const names: string[] = [];
  let depth = 0;
  // Only brackets, strings and colons after them matter.
  for (const [token, name] of json.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[[\]{}]/gu)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (name !== undefined && depth === 1) names.push(JSON.parse(name) as string);
  }
  return names;
}

function checkNames(line: string, members: readonly string[], wrong: (why: string) => ReclmisError): void {
  const names = memberNames(line);
  const twice = names.find((name, i) => members.includes(name) && names.indexOf(name) !== i);
  if (twice !== undefined) throw wrong(`holds "${twice}" twice`);
  for (const name of names) {
    if (members.includes(name)) continue;
    const lower = name.trim().toLowerCase();
    const meant = members.includes(lower) ? lower : MISTAKEN[lower];
    if (meant !== undefined && members.includes(meant) && !names.includes(meant))
      throw wrong(`expected "${meant}", got "${name}"`);
  }
}

function spacingText(value: unknown, wrong: (why: string) => ReclmisError): string {
  if (value === null || value === undefined) return '';
  const numbers: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (numbers.length < 1 || numbers.length > 2 || !numbers.every((number) => typeof number === 'number'))
    throw wrong('expected a number or two numbers as "spacing"');
  return numbers.join(' x ');
}

/**
 * `required` members that no line has are empty; others are absent, as a table's columns. Each line states one of
 * `either`; default: the image.
 */
type JsonForm = Pick<TableForm, 'names'> & Partial<Pick<TableForm, 'required' | 'either'>>;

/** @param text with LF line ends; blank lines are skipped. @throws NOTES_UNREADABLE naming the line */
export function parseJsonLines(text: string, path = 'JSONL', form: JsonForm = NOTE_MEMBERS): Table {
  const known = Object.values(form.names).flat();
  const columns = Object.keys(form.names) as Column[];
  const used = new Set<Column>(form.required);
  const found: { readonly number: number; readonly text: ReadonlyMap<string, string> }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const wrong = (why: string): ReclmisError =>
      unreadable(
        path,
        `line ${index + 1}: ${why}`,
        'Write each case as one line: {"image": "a.png", "note": "...", "spacing": 0.143}.',
      );
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw wrong('is not JSON'); // the parser's own message quotes the line
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrong('expected an object');
    checkNames(line, known, wrong);
    const members = value as Readonly<Record<string, unknown>>;
    const memberOf = (column: Column): string =>
      form.names[column]?.find((name) => Object.hasOwn(members, name)) ?? form.names[column]?.[0] ?? column;
    const text = (column: Column): string => {
      const member = memberOf(column);
      const said = (Object.hasOwn(members, member) ? members[member] : null) ?? '';
      if (column === 'spacing') return spacingText(members[member], wrong);
      if (
        (column === 'patient' || column === 'source' || column === 'class' || column === 'slice') &&
        typeof said === 'number' &&
        Number.isSafeInteger(said)
      )
        return String(said);
      if (typeof said !== 'string') throw wrong(`expected text as "${member}"`);
      return said.trim();
    };
    const { either = ['image'] } = form;
    if (either.every((column) => text(column) === ''))
      throw wrong(
        `expected an object with the text ${either.map((column) => `"${memberOf(column)}"`).join(' or ')}`,
      );
    for (const column of columns) if (Object.hasOwn(members, memberOf(column))) used.add(column);
    const texts = columns.map((column) => [column, text(column)] as const);
    found.push({ number: index + 1, text: new Map<string, string>(texts) });
  }
  const at = Object.fromEntries([...used].map((column) => [column, 0]));
  return { unit: 'line', rows: found.map((row): NoteRow => rowOf(row.number, at, (column) => row.text.get(column) ?? '')) }; // prettier-ignore
}

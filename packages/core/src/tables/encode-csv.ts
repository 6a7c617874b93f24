/** Writes tables that `parseCsv` reads. */

/** RFC 4180, comma, CRLF, for `parseCsv`. */
export function encodeCsv(rows: readonly (readonly string[])[]): string {
  const field = (text: string): string =>
    /[",;\t\r\n]|^\s|\s$/u.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

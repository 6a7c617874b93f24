/**
 * Markdown for documentation, LaTeX for papers. Cells are escaped plain text; the first column is aligned
 * left, the others, for figures, right.
 */

export type Rows = readonly (readonly string[])[];

export interface LatexOptions {
  /** Escaped like a cell. */
  readonly caption: string;
  /** For `\ref`, e.g. `tab:components`: letters, digits and `:-.`; LaTeX reads it unescaped. */
  readonly label: string;
}

/**
 * GitHub's form, padded columns; ends with a line break.
 * @param columns at least one @throws RangeError unless rows have as many cells as there are columns (the
 * caller's mistake)
 */
export function markdownTable(columns: readonly string[], rows: Rows): string {
  checkShape(columns, rows);
  const cells = [columns, ...rows].map((row) => row.map(escapeMarkdown));
  const widths = columns.map((_, at) => Math.max(3, ...cells.map((row) => [...(row[at] ?? '')].length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => pad(cell, widths[at] ?? 3, at > 0)).join(' | ')} |`;
  const rule = widths.map((width, at) => (at > 0 ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  const [header = [], ...body] = cells;
  return [line(header), `| ${rule.join(' | ')} |`, ...body.map(line)].join('\n') + '\n';
}

/**
 * Floats, with rules of `booktabs`; ends with a line break.
 * @throws RangeError unless rows have as many cells as there are columns, or for a label that LaTeX would
 * read
 */
export function latexTable(columns: readonly string[], rows: Rows, options: LatexOptions): string {
  checkShape(columns, rows);
  if (!/^[A-Za-z0-9:.-]+$/.test(options.label)) {
    throw new RangeError(`label: expected letters, digits and ":-.", got ${options.label}`);
  }
  const line = (row: readonly string[]): string => `    ${row.map(escapeLatex).join(' & ')} \\\\`;
  return [
    '\\begin{table}',
    '  \\centering',
    `  \\begin{tabular}{l${'r'.repeat(columns.length - 1)}}`,
    '    \\toprule',
    line(columns),
    '    \\midrule',
    ...rows.map(line),
    '    \\bottomrule',
    '  \\end{tabular}',
    `  \\caption{${escapeLatex(options.caption)}}`,
    `  \\label{${options.label}}`,
    '\\end{table}',
    '',
  ].join('\n');
}

/** Escapes for a table's cell. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\s*\r?\n\s*/g, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/[\\`*_|[\]~]/g, (character) => `\\${character}`);
}

const LATEX: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  '&': '\\&',
  '%': '\\%',
  $: '\\$',
  '#': '\\#',
  _: '\\_',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '$<$',
  '>': '$>$',
  '|': '$|$',
  '±': '$\\pm$',
  '×': '$\\times$',
  '−': '$-$',
  '≤': '$\\le$',
  '≥': '$\\ge$',
  '✓': '$\\checkmark$',
  Δ: '$\\Delta$',
};

/** Escapes for any font encoding. */
export function escapeLatex(text: string): string {
  return text
    .replace(/\s*\r?\n\s*/g, ' ')
    .replace(/[\\{}&%$#_~^<>|±×−≤≥✓Δ]/g, (character) => LATEX[character] ?? character);
}

/** `84.8 ± 0.3`; just the value for one, a dash for none. */
export function meanAndDeviation(values: readonly number[], digits = 2): string {
  if (values.length === 0) return '–';
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return mean.toFixed(digits);
  // Seeds are a sample.
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return `${mean.toFixed(digits)} ± ${Math.sqrt(variance).toFixed(digits)}`;
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(width - [...text].length);
  return right ? space + text : text + space;
}

function checkShape(columns: readonly string[], rows: Rows): void {
  if (columns.length === 0) throw new RangeError('a table needs at least one column');
  const at = rows.findIndex((row) => row.length !== columns.length);
  if (at >= 0) {
    throw new RangeError(`row ${at + 1}: expected ${columns.length} cells, got ${rows[at]?.length ?? 0}`);
  }
}

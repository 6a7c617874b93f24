import { printableLine } from '@reclmis/core/essentials';

/** A column: its title and alignment. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

export function right(title: string): Column {
  return { title, align: 'right' };
}

const GAP = '  ';

/**
 * Rows under titles and a rule, two spaces apart, without a final line break. Missing cells are empty. A
 * table wider than `width` becomes several, one below the other; each begins with the first column.
 */
export function formatTable(
  columns: readonly Column[],
  given: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string {
  const rows = given.map((cells) => cells.map(printableLine)); // line breaks in names stay in the row
  const widths = columns.map(({ title }, i) =>
    Math.max(...[title, ...rows.map((row) => row[i] ?? '')].map((cell) => [...cell].length)),
  );
  const titles = columns.map(({ title }) => title);
  const cellAt = (cells: readonly string[], i: number): string => {
    const cell = cells[i] ?? '';
    const space = ' '.repeat((widths[i] ?? 0) - [...cell].length);
    return columns[i]?.align === 'right' ? space + cell : cell + space;
  };
  const block = (shown: readonly number[]): string => {
    const line = (cells: readonly string[]): string =>
      shown
        .map((i) => cellAt(cells, i))
        .join(GAP)
        .trimEnd();
    const rule = shown.map((i) => '─'.repeat(widths[i] ?? 0)).join('─'.repeat(GAP.length));
    return [line(titles), rule, ...rows.map(line)].join('\n');
  };
  return blocksOf(widths, width).map(block).join('\n\n');
}

/** Columns by block: the first in all, and as many others as fit, at least one. */
function blocksOf(widths: readonly number[], width: number): number[][] {
  const [first = 0] = widths;
  const blocks: number[][] = [[0]];
  let used = first;
  widths.slice(1).forEach((one, i) => {
    const needed = GAP.length + one;
    if (used + needed > width && blocks.at(-1)?.length !== 1) {
      blocks.push([0]);
      used = first;
    }
    blocks.at(-1)?.push(i + 1);
    used += needed;
  });
  return blocks;
}

/** Lines of at most `width` characters, broken between words; a longer word has its own line. */
export function wrapText(text: string, width: number): string {
  const lines: string[] = [];
  let current: string | null = null;
  for (const word of text.split(' ')) {
    if (current !== null && [...current].length + 1 + [...word].length <= width) current += ` ${word}`;
    else {
      if (current !== null) lines.push(current);
      current = word;
    }
  }
  return [...lines, current ?? ''].join('\n');
}

/** A share as a percentage with two decimals: 0.8522 -> `85.22`. */
export function percent(share: number): string {
  return (100 * share).toFixed(2);
}

/** `42 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number): string => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

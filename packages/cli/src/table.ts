import { printableLine } from '@reclmis/core';

/** A column: its title and alignment. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

export function right(title: string): Column {
  return { title, align: 'right' };
}

/**
 * Lays out rows under titles and a rule, two spaces apart, without a final line break. Missing cells are
 * empty.
 */
export function formatTable(columns: readonly Column[], given: readonly (readonly string[])[]): string {
  const rows = given.map((cells) => cells.map(printableLine)); // line breaks in names stay in the row
  const widths = columns.map(({ title }, i) =>
    Math.max(...[title, ...rows.map((row) => row[i] ?? '')].map((cell) => [...cell].length)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, i) => {
        const cell = cells[i] ?? '';
        const space = ' '.repeat((widths[i] ?? 0) - [...cell].length);
        return align === 'right' ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [line(columns.map(({ title }) => title)), rule, ...rows.map(line)].join('\n');
}

/** A share as a percentage with two decimals: 0.8522 -> `85.22`. */
export function percent(share: number): string {
  return (100 * share).toFixed(2);
}

/** Seconds as `42 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number): string => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** Measures as JSON and CSV. */
import type { Measures } from './measure.js';

/** Indented, with a line break at the end. */
export function measuresJson(measures: Measures): string {
  return `${JSON.stringify(measures, null, 2)}\n`;
}

const COLUMNS = [
  'segment', 'value', 'scope', 'frame', 'components', 'pixels', 'area_mm2', 'longest_mm', 'perpendicular_mm', 'volume_ml', 'sizes_at',
] as const; // prettier-ignore

/**
 * A row for each frame where a segment is not empty, then one for the segment as a whole (scope `all`), with the sum of
 * pixels, and for volumes components in three dimensions and millilitres. Empty: not known, or not defined.
 */
export function measuresCsv({ pixel, segments }: Measures): string {
  const at = pixel?.at ?? '';
  const rows = segments.flatMap(({ segment, value, frames, volumeComponents, volumeMl }) => [
    ...frames.map((one) => [segment, value, 'frame', one.frame, one.components, one.pixels, one.areaMm2, one.longestMm, one.perpendicularMm, '', at]), // prettier-ignore
    [
      segment,
      value,
      'all',
      '',
      volumeComponents ?? frames.reduce((sum, one) => sum + one.components, 0),
      frames.reduce((sum, one) => sum + one.pixels, 0),
      '',
      largest(frames.map((one) => one.longestMm)),
      '',
      volumeMl,
      at,
    ],
  ]);
  return [COLUMNS, ...rows].map((row) => `${row.map(cell).join(',')}\n`).join('');
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** Quoted where RFC 4180 asks for it; a leading apostrophe keeps spreadsheets from taking a name for a formula. */
function cell(value: string | number | null): string {
  if (value === null) return '';
  const text = typeof value === 'string' && /^[=+\-@\t\r]/u.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/u.test(text) ? `"${text.replace(/"/gu, '""')}"` : text;
}

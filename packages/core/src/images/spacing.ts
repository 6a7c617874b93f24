/**
 * The pixel size, and how people write it (docs/reference/tables.md lists what is accepted): in millimetres
 * with a decimal POINT. Ambiguous texts are refused: a wrong size silently makes every area and distance
 * wrong. DICOM puts the height first, so unequal numbers with its backslash are refused too.
 */
import { type ErrorCode, ReclmisError } from '../errors.js';

/** Pixel size in millimetres. */
export type Spacing = readonly [width: number, height: number];

/** Whether both are finite and above 0. */
export const isSpacing = (spacing: Spacing): boolean =>
  spacing.every((millimetres) => Number.isFinite(millimetres) && millimetres > 0);

/** @param where name in messages. @throws OPTION_INVALID */
export function checkSpacing(spacing: Spacing, where: string): void {
  if (isSpacing(spacing)) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `${where}: the pixel size must be two finite numbers above 0, got ${spacing.join(' x ')}`,
  );
}

const NUMBER = String.raw`(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
const UNIT = String.raw`(?:\s*mm)?`;
const ONE = new RegExp(`^(${NUMBER})${UNIT}$`, 'iu');
const TWO = new RegExp(`^(${NUMBER})${UNIT}(\\s*[x×;\\\\,]\\s*|\\s+)(${NUMBER})${UNIT}$`, 'iu');
/** A decimal comma, as in `0,143`. */
const DECIMAL_COMMA = /^(\d+)\s*,\s*(\d+)(?:\s*mm)?$/iu;
const TWO_DECIMAL_COMMAS = /^(\d+(?:,\d+)?)(?:\s*mm)?(?:\s*[x×;\\/]\s*|\s+)(\d+(?:,\d+)?)(?:\s*mm)?$/iu;
/** Grouped thousands: `1,234.5`, `1.234,5`, `1 400`. */
const GROUPED = /^[1-9]\d{0,2}(?:,\d{3}\.\d+|\.\d{3},\d+|(?:\s\d{3})+)$/u;
const OTHER_UNIT = /\d\s*(cm|µm|μm|um|nm|m|in|inch|"|dpi|ppi|px)\s*$/iu;

/** Parses a pixel size. @param where name in messages. @throws OPTION_INVALID or the given code */
export function parseSpacing(text: string, where: string, code: ErrorCode = 'OPTION_INVALID'): Spacing {
  const written = text.trim();
  const refuse = (why: string, remedy: string): ReclmisError =>
    new ReclmisError(code, `${where}: ${why}`, { remedy });
  const twoReadings = (one: string, other: string, remedy: string): ReclmisError =>
    refuse(`"${written.slice(0, 40)}" can be read as ${one} or as ${other}`, remedy);

  const comma = DECIMAL_COMMA.exec(written);
  if (comma !== null) {
    const [, whole = '', part = ''] = comma;
    const point = `${whole}.${part}`;
    if (Number(whole) === 0 || Number(part) === 0)
      throw refuse(
        `expected a decimal point in the pixel size, got "${written}"`,
        `Write ${point} with a decimal point.`,
      );
    throw twoReadings(
      `${point} mm`,
      `${whole} x ${part} mm`,
      `Write ${point} for one number, with a decimal point, or ${whole} x ${part} for width and height.`,
    );
  }
  const commas = TWO_DECIMAL_COMMAS.exec(written);
  if (commas !== null && written.includes(',')) {
    const [width = '', height = ''] = commas.slice(1).map((number) => number.replace(',', '.'));
    throw refuse(
      `expected decimal points in the pixel size, got "${written}"`,
      `Write ${width} x ${height}, with decimal points.`,
    );
  }
  if (GROUPED.test(written))
    throw twoReadings(
      'a number with grouped thousands',
      'width and height',
      'Write one number without separators, or put an x between width and height.',
    );

  const one = ONE.exec(written);
  const two = TWO.exec(written);
  const width = Number(one?.[1] ?? two?.[1] ?? Number.NaN);
  const height = Number(one?.[1] ?? two?.[3] ?? Number.NaN);
  if (isSpacing([width, height])) {
    if (two?.[2]?.includes('\\') !== true || width === height) return [width, height];
    throw twoReadings(
      `${width} wide and ${height} high`,
      `${height} wide and ${width} high, as DICOM means it`,
      `Write width x height: ${height} x ${width} if it is DICOM’s PixelSpacing.`,
    );
  }
  const unit = OTHER_UNIT.exec(written)?.[1];
  const expected = 'expected the pixel size in millimetres, one number above 0 or width x height';
  throw refuse(
    `${expected}, got "${text.slice(0, 40)}"`,
    unit === undefined
      ? 'Write one number, such as 0.143, or two with an x between them, such as 0.143 x 0.2.'
      : `Convert it to millimetres and omit the unit ${unit}.`,
  );
}

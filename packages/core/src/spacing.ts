/** The size of a pixel, and how people write it. */
import { type ErrorCode, ReclmisError } from './errors.js';

/** Size of a pixel in millimetres. */
export type Spacing = readonly [width: number, height: number];

/** Whether both are finite and above 0, as the sizes of pixels are. */
export const isSpacing = (spacing: Spacing): boolean =>
  spacing.every((millimetres) => Number.isFinite(millimetres) && millimetres > 0);

/** @param where how the message calls it. @throws OPTION_INVALID */
export function checkSpacing(spacing: Spacing, where: string): void {
  if (isSpacing(spacing)) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `${where}: the size of a pixel must be two finite numbers above 0, got ${spacing.join(' x ')}`,
  );
}

/**
 * One number, or width and height parted by a comma, semicolon, blank or x: `0.143`, `0.143,0.2`.
 * @param where how the message calls it. @throws OPTION_INVALID or the given code
 */
export function parseSpacing(text: string, where: string, code: ErrorCode = 'OPTION_INVALID'): Spacing {
  const numbers = text
    .trim()
    .split(/\s*[,;x\s]\s*/i)
    .map((word) => (word === '' ? Number.NaN : Number(word)));
  const [width = Number.NaN, height = width] = numbers;
  if (numbers.length <= 2 && isSpacing([width, height])) return [width, height];
  throw new ReclmisError(
    code,
    `${where}: expected the size of a pixel in millimetres, one number above 0 or width,height, got "${text.slice(0, 40)}"`,
  );
}

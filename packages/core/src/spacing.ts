/** The size of a pixel, and how people write it. */
import { type ErrorCode, ReclmisError } from './errors.js';

/** Size of a pixel in millimetres. */
export type Spacing = readonly [width: number, height: number];

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
  const fit = (value: number): boolean => Number.isFinite(value) && value > 0;
  if (numbers.length <= 2 && fit(width) && fit(height)) return [width, height];
  throw new ReclmisError(
    code,
    `${where}: expected the size of a pixel in millimetres, one number above 0 or width,height, got "${text.slice(0, 40)}"`,
  );
}

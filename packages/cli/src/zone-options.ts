import { ReclmisError, type ZoneLines } from '@reclmis/core';

/** Two shares of the height, `0.33,0.5`. @throws OPTION_INVALID */
export function zoneLinesOf(text: string): ZoneLines {
  const [middle = Number.NaN, lower = Number.NaN, ...more] = text
    .split(',')
    .map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (more.length === 0 && 0 < middle && middle < lower && lower < 1) return [middle, lower];
  throw new ReclmisError(
    'OPTION_INVALID',
    `--zone-lines: expected two shares of the image's height, the upper line first, e.g. 0.33,0.5; got "${text}"`,
  );
}

/** Makes a reader of shares between 0 and 1. @throws OPTION_INVALID */
export function shareOption(flag: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value > 0 && value < 1) return value;
    throw new ReclmisError('OPTION_INVALID', `${flag}: expected a share between 0 and 1, got "${text}"`);
  };
}

/** Numbers, dates and times as DICOM writes them (PS3.5 6.2). */
import { ReclmisError } from '@reclmis/core';

/** Characters of a DS. */
const MOST = 16;

/** The nearest decimal of at most 16 characters, with an exponent where that keeps more digits. @throws INTERNAL unless finite */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) throw new ReclmisError('INTERNAL', `expected a finite number, got ${value}`);
  const exact = String(value);
  if (exact.length <= MOST) return value === 0 ? '0' : exact;
  let best = '0';
  let error = Infinity;
  for (let digits = 1; digits <= MOST; digits++)
    for (const text of [String(Number(value.toPrecision(digits))), shortExponent(value, digits)]) {
      const off = Math.abs(Number(text) - value);
      if (text.length <= MOST && off < error) [best, error] = [text, off];
    }
  return best;
}

/** `-1.25e-7`. */
function shortExponent(value: number, digits: number): string {
  return value.toExponential(digits - 1).replace('e+', 'e');
}

const pad = (value: number, length: number): string => String(value).padStart(length, '0');

/** DA of the machine's time zone. */
export function dateOf(time: Date): string {
  return `${pad(time.getFullYear(), 4)}${pad(time.getMonth() + 1, 2)}${pad(time.getDate(), 2)}`;
}

/** TM of the machine's time zone, to the second. */
export function timeOf(time: Date): string {
  return `${pad(time.getHours(), 2)}${pad(time.getMinutes(), 2)}${pad(time.getSeconds(), 2)}`;
}

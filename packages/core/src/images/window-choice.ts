/** Which grey level window an image is shown in, as people and settings state it. */
import { ReclmisError } from '../errors.js';

/** Its number in the DICOM file from 0, its explanation there, or centre and width in the file's units (of CT, HU). */
export type WindowChoice = number | string | { readonly centre: number; readonly width: number };

const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)`;
const EXPLICIT = new RegExp(String.raw`^(${NUMBER})\s*/\s*(${NUMBER})$`, 'u');

/**
 * Reads "-600/1500" (centre and width), "1" (the file's second window) or "LUNG" (by its explanation).
 * @param what for messages: `--window`. @throws OPTION_INVALID if empty, or for a width of 0 or less
 */
export function parseWindow(text: string, what: string): WindowChoice {
  const said = text.trim();
  const refuse = (got: string): ReclmisError =>
    new ReclmisError('OPTION_INVALID', `${what}: expected CENTER/WIDTH, a number or a name, got ${got}`, {
      remedy:
        'Write centre and width in the file’s units, such as -600/1500, or the number (from 0) or explanation of a window in the DICOM file.',
    });
  if (said === '') throw refuse('nothing');
  if (/^\d{1,3}$/u.test(said)) return Number(said);
  const [, centre, width] = EXPLICIT.exec(said) ?? [];
  if (centre === undefined) {
    if (said.length > 64) throw refuse('a longer text than any name');
    return said;
  }
  if (!(Number(width) > 0)) throw refuse(`the width ${width}`);
  return { centre: Number(centre), width: Number(width) };
}

/** As `parseWindow` reads it. */
export function windowText(window: WindowChoice): string {
  return typeof window === 'object' ? `${window.centre}/${window.width}` : String(window);
}

/** Whether `parseWindow` reads it. */
export function isWindowText(text: string): boolean {
  try {
    parseWindow(text, 'window');
    return true;
  } catch {
    return false;
  }
}

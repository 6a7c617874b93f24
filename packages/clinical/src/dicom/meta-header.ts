/** The meta header of a DICOM file (PS3.10 7.1): which object it is, and how its data set is encoded. */
import { isLongVr, isVr } from './data-set.js';
import { unreadable } from './faults.js';

export interface MetaHeader {
  /** UIDs; empty if they are none, null if absent. */
  readonly sopClass: string | null;
  readonly sopInstance: string | null;
  readonly syntax: string | null;
  /** First byte behind it. */
  readonly end: number;
}

const PREAMBLE = 128;
const WANTED: ReadonlyMap<number, 'sopClass' | 'sopInstance' | 'syntax'> = new Map([
  [0x0002, 'sopClass'],
  [0x0003, 'sopInstance'],
  [0x0010, 'syntax'],
] as const);

/** PS3.5, section 9.1; leading zeros, which it forbids, occur. */
export function isUid(text: string): boolean {
  return text.length <= 64 && /^\d+(?:\.\d+)*$/u.test(text);
}

/** First byte behind "DICM", with or without a preamble before it; 0 without it. */
export function startOfMeta(bytes: Uint8Array): number {
  for (const at of [PREAMBLE, 0])
    if (bytes[at] === 0x44 && bytes[at + 1] === 0x49 && bytes[at + 2] === 0x43 && bytes[at + 3] === 0x4d)
      return at + 4;
  return 0;
}

/**
 * Explicit and little endian in every file; its group length is often wrong, so the groups decide where it ends.
 * @param start from `startOfMeta`. @returns null if there is none. @throws IMAGE_UNREADABLE if it is damaged or cut off
 */
export function readMeta(bytes: Uint8Array, start: number): MetaHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isMeta = (at: number): boolean => at + 8 <= bytes.length && view.getUint16(at, true) === 0x0002;
  if (!isMeta(start)) return null;
  const found: { sopClass: string | null; sopInstance: string | null; syntax: string | null } = {
    ...{ sopClass: null, sopInstance: null, syntax: null },
  };
  let at = start;
  while (isMeta(at)) {
    const [first, second] = [bytes[at + 4]!, bytes[at + 5]!];
    if (!isVr(first, second)) throw unreadable('its meta header is damaged');
    const long = isLongVr(first, second);
    if (long && at + 12 > bytes.length) throw unreadable('the file ends within its meta header');
    const length = long ? view.getUint32(at + 8, true) : view.getUint16(at + 6, true);
    const value = at + (long ? 12 : 8);
    if (value + length > bytes.length) throw unreadable('the file ends within its meta header');
    const name = WANTED.get(view.getUint16(at + 2, true));
    if (name !== undefined) found[name] = uidOf(bytes.subarray(value, value + length));
    at = value + length;
  }
  return { ...found, end: at };
}

function uidOf(bytes: Uint8Array): string {
  const text = bytes.length > 66 ? '' : String.fromCharCode(...bytes).replace(/[\0 ]+$/u, '');
  return isUid(text) ? text : '';
}

/**
 * Writes DICOM files (PS3.10 7): explicit types, little endian, text in UTF-8. Own code rather than dcmjs's, which cuts
 * numbers after 16 characters whatever becomes of them, takes a backslash in a text for two values, and prints what it
 * cuts.
 */
import { ReclmisError, VERSION } from '@reclmis/core';
import { joined } from '../joined.js';
import { ATTRIBUTES, type Keyword } from './dictionary.js';
import { decimal } from './decimal.js';

/** Numbers are written by their attribute's type; DS as decimals of at most 16 characters. */
export type AttributeValue =
  string | number | readonly number[] | readonly string[] | readonly Attributes[] | Uint8Array;

/** A data set by keyword, in any order. An empty text is an attribute without a value, undefined none. */
export type Attributes = { readonly [K in Keyword]?: AttributeValue | undefined };

const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1';
/** This writer (PS3.7 D.3.3.2). */
const IMPLEMENTATION = '2.25.169042602184671411853297797045478777495';
const LONG = new Set(['OB', 'SQ', 'UN', 'UT']);
const MOST_SHORT = 65_534;
const MOST_LONG = 2 ** 32 - 2;

/** A file with preamble and meta header. @param attributes with SOP class and instance @throws INTERNAL */
export function dicomFile(attributes: Attributes): Uint8Array {
  const meta = dataSet({
    FileMetaInformationVersion: Uint8Array.of(0, 1),
    MediaStorageSOPClassUID: attributes.SOPClassUID ?? '',
    MediaStorageSOPInstanceUID: attributes.SOPInstanceUID ?? '',
    TransferSyntaxUID: EXPLICIT_LITTLE,
    ImplementationClassUID: IMPLEMENTATION,
    ImplementationVersionName: `RECLMIS ${VERSION}`.slice(0, 16),
  });
  const length = dataSet({
    FileMetaInformationGroupLength: meta.reduce((sum, part) => sum + part.length, 0),
  });
  const preamble = new Uint8Array(132);
  preamble.set([0x44, 0x49, 0x43, 0x4d], 128); // DICM
  return joined([preamble, ...length, ...meta, ...dataSet(attributes)]);
}

/** Parts of a data set, ascending by tag. */
function dataSet(attributes: Attributes): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const keywords = (Object.keys(attributes) as Keyword[]).sort((a, b) => ATTRIBUTES[a][0] - ATTRIBUTES[b][0]);
  for (const keyword of keywords) {
    const value = attributes[keyword];
    if (value === undefined) continue;
    const [tag, vr] = ATTRIBUTES[keyword];
    const content = contentOf(keyword, vr, value);
    const length = content.reduce((sum, part) => sum + part.length, 0);
    const long = LONG.has(vr);
    if (length > (long ? MOST_LONG : MOST_SHORT))
      throw new ReclmisError(
        'INTERNAL',
        `${keyword}: ${length} bytes do not fit into an attribute of type ${vr}`,
      );
    parts.push(header(tag, vr, length, long), ...content);
  }
  return parts;
}

function header(tag: number, vr: string, length: number, long: boolean): Uint8Array {
  const bytes = new Uint8Array(long ? 12 : 8);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, tag >>> 16, true);
  view.setUint16(2, tag & 0xffff, true);
  bytes[4] = vr.charCodeAt(0);
  bytes[5] = vr.charCodeAt(1);
  if (long) view.setUint32(8, length, true);
  else view.setUint16(6, length, true);
  return bytes;
}

/** Parts of an even number of bytes together. */
function contentOf(keyword: Keyword, vr: string, value: AttributeValue): Uint8Array[] {
  if (value instanceof Uint8Array) return value.length % 2 === 0 ? [value] : [value, new Uint8Array(1)];
  if (vr === 'SQ') return items(value as readonly Attributes[]);
  const values = (typeof value === 'object' ? value : [value]) as readonly (string | number)[];
  switch (vr) {
    case 'US':
      return [numbers(keyword, values, 2, 0xffff)];
    case 'UL':
      return [numbers(keyword, values, 4, 0xffffffff)];
    case 'AT': // two words, the group first
      return [
        numbers(
          keyword,
          values.flatMap((tag) => [Number(tag) >>> 16, Number(tag) & 0xffff]),
          2,
          0xffff,
        ),
      ];
    default: {
      const text = values.map((one) =>
        typeof one === 'string' ? one : vr === 'DS' ? decimal(one) : String(one),
      );
      const bytes = new TextEncoder().encode(text.join('\\'));
      return bytes.length % 2 === 0 ? [bytes] : [bytes, Uint8Array.of(vr === 'UI' ? 0 : 0x20)];
    }
  }
}

function numbers(
  keyword: Keyword,
  values: readonly (string | number)[],
  width: 2 | 4,
  most: number,
): Uint8Array {
  const bytes = new Uint8Array(values.length * width);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
      throw new ReclmisError('INTERNAL', `${keyword}: expected a whole number from 0 to ${most}`);
    if (width === 2) view.setUint16(2 * i, value, true);
    else view.setUint32(4 * i, value, true);
  });
  return bytes;
}

function items(sets: readonly Attributes[]): Uint8Array[] {
  return sets.flatMap((set) => {
    const parts = dataSet(set);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const head = new Uint8Array(8);
    head.set([0xfe, 0xff, 0x00, 0xe0]);
    new DataView(head.buffer).setUint32(4, length, true);
    return [head, ...parts];
  });
}

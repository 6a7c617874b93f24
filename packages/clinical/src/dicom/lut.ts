/** Lookup tables of a file: Modality LUT and VOI LUT (PS3.3 C.11.1, C.11.2), which have the same form. */
import type { DataSet } from './data-set.js';
import { unreadable } from './faults.js';
import { TAG } from './tags.js';

export interface Lut {
  /** First value mapped: it and all below get `values[0]`. */
  readonly first: number;
  readonly values: Uint16Array | Uint8Array;
  /** Bits of an entry. */
  readonly bits: number;
}

/** @param signed whether the values looked up may be negative, which decides where the file's type does not. @throws IMAGE_UNREADABLE */
export function lutOf(item: DataSet, signed: boolean): Lut {
  const vr = item.element(TAG.lutDescriptor)?.vr ?? '';
  const { entries, first, bits } = descriptorOf(
    item,
    TAG.lutDescriptor,
    vr === 'SS' || (vr !== 'US' && signed),
  );
  return { first, bits, values: entriesOf(item, TAG.lutData, entries, bits) };
}

/** The three numbers of a descriptor: 0 entries means 65,536. @throws IMAGE_UNREADABLE */
export function descriptorOf(
  dataSet: DataSet,
  tag: number,
  signed: boolean,
): { readonly entries: number; readonly first: number; readonly bits: number } {
  const [entries, , bits] = dataSet.words(tag);
  const first = dataSet.words(tag, signed)[1];
  if (entries === undefined || first === undefined || bits === undefined || bits < 1 || bits > 16)
    throw unreadable('a lookup table has a damaged descriptor');
  return { entries: entries === 0 ? 65536 : entries, first, bits };
}

/** Entries of 8 bits may be packed two to a word. @throws IMAGE_UNREADABLE if there are too few */
export function entriesOf(
  dataSet: DataSet,
  tag: number,
  entries: number,
  bits: number,
): Uint16Array | Uint8Array {
  const bytes = dataSet.value(tag)?.length ?? 0;
  if (bytes >= entries * 2) return Uint16Array.from(dataSet.words(tag).slice(0, entries));
  if (bits <= 8 && bytes >= entries) {
    if (dataSet.little) return dataSet.value(tag)!.slice(0, entries);
    return Uint8Array.from(dataSet.words(tag).flatMap((word) => [word & 0xff, word >> 8])).subarray(
      0,
      entries,
    );
  }
  throw unreadable(`a lookup table has ${bytes} bytes for ${entries} entries`);
}

/** The entry for a value: the first and last serve all beyond them. */
export function lookUp({ first, values }: Lut, value: number): number {
  const at = Math.round(value) - first;
  return values[at <= 0 ? 0 : at >= values.length ? values.length - 1 : at]!;
}

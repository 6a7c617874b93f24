/** Palettes (PS3.3 C.7.6.3.1.5, C.7.9): three tables of colours, plain or segmented, to 8 bits. */
import type { DataSet } from './data-set.js';
import { unreadable } from './faults.js';
import { descriptorOf, entriesOf } from './lut.js';
import { TAG } from './tags.js';

export interface Palette {
  /** First stored value mapped. */
  readonly first: number;
  /** Three values 0..255 for each entry. */
  readonly colours: Uint8Array;
}

const CHANNELS = [
  [TAG.redDescriptor, TAG.redData, TAG.segmentedRed],
  [TAG.greenDescriptor, TAG.greenData, TAG.segmentedGreen],
  [TAG.blueDescriptor, TAG.blueData, TAG.segmentedBlue],
] as const;

/** @param signed of the stored values. @throws IMAGE_UNREADABLE */
export function paletteOf(dataSet: DataSet, signed: boolean): Palette {
  const tables = CHANNELS.map(([descriptor, plain, segmented]) => {
    const { entries, first, bits } = descriptorOf(dataSet, descriptor, signed);
    if (bits !== 8 && bits !== 16)
      throw unreadable(`a palette has entries of ${bits} bits, expected 8 or 16`);
    const values = dataSet.has(plain)
      ? entriesOf(dataSet, plain, entries, bits)
      : unfolded(dataSet, segmented, entries, bits);
    return { entries, first, bits, values };
  });
  const { entries, first } = tables[0]!;
  if (tables.some((table) => table.entries !== entries || table.first !== first))
    throw unreadable('the three colours of the palette have different sizes');
  // Some writers state 16 bits and store 8: every entry would become black.
  const wide = tables.some(({ bits, values }) => bits === 16 && values.some((value) => value > 255));
  const colours = new Uint8Array(entries * 3);
  for (const [channel, { values }] of tables.entries())
    for (let i = 0; i < entries; i += 1) colours[i * 3 + channel] = wide ? values[i]! >> 8 : values[i]!;
  return { first, colours };
}

/** Segments of discrete values (0), lines (1), and copies of earlier segments (2). */
function unfolded(dataSet: DataSet, tag: number, entries: number, bits: number): Uint16Array {
  const codes = bits === 8 ? [...(dataSet.value(tag) ?? [])] : dataSet.words(tag);
  if (codes.length === 0) throw unreadable('the palette has no entries');
  const out = new Uint16Array(entries);
  let filled = 0;
  const put = (value: number): void => {
    if (filled >= entries) throw unreadable('a segmented palette has more entries than it states');
    out[filled++] = value;
  };
  const expand = (from: number, segments: number, within: boolean): number => {
    let at = from;
    for (let done = 0; done < segments && at + 2 <= codes.length; done += 1) {
      const kind = codes[at]!;
      const count = codes[at + 1]!;
      at += 2;
      if (kind === 0) {
        if (at + count > codes.length) throw unreadable('a segmented palette is cut off');
        for (let i = 0; i < count; i += 1) put(codes[at + i]!);
        at += count;
      } else if (kind === 1) {
        const end = codes[at];
        if (end === undefined || filled === 0) throw unreadable('a segmented palette is damaged');
        const start = out[filled - 1]!;
        for (let i = 1; i <= count; i += 1) put(Math.round(start + ((end - start) * i) / count));
        at += 1;
      } else if (kind === 2 && !within) {
        const words = bits === 8 ? 4 : 2; // the offset has 32 bits, the lowest first
        if (at + words > codes.length) throw unreadable('a segmented palette is cut off');
        let offset = 0;
        for (let i = words - 1; i >= 0; i -= 1) offset = offset * (bits === 8 ? 256 : 65536) + codes[at + i]!;
        at += words;
        expand(bits === 8 ? offset : offset / 2, count, true);
      } else throw unreadable('a segmented palette is damaged');
    }
    return at;
  };
  expand(0, Number.POSITIVE_INFINITY, false);
  if (filled !== entries) throw unreadable(`a segmented palette has ${filled} of ${entries} entries`);
  return out;
}

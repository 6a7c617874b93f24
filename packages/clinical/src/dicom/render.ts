/** From stored grey values to 0..255, by one table of all codes that a sample can have. */
import type { RgbImage } from '@reclmis/core';
import { unreadable } from './faults.js';
import type { Modality } from './modality.js';
import type { StoredFrame } from './stored.js';
import { PERCENTILES, shading, type Voi } from './window.js';

/** How a frame's grey values are shown. */
export interface GreyRendering {
  readonly modality: Modality;
  readonly voi: Voi;
  readonly inverted: boolean;
  readonly signed: boolean;
  /** Stored values that fill the area around the image, both included. */
  readonly padding: { readonly from: number; readonly to: number } | null;
  /** In output units, instead of the frame's own percentiles. */
  readonly limits?: readonly [low: number, high: number];
}

export interface RenderedGrey {
  readonly image: RgbImage;
  /** The window applied, in output units; null for a table. */
  readonly window: { readonly centre: number; readonly width: number } | null;
}

/** Renders one frame of one sample a pixel. */
export function renderGrey(
  { data, shift, bits }: StoredFrame,
  width: number,
  height: number,
  rendering: GreyRendering,
): RenderedGrey {
  const pixels = width * height;
  if (data.length < pixels) throw unreadable(`expected ${pixels} values, got ${data.length}`);
  const own = rendering.voi.kind === 'percentile' && rendering.limits === undefined;
  const counts = own ? histogram(data, pixels) : null;
  const [first, last] = counts === null ? range(data, pixels) : ends(counts);
  const values = outputs(first, last, shift, bits, rendering);
  let shade: (value: number) => number;
  let window: RenderedGrey['window'] = null;
  if (rendering.voi.kind === 'percentile') {
    const levels = new Levels();
    if (counts !== null) count(levels, counts, first, values, { shift, bits }, rendering);
    const [low, high] = rendering.limits ?? levels.limits();
    window = { centre: (low + high) / 2, width: high - low };
    shade = high > low ? (value) => Math.min(1, Math.max(0, (value - low) / (high - low))) : () => 0;
  } else {
    shade = shading(rendering.voi);
    if (rendering.voi.kind === 'window')
      window = { centre: rendering.voi.centre, width: rendering.voi.width };
  }
  const table = tableOf(values, first, shade, rendering.inverted);
  return { image: { width, height, data: repeated(data, pixels, table) }, window };
}

/** The grey of each code up to the last that has a value. */
function tableOf(
  values: Float64Array,
  first: number,
  shade: (value: number) => number,
  inverted: boolean,
): Uint8Array {
  const table = new Uint8Array(first + values.length);
  for (let i = 0; i < values.length; i += 1) {
    const share = shade(values[i]!);
    table[first + i] = (inverted ? 1 - share : share) * 255 + 0.5; // rounds, since shares are not negative
  }
  return table;
}

/** More pixels than this take longer to look through than a table of all codes to make. */
const MANY = 1 << 19;

/** Smallest and largest code: tables cover no more. */
function range(data: Uint8Array | Uint16Array, pixels: number): readonly [first: number, last: number] {
  if (data instanceof Uint8Array) return [0, 255];
  if (pixels > MANY) return [0, 65535];
  let first = 65535;
  let last = 0;
  for (let i = 0; i < pixels; i += 1) {
    const code = data[i]!;
    if (code < first) first = code;
    if (code > last) last = code;
  }
  return [first, last];
}

/** How often each code occurs. */
function histogram(data: Uint8Array | Uint16Array, pixels: number): Uint32Array {
  const counts = new Uint32Array(data instanceof Uint8Array ? 256 : 65536);
  for (let i = 0; i < pixels; i += 1) counts[data[i]!]! += 1;
  return counts;
}

function ends(counts: Uint32Array): readonly [first: number, last: number] {
  let last = counts.length - 1;
  while (counts[last] === 0) last -= 1;
  return [counts.findIndex((count) => count > 0), last];
}

/** Each code's grey three times; four pixels make three words, which is twice as fast as bytes. */
function repeated(data: Uint8Array | Uint16Array, pixels: number, table: Uint8Array): Uint8Array {
  const out = new Uint8Array(pixels * 3);
  const words = new Uint32Array(out.buffer, 0, (pixels >> 2) * 3);
  let i = 0;
  for (let o = 0; o < words.length; i += 4, o += 3) {
    const a = table[data[i]!]!;
    const b = table[data[i + 1]!]!;
    const c = table[data[i + 2]!]!;
    const d = table[data[i + 3]!]!;
    words[o] = a | (a << 8) | (a << 16) | (b << 24);
    words[o + 1] = b | (b << 8) | (c << 16) | (c << 24);
    words[o + 2] = c | (d << 8) | (d << 16) | (d << 24);
  }
  for (let o = i * 3; i < pixels; i += 1, o += 3) out[o] = out[o + 1] = out[o + 2] = table[data[i]!]!;
  return out;
}

/** Returns the stored value of a code: its bits in use, with their sign. */
function decoder(shift: number, bits: number, signed: boolean): (code: number) => number {
  const mask = 2 ** bits - 1;
  const half = signed ? 2 ** (bits - 1) : Number.POSITIVE_INFINITY;
  return (code) => {
    const value = (code >>> shift) & mask;
    return value >= half ? value - mask - 1 : value;
  };
}

/** Output values of the codes from `first` to `last`. */
function outputs(
  first: number,
  last: number,
  shift: number,
  bits: number,
  { modality, signed }: GreyRendering,
): Float64Array {
  const out = new Float64Array(last - first + 1);
  const stored = decoder(shift, bits, signed);
  for (let code = first; code <= last; code += 1) out[code - first] = modality.apply(stored(code));
  return out;
}

/** Counts the output values of a frame. @param counts and @param values of the codes from `first` */
function count(
  levels: Levels,
  counts: Uint32Array,
  first: number,
  values: Float64Array,
  { shift, bits }: Pick<StoredFrame, 'shift' | 'bits'>,
  { padding, signed }: GreyRendering,
): void {
  const storedOf = decoder(shift, bits, signed);
  for (let place = 0; place < values.length; place += 1) {
    const often = counts[first + place]!;
    if (often === 0) continue;
    const value = storedOf(first + place);
    const fill = padding !== null && value >= padding.from && value <= padding.to;
    levels.add(values[place]!, often, fill);
  }
}

/**
 * Percentiles of several frames together, in output units.
 * @param frames one after the other: only one is in memory. @param pixels of a frame
 */
export async function limitsOf(
  frames: AsyncIterable<{ readonly stored: StoredFrame; readonly rendering: GreyRendering }>,
  pixels: number,
): Promise<readonly [low: number, high: number]> {
  const levels = new Levels();
  for await (const { stored, rendering } of frames) {
    if (stored.data.length < pixels) throw unreadable(`expected ${pixels} values, got ${stored.data.length}`);
    const counts = histogram(stored.data, pixels);
    const [first, last] = ends(counts);
    const values = outputs(first, last, stored.shift, stored.bits, rendering);
    count(levels, counts, first, values, stored, rendering);
  }
  return levels.limits();
}

/** Distinct values kept apart until they are put together. */
const MOST_LEVELS = 1 << 20;

/** How often output values occur, in a frame or several. Quantiles are numpy's, linear. */
class Levels {
  private present: Counted = { values: [], counts: [] };
  private fills: Counted = { values: [], counts: [] };

  add(value: number, count: number, fill: boolean): void {
    const to = fill ? this.fills : this.present;
    to.values.push(value);
    to.counts.push(count);
    if (to.values.length < MOST_LEVELS) return;
    if (fill) this.fills = merged(to);
    else this.present = merged(to);
  }

  /** Percentiles 0.5 and 99.5, the whole range where they are equal. Padding counts only if there is nothing else. */
  limits(): readonly [low: number, high: number] {
    const { values, counts } = merged(this.present.values.length > 0 ? this.present : this.fills);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const valueAt = (rank: number): number => {
      let below = 0;
      const place = counts.findIndex((count) => rank < (below += count));
      return values.at(place)!;
    };
    const quantile = (share: number): number => {
      const rank = share * (total - 1);
      const low = valueAt(Math.floor(rank));
      return low + (valueAt(Math.ceil(rank)) - low) * (rank - Math.floor(rank));
    };
    const [low, high] = [quantile(PERCENTILES[0]), quantile(PERCENTILES[1])];
    // Fewer than one pixel in two hundred differ: show the whole range rather than nothing.
    return high > low ? [low, high] : [values[0]!, values.at(-1)!];
  }
}

interface Counted {
  readonly values: number[];
  readonly counts: number[];
}

/** Ascending, each value once. The values of one frame nearly always are so already. */
function merged({ values, counts }: Counted): Counted {
  if (values.every((value, i) => i === 0 || value > values[i - 1]!)) return { values, counts };
  const out: Counted = { values: [], counts: [] };
  for (const at of Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!)) {
    if (values[at] === out.values.at(-1)) out.counts[out.counts.length - 1]! += counts[at]!;
    else {
      out.values.push(values[at]!);
      out.counts.push(counts[at]!);
    }
  }
  return out;
}

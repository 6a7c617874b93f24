/**
 * The voxels of a NIfTI volume in the machine's byte order, and their rendering: one grey level window for the whole
 * volume, so that slices can be compared.
 */
import { quantile, type Raster, selectInPlace } from '@reclmis/core';
import type { Rendering } from '../types.js';
import type { NiftiHeader } from './header.js';

type Numbers =
  | Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array; // prettier-ignore

/** Share of the grey levels below the window, and above it. */
const SHARE = 0.005;
/** Values from which percentiles of wide types are taken, spread evenly. */
const MOST_SAMPLED = 4_000_000;
/** Values of types of at most 16 bits. */
const LEVELS = 65_536;
const OFFSETS = { uint8: 0, int8: 32_768, uint16: 0, int16: 32_768 } as const;

export interface Voxels {
  readonly rendering: Rendering;
  /** A slice as 0..255. @param slice from 0, below the number of slices */
  render(slice: number): Raster;
  /** A slice's values in the file's units; null for colours. @param slice as above */
  values(slice: number): Float64Array | null;
}

/** @param given grey level window in the file's units, null: percentiles */
export function voxelsOf(
  header: NiftiHeader,
  bytes: Uint8Array,
  given: { readonly centre: number; readonly width: number } | null,
): Voxels {
  const [width, height] = header.size;
  const pixels = width * height;
  if (header.type === 'rgb24') {
    const colours = bytes.subarray(header.voxelsAt, header.end);
    return {
      rendering: { steps: ['RGB as stored'], window: null, inverted: false },
      render: (slice) => ({
        width,
        height,
        data: colours.slice(slice * pixels * 3, (slice + 1) * pixels * 3),
      }),
      values: () => null,
    };
  }
  const values = numbersOf(header, bytes);
  const { slope, intercept } = header.scaling ?? { slope: 1, intercept: 0 };
  const steps = header.scaling ? [`scaled: slope ${slope}, intercept ${intercept}`] : [];
  const narrow = header.bytesPerVoxel <= 2 ? OFFSETS[header.type as keyof typeof OFFSETS] : null;
  const { limits, how } =
    given !== null
      ? { limits: [given.centre - given.width / 2, given.centre + given.width / 2] as const, how: 'as asked' }
      : scaledLimits(
          narrow === null ? sampledLimits(values) : countedLimits(values, narrow),
          slope,
          intercept,
        );
  const [low, high] = limits;
  steps.push(`window ${how}: ${low} to ${high}`);
  const factor = high > low ? 255 / (high - low) : 0;
  const level = (value: number): number => {
    const grey = (value * slope + intercept - low) * factor;
    return grey >= 255 ? 255 : grey > 0 ? Math.floor(grey + 0.5) : 0; // NaN is 0
  };
  const table = narrow === null ? null : Uint8Array.from({ length: LEVELS }, (_, i) => level(i - narrow));
  const render = (slice: number): Raster => {
    const data = new Uint8Array(pixels * 3);
    for (let i = 0, from = slice * pixels, to = 0; i < pixels; i++, from++, to += 3) {
      const grey = table === null ? level(values[from]!) : table[values[from]! + narrow!]!;
      data[to] = grey;
      data[to + 1] = grey;
      data[to + 2] = grey;
    }
    return { width, height, data };
  };
  return {
    rendering: { steps, window: { centre: (low + high) / 2, width: high - low }, inverted: false },
    render,
    values: (slice) =>
      Float64Array.from({ length: pixels }, (_, i) => values[slice * pixels + i]! * slope + intercept),
  };
}

interface Limits {
  readonly limits: readonly [low: number, high: number];
  readonly how: string;
}

/** A negative slope exchanges them. */
function scaledLimits({ limits, how }: Limits, slope: number, intercept: number): Limits {
  const [one, other] = [limits[0] * slope + intercept, limits[1] * slope + intercept];
  return {
    limits: [Math.min(one, other), Math.max(one, other)],
    how: `from the volume’s percentiles ${100 * SHARE} and ${100 - 100 * SHARE}${how}`,
  };
}

/** Exact, as many values are equal. */
function countedLimits(values: Numbers, offset: number): Limits {
  const counts = new Uint32Array(LEVELS);
  for (let i = 0; i < values.length; i++) counts[values[i]! + offset]!++;
  const at = (share: number): number => {
    const place = share * (values.length - 1);
    const [below, above] = [Math.floor(place), Math.ceil(place)].map((rank) => {
      let level = 0;
      for (let seen = counts[0]!; seen <= rank; seen += counts[level]!) level++;
      return level - offset;
    }) as [number, number];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { limits: [at(SHARE), at(1 - SHARE)], how: '' };
}

function sampledLimits(values: Numbers): Limits {
  const step = Math.ceil(values.length / MOST_SAMPLED);
  const sample = new Float32Array(Math.ceil(values.length / step));
  let n = 0;
  for (let i = 0; i < values.length; i += step) {
    const value = Math.fround(values[i]!);
    if (Number.isFinite(value)) sample[n++] = value;
  }
  const finite = sample.subarray(0, n);
  const how = step === 1 ? '' : ` (of every ${step}th voxel)`;
  if (n === 0) return { limits: [0, 0], how };
  if (n < 1000) return { limits: [quantile(finite, SHARE), quantile(finite, 1 - SHARE)], how };
  const at = (share: number): number => {
    const place = share * (n - 1);
    const below = selectInPlace(finite, Math.floor(place));
    return below + (selectInPlace(finite, Math.ceil(place)) - below) * (place - Math.floor(place));
  };
  return { limits: [at(SHARE), at(1 - SHARE)], how };
}

const HOST_IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The values in place if the machine could have written them so, else copied. Whole numbers of 64 bits become floats. */
function numbersOf(
  { type, bytesPerVoxel, voxelsAt, end, littleEndian }: NiftiHeader,
  bytes: Uint8Array,
): Numbers {
  const swap = bytesPerVoxel > 1 && littleEndian !== HOST_IS_LITTLE;
  const inPlace =
    !swap && type !== 'int64' && type !== 'uint64' && (bytes.byteOffset + voxelsAt) % bytesPerVoxel === 0;
  const own = inPlace ? bytes.subarray(voxelsAt, end) : bytes.slice(voxelsAt, end);
  if (swap) swapBytes(own, bytesPerVoxel);
  const { buffer, byteOffset } = own;
  const count = (end - voxelsAt) / bytesPerVoxel;
  switch (type) {
    case 'uint8':
      return own;
    case 'int8':
      return new Int8Array(buffer, byteOffset, count);
    case 'uint16':
      return new Uint16Array(buffer, byteOffset, count);
    case 'int16':
      return new Int16Array(buffer, byteOffset, count);
    case 'uint32':
      return new Uint32Array(buffer, byteOffset, count);
    case 'int32':
      return new Int32Array(buffer, byteOffset, count);
    case 'float64':
      return new Float64Array(buffer, byteOffset, count);
    case 'int64':
      return Float64Array.from(new BigInt64Array(buffer, byteOffset, count), Number);
    case 'uint64':
      return Float64Array.from(new BigUint64Array(buffer, byteOffset, count), Number);
    default:
      return new Float32Array(buffer, byteOffset, count);
  }
}

function swapBytes(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width)
    for (let i = at, j = at + width - 1; i < j; i++, j--) {
      const moved = bytes[i]!;
      bytes[i] = bytes[j]!;
      bytes[j] = moved;
    }
}

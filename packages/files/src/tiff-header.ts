/**
 * Pixel layout of a TIFF file (TIFF 6.0, BigTIFF) by its first page's tags, which decide before decoding what
 * is colour, opacity or refused: libvips takes any extra sample for opacity and misreads some kinds.
 */
import { ReclmisError } from '@reclmis/core';

/** A 16-bit number of the file, by position. */
interface Change {
  readonly at: number;
  readonly value: number;
}

export interface TiffLayout {
  /** They come first: 1 grey or palette, 3 RGB. */
  readonly colours: 1 | 3;
  /** Samples of a decoded pixel; a palette's index counts as one. */
  readonly samples: number;
  /** Which sample after the colours, from 0; -1 for none. */
  readonly alpha: number;
  /** "Associated alpha". */
  readonly premultiplied: boolean;
  /** 16-bit numbers to change so that decoding gives the stored pixels. */
  readonly changes: readonly Change[];
}

const PHOTOMETRIC: Readonly<Record<number, string>> = {
  4: 'transparency mask',
  5: 'CMYK',
  6: 'YCbCr',
  8: 'CIELab',
  9: 'ICCLab',
  10: 'ITULab',
  32803: 'colour filter array',
  32844: 'LogL',
  32845: 'LogLuv',
};
/** That the decoder has; others are tried, and named on failure. */
const COMPRESSION: Readonly<Record<number, string>> = {
  6: 'old-style JPEG',
  34712: 'JPEG 2000',
  34925: 'LZMA',
  34887: 'LERC',
  50000: 'Zstandard',
  50001: 'WebP',
};
const TYPE_BYTES: readonly number[] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];
/** RGB and two more: sharp's limit. */
const MOST_SAMPLES = 5;
const READ = new Set([258, 259, 262, 274, 277, 284, 322, 338, 339]);
const MOST_VALUES = 64;

const REMEDY = 'Save it as 8- or 16-bit grey or RGB; in ImageJ, Image > Type > 8-bit, 16-bit or RGB Color.';

/**
 * The first page's layout.
 * @param name of the file, for messages. @throws IMAGE_UNSUPPORTED for unsupported pixels, IMAGE_UNREADABLE
 * for an invalid header
 */
export function tiffLayout(file: Uint8Array, name: string): TiffLayout {
  const tags = readTags(file, name);
  const one = (tag: number, otherwise: number): number => tags.values.get(tag)?.[0] ?? otherwise;
  const samples = one(277, 1);
  const photometric = one(262, samples >= 3 ? 2 : 1);
  const compression = one(259, 1);
  const bits = tags.values.get(258) ?? [1];
  const formats = tags.values.get(339) ?? [1];
  const extra = tags.values.get(338) ?? [];
  const refuse = (what: string, remedy = REMEDY): never => {
    throw new ReclmisError(
      'IMAGE_UNSUPPORTED',
      `${name}: expected 8- or 16-bit grey or RGB pixels, got ${what}`,
      { remedy },
    );
  };
  if (bits.some((value) => value !== bits[0])) refuse(`samples of ${bits.join(', ')} bits`);
  const depth = bits[0] ?? 1;
  if (formats.includes(2)) refuse(`signed ${depth}-bit pixels`);
  if (formats.some((format) => format === 3 || format > 4))
    refuse(`floating-point or complex ${depth}-bit pixels`);
  const isYcc = photometric === 6 && compression === 7 && samples === 3; // decoded to RGB
  if (photometric > 3 && !isYcc)
    refuse(`${PHOTOMETRIC[photometric] ?? `photometric kind ${photometric}`} pixels`);
  const colours = photometric === 2 || isYcc ? 3 : 1;
  if (samples < colours) refuse(`RGB pixels of ${samples} sample${samples === 1 ? '' : 's'}`);
  const grey = colours === 1;
  const whole = depth === 8 || (depth === 16 && photometric !== 3);
  const packed = grey && samples === 1 && (depth === 1 || depth === 2 || depth === 4);
  if (!whole && !packed)
    refuse(
      `${photometric === 3 ? 'palette' : grey ? 'grey' : 'RGB'} pixels of ${depth} bit${samples > colours ? ' with extra samples' : ''}`,
    );
  if (one(284, 1) === 2 && samples > 1 && tags.values.has(322))
    refuse(
      'planes stored in tiles',
      'Save it with interleaved samples (planar configuration 1), or in strips.',
    );
  const alpha = extra.slice(0, samples - colours).findIndex((kind) => kind === 1 || kind === 2);
  const changes: Change[] = [];
  // libtiff takes an invalid orientation for damage; viewers ignore it.
  const orientation = one(274, 1);
  const orientationAt = tags.shorts.get(274);
  if (orientationAt !== undefined && (orientation < 1 || orientation > 8))
    changes.push({ at: orientationAt, value: 1 });
  // libvips divides by associated alpha and rounds; as unassociated, pixels stay as stored.
  const extraAt = tags.shorts.get(338);
  if (extraAt !== undefined)
    for (const [i, kind] of extra.entries()) if (kind === 1) changes.push({ at: extraAt + 2 * i, value: 2 });
  const unknown = samples - colours - (alpha < 0 ? 0 : 1);
  if (grey && unknown > 1)
    refuse(
      `${samples} samples per pixel, of which the first is grey and ${unknown} are of unspecified kind`,
      'Save the intended channel as grey, or three channels as RGB.',
    );
  if (samples > MOST_SAMPLES) refuse(`${samples} samples per pixel, at most ${MOST_SAMPLES} are supported`);
  // libvips mixes up grey rows with a second plane: it gets the first only.
  const samplesAt = tags.shorts.get(277);
  const firstPlane = grey && samples > 1 && one(284, 1) === 2;
  if (firstPlane && (alpha >= 0 || samplesAt === undefined))
    refuse(
      'grey and opacity in separate planes',
      'Save it with interleaved samples (planar configuration 1), or without opacity.',
    );
  if (firstPlane && samplesAt !== undefined) changes.push({ at: samplesAt, value: 1 });
  return {
    colours,
    samples: firstPlane ? 1 : samples,
    alpha,
    premultiplied: alpha >= 0 && extra[alpha] === 1,
    changes,
  };
}

/** The file for the decoder; the same bytes if nothing changes. */
export function changed(file: Uint8Array, { changes }: TiffLayout): Uint8Array {
  if (changes.length === 0) return file;
  const bytes = new Uint8Array(file); // a copy, also of a Buffer, whose slice is none
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const { at, value } of changes) view.setUint16(at, value, file[0] === 0x49);
  return bytes;
}

/** Name of a compression that the decoder may lack, else null. */
export function rareCompression(file: Uint8Array, name: string): string | null {
  const compression = readTags(file, name).values.get(259)?.[0] ?? 1;
  if ([1, 2, 3, 4, 5, 7, 8, 32773, 32946].includes(compression)) return null;
  return COMPRESSION[compression] ?? `of kind ${compression}`;
}

interface Tags {
  readonly values: ReadonlyMap<number, readonly number[]>;
  readonly shorts: ReadonlyMap<number, number>;
}

function readTags(file: Uint8Array, name: string): Tags {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const little = file[0] === 0x49;
  const values = new Map<number, readonly number[]>();
  const shorts = new Map<number, number>();
  const number = (at: number, bytes: number): number => {
    if (bytes === 1) return view.getUint8(at);
    if (bytes === 2) return view.getUint16(at, little);
    if (bytes === 4) return view.getUint32(at, little);
    return Number(view.getBigUint64(at, little));
  };
  try {
    const big = number(2, 2) === 43;
    const field = big ? 8 : 4;
    const directory = number(big ? 8 : 4, field);
    const count = number(directory, big ? 8 : 2);
    const first = directory + (big ? 8 : 2);
    const entry = 4 + 2 * field;
    if (first + count * entry > file.length) throw new RangeError(`${count} tags`);
    for (let i = 0; i < count; i += 1) {
      const at = first + i * entry;
      const tag = number(at, 2);
      const type = number(at + 2, 2);
      const bytes = TYPE_BYTES[type] ?? 0;
      if (!READ.has(tag) || values.has(tag)) continue; // as libtiff: the first of two counts
      if (![1, 3, 4, 16].includes(type)) continue;
      const length = number(at + 4, field);
      const inPlace = length * bytes <= field;
      const from = inPlace ? at + 4 + field : number(at + 4 + field, field);
      const read = Math.min(length, MOST_VALUES);
      values.set(
        tag,
        Array.from({ length: read }, (_, k) => number(from + k * bytes, bytes)),
      );
      if (type === 3) shorts.set(tag, from);
    }
  } catch (cause) {
    throw new ReclmisError('IMAGE_UNREADABLE', `${name}: the TIFF header is damaged`, { cause });
  }
  return { values, shorts };
}

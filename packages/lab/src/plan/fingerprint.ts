/**
 * A data set in figures, from which `propose.ts` derives a configuration.
 *
 * Worker threads decode every image and mask once (`measure-all.ts`). Holds figures and words of notes, never
 * a note.
 */
import { basename, resolve } from 'node:path';
import {
  type InferredSides,
  inferSides,
  quantileOfSorted,
  tallySides,
  type WarningCode,
  WordTokenizer,
  wordsOf,
} from '@reclmis/core';
import type { TextConfig } from '../config/config-schema.js';
import {
  invalidDataset,
  usableScan,
  type DataSourceOptions,
  type SplitScan,
  NoteMotions,
  presentSplits,
  grouping,
  findSuspicions,
  type Case,
  type Split,
  binAt,
  LEVELS,
  momentsOf,
  shareOfBin,
  measureAll,
  type Measures,
  type MeasureOptions,
} from '@reclmis/data';
import { buildEncoder, chooseEncoder } from '../text/choose.js';
import { textSchema } from '../text/settings.js';

export interface Spread {
  readonly min: number;
  readonly p1: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

export interface Overlap {
  readonly splits: readonly [Split, Split];
  readonly count: number;
}

export interface Repeats {
  readonly distinct: number;
  readonly within: number;
  /** In both of two splits; pairs without any are absent. */
  readonly across: readonly Overlap[];
}

export interface Fingerprint {
  readonly format: 'reclmis-fingerprint/1';
  readonly name: string;
  readonly cases: Readonly<Partial<Record<Split, number>>>;
  readonly images: {
    /** `WIDTHxHEIGHT`, most frequent first, at most 10. */
    readonly sizes: readonly { readonly size: string; readonly count: number }[];
    /** Square root of the pixels. */
    readonly side: Spread;
    readonly bits: readonly number[];
    readonly grey: number;
    /** Pixel width in mm, from the notes' column Spacing. */
    readonly spacing: (Spread & { readonly known: number }) | null;
    /** 8-bit, over all pixels: red, green, blue, or one entry if all images are grey. */
    readonly levels: readonly {
      readonly mean: number;
      readonly sd: number;
      readonly p1: number;
      readonly median: number;
      readonly p99: number;
    }[];
  };
  readonly masks: {
    /** Share of an image, 0 to 1. */
    readonly foreground: Spread;
    readonly empty: number;
    /** Connected, per image. */
    readonly areas: Spread;
    /** Within 4.5 %; null if all masks are empty. */
    readonly areaShare: { readonly p10: number; readonly median: number; readonly p90: number } | null;
  };
  readonly notes: {
    /** Counted the tokens. */
    readonly encoder: TextConfig['encoder'];
    readonly tokens: Spread;
    /** Share of notes, 0 to 1, that fit: from the 99th percentile to the longest. */
    readonly fits: readonly { readonly tokens: number; readonly share: number }[];
    readonly namingSides: number;
    readonly namingPlaces: number;
    readonly sides: InferredSides;
    readonly vocabulary: number;
    /** Words that training notes lack: their share, and the first 20. */
    readonly unknown: readonly {
      readonly split: Split;
      readonly share: number;
      readonly words: readonly string[];
    }[];
    readonly repeats: Repeats;
  };
  /** From `reclmis data check`, with their cases. */
  readonly suspicions: readonly { readonly code: WarningCode; readonly count: number }[];
  /** Same pixels. */
  readonly duplicates: Repeats;
  readonly patients: {
    /** As given; empty: the known names. */
    readonly pattern: string;
    /** Each other case counts as a patient. */
    readonly named: number;
    readonly count: number;
    readonly across: readonly Overlap[];
  };
}

export interface FingerprintOptions extends MeasureOptions, DataSourceOptions {
  /** See `grouping`. */
  readonly group?: string;
  readonly encoder?: TextConfig['encoder'];
}

const LISTED = 20;
/** Longer than any note. */
const LONGEST_CONTEXT = 77;

/**
 * @throws DATA_FOLDER_MISSING, DATA_INVALID and codes of single problems, INTERRUPTED, OPTION_INVALID for a
 * bad pattern, NOTES_UNREADABLE for a bad spacing
 */
export async function takeFingerprint(dir: string, options: FingerprintOptions = {}): Promise<Fingerprint> {
  const patients = grouping(options.group);
  const scans: SplitScan[] = [];
  for (const split of new Set<Split>(['train', ...(await presentSplits(dir, options))]))
    scans.push(await usableScan(dir, split, undefined, options));
  const spacings = spacingsOf(scans);
  const measures = await measureAll(
    scans.map(({ split, cases }) => ({ dir, split, cases })),
    options,
  );
  if (measures.problems.length > 0) throw invalidDataset(dir, measures.problems);
  const all = scans.flatMap(({ split, cases }) => cases.map((one) => ({ ...one, split })));
  const { fits, groupOf } = patients;
  // Other names are not compared across splits, which may each count from 1.
  const people = repeatsOf(all, (one) => (fits(one) ? groupOf(one) : `${one.split} ${groupOf(one)}`));
  return {
    format: 'reclmis-fingerprint/1',
    name: basename(resolve(dir)),
    cases: Object.fromEntries(scans.map(({ split, cases }) => [split, cases.length])),
    images: imagesOf(measures, spacings),
    masks: masksOf(measures),
    notes: {
      ...notesOf(scans, all, options.encoder ?? 'auto'),
      sides: inferSides(tallySides(measures.cases.map(({ sides }) => sides))),
    },
    suspicions: suspicionsOf(all, measures, options.group),
    duplicates: repeatsOf(picturesOf(all, measures), ({ hash }) => hash),
    patients: {
      pattern: patients.pattern,
      named: all.filter(fits).length,
      count: people.distinct,
      across: people.across,
    },
  };
}

/** One measure for each image of a split, whatever number of cases it has. */
function picturesOf(
  all: readonly (Case & { readonly split: Split })[],
  { cases }: Measures,
): Measures['cases'] {
  const shared = new Set<string>();
  return cases.filter((_, i) => {
    const { split, imageId } = all[i] ?? {};
    const image = `${split} ${imageId}`;
    if (imageId === undefined) return true;
    if (shared.has(image)) return false;
    shared.add(image);
    return true;
  });
}

function suspicionsOf(
  all: readonly (Case & { readonly split: Split })[],
  { cases }: Measures,
  group = '',
): Fingerprint['suspicions'] {
  const subjects = cases.flatMap((measure, i) => {
    const one = all[i];
    return one === undefined ? [] : [{ ...one, measure }];
  });
  return findSuspicions(subjects, { group }).map(({ code, count }) => ({ code, count }));
}

/** Quantiles and mean; NaN for no values. */
export function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => quantileOfSorted(sorted, share);
  const mean = sorted.reduce((a, b) => a + b, 0) / sorted.length;
  return { min: at(0), p1: at(0.01), median: at(0.5), p99: at(0.99), max: at(1), mean };
}

/** Repeats within splits, and across two. */
export function repeatsOf<T extends { readonly split: Split }>(
  items: readonly T[],
  key: (item: T) => string,
): Repeats {
  const splitsOf = new Map<string, Map<Split, number>>();
  for (const item of items) {
    const counts = splitsOf.get(key(item)) ?? new Map<Split, number>();
    counts.set(item.split, (counts.get(item.split) ?? 0) + 1);
    splitsOf.set(key(item), counts);
  }
  const pairs = [['train', 'val'], ['train', 'test'], ['val', 'test']] as const; // prettier-ignore
  const sets = [...splitsOf.values()];
  return {
    distinct: splitsOf.size,
    within: sets.reduce((sum, counts) => sum + [...counts.values()].reduce((a, n) => a + n - 1, 0), 0),
    across: pairs
      .map((splits) => ({ splits, count: sets.filter((set) => splits.every((one) => set.has(one))).length }))
      .filter(({ count }) => count > 0),
  };
}

/** In mm. */
function spacingsOf(scans: readonly SplitScan[]): number[] {
  return scans.flatMap(({ cases }) =>
    cases.flatMap(({ spacing }) => (spacing === undefined ? [] : [spacing[0]])),
  );
}

function imagesOf({ cases, levels }: Measures, spacings: readonly number[]): Fingerprint['images'] {
  const sizes = new Map<string, number>();
  for (const { width, height } of cases) {
    const size = `${width}x${height}`;
    sizes.set(size, (sizes.get(size) ?? 0) + 1);
  }
  const grey = cases.filter((one) => one.grey).length;
  const channels = grey === cases.length ? [0] : [0, 1, 2];
  return {
    sizes: [...sizes]
      .map(([size, count]) => ({ size, count }))
      .sort((a, b) => b.count - a.count || (a.size < b.size ? -1 : 1))
      .slice(0, 10),
    side: spread(cases.map(({ width, height }) => Math.sqrt(width * height))),
    bits: [...new Set(cases.map(({ bits }) => bits))].sort((a, b) => a - b),
    grey,
    spacing: spacings.length === 0 ? null : { ...spread(spacings), known: spacings.length },
    levels: channels.map((c) => {
      const counts = levels.subarray(c * LEVELS, (c + 1) * LEVELS);
      const at = (share: number): number => binAt(counts, share);
      return { ...momentsOf(counts), p1: at(0.01), median: at(0.5), p99: at(0.99) };
    }),
  };
}

function masksOf({ cases, areaShares }: Measures): Fingerprint['masks'] {
  // Bins go from large shares to small ones.
  const at = (share: number): number => shareOfBin(binAt(areaShares, 1 - share));
  const any = areaShares.some((count) => count > 0);
  return {
    foreground: spread(cases.map(({ foreground }) => foreground)),
    empty: cases.filter(({ foreground }) => foreground === 0).length,
    areas: spread(cases.map(({ areas }) => areas)),
    areaShare: any ? { p10: at(0.1), median: at(0.5), p90: at(0.9) } : null,
  };
}

function notesOf(
  scans: readonly SplitScan[],
  all: readonly (Case & { readonly split: Split })[],
  asked: TextConfig['encoder'],
): Omit<Fingerprint['notes'], 'sides'> {
  const training = all.filter(({ split }) => split === 'train').map(({ note }) => note);
  const { encoder } = chooseEncoder(readingLong(asked)).text;
  const counts = countsOf(encoder, training, all);
  const sorted = [...counts].sort((a, b) => a - b);
  const tokens = spread(counts);
  const words = WordTokenizer.fromNotes(training);
  const motions = new NoteMotions();
  const share = (test: (note: string) => boolean): number =>
    all.filter(({ note }) => test(note)).length / all.length;
  const levels = [...new Set(sorted.filter((count) => count >= Math.floor(tokens.p99)))];
  return {
    encoder,
    tokens,
    fits: levels.slice(0, LISTED).map((count) => ({
      tokens: count,
      share: sorted.filter((one) => one <= count).length / sorted.length,
    })),
    namingSides: share((note) => motions.of(note).mirrored !== note),
    namingPlaces: share((note) => motions.of(note).placed),
    vocabulary: new Set(training.flatMap(wordsOf)).size,
    unknown: scans
      .filter(({ split }) => split !== 'train')
      .map(({ split, cases }) => {
        const { unknownShare, unknown } = words.statistics(cases.map(({ note }) => note));
        return { split, share: unknownShare, words: unknown.slice(0, LISTED) };
      }),
    repeats: repeatsOf(all, ({ note }) => note),
  };
}

const readingLong = (encoder: TextConfig['encoder']): TextConfig =>
  textSchema.parse({ encoder, contextLength: LONGEST_CONTEXT });

/** The words encoder's tokens are words, so it need not exist. */
function countsOf(
  encoder: TextConfig['encoder'],
  training: readonly string[],
  all: readonly { readonly note: string }[],
): number[] {
  if (encoder === 'words') return all.map(({ note }) => Math.max(1, wordsOf(note).length));
  const clip = buildEncoder(readingLong(encoder), training);
  try {
    return all.map(({ note }) => clip.countTokens(note));
  } finally {
    clip.dispose?.();
  }
}

/**
 * What a data set is like, in the figures from which `propose.ts` takes a configuration: images, masks, notes, duplicates, patients.
 *
 * Every image and mask is decoded once, in worker threads (`measure-all.ts`). Of notes the fingerprint holds figures and words, never a note.
 */
import { basename, resolve } from 'node:path';
import {
  type InferredSides,
  inferSides,
  namesPlace,
  namesSide,
  quantileOfSorted,
  tallySides,
  type WarningCode,
  WordTokenizer,
  wordsOf,
} from '@reclmis/core';
import type { TextConfig } from '../config/config-schema.js';
import { invalidDataset, usableScan } from '../data/dataset.js';
import { presentSplits, type SplitScan } from '../data/folders.js';
import { grouping } from '../data/groups.js';
import { findSuspicions } from '../data/suspect/index.js';
import type { Case, Split } from '../data/types.js';
import { buildEncoder, chooseEncoder } from '../text/choose.js';
import { binAt, LEVELS, momentsOf, shareOfBin } from '../data/measure/histogram.js';
import { measureAll, type Measures, type MeasureOptions } from '../data/measure/measure-all.js';

/** Quantiles and mean of values in any unit. */
export interface Spread {
  readonly min: number;
  readonly p1: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

/** Things that two splits have in common. */
export interface Overlap {
  readonly splits: readonly [Split, Split];
  readonly count: number;
}

/** Things that occur more than once. */
export interface Repeats {
  readonly distinct: number;
  /** How many more there are than distinct ones, within a split. */
  readonly within: number;
  /** Distinct ones that both of two splits have; pairs without any are left out. */
  readonly across: readonly Overlap[];
}

export interface Fingerprint {
  readonly format: 'reclmis-fingerprint/1';
  readonly name: string;
  readonly cases: Readonly<Partial<Record<Split, number>>>;
  readonly images: {
    /** `WIDTHxHEIGHT`, most frequent first, at most 10. */
    readonly sizes: readonly { readonly size: string; readonly count: number }[];
    /** Root of the number of pixels. */
    readonly side: Spread;
    readonly bits: readonly number[];
    /** Images whose channels are equal. */
    readonly grey: number;
    /** Width of a pixel in mm, where the notes' column Spacing states it. */
    readonly spacing: (Spread & { readonly known: number }) | null;
    /** Mean and deviation of the 8-bit levels of all pixels: red, green, blue, or one entry if all images are grey. */
    readonly levels: readonly {
      readonly mean: number;
      readonly sd: number;
      readonly p1: number;
      readonly median: number;
      readonly p99: number;
    }[];
  };
  readonly masks: {
    /** Share of an image that is foreground, 0 to 1. */
    readonly foreground: Spread;
    readonly empty: number;
    /** Connected areas of an image. */
    readonly areas: Spread;
    /** Share of the image that one of them covers, within 4.5 %; null where all masks are empty. */
    readonly areaShare: { readonly p10: number; readonly median: number; readonly p90: number } | null;
  };
  readonly notes: {
    /** The encoder that the notes' tokens are counted with. */
    readonly encoder: TextConfig['encoder'];
    readonly tokens: Spread;
    /** Share of the notes, 0 to 1, that fit into so many tokens: from the 99th percentile to the longest. */
    readonly fits: readonly { readonly tokens: number; readonly share: number }[];
    readonly namingSides: number;
    readonly namingPlaces: number;
    /** Whose left and right they mean, of all splits, and the figure behind it. */
    readonly sides: InferredSides;
    /** Different words of the training notes. */
    readonly vocabulary: number;
    /** Words that the training notes do not have, by split: their share of the words, and the first 20. */
    readonly unknown: readonly {
      readonly split: Split;
      readonly share: number;
      readonly words: readonly string[];
    }[];
    readonly repeats: Repeats;
  };
  /** What `reclmis data check` suspects, and of how many cases. */
  readonly suspicions: readonly { readonly code: WarningCode; readonly count: number }[];
  /** Pictures of the same pixels. */
  readonly duplicates: Repeats;
  readonly patients: {
    /** As given; empty: the known names. */
    readonly pattern: string;
    /** Cases whose names say who the patient is; the others count as a patient each. */
    readonly named: number;
    readonly count: number;
    readonly across: readonly Overlap[];
  };
}

export interface FingerprintOptions extends MeasureOptions {
  /** See `grouping`. */
  readonly group?: string;
  /** Default `auto`. */
  readonly encoder?: TextConfig['encoder'];
}

/** Words that the fingerprint lists. */
const LISTED = 20;
/** Room for any note while its tokens are counted. */
const LONGEST_CONTEXT = 77;

/**
 * Takes a data set's fingerprint.
 * @throws DATA_FOLDER_MISSING, DATA_INVALID and the codes of single problems, INTERRUPTED, OPTION_INVALID for a bad pattern, NOTES_UNREADABLE for a
 *   spacing that is no size
 */
export async function takeFingerprint(dir: string, options: FingerprintOptions = {}): Promise<Fingerprint> {
  const patients = grouping(options.group);
  const scans: SplitScan[] = [];
  for (const split of new Set<Split>(['train', ...(await presentSplits(dir))]))
    scans.push(await usableScan(dir, split));
  const spacings = spacingsOf(scans);
  const measures = await measureAll(
    scans.map(({ split, cases }) => ({ dir, split, cases })),
    options,
  );
  if (measures.problems.length > 0) throw invalidDataset(dir, measures.problems);
  const all = scans.flatMap(({ split, cases }) => cases.map((one) => ({ ...one, split })));
  const { fits, groupOf } = patients;
  // A name that says no patient says nothing across splits: each may count its files from 1.
  const people = repeatsOf(all, ({ id, split }) => (fits(id) ? groupOf(id) : `${split} ${groupOf(id)}`));
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
    duplicates: repeatsOf(measures.cases, ({ hash }) => hash),
    patients: {
      pattern: patients.pattern,
      named: all.filter(({ id }) => fits(id)).length,
      count: people.distinct,
      across: people.across,
    },
  };
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

/** Quantiles and mean; of no value, NaN. */
export function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => quantileOfSorted(sorted, share);
  const mean = sorted.reduce((a, b) => a + b, 0) / sorted.length;
  return { min: at(0), p1: at(0.01), median: at(0.5), p99: at(0.99), max: at(1), mean };
}

/** Counts what occurs twice, within splits and in two of them. */
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

/** Widths of pixels in mm, of the cases whose notes' table names them. */
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
  const { encoder } = chooseEncoder({ encoder: asked, contextLength: LONGEST_CONTEXT }).text;
  const counts = countsOf(encoder, training, all);
  const sorted = [...counts].sort((a, b) => a - b);
  const tokens = spread(counts);
  const words = WordTokenizer.fromNotes(training);
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
    namingSides: share(namesSide),
    namingPlaces: share(namesPlace),
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

/** Tokens of each note. The words encoder's are its words, for which no encoder needs to be made. */
function countsOf(
  encoder: TextConfig['encoder'],
  training: readonly string[],
  all: readonly { readonly note: string }[],
): number[] {
  if (encoder === 'words') return all.map(({ note }) => Math.max(1, wordsOf(note).length));
  const clip = buildEncoder({ encoder, contextLength: LONGEST_CONTEXT }, training);
  try {
    return all.map(({ note }) => clip.countTokens(note));
  } finally {
    clip.dispose?.();
  }
}

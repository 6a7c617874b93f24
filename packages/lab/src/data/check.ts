/**
 * The check of a data set: everything that is there is decoded, everything that is wrong is named, the rest is counted.
 * `reclmis data check` prints its report; training refuses by the same messages (`assertUsable`).
 */
import { relative } from 'node:path';
import { type InferredSides, namesPlace, namesSide, wordsOf } from '@reclmis/core';
import { mapLimit, readImage, readMask } from '@reclmis/files';
import { invalidDataset, problemOf, readStems, sizeMismatch, type OpenOptions } from './dataset.js';
import { presentSplits, scanSplit, type Problem } from './folders.js';
import { measureSides } from './sides.js';
import type { Case, Split } from './types.js';

/** Files decoded at a time: libuv's four threads are what decodes. */
const LANES = 4;
const MOST_FREQUENT = 5;

export interface NoteStatistics {
  /** Notes that differ in at least one character. */
  readonly distinct: number;
  /** Notes that remain different when case is ignored. */
  readonly distinctIgnoringCase: number;
  /** Words of a note: letters and digits, punctuation not counted. */
  readonly words: { readonly min: number; readonly median: number; readonly max: number };
  /** Share of the notes, 0 to 1, that name a side. */
  readonly namingSides: number;
  /** Share of the notes, 0 to 1, that name a side or a height. */
  readonly namingPlaces: number;
  /** Different words, case ignored. */
  readonly vocabulary: number;
  readonly mostFrequent: readonly { readonly note: string; readonly count: number }[];
}

export interface SplitReport {
  readonly split: Split;
  /** Image files, mask files and notes that belong to them, selected or not. */
  readonly images: number;
  readonly masks: number;
  readonly notes: number;
  /** Cases with image, mask and note that decode and fit. */
  readonly cases: number;
  /** Masks without any foreground, by path relative to the folder: allowed, but worth knowing. */
  readonly emptyMasks: readonly string[];
  /** Mean share of the foreground, 0 to 1, over the masks. */
  readonly foreground: number;
  /** Image sizes, `WIDTHxHEIGHT`, with how many images have them, most frequent first. */
  readonly sizes: readonly { readonly size: string; readonly count: number }[];
  /** Of the usable cases; null if there is none. */
  readonly noteStatistics: NoteStatistics | null;
}

export interface DatasetReport {
  readonly dir: string;
  readonly splits: readonly SplitReport[];
  /** Whose left and right the notes of all splits mean, and the figure behind it. */
  readonly sides: InferredSides;
  readonly problems: readonly Problem[];
  readonly ok: boolean;
}

export interface CheckOptions extends OpenOptions {
  /** Default: every split whose folder is there. */
  readonly splits?: readonly Split[];
  /** Called after each case that was decoded. */
  readonly onProgress?: (done: number, total: number) => void;
}

function countBy<T>(items: readonly T[], key: (item: T) => string): { key: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return [...counts]
    .map(([name, count]) => ({ key: name, count }))
    .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
}

/** What the notes of a data set are like; null without notes. */
export function noteStatistics(notes: readonly string[]): NoteStatistics | null {
  if (notes.length === 0) return null;
  const frequencies = countBy(notes, (note) => note);
  const words = notes.map(wordsOf);
  const lengths = words.map((list) => list.length).sort((a, b) => a - b);
  const middle = (lengths.length - 1) / 2;
  const at = (i: number): number => lengths[i] ?? 0;
  const share = (test: (note: string) => boolean): number => notes.filter(test).length / notes.length;
  return {
    distinct: frequencies.length,
    distinctIgnoringCase: new Set(notes.map((note) => note.toLowerCase())).size,
    words: {
      min: at(0),
      median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
      max: at(lengths.length - 1),
    },
    namingSides: share(namesSide),
    namingPlaces: share(namesPlace),
    vocabulary: new Set(words.flat()).size,
    mostFrequent: frequencies.slice(0, MOST_FREQUENT).map(({ key, count }) => ({ note: key, count })),
  };
}

interface CaseReport {
  readonly problems: readonly Problem[];
  readonly size: string;
  /** Share of the mask that is foreground; null if it could not be read. */
  readonly foreground: number | null;
}

async function checkCase(
  set: { dir: string; split: Split },
  { imagePath, maskPath }: Case,
): Promise<CaseReport> {
  const problems: Problem[] = [];
  const failed = (path: string) => (error: unknown) => {
    problems.push(problemOf(set, path, error));
    return null;
  };
  const [image, mask] = await Promise.all([
    readImage(imagePath).catch(failed(imagePath)),
    readMask(maskPath).catch(failed(maskPath)),
  ]);
  if (image !== null && mask !== null && (image.width !== mask.width || image.height !== mask.height)) {
    problems.push(sizeMismatch(set, maskPath, mask, image));
  }
  const foreground =
    mask === null ? null : mask.data.reduce((sum, value) => sum + value, 0) / mask.data.length;
  return { problems, size: image === null ? '' : `${image.width}x${image.height}`, foreground };
}

/**
 * Checks a data set folder: names every image without mask, mask without image, image without note, note for no image, file that
 * does not decode, mask of another size; counts empty masks, which are allowed. Problems are in the report, not thrown
 * (`assertValid` throws them). With `stems`, the splits must be given: a list belongs to a split.
 * @throws DATA_FOLDER_MISSING if there is nothing to check
 */
export async function checkDataset(dir: string, options: CheckOptions = {}): Promise<DatasetReport> {
  const stems = await readStems(options.stems);
  const splits = options.splits ?? (await presentSplits(dir));
  const scans = [];
  for (const split of splits) scans.push(await scanSplit(dir, split, stems));
  const total = scans.reduce((sum, { cases }) => sum + cases.length, 0);
  const problems: Problem[] = [];
  const reports: SplitReport[] = [];
  const sound: Case[] = [];
  let done = 0;
  for (const { split, cases, problems: found, images, masks, notes } of scans) {
    const checked = await mapLimit(cases, LANES, async (item) => {
      const report = await checkCase({ dir, split }, item);
      done += 1;
      options.onProgress?.(done, total);
      return report;
    });
    problems.push(...found, ...checked.flatMap((report) => report.problems));
    const usable = cases.filter((_, i) => checked[i]?.problems.length === 0);
    const shares = checked.flatMap(({ foreground }) => (foreground === null ? [] : [foreground]));
    sound.push(...usable);
    reports.push({
      split,
      images,
      masks,
      notes,
      cases: usable.length,
      emptyMasks: cases
        .filter((_, i) => checked[i]?.foreground === 0)
        .map(({ maskPath }) => relative(dir, maskPath)),
      foreground: shares.length === 0 ? 0 : shares.reduce((a, b) => a + b, 0) / shares.length,
      sizes: countBy(
        checked.filter(({ size }) => size !== ''),
        ({ size }) => size,
      ).map(({ key, count }) => ({ size: key, count })),
      noteStatistics: noteStatistics(usable.map(({ note }) => note)),
    });
  }
  const sides = await measureSides(sound);
  return { dir, splits: reports, sides, problems, ok: problems.length === 0 };
}

/** @throws DATA_INVALID if the report holds a problem */
export function assertValid(report: DatasetReport): void {
  if (!report.ok) throw invalidDataset(report.dir, report.problems);
}

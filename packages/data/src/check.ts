/**
 * Checks a data set: decodes everything, names every problem, reports likely mistakes as suspicions
 * (`suspect/`). `reclmis data check` prints the report; training refuses with the same messages
 * (`assertUsable`).
 */
import {
  type InferredSides,
  inferSides,
  ReclmisError,
  sidesWarnings,
  tallySides,
  wordsOf,
} from '@reclmis/core';
import { invalidDataset, itemOf, readStems, type OpenOptions } from './dataset.js';
import type { Problem, SplitScan } from './layouts/layout.js';
import { measureAll, type MeasureOptions } from './measure/measure-all.js';
import { NoteMotions } from './note-motions.js';
import { findSuspicions, type Subject, type Suspicion } from './suspect/index.js';
import { presentSplits, scanSplit } from './source.js';
import type { Split } from './types.js';

const MOST_FREQUENT = 5;
/** Suspicions named in an error. */
const NAMED = 3;

export interface NoteStatistics {
  readonly distinct: number;
  readonly distinctIgnoringCase: number;
  /** Letters and digits. */
  readonly words: { readonly min: number; readonly median: number; readonly max: number };
  /** Share of the notes that name a side, 0 to 1. */
  readonly namingSides: number;
  /** Share of notes that name a side or a height, 0 to 1. */
  readonly namingPlaces: number;
  readonly vocabulary: number;
  readonly mostFrequent: readonly { readonly note: string; readonly count: number }[];
}

export interface SplitReport {
  readonly split: Split;
  /** Selected or not. */
  readonly images: number;
  readonly masks: number;
  readonly notes: number;
  /** With image, mask and note that decode and fit. */
  readonly cases: number;
  /** Relative to the folder; they are allowed. */
  readonly emptyMasks: readonly string[];
  /** Mean share of foreground, 0 to 1. */
  readonly foreground: number;
  /** `WIDTHxHEIGHT`, most frequent first. */
  readonly sizes: readonly { readonly size: string; readonly count: number }[];
  readonly noteStatistics: NoteStatistics | null;
}

export interface DatasetReport {
  readonly dir: string;
  readonly splits: readonly SplitReport[];
  readonly problems: readonly Problem[];
  /** In usable cases. */
  readonly suspicions: readonly Suspicion[];
  /** From the notes of all splits. */
  readonly sides: InferredSides;
  /** Suspicions do not count. */
  readonly ok: boolean;
}

export interface CheckOptions extends OpenOptions, MeasureOptions {
  /** Default: all that are there. */
  readonly only?: readonly Split[];
  /** See `grouping`. */
  readonly group?: string;
}

function countBy<T>(items: readonly T[], key: (item: T) => string): { key: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return [...counts]
    .map(([name, count]) => ({ key: name, count }))
    .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
}

export function noteStatistics(notes: readonly string[]): NoteStatistics | null {
  if (notes.length === 0) return null;
  const frequencies = countBy(notes, (note) => note);
  const words = notes.map(wordsOf);
  const lengths = words.map((list) => list.length).sort((a, b) => a - b);
  const middle = (lengths.length - 1) / 2;
  const at = (i: number): number => lengths[i] ?? 0;
  const motions = new NoteMotions();
  const share = (test: (note: string) => boolean): number => notes.filter(test).length / notes.length;
  return {
    distinct: frequencies.length,
    distinctIgnoringCase: new Set(notes.map((note) => note.toLowerCase())).size,
    words: {
      min: at(0),
      median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
      max: at(lengths.length - 1),
    },
    namingSides: share((note) => motions.of(note).mirrored !== note),
    namingPlaces: share((note) => motions.of(note).placed),
    vocabulary: new Set(words.flat()).size,
    mostFrequent: frequencies.slice(0, MOST_FREQUENT).map(({ key, count }) => ({ note: key, count })),
  };
}

/**
 * Reports problems instead of throwing (`assertValid` throws). `stems` needs `only`.
 * @throws DATA_FOLDER_MISSING if there is nothing to check
 */
export async function checkDataset(dir: string, options: CheckOptions = {}): Promise<DatasetReport> {
  return (await inspectDataset(dir, options)).report;
}

/** `checkDataset` with usable cases and their measurements. */
export async function inspectDataset(
  dir: string,
  options: CheckOptions = {},
): Promise<{ report: DatasetReport; subjects: readonly Subject[] }> {
  const stems = await readStems(options.stems);
  const splits = options.only ?? (await presentSplits(dir, options));
  const scans: SplitScan[] = [];
  for (const split of splits) scans.push(await scanSplit(dir, split, stems, options));
  const { cases: measured, problems: unreadable } = await measureAll(
    scans.map(({ split, cases }) => ({ dir, split, cases })),
    options,
  );
  const bySplit = new Map(
    scans.map(({ split }) => [
      split,
      new Map(measured.filter((one) => one.split === split).map((one) => [one.id, one])),
    ]),
  );
  const subjects = scans.flatMap(({ split, cases }) =>
    cases.flatMap((one): Subject[] => {
      const measure = bySplit.get(split)?.get(one.id);
      return measure === undefined ? [] : [{ ...one, split, measure }];
    }),
  );
  const problems = distinctBy(
    scans.flatMap(({ split, problems: found }) => [
      ...found,
      ...unreadable.filter((one) => one.split === split),
    ]),
    ({ code, message }) => `${code} ${message}`,
  );
  const reports = scans.map((scan) => splitReport(dir, scan, subjects.filter(({ split }) => split === scan.split))); // prettier-ignore
  const sides = inferSides(tallySides(subjects.map(({ measure }) => measure.sides)));
  const suspicions = [
    ...findSuspicions(subjects, options.group === undefined ? {} : { group: options.group }),
    ...warningsOf(scans),
    ...sidesWarnings(sides).map((one) => ({ ...one, ...casesNamingASide(subjects) })),
  ];
  const ok = problems.length === 0;
  return { report: { dir, splits: reports, problems, suspicions, sides, ok }, subjects };
}

/** With a table of splits, a source's problems come with each of them. */
function distinctBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  const seen = new Set<string>();
  return items.filter((item) => !seen.has(key(item)) && seen.add(key(item)));
}

/** What layouts left out: a warning that several splits share counts once. */
function warningsOf(scans: readonly SplitScan[]): Suspicion[] {
  const all = scans.flatMap(({ warnings = [] }) => warnings).map((one) => ({ ...one, cases: [] }));
  return [...new Map(all.map((one) => [one.message, one])).values()];
}

function casesNamingASide(subjects: readonly Subject[]): Pick<Suspicion, 'count' | 'cases'> {
  const cases = subjects
    .filter(({ measure }) => measure.sides !== null)
    .map(({ split, id }) => ({ split, id }));
  return { count: cases.length, cases };
}

function splitReport(
  dir: string,
  { split, images, masks, notes }: SplitScan,
  usable: readonly Subject[],
): SplitReport {
  return {
    split,
    images,
    masks,
    notes,
    cases: usable.length,
    emptyMasks: usable
      .filter(({ measure }) => measure.foreground === 0)
      .map(({ id, mask, maskPath }) => (mask === undefined ? itemOf(dir, maskPath) : id)),
    foreground: usable.reduce((sum, { measure }) => sum + measure.foreground, 0) / Math.max(1, usable.length),
    sizes: countBy(usable, ({ measure }) => `${measure.width}x${measure.height}`).map(({ key, count }) => ({
      size: key,
      count,
    })),
    noteStatistics: noteStatistics(usable.map(({ note }) => note)),
  };
}

/** @throws DATA_SUSPICIOUS */
export function assertUnsuspicious({ dir, suspicions }: DatasetReport): void {
  if (suspicions.length === 0) return;
  const count = `${suspicions.length} suspicion${suspicions.length === 1 ? '' : 's'}`;
  const shown = suspicions.slice(0, NAMED).map(({ code, message }) => `${code}: ${message}`);
  const more = suspicions.length > NAMED ? `; and ${suspicions.length - NAMED} more` : '';
  throw new ReclmisError('DATA_SUSPICIOUS', `${dir}: ${count}: ${shown.join('; ')}${more}`, {
    remedy: `Look at the cases with \`reclmis data check ${dir} --report page.html\`; repair them, or omit --strict.`,
  });
}

/** @throws DATA_INVALID */
export function assertValid(report: DatasetReport): void {
  if (!report.ok) throw invalidDataset(report.dir, report.problems);
}

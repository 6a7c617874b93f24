/**
 * `reference.json` of a run: what it remembers of its training data so that doubtful results can be told (core's `ResultChecks`): the words of the
 * notes, figures of the images, and how masks and notes go together. Measured once, before the first step, on images spread evenly over the
 * training cases; an export of an older run measures them where the data are there.
 *
 * No note and no picture is kept. A word is kept where the notes of at least `LEAST_PATIENTS` patients have it, or where it belongs to the grammar of
 * notes, so that no patient's name is.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  fitLikeness,
  type ImageFeatures,
  imageFeatures,
  imageToPlanes,
  insideNamedZones,
  isNoteWord,
  LEAST_IMAGES,
  LEAST_INSIDE,
  type MaskRules,
  maskAreas,
  parseNote,
  quantileOfSorted,
  ReclmisError,
  ResultChecks,
  type StatedSides,
  type TrainingReference,
  trainingReferenceSchema,
  wordsOf,
} from '@reclmis/core';
import { mapLimit, readImage, readImageHeader, readMask, readTextSync } from '@reclmis/files';
import { writeAtomically } from '@reclmis/torch';
import { grouping } from '../data/groups.js';
import type { Case } from '../data/types.js';
import type { NoteEncoder } from '../text/encoder.js';
import { WordEncoder } from '../text/words.js';

const FILE = 'reference.json';
const FORMAT = 'reclmis-reference/1';

/** Images that are measured; fewer where they are large, as many as have this many pixels. */
const MOST_IMAGES = 1000;
const MOST_PIXELS = 500e6;
/** Files that are read at a time. */
const LANES = 4;
/** Patients whose notes a word must be in. */
const LEAST_PATIENTS = 5;
/** Longest word that is kept. */
const LONGEST_WORD = 64;
/** Share of the training masks that a rule may suspect. */
const SUSPECTED = 0.02;
/** A rule that asks for less than this share says nothing. */
const LEAST_RULE = 0.05;

export interface ReferenceOptions {
  /** S. */
  readonly size: number;
  readonly readsNotes: boolean;
  /** Whose left and right the notes mean. */
  readonly sides: StatedSides;
  /** See `grouping`. */
  readonly group?: string;
  /** Ends the work; the result is then null. */
  readonly signal?: AbortSignal | undefined;
}

/** Measures training cases; null where there are none, or the signal came. What cannot be read is left out: training says so. */
export async function measureReference(
  cases: readonly Case[],
  options: ReferenceOptions,
): Promise<TrainingReference | null> {
  const { size, readsNotes, sides, group, signal } = options;
  const sample = await sampleOf(cases);
  const measured = await mapLimit(sample, LANES, async (one) => {
    if (signal?.aborted) return null;
    try {
      const features = imageFeatures(imageToPlanes(await readImage(one.imagePath), size), size);
      return { features, fit: readsNotes ? await fitOf(one, sides) : null };
    } catch (error) {
      if (error instanceof ReclmisError) return null;
      throw error;
    }
  });
  const images: ImageFeatures[] = measured.flatMap((one) => (one ? [one.features] : []));
  const fits: MaskFit[] = measured.flatMap((one) => (one?.fit ? [one.fit] : []));
  if (images.length === 0 || signal?.aborted) return null;
  return {
    cases: images.length,
    words: readsNotes ? wordsToKeep(cases, group) : null,
    images: fitLikeness(images),
    masks: readsNotes ? rulesOf(fits) : null,
  };
}

/** Cases spread evenly over all. */
async function sampleOf(cases: readonly Case[]): Promise<Case[]> {
  const [first] = cases;
  if (!first) return [];
  const header = await readImageHeader(first.imagePath).catch(() => null);
  const pixels = header ? header.width * header.height : 1;
  const count = Math.min(cases.length, MOST_IMAGES, Math.max(LEAST_IMAGES, Math.floor(MOST_PIXELS / pixels)));
  return Array.from({ length: count }, (_, i) => cases[Math.floor(((i + 0.5) * cases.length) / count)]!);
}

/** The words of notes that may be kept, in order of code points. */
export function wordsToKeep(cases: readonly Pick<Case, 'id' | 'note'>[], group?: string): string[] {
  const { groupOf } = grouping(group);
  const patients = new Map<string, Set<string>>();
  for (const { id, note } of cases) {
    for (const word of new Set(wordsOf(note))) {
      const seen = patients.get(word) ?? new Set();
      if (seen.size < LEAST_PATIENTS) seen.add(groupOf(id));
      patients.set(word, seen);
    }
  }
  return [...patients]
    .filter(
      ([word, seen]) => word.length <= LONGEST_WORD && (seen.size >= LEAST_PATIENTS || isNoteWord(word)),
    )
    .map(([word]) => word)
    .sort((a, b) => (a < b ? -1 : 1));
}

/** How a training mask goes with its note. */
interface MaskFit {
  /** Share inside the named zones; null where none is named, or the mask is empty. */
  readonly inside: number | null;
  /** Whether the mask has as many areas as the note counts; null where it counts none. */
  readonly counted: boolean | null;
}

async function fitOf({ maskPath, note }: Case, sides: StatedSides): Promise<MaskFit> {
  const mask = await readMask(maskPath);
  const said = parseNote(note);
  return {
    inside: insideNamedZones(mask, said, sides)?.inside ?? null,
    counted: said.count === null ? null : maskAreas(mask) === said.count,
  };
}

/** Rules that hold of nearly all training masks. */
export function rulesOf(fits: readonly MaskFit[]): MaskRules {
  const inside = fits.flatMap((fit) => (fit.inside === null ? [] : [fit.inside])).sort((a, b) => a - b);
  const counted = fits.flatMap((fit) => (fit.counted === null ? [] : [fit.counted]));
  const wrong = counted.filter((right) => !right).length;
  const areas = counted.length < LEAST_IMAGES || wrong <= SUSPECTED * counted.length;
  if (inside.length < LEAST_IMAGES) return { inside: LEAST_INSIDE, areas };
  const least = Math.min(LEAST_INSIDE, quantileOfSorted(Float64Array.from(inside), SUSPECTED));
  return { inside: least < LEAST_RULE ? null : Number(least.toPrecision(3)), areas };
}

/** Writes a run's reference. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export function writeReference(runDir: string, reference: TrainingReference): void {
  const text = `${JSON.stringify({ format: FORMAT, ...reference })}\n`;
  writeAtomically(join(runDir, FILE), (write) => write(Buffer.from(text)));
}

/** A run's reference; null where it has none. @throws RUN_INVALID */
export function readReference(runDir: string): TrainingReference | null {
  const path = join(runDir, FILE);
  if (!existsSync(path)) return null;
  try {
    const { format, ...rest } = JSON.parse(readTextSync(path)) as Record<string, unknown>;
    if (format !== FORMAT) throw new Error(`expected format ${FORMAT}`);
    return trainingReferenceSchema.parse(rest);
  } catch (cause) {
    throw new ReclmisError('RUN_INVALID', `${path}: is not what a training writes`, {
      cause,
      remedy: 'Delete the file: results then come with fewer warnings, and an export measures it again.',
    });
  }
}

/** What is said of a run's predictions. */
export function resultChecks(
  encoder: NoteEncoder,
  readsNotes: boolean,
  reference: TrainingReference | null,
): ResultChecks {
  return new ResultChecks({
    reader: readsNotes ? encoder : null,
    vocabulary: encoder instanceof WordEncoder ? encoder.tokenizer : null,
    reference,
  });
}

/**
 * `reference.json`: what a run remembers of its training data to recognise doubtful results (core's
 * `ResultChecks`): words of the notes, figures of the images, and how masks fit notes, on images spread
 * evenly over the training cases.
 *
 * Keeps no note, no picture, and only words that name no patient (`reference-words.ts`).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  currentFormat,
  fitLikeness,
  type ImageFeatures,
  imageFeatures,
  imageToPlanes,
  LEAST_IMAGES,
  readFormat,
  ReclmisError,
  type ResizeRule,
  ResultChecks,
  type MaskRules,
  type StatedSides,
  type TrainingReference,
  trainingReferenceSchema,
  whoseSides,
  type NoteHabits,
  type Vocabulary,
} from '@reclmis/core';
import { mapLimit, readImage, readImageHeader, readTextSync, writeFileAtomicSync } from '@reclmis/files';
import { imageOptions, type Case } from '@reclmis/data';
import { fitOf, type MaskFit, rulesOf } from './reference-rules.js';
import { wordsToKeep } from './reference-words.js';
import type { NoteEncoder } from '../text/encoder.js';
import { WordEncoder } from '../text/words.js';

const FILE = 'reference.json';
const FORMAT = currentFormat('reference');
const WITHOUT = 'Delete the file: results then carry fewer warnings, and an export measures it again.';

/** Measured together. */
const MOST_IMAGES = 1000;
const MOST_PIXELS = 500e6;
const LANES = 4;
export interface ReferenceOptions {
  /** Side of the network's input. */
  readonly size: number;
  /** How images come to it. */
  readonly resize: ResizeRule;
  readonly readsNotes: boolean;
  /** Further texts of the training whose words name no patient. */
  readonly texts?: readonly string[] | undefined;
  /** Whose left and right the notes mean. */
  readonly sides: StatedSides;
  /** Theirs; default: core's `chest`. */
  readonly vocabulary?: Vocabulary | null | undefined;
  /** See `grouping`. */
  readonly group?: string;
  /** The result is then null. */
  readonly signal?: AbortSignal | undefined;
}

/** Null without cases or after the signal. Skips what cannot be read: training reports that. */
export async function measureReference(
  cases: readonly Case[],
  options: ReferenceOptions,
): Promise<TrainingReference | null> {
  const { size, resize, readsNotes, texts = [], sides, vocabulary = null, group, signal } = options;
  const sample = await sampleOf(cases);
  const measured = await mapLimit(sample, LANES, async (one) => {
    if (signal?.aborted) return null;
    try {
      const features = imageFeatures(
        imageToPlanes(await readImage(one.imagePath, imageOptions(one)), size, resize),
        size,
      );
      return { features, fit: readsNotes ? await fitOf(one, sides, vocabulary) : null };
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
    words: readsNotes ? wordsToKeep(cases, group, texts) : null,
    images: fitLikeness(images),
    masks: readsNotes ? rulesOf(fits, sides) : null,
  };
}

/** Only the rules of masks; null if no mask can be read. */
export async function measureRules(
  cases: readonly Case[],
  sides: StatedSides,
  vocabulary: Vocabulary | null = null,
): Promise<MaskRules | null> {
  const fits = await mapLimit(await sampleOf(cases), LANES, (one) =>
    fitOf(one, sides, vocabulary).catch((error: unknown) => {
      if (error instanceof ReclmisError) return null;
      throw error;
    }),
  );
  const read = fits.filter((fit) => fit !== null);
  return read.length === 0 ? null : rulesOf(read, sides);
}

/**
 * Adapts a reference to other stated sides: measures the rules again, or drops the one about sides if the
 * training cases cannot be read.
 * @param before the previous sides, for rules that do not state theirs
 */
export async function underSides(
  reference: TrainingReference,
  sides: StatedSides,
  before: StatedSides,
  trainingCases: () => Promise<readonly Case[]>,
  vocabulary: Vocabulary | null = null,
): Promise<{ readonly reference: TrainingReference; readonly notice: string | null }> {
  const { masks } = reference;
  if (masks === null) return { reference, notice: null };
  const of = masks.sides ?? before;
  if (of === sides) return { reference: { ...reference, masks: { ...masks, sides } }, notice: null };
  const measured = await trainingCases()
    .then((cases) => measureRules(cases, sides, vocabulary))
    .catch((error: unknown) => {
      if (error instanceof ReclmisError) return null;
      throw error;
    });
  if (measured) return { reference: { ...reference, masks: measured }, notice: null };
  const notice = masks.inside === null ? null : notHeld(of);
  return { reference: { ...reference, masks: { ...masks, inside: null, sides } }, notice };
}

function notHeld(of: StatedSides): string {
  return (
    `masks are no longer held against the zones that notes name (MASK_OUTSIDE_ZONES): that rule was measured when the sides were ${whoseSides(of)}, ` +
    'and the training masks are not there to measure it again'
  );
}

async function sampleOf(cases: readonly Case[]): Promise<Case[]> {
  const [first] = cases;
  if (!first) return [];
  const header = await readImageHeader(first.imagePath, imageOptions(first)).catch(() => null);
  const pixels = header ? header.width * header.height : 1;
  const count = Math.min(cases.length, MOST_IMAGES, Math.max(LEAST_IMAGES, Math.floor(MOST_PIXELS / pixels)));
  return Array.from({ length: count }, (_, i) => cases[Math.floor(((i + 0.5) * cases.length) / count)]!);
}

/** @throws OUTPUT_UNWRITABLE, DISK_FULL */
export function writeReference(runDir: string, reference: TrainingReference): void {
  const text = `${JSON.stringify({ format: FORMAT, ...reference })}\n`;
  writeFileAtomicSync(join(runDir, FILE), text, { sync: true });
}

/** A run's reference; null if it has none. @throws RUN_INVALID */
export function readReference(runDir: string): TrainingReference | null {
  const path = join(runDir, FILE);
  if (!existsSync(path)) return null;
  try {
    const { format, ...rest } = JSON.parse(readTextSync(path)) as Record<string, unknown>;
    readFormat('reference', format, { where: path, code: 'RUN_INVALID', remedy: WITHOUT });
    return trainingReferenceSchema.parse(rest);
  } catch (cause) {
    if (cause instanceof ReclmisError) throw cause;
    throw new ReclmisError('RUN_INVALID', `${path}: is not a file that training writes`, {
      cause,
      remedy: WITHOUT,
    });
  }
}

export function resultChecks(
  encoder: NoteEncoder,
  readsNotes: boolean,
  reference: TrainingReference | null,
  { sides, vocabulary }: NoteHabits,
): ResultChecks {
  return new ResultChecks({
    reader: readsNotes ? encoder : null,
    vocabulary: encoder instanceof WordEncoder ? encoder.tokenizer : null,
    reference,
    sides,
    noteVocabulary: vocabulary,
  });
}

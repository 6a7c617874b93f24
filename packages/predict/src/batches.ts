/**
 * Reads images in batches bounded in count and in pixels.
 *
 * Batches are cut from the list by position, so a resumed run has the same batches: an engine may round a
 * probability differently in another size. Batches with nothing left to do are skipped.
 */
import { stat } from 'node:fs/promises';
import type { DisplayedFrame } from '@reclmis/clinical';
import { defined, ReclmisError, type RgbImage } from '@reclmis/core';
import { mapLimit, readImageHeader, readImageWithHeader, type ReadOptions } from '@reclmis/files';
import type { PredictionCase } from './cases.js';
import type { DoneEntry, FailedEntry } from './journal.js';

/** At the images' own sizes: 48 MB of bytes. Classes need memory of their own, so batches are smaller. */
export const BATCH_PIXELS = 16_000_000;
export const LANES = 4;

export interface ReadCase {
  readonly one: PredictionCase;
  /** As displayed. */
  readonly image: RgbImage;
  /** Present for DICOM and NIfTI. */
  readonly clinical?: DisplayedFrame;
  readonly input: DoneEntry['input'];
  /** If false, it only completes the batch. */
  readonly wanted: boolean;
}

export interface Batch {
  /** Empty if no wanted image could be read. */
  readonly items: readonly ReadCase[];
  readonly failures: readonly FailedEntry[];
  readonly skipped: number;
}

/**
 * Batches of at most `size` cases, fewer if images are large.
 * @param isDone whether a case is complete. @param most pixels of a batch
 */
export async function* readBatches(
  cases: Iterable<PredictionCase>,
  size: number,
  isDone: (one: PredictionCase) => Promise<boolean>,
  most: number = BATCH_PIXELS,
): AsyncGenerator<Batch, void> {
  for (const group of groupsOf(cases, size)) {
    const done = await mapLimit(group, LANES, isDone);
    const skipped = done.filter(Boolean).length;
    if (skipped === group.length) yield { items: [], failures: [], skipped };
    else yield* readGroup(group, done, skipped, most);
  }
}

async function* readGroup(
  group: readonly PredictionCase[],
  done: readonly boolean[],
  skipped: number,
  most: number,
): AsyncGenerator<Batch, void> {
  const looked = await mapLimit(group, LANES, async (one, i) => {
    const wanted = done[i] !== true;
    try {
      if (one.refused) throw new ReclmisError(one.refused.code, one.refused.message);
      const { width, height } = await readImageHeader(one.imagePath, shownAs(one));
      return { one, wanted, pixels: width * height };
    } catch (error) {
      return { one, wanted, failure: failureOf(one, error) };
    }
  });
  let items: { one: PredictionCase; wanted: boolean }[] = [];
  let pixels = 0;
  let uncounted = skipped;
  const failures: FailedEntry[] = [];
  for (const look of looked) {
    if ('failure' in look) {
      if (look.wanted) failures.push(look.failure);
      continue;
    }
    if (items.length > 0 && pixels + look.pixels > most) {
      yield { ...(await readPixels(items)), skipped: uncounted };
      uncounted = 0;
      items = [];
      pixels = 0;
    }
    items.push(look);
    pixels += look.pixels;
  }
  const last = await readPixels(items);
  yield { ...last, failures: [...failures, ...last.failures], skipped: uncounted };
}

/** Equal for cases of one image and frame. */
export const pictureKey = ({ imagePath, frame }: PredictionCase): string => `${frame ?? ''} ${imagePath}`;

async function readPixels(
  items: readonly { one: PredictionCase; wanted: boolean }[],
): Promise<Omit<Batch, 'skipped'>> {
  const read: ReadCase[] = [];
  const failures: FailedEntry[] = [];
  if (!items.some(({ wanted }) => wanted)) return { items: read, failures };
  /** Several notes may be about one image. */
  const decoding = new Map<string, ReturnType<typeof readImageWithHeader>>();
  const decoded = (one: PredictionCase): ReturnType<typeof readImageWithHeader> => {
    const key = pictureKey(one);
    const reading = decoding.get(key) ?? readImageWithHeader(one.imagePath, shownAs(one));
    decoding.set(key, reading);
    return reading;
  };
  const results = await mapLimit(items, LANES, async ({ one, wanted }): Promise<ReadCase | FailedEntry> => {
    try {
      const { image, clinical } = await decoded(one);
      return { one, wanted, input: await inputOf(one.imagePath), image, ...defined({ clinical }) };
    } catch (error) {
      return failureOf(one, error);
    }
  });
  for (const [i, result] of results.entries()) {
    if ('image' in result) read.push(result);
    else if (items[i]!.wanted) failures.push(result);
  }
  return { items: read.some(({ wanted }) => wanted) ? read : [], failures };
}

/** Which picture of a file, and in which window. */
export const shownAs = ({ frame, window }: PredictionCase): ReadOptions => defined({ frame, window });

/** Size and modification time, which tell changes. */
export async function inputOf(path: string): Promise<DoneEntry['input']> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { bytes: size, modified: Math.trunc(mtimeMs) };
  } catch (cause) {
    throw new ReclmisError('IMAGE_MISSING', `${path}: no such file`, { cause });
  }
}

/** The failure of one case; rethrows errors of anything but its image or note. */
function failureOf({ id }: PredictionCase, error: unknown): FailedEntry {
  if (error instanceof ReclmisError && /^(?:IMAGE|NOTE)_/.test(error.code)) {
    return { id, error: { code: error.code, message: error.message } };
  }
  throw error;
}

function* groupsOf<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

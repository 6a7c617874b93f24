/** Finds test images that the run has learnt from, byte by byte, and shared patients. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { mapLimit, oneLine, readRegular } from '@reclmis/files';
import { openFitted } from '../data/folds.js';
import { grouping, type Case, type Dataset } from '@reclmis/data';
import type { Run } from '../run/run.js';

/** Files read at a time. */
const LANES = 8;

export interface Overlap {
  /** Sorted ids of test cases whose image file is in the other set. */
  readonly sameImages: readonly string[];
  /** By file names. */
  readonly samePatients: readonly string[];
  readonly imagesOfSamePatients: number;
}

/** Overlaps with training and validation data. */
export type OverlapReport =
  | { readonly checked: true; readonly train: Overlap; readonly val: Overlap }
  | { readonly checked: false; readonly why: string };

/**
 * Compares the test cases with a run's training data. If its folder is gone, the test's own serves if its
 * fingerprint fits.
 * @throws OPTION_INVALID for the pattern
 */
export async function overlapWithRun(
  test: Pick<Dataset, 'dir' | 'cases'>,
  { config, info }: Pick<Run, 'config' | 'info'>,
  pattern = config.data.group,
): Promise<OverlapReport> {
  let seen: { train: Dataset; val: Dataset };
  try {
    seen = await openFitted(config.data);
  } catch (error) {
    const why = oneLine(error);
    const moved = await openFitted({ ...config.data, dir: test.dir }).catch(() => null);
    if (moved === null || moved.train.fingerprint !== info.data?.train.fingerprint)
      return { checked: false, why };
    seen = moved;
  }
  return {
    checked: true,
    train: await overlapOf(test.cases, seen.train.cases, pattern),
    val: await overlapOf(test.cases, seen.val.cases, pattern),
  };
}

/** Only reads files of equal length. @throws OPTION_INVALID for the pattern */
export async function overlapOf(
  test: readonly Case[],
  others: readonly Case[],
  pattern = '',
): Promise<Overlap> {
  const sizeOf = ({ imagePath }: Case): Promise<number> => stat(imagePath).then(({ size }) => size);
  const testSizes = await mapLimit(test, LANES, sizeOf);
  const otherSizes = await mapLimit(others, LANES, sizeOf);
  const here = new Set(testSizes);
  const there = new Set(otherSizes);
  const hashes = await mapLimit(
    others.filter((_, i) => here.has(otherSizes[i] ?? -1)),
    LANES,
    hashOf,
  );
  const known = new Set(hashes);
  const like = test.filter((_, i) => there.has(testSizes[i] ?? -1));
  const found = await mapLimit(like, LANES, async (one) => known.has(await hashOf(one)));

  const { fits, groupOf } = grouping(pattern);
  const patients = new Set(others.filter(fits).map(groupOf));
  const shared = test.filter((one) => fits(one) && patients.has(groupOf(one)));
  return {
    sameImages: like
      .filter((_, i) => found[i])
      .map(({ id }) => id)
      .sort(),
    samePatients: [...new Set(shared.map(groupOf))].sort(),
    imagesOfSamePatients: shared.length,
  };
}

async function hashOf({ imagePath, frame }: Case): Promise<string> {
  const hash = createHash('sha256')
    .update(await readRegular(imagePath))
    .digest('hex');
  return frame === undefined ? hash : `${hash} ${frame}`;
}

/** One warning per line; none if the test is clean. */
export function overlapWarnings(report: OverlapReport, total: number): string[] {
  if (!report.checked) return [`It was not checked whether the run has seen these images: ${report.why}.`];
  const lines: string[] = [];
  const of = (n: number): string => `${n} of the ${total} images`;
  for (const [name, { sameImages, samePatients, imagesOfSamePatients }] of [
    ['trained on', report.train],
    ['chosen its best epoch by', report.val],
  ] as const) {
    if (sameImages.length > 0) {
      const some = sameImages.slice(0, 5).join(', ');
      const more = sameImages.length > 5 ? ` and ${sameImages.length - 5} more` : '';
      lines.push(`The run has ${name} ${of(sameImages.length)}, byte by byte the same: ${some}${more}.`);
    }
    const elsewise = imagesOfSamePatients - (sameImages.length > 0 ? sameImages.length : 0);
    if (samePatients.length > 0 && elsewise > 0) {
      lines.push(
        `${of(imagesOfSamePatients)} are of ${samePatients.length} patient${samePatients.length === 1 ? '' : 's'} that the run has ${name}, judging by file names.`,
      );
    }
  }
  return lines;
}

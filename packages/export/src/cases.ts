/** Images with notes for checks and calibration, from a data set or made up. */
import { imageToPlanes, Random, ReclmisError } from '@reclmis/core';
import { readImage } from '@reclmis/files';
import { imageOptions, type Case } from '@reclmis/data';
import { madeNotes, openEvaluated, ownCases, type LoadedModel, type Run } from '@reclmis/lab';

export interface ExportCase {
  /** [3,S,S] in [0,1]. */
  readonly image: Float32Array;
  readonly note: string;
  readonly real: boolean;
}

export function madeCases(count: number, size: number): ExportCase[] {
  const random = Random.from('export', count, size);
  return madeNotes(count).map((note) => ({
    image: Float32Array.from({ length: 3 * size * size }, () => random.next()),
    note,
    real: false,
  }));
}

/** Reads `count` cases, evenly spread. @throws IMAGE_* */
export async function readCases(
  cases: readonly Case[],
  count: number,
  { size, resize }: Pick<LoadedModel, 'size' | 'resize'>,
): Promise<ExportCase[]> {
  const taken = Array.from({ length: Math.min(count, cases.length) }, (_, i) => {
    return cases[Math.floor((i * cases.length) / Math.min(count, cases.length))];
  }).filter((one) => one !== undefined);
  const read: ExportCase[] = [];
  for (const one of taken) {
    const { imagePath, note } = one;
    read.push({
      image: imageToPlanes(await readImage(imagePath, imageOptions(one)), size, resize),
      note,
      real: true,
    });
  }
  return read;
}

/** Cases for the ranges, and others to choose float layers and check the result. */
export interface CalibrationCases {
  readonly used: readonly ExportCase[];
  readonly kept: readonly ExportCase[];
}

const KEPT = 8;

/**
 * Training cases, by default the run's own; never test cases, which will judge the result.
 * @throws OPTION_INVALID if there are too few; the codes of the data.
 */
export async function calibrationCases(
  run: Pick<Run, 'config' | 'info'>,
  model: Pick<LoadedModel, 'size' | 'resize'>,
  { calibrate, calibrationCases: count = 32 }: { calibrate?: string; calibrationCases?: number },
): Promise<CalibrationCases> {
  const cases =
    calibrate === undefined
      ? await ownCases(run, 'train')
      : (await openEvaluated(run, { dataDir: calibrate, split: 'train' })).cases;
  if (cases.length < 2) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `int8 calibration needs at least 2 images with notes, ${calibrate ?? run.config.data.dir} has ${cases.length}`,
      { remedy: 'Give a data set folder with --calibrate, or export in fp32 or fp16.' },
    );
  }
  const kept = Math.min(KEPT, Math.floor(cases.length / 2));
  const read = await readCases(cases, Math.min(count + kept, cases.length), model);
  // Every n-th, so both lists spread over the data.
  const every = Math.floor(read.length / kept);
  const isKept = (i: number): boolean => i % every === 0 && i / every < kept;
  return { used: read.filter((_, i) => !isKept(i)), kept: read.filter((_, i) => isKept(i)) };
}

/** Images with notes for the exporter's check and for calibration: from a data set, or made. */
import { imageToPlanes, Random, ReclmisError } from '@reclmis/core';
import { readImage } from '@reclmis/files';
import { madeNotes } from '@reclmis/lab';
import type { Case } from '@reclmis/lab';
import { openEvaluated } from '@reclmis/lab';
import { ownCases } from '@reclmis/lab';
import type { LoadedModel, Run } from '@reclmis/lab';

/** An image as the model takes it, with its note. */
export interface ExportCase {
  /** [3,S,S] in [0,1]. */
  readonly image: Float32Array;
  readonly note: string;
  /** Whether it was read from a data set rather than made. */
  readonly real: boolean;
}

/** Random pixels, and notes of LViT's grammar. */
export function madeCases(count: number, size: number): ExportCase[] {
  const random = Random.from('export', count, size);
  return madeNotes(count).map((note) => ({
    image: Float32Array.from({ length: 3 * size * size }, () => random.next()),
    note,
    real: false,
  }));
}

/** Reads `count` cases, spread evenly over those given. @throws IMAGE_* */
export async function readCases(cases: readonly Case[], count: number, size: number): Promise<ExportCase[]> {
  const taken = Array.from({ length: Math.min(count, cases.length) }, (_, i) => {
    return cases[Math.floor((i * cases.length) / Math.min(count, cases.length))];
  }).filter((one) => one !== undefined);
  const read: ExportCase[] = [];
  for (const { imagePath, note } of taken) {
    read.push({ image: imageToPlanes(await readImage(imagePath), size), note, real: true });
  }
  return read;
}

/** Cases that the ranges are taken from, and others on which the layers in float are chosen and the result is checked. */
export interface CalibrationCases {
  readonly used: readonly ExportCase[];
  readonly kept: readonly ExportCase[];
}

/** Cases that calibration does not see. */
const KEPT = 8;

/**
 * Training cases of a data set, by default the run's own: never its test cases, on which the result will be judged.
 * @throws OPTION_INVALID where there is none, or too few; the codes of the data.
 */
export async function calibrationCases(
  run: Pick<Run, 'config' | 'info'>,
  { size }: Pick<LoadedModel, 'size'>,
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
  const read = await readCases(cases, Math.min(count + kept, cases.length), size);
  // Every so many-th is kept, so that both lists are spread over the data.
  const every = Math.floor(read.length / kept);
  const isKept = (i: number): boolean => i % every === 0 && i / every < kept;
  return { used: read.filter((_, i) => !isKept(i)), kept: read.filter((_, i) => isKept(i)) };
}

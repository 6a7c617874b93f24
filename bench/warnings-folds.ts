/**
 * False alarms of "unlike the training images", cross-validated: five folds of training images, cut by
 * patient if file names tell them; figures of four folds judge the fifth.
 */
import { fitLikeness, type ImageFeatures, imageFeatures, imageToPlanes, unlikeness } from '@reclmis/core';
import { mapLimit, readImage } from '@reclmis/files';
import { type Case, groupCases, grouping } from '@reclmis/data';
import { assignFolds } from '@reclmis/lab';

const FOLDS = 5;
const SEED = 0;
/** As `measureReference`. */
const MEASURED = 1000;

export interface FoldsResult {
  readonly images: number;
  readonly patients: number;
  readonly folds: number;
  readonly warned: number;
  /** By the first words of the reason. */
  readonly why: Readonly<Record<string, number>>;
}

/** @throws OPTION_INVALID if there are fewer patients than folds */
export async function crossValidate(cases: readonly Case[], size: number): Promise<FoldsResult> {
  const groups = grouping();
  const foldOf = assignFolds(cases, FOLDS, groups, SEED);
  const measured = await mapLimit(cases, 2, async ({ id, imagePath }) => ({
    fold: foldOf.get(id),
    features: imageFeatures(imageToPlanes(await readImage(imagePath), size, 'area'), size),
  }));
  const why: Record<string, number> = {};
  let warned = 0;
  for (let fold = 1; fold <= FOLDS; fold++) {
    const seen = measured.filter((one) => one.fold !== fold).map(({ features }) => features);
    const likeness = fitLikeness(spread(seen));
    if (!likeness) throw new Error(`expected more than ${seen.length} images to take figures of`);
    for (const { features } of measured.filter((one) => one.fold === fold)) {
      const reason = unlikeness(features, likeness);
      if (reason === null) continue;
      warned++;
      const [first] = reason.split(/ \(|,/);
      why[first ?? ''] = (why[first ?? ''] ?? 0) + 1;
    }
  }
  return { images: cases.length, patients: groupCases(cases, groups).size, folds: FOLDS, warned, why };
}

function spread(all: readonly ImageFeatures[]): ImageFeatures[] {
  const count = Math.min(MEASURED, all.length);
  return Array.from({ length: count }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / count)]!);
}

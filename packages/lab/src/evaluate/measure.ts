/** Measures each case beyond Dice and IoU: one row of figures per image. */
import {
  calibration,
  type Calibration,
  type ConfidenceCalibration,
  confidenceOf,
  defined,
  type Spacing,
  surfaceDistances,
  ThresholdCurve,
  type ThresholdPoint,
} from '@reclmis/core';
import { mapLimit, readImageHeader } from '@reclmis/files';
import { imageOptions, type Case } from '@reclmis/data';
import type { CaseScore, ScoredCase } from './score-cases.js';

/** Headers read at a time. */
const LANES = 4;

export interface CaseMeasure extends CaseScore {
  /** Patient (`data/groups.ts`). */
  readonly group: string;
  /** What the note asks for, if the data set states it. */
  readonly class?: string;
  /** Pixels of the model's size; null if just one mask is empty. */
  readonly hd95: number | null;
  readonly assd: number | null;
  /** Also null if the pixel size is unknown. */
  readonly hd95Mm: number | null;
  readonly assdMm: number | null;
  /** 0 to 1; absent if the run is not calibrated, or the answer is not its own alone. */
  readonly predictedDice?: number;
  /** Probability that anything the note names is there, 0 to 1; absent likewise. */
  readonly presence?: number;
}

export interface ProbabilityMeasures {
  readonly calibration: Calibration;
  /** At thresholds 0.01 to 0.99. */
  readonly curve: readonly ThresholdPoint[];
}

export class Measurer {
  /** In order of arrival. */
  readonly rows: CaseMeasure[] = [];
  private readonly curve = new ThresholdCurve();

  constructor(
    private readonly groupOf: (id: string) => string,
    /** At the model's input size, by case id. */
    private readonly spacings: ReadonlyMap<string, Spacing>,
    private readonly confidence: ConfidenceCalibration | null = null,
    private readonly classOf: (id: string) => string | undefined = () => undefined,
  ) {}

  add({ score, probabilities, prediction, truth, size }: ScoredCase): void {
    this.curve.add(probabilities, truth.data);
    const pixels = surfaceDistances(prediction, truth);
    const spacing = this.spacings.get(score.id);
    const mm = spacing === undefined ? null : surfaceDistances(prediction, truth, spacing);
    const judged = this.confidence && confidenceOf(this.confidence, probabilities, size, size);
    this.rows.push({
      ...score,
      group: this.groupOf(score.id),
      ...defined({ class: this.classOf(score.id) }),
      hd95: pixels?.hd95 ?? null,
      assd: pixels?.assd ?? null,
      hd95Mm: mm?.hd95 ?? null,
      assdMm: mm?.assd ?? null,
      ...(judged ? { predictedDice: judged.dice, presence: judged.presence.probability } : {}),
    });
  }

  get probabilities(): ProbabilityMeasures {
    return { calibration: calibration(this.curve.histogram), curve: this.curve.points };
  }
}

/**
 * Pixel sizes of the model's input, S x S, to which images are stretched.
 * @throws IMAGE_MISSING, IMAGE_UNREADABLE and other codes of image headers
 */
export async function spacingsOf(
  cases: readonly Case[],
  size: number,
  fallback?: Spacing,
): Promise<Map<string, Spacing>> {
  const known = cases.flatMap((one) => {
    const { spacing = fallback } = one;
    return spacing === undefined ? [] : [{ one, spacing }];
  });
  const found = await mapLimit(known, LANES, async ({ one, spacing }) => {
    const { width, height } = await readImageHeader(one.imagePath, imageOptions(one));
    return [one.id, [(spacing[0] * width) / size, (spacing[1] * height) / size]] as const;
  });
  return new Map(found.map(([id, [x, y]]) => [id, [x, y] as Spacing]));
}

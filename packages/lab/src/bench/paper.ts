/** The paper's Tables 1 and 5 (docs/method.md 11). */

/** Percent, means over images. */
interface Scores {
  readonly dice: number;
  readonly miou: number;
}

export interface PaperSystem {
  readonly title: string;
  /** In millions. */
  readonly parameters: number;
  /** In G, however they were counted. */
  readonly flops: number;
  readonly qata: Scores;
  readonly mosmed: Scores;
}

export const TABLE_1: readonly PaperSystem[] = (
  [
    ['U-Net', 14.8, 50.3, 79.02, 69.46, 64.6, 50.73],
    ['U-Net++', 74.5, 94.6, 79.62, 70.25, 71.75, 58.39],
    ['AttUNet', 34.9, 101.9, 79.31, 70.04, 66.34, 52.82],
    ['nnUNet', 19.1, 412.7, 80.42, 70.81, 72.59, 60.36],
    ['TransUNet', 105, 56.7, 78.63, 69.13, 71.24, 58.44],
    ['Swin-Unet', 82.3, 67.3, 78.07, 68.34, 63.29, 50.19],
    ['UCTransNet', 65.6, 63.2, 79.15, 69.6, 65.9, 52.69],
    ['ConVIRT', 35.2, 44.6, 79.72, 70.58, 72.06, 59.73],
    ['TGANet', 19.8, 41.9, 79.87, 70.75, 71.81, 59.28],
    ['CLIP', 87, 105.3, 79.81, 70.66, 71.97, 59.64],
    ['GLoRIA', 45.6, 60.8, 79.94, 70.68, 72.42, 60.18],
    ['ViLT', 87.4, 55.9, 79.63, 70.12, 72.36, 60.15],
    ['LAVT', 118.6, 83.8, 79.28, 69.89, 73.29, 60.41],
    ['LViT', 29.7, 54.1, 83.66, 75.11, 74.57, 61.33],
    ['RecLMIS', 23.7, 24.1, 85.22, 77, 77.48, 65.07],
  ] as const
).map(([title, parameters, flops, dice, miou, mosmedDice, mosmedMiou]) => ({
  title,
  parameters,
  flops,
  qata: { dice, miou },
  mosmed: { dice: mosmedDice, miou: mosmedMiou },
}));

/** Milliseconds per image on an RTX 3090. */
export const TABLE_5: Readonly<Record<string, number>> = { RecLMIS: 20.3 };

/** The model form to which the figures apply. */
export const PAPER_FORM = { baseWidth: 64, imageSize: 224 } as const;

/** Options of systems over a residual network, and sizes that a golden file implies. */
import { z } from 'zod';
import type { SizeOf } from '../descriptor.js';
import type { ModelOptions } from '../segmentation-model.js';
import { requireOption } from '../unet-based.js';

/** From input to coarsest map. */
const HALVINGS = 5;

export interface ResNetModelOptions extends ModelOptions {
  /** In each of the four layers. */
  readonly blocks: readonly number[];
  /** Five levels, coarsest first. */
  readonly decoderWidths: readonly number[];
}

const count = z.number().int().min(1);

/** @param blocks of the published system. @param widths its decoder's over a stem of 64 */
export function resNetOptions(
  blocks: readonly number[],
  widths: readonly number[],
): z.ZodObject<{
  blocks: z.ZodDefault<z.ZodArray<typeof count>>;
  decoderWidths: z.ZodOptional<z.ZodArray<typeof count>>;
}> {
  return z.strictObject({
    blocks: z
      .array(count)
      .length(4)
      .default([...blocks])
      .describe('bottlenecks in each of the encoder’s four layers'),
    decoderWidths: z
      .array(count)
      .length(HALVINGS)
      .optional()
      .describe(
        `channels of the decoder’s five levels, coarsest first; ${widths.join(', ')} with baseWidth 64`,
      ),
  });
}

/** @throws CONFIG_INVALID */
export function checkResNetSizes({ baseWidth, imageSize, blocks, decoderWidths }: ResNetModelOptions): void {
  const whole = (values: readonly number[], length: number): boolean =>
    values.length === length && values.every((value) => Number.isInteger(value) && value >= 1);
  requireOption(whole([baseWidth], 1), 'baseWidth', 'a whole number of at least 1', baseWidth);
  const side = 2 ** HALVINGS;
  const multiple = Number.isInteger(imageSize / side) && imageSize >= side;
  requireOption(
    multiple,
    'imageSize',
    `a multiple of ${side}, as the encoder halves images five times`,
    imageSize,
  );
  requireOption(whole(blocks, 4), 'options.blocks', 'four whole numbers of at least 1', blocks);
  requireOption(
    whole(decoderWidths, 5),
    'options.decoderWidths',
    'five whole numbers of at least 1',
    decoderWidths,
  );
}

/** Bottlenecks of each layer. @param prefix of the layers' keys */
export function blocksIn(keys: readonly string[], prefix: string): number[] {
  return [1, 2, 3, 4].map((layer) => {
    const first = new RegExp(`^${prefix}layer${layer}\\.\\d+\\.conv1\\.weight$`);
    return keys.filter((key) => first.test(key)).length;
  });
}

/** The decoder's channels as the `options` of a golden file name them, by its shapes. */
export function decoderChannels(sizeOf: SizeOf): { readonly decoder_channels: number[] } {
  return {
    decoder_channels: widthsIn(
      sizeOf,
      [0, 1, 2, 3, 4].map((i) => `decoder.blocks.${i}`),
    ),
  };
}

/** Outputs of five convolutions in a golden file. */
export function widthsIn(sizeOf: SizeOf, keys: readonly string[]): number[] {
  return keys.map((key) => sizeOf(`${key}.conv1.0.weight`, 0));
}

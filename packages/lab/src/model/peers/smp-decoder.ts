/**
 * Decoder of segmentation_models.pytorch (MIT), for U-Net++, ConVIRT and GLoRIA. Sources: docs/models.md.
 *
 * B batch, C channels, H, W sides of the map.
 */
import { nn, type Tensor } from '@reclmis/torch';

/** Five levels, coarsest first, over a stem of 64. */
export const DECODER_WIDTHS = [256, 128, 64, 32, 16] as const;

/** x2 nearest, [up, skips], twice conv 3x3, batch normalisation, ReLU: keys `conv{1,2}.{0,1}`. */
export class DecoderBlock extends nn.Module {
  private readonly layers: readonly (readonly [nn.Conv2d, nn.BatchNorm2d])[];

  /** @param skipChannels of all skips together */
  constructor(inChannels: number, skipChannels: number, outChannels: number) {
    super();
    this.layers = [inChannels + skipChannels, outChannels].map((channels, i) => {
      const conv = new nn.Conv2d(channels, outChannels, 3, { padding: 1, bias: false });
      nn.kaimingUniform_(conv.weight);
      return [
        this.child(`conv${i + 1}.0`, conv),
        this.child(`conv${i + 1}.1`, new nn.BatchNorm2d(outChannels)),
      ];
    });
  }

  /** @param x [B,in,H,W]. @param skips [B,..,2H,2W] each. @returns [B,out,2H,2W]. */
  forward(x: Tensor, ...skips: readonly Tensor[]): Tensor {
    const joined = nn.upsampleAndJoin(x, skips); // [B,in + ..,2H,2W]
    return this.layers.reduce((y, [conv, norm]) => conv.forwardNorm(y, norm, { relu: true }), joined);
  }
}

/** 3x3 to one channel, initially with Xavier's weights and no bias. */
export function segmentationHead(inChannels: number): nn.Conv2d {
  const head = new nn.Conv2d(inChannels, 1, 3, { padding: 1 });
  nn.xavierUniform_(head.weight);
  nn.zero_(head.bias);
  return head;
}

/** Widths for another stem than 64. */
export function decoderWidths(baseWidth: number, widths: readonly number[] = DECODER_WIDTHS): number[] {
  return widths.map((width) => Math.max(1, Math.round((width * baseWidth) / 64)));
}

/**
 * UCTransNet (Wang et al., AAAI 2022; arXiv 2109.04335): a U-Net whose four skips exchange what their channels know in a transformer, and whose decoder
 * weighs the skips' channels. It reads no note. Written from the paper; docs/models.md has our choices.
 *
 *     image -> inc, down1..4 -> x1..x5;  x1..x4 -> mtc -> x1..x4;  x5 -> up4..1, outc -> mask
 *
 * Deviation: convolution, norm and ReLU of `reconstruct_i` run before the nearest upsampling, which gives the same for 256 to 4 times less work.
 *
 * B batch, S image side, w base width (64), C channels of a level (w, 2w, 4w, 8w), K their sum (15w), N tokens of each level, (S/16)^2, H heads.
 */
import { cat, dropout, float32, layerNorm, nn, stack, type Tensor, zeros } from '@reclmis/torch';
import { z } from 'zod';
import type { NoteFeatures } from '../../text/encoder.js';
import { ConvBNReLU } from '../blocks.js';
import { describeModel } from '../descriptor.js';
import type { ModelOptions } from '../segmentation-model.js';
import { type Decoded, type Decoder, UNetBased } from '../unet-based.js';

/** Sides for `x1` to `x4`, in pixels of the level. */
const PATCHES = [16, 8, 4, 2] as const;
/** Epsilon of every layer normalisation. */
const EPS = 1e-6;
/** Epsilon of the scores’ instance normalisation. */
const SCORE_EPS = 1e-5;

/** Patches as tokens with position: keys `patch_embeddings`, `position_embeddings`. */
class Embeddings extends nn.Module {
  private readonly patch: nn.Conv2d;
  private readonly position: Tensor;

  constructor(channels: number, patch: number, tokens: number) {
    super();
    this.patch = this.child('patch_embeddings', new nn.Conv2d(channels, channels, patch, { stride: patch }));
    this.position = this.parameter('position_embeddings', zeros([1, tokens, channels]));
  }

  /** [B,C,p side,p side] -> [B,N,C]. */
  forward(map: Tensor): Tensor {
    return this.patch.forward(map).flatten(2).transpose(1, 2).add(this.position); // [B,N,C]
  }
}

/**
 * Attention between channels, of every level over all: keys `query{1..4}.{h}`, `key.{h}`, `value.{h}`,
 * `out{1..4}`.
 */
class ChannelAttention extends nn.Module {
  private readonly queries: readonly (readonly nn.Linear[])[];
  private readonly keys: readonly nn.Linear[];
  private readonly values: readonly nn.Linear[];
  private readonly outs: readonly nn.Linear[];

  constructor(
    widths: readonly number[],
    heads: number,
    private readonly rate: number,
  ) {
    super();
    const square = (width: number): nn.Linear => new nn.Linear(width, width, { bias: false });
    const each = (width: number): nn.Linear[] => Array.from({ length: heads }, () => square(width));
    const whole = widths.reduce((sum, width) => sum + width, 0);
    this.queries = widths.map((width, i) => this.children(`query${i + 1}`, each(width)));
    this.keys = this.children('key', each(whole));
    this.values = this.children('value', each(whole));
    this.outs = widths.map((width, i) => this.child(`out${i + 1}`, square(width)));
  }

  /**
   * @param levels [B,N,C] each, normalised.
   * @param joined all levels, [B,N,K], normalised. @returns [B,N,C] each.
   */
  forward(levels: readonly Tensor[], joined: Tensor): Tensor[] {
    const projected = (x: Tensor, layers: readonly nn.Linear[]): Tensor =>
      stack(
        layers.map((layer) => layer.forward(x)),
        1,
      );
    const keys = projected(joined, this.keys).mul(joined.size(-1) ** -0.5); // [B,H,N,K]
    const values = projected(joined, this.values).transpose(2, 3); // [B,H,K,N]
    return levels.map((level, i) => {
      const queries = projected(level, this.queries[i] ?? []).transpose(2, 3); // [B,H,C,N]
      const scores = float32(queries.matmul(keys)); // [B,H,C,K]
      // Instance normalisation of a sample's head.
      const weights = layerNorm(scores, scores.shape.slice(2), null, null, SCORE_EPS).softmax(-1);
      const gathered = dropped(this, weights, this.rate).matmul(values).mean([1]); // [B,C,N]
      const out = (this.outs[i] as nn.Linear).forward(gathered.transpose(1, 2)); // [B,N,C]
      return dropped(this, out, this.rate);
    });
  }
}

/** Linear C->4C, GELU, Linear 4C->C: keys `fc1`, `fc2`. */
class Mlp extends nn.Module {
  private readonly fc1: nn.Linear;
  private readonly fc2: nn.Linear;

  constructor(width: number) {
    super();
    this.fc1 = this.child('fc1', new nn.Linear(width, 4 * width));
    this.fc2 = this.child('fc2', new nn.Linear(4 * width, width));
    for (const { weight, bias } of [this.fc1, this.fc2]) {
      nn.xavierUniform_(weight);
      if (bias) nn.normal_(bias, 1e-6);
    }
  }

  forward(x: Tensor): Tensor {
    return this.fc2.forward(nn.gelu(this.fc1.forward(x)));
  }
}

/**
 * Over all levels, pre-norm: keys `attn_norm{1..4}`, `attn_norm`, `channel_attn`, `ffn_norm{1..4}`,
 * `ffn{1..4}`.
 */
class ChannelLayer extends nn.Module {
  private readonly levels: readonly { attnNorm: nn.LayerNorm; ffnNorm: nn.LayerNorm; ffn: Mlp }[];
  private readonly joinedNorm: nn.LayerNorm;
  private readonly attention: ChannelAttention;

  constructor(widths: readonly number[], heads: number, rate: number) {
    super();
    const norm = (width: number): nn.LayerNorm => new nn.LayerNorm(width, { eps: EPS });
    this.levels = widths.map((width, i) => ({
      attnNorm: this.child(`attn_norm${i + 1}`, norm(width)),
      ffnNorm: this.child(`ffn_norm${i + 1}`, norm(width)),
      ffn: this.child(`ffn${i + 1}`, new Mlp(width)),
    }));
    this.joinedNorm = this.child('attn_norm', norm(widths.reduce((sum, width) => sum + width, 0)));
    this.attention = this.child('channel_attn', new ChannelAttention(widths, heads, rate));
  }

  /** [B,N,C] each -> [B,N,C] each. */
  forward(tokens: readonly Tensor[]): Tensor[] {
    const normal = this.levels.map(({ attnNorm }, i) => attnNorm.forward(tokens[i] as Tensor));
    const exchanged = this.attention.forward(normal, this.joinedNorm.forward(cat(tokens, -1)));
    return this.levels.map(({ ffnNorm, ffn }, i) => {
      const x = (tokens[i] as Tensor).add(exchanged[i] as Tensor);
      return x.add(ffn.forward(ffnNorm.forward(x)));
    });
  }
}

/** Conv 1x1, batch normalisation, ReLU, then nearest upsampling: keys `conv`, `norm`. */
class Reconstruct extends nn.Module {
  private readonly conv: nn.Conv2d;
  private readonly norm: nn.BatchNorm2d;

  constructor(
    channels: number,
    private readonly patch: number,
  ) {
    super();
    this.conv = this.child('conv', new nn.Conv2d(channels, channels, 1));
    this.norm = this.child('norm', new nn.BatchNorm2d(channels));
  }

  /** [B,N,C] -> [B,C,p side,p side]. */
  forward(tokens: Tensor): Tensor {
    const [B, N, C] = tokens.shape3();
    const side = Math.sqrt(N);
    const map = tokens.transpose(1, 2).reshape([B, C, side, side]);
    return nn.upsampleNearest2d(this.conv.forwardNorm(map, this.norm, { relu: true }), this.patch);
  }
}

/** The channel transformer; key `mtc`. */
class ChannelTransformer extends nn.Module {
  private readonly embeddings: readonly Embeddings[];
  private readonly layers: readonly ChannelLayer[];
  private readonly norms: readonly nn.LayerNorm[];
  private readonly reconstructs: readonly Reconstruct[];
  private readonly rate: number;

  constructor(
    widths: readonly number[],
    tokens: number,
    { layers, heads, dropout: rate }: Pick<UCTransNetOptions, 'layers' | 'heads' | 'dropout'>,
  ) {
    super();
    const patch = (i: number): number => PATCHES[i] ?? 1;
    this.embeddings = widths.map((width, i) =>
      this.child(`embeddings_${i + 1}`, new Embeddings(width, patch(i), tokens)),
    );
    this.layers = this.children(
      'encoder.layer',
      Array.from({ length: layers }, () => new ChannelLayer(widths, heads, rate)),
    );
    this.norms = widths.map((width, i) =>
      this.child(`encoder.encoder_norm${i + 1}`, new nn.LayerNorm(width, { eps: EPS })),
    );
    this.reconstructs = widths.map((width, i) =>
      this.child(`reconstruct_${i + 1}`, new Reconstruct(width, patch(i))),
    );
    this.rate = rate;
  }

  /** @param maps x1 to x4. @returns the same shapes. */
  forward(maps: readonly Tensor[]): Tensor[] {
    const embedded = this.embeddings.map((level, i) =>
      dropped(this, level.forward(maps[i] as Tensor), this.rate),
    );
    const tokens = this.layers.reduce((x, layer) => layer.forward(x), embedded);
    return this.reconstructs.map((reconstruct, i) => {
      const normal = (this.norms[i] as nn.LayerNorm).forward(tokens[i] as Tensor);
      return reconstruct.forward(normal).add(maps[i] as Tensor);
    });
  }
}

/**
 * Channel-wise cross attention (CCA): weighs the skip's channels by means of skip and gate. Keys `mlp_x.1`,
 * `mlp_g.1`.
 */
class ChannelGate extends nn.Module {
  private readonly ofSkip: nn.Linear;
  private readonly ofGate: nn.Linear;

  constructor(channels: number) {
    super();
    this.ofSkip = this.child('mlp_x.1', new nn.Linear(channels, channels));
    this.ofGate = this.child('mlp_g.1', new nn.Linear(channels, channels));
  }

  /** @param gate [B,C,h,w], any size. @param skip [B,C,H,W]. @returns [B,C,H,W]. */
  forward(gate: Tensor, skip: Tensor): Tensor {
    const mean = (map: Tensor): Tensor => float32(map).mean([2, 3]); // [B,C]
    const sum = this.ofSkip.forward(mean(skip)).add(this.ofGate.forward(mean(gate)));
    const weights = sum.mul(0.5).sigmoid().unsqueeze(-1).unsqueeze(-1); // [B,C,1,1]
    return skip.mul(weights.to({ dtype: skip.dtype })).relu();
  }
}

/** x2 nearest, the skip through CCA, [skip, up], two ConvBNReLU: keys `coatt`, `nConvs.{i}`. */
class GatedUpBlock extends nn.Module {
  private readonly coatt: ChannelGate;
  private readonly convs: readonly ConvBNReLU[];

  /** @param inChannels of skip and upsampled map, half each */
  constructor(inChannels: number, outChannels: number) {
    super();
    this.coatt = this.child('coatt', new ChannelGate(inChannels / 2));
    this.convs = this.children('nConvs', [
      new ConvBNReLU(inChannels, outChannels),
      new ConvBNReLU(outChannels, outChannels),
    ]);
  }

  /** @param x [B,in/2,H,W]. @param skip [B,in/2,2H,2W]. @returns [B,out,2H,2W]. */
  forward(x: Tensor, skip: Tensor): Tensor {
    const gated = this.coatt.forward(x, skip); // repeating pixels does not change their mean
    const joined = cat([gated, nn.upsampleNearest2d(x, 2)], 1); // [B,in,2H,2W]
    return this.convs.reduce((y, conv) => conv.forward(y), joined); // [B,out,2H,2W]
  }
}

export interface UCTransNetOptions extends ModelOptions {
  /** Layers of the channel transformer. */
  readonly layers: number;
  /** H; each has the full width. */
  readonly heads: number;
  /** Rate for embedded tokens, attention's weights and its output. */
  readonly dropout: number;
}

export class UCTransNet extends UNetBased {
  override readonly title = 'UCTransNet';
  override readonly readsNotes = false;
  private readonly transformer: ChannelTransformer;
  private readonly decode: Decoder;

  /** @throws CONFIG_INVALID */
  constructor(override readonly options: UCTransNetOptions) {
    super(options);
    const { baseWidth: w, imageSize } = options;
    const widths = [w, 2 * w, 4 * w, 8 * w];
    this.transformer = this.child('mtc', new ChannelTransformer(widths, (imageSize / 16) ** 2, options));
    this.decode = this.decoder(GatedUpBlock);
  }

  override get withoutAttention(): string {
    return 'UCTransNet attends between channels, not between places of the image';
  }

  segment(images: Tensor, _note: NoteFeatures | null): Decoded {
    const { bottleneck, skips } = this.encode(images);
    const exchanged = this.transformer.forward([...skips].reverse()); // finest first
    return this.decode(bottleneck, exchanged.reverse());
  }
}

function dropped(module: nn.Module, x: Tensor, rate: number): Tensor {
  return module.training && rate > 0 ? dropout(x, rate, true) : x;
}

const countOf = (keys: readonly string[], pattern: RegExp): number =>
  keys.filter((key) => pattern.test(key)).length;

export const ucTransNet = describeModel({
  title: 'UCTransNet',
  readsNotes: () => false,
  options: z.strictObject({
    layers: z.number().int().min(1).max(12).default(4).describe('layers of the channel transformer'),
    heads: z
      .number()
      .int()
      .min(1)
      .max(16)
      .default(4)
      .describe('heads of its attention, each of the full width'),
  }),
  build: ({ baseWidth, imageSize, dropout: rate, deepSupervision }, { width: textWidth }, options) =>
    new UCTransNet({ baseWidth, imageSize, textWidth, dropout: rate, deepSupervision, ...options }),
  deepSupervision: true,
  ownKey: 'mtc.encoder.layer.0.channel_attn.key.0.weight',
  unusedKeys: [/\.num_batches_tracked$/],
  presets: ['qata-cov19-uctransnet'],
  parts: {
    encoder: ['inc', 'down1', 'down2', 'down3', 'down4'],
    transformer: ['mtc'],
    decoder: ['up4', 'up3', 'up2', 'up1', 'outc'],
  },
  table1: {
    title: 'UCTransNet',
    parameters: 'Without the decoder’s channel attention and the position embeddings ours would be 65.5 M.',
    flops: 'It seems to leave out attention’s products: ours are 64.0 G without them.',
  },
  parity: {
    settings: (sizeOf, keys) => ({
      baseWidth: sizeOf('inc.conv.weight', 0),
      options: {
        layers: countOf(keys, /^mtc\.encoder\.layer\.\d+\.attn_norm\.weight$/),
        heads: countOf(keys, /^mtc\.encoder\.layer\.0\.channel_attn\.key\.\d+\.weight$/),
      },
    }),
  },
});

/**
 * LAVT (Yang et al. 2022; yz93/LAVT-RIS, GPL-3.0), written from its description alone: a Swin encoder that reads the note at the end of each stage.
 * Source, licence, choices: docs/models.md.
 *
 *     image -> patch_embed -> stage 0..3: blocks -> x;  fusion(x, note) -> r;  norm(r) -> decoder;  x + gate(r) r -> merge -> next stage
 *     r3 -> [up, r2] -> conv1_4, conv2_4 -> [up, r1] -> conv*_3 -> [up, r0] -> conv*_2 -> conv1_1 -> up -> mask
 *
 * The last stage's gate is in the authors' checkpoints but changes nothing; it is kept and not computed.
 *
 * B batch, S image side, R side of a map of tokens, N = R x R its places, C channels, w base width (128), T words, W width of their features, h heads.
 */
import { cat, float32, instanceNorm, isLaneMap, layerNorm, linear, nn, type Tensor } from '@reclmis/torch';
import { z } from 'zod';
import type { NoteFeatures } from '../../text/encoder.js';
import { describeModel } from '../descriptor.js';
import {
  checkImages,
  type ModelOptions,
  type NoteInput,
  type Segmentation,
  segmentation,
  SegmentationModel,
  type TokenGrid,
} from '../segmentation-model.js';
import { requireOption } from '../unet-based.js';
import { dropPathRates } from './drop-path.js';
import {
  IN_WINDOWS,
  swinGrids,
  checkSwin,
  sizesOfKeys,
  stageSizes,
  swinOptions,
  type SwinSizes,
} from './swin-options.js';
import {
  halved,
  PATCH,
  PatchEmbed,
  PatchMerge,
  type Sides,
  type SwinBlock,
  swinBlocks,
  swinLinear,
  WindowTables,
} from './windowed-attention.js';

/** Swin-B, as in the paper. */
const SWIN_B = { width: 128, depths: [2, 2, 18, 2], heads: [4, 8, 16, 32] } as const;
/** Subtracted from the scores of places without a word. */
const BARRED = 10_000;

/** Epsilon of the instance normalisations. */
const EPS = 1e-5;

/** A 1x1 convolution over a sequence, as a linear map of each token: key `0`, a weight of [out,in,1]. */
class Pointwise extends nn.Module {
  private readonly conv: nn.Conv1d;

  constructor(inputs: number, outputs: number) {
    super();
    this.conv = this.child('0', new nn.Conv1d(inputs, outputs, 1));
  }

  /** [B,L,in] -> [B,L,out]. */
  forward(x: Tensor): Tensor {
    return linear(x, this.conv.weight.squeeze(-1), this.conv.bias);
  }
}

/** Instance normalisation over places, [B,N,C], by the sample's own statistics in evaluation too. */
function normalizePlaces(x: Tensor): Tensor {
  const channels = float32(x).transpose(1, 2); // [B,C,N]
  const map = channels.unsqueeze(-1); // [B,C,N,1], channels-last
  if (isLaneMap(map)) return instanceNorm(map, null, null, EPS, 1).squeeze(-1).transpose(1, 2);
  return layerNorm(channels, [x.size(1)], null, null, EPS).transpose(1, 2);
}

/** What a fusion reads of the notes. */
export interface Words {
  /** [B,T,W]. */
  readonly features: Tensor;
  /** 1 for words, 0 where there is none, [B,T,1]. */
  readonly mask: Tensor;
  /** 0 for words, -`BARRED` where there is none, [B,1,1,T]. */
  readonly bias: Tensor;
}

/**
 * What places find in the note, times what they show: keys `vis_project`, `image_lang_att.*`, `project_mm`.
 */
export class Fusion extends nn.Module {
  private readonly visual: Pointwise;
  private readonly query: Pointwise;
  private readonly key: Pointwise;
  private readonly value: Pointwise;
  private readonly language: Pointwise;
  private readonly joined: Pointwise;

  constructor(
    width: number,
    textWidth: number,
    private readonly heads: number,
  ) {
    super();
    this.visual = this.child('vis_project', new Pointwise(width, width));
    this.query = this.child('image_lang_att.f_query', new Pointwise(width, width));
    this.key = this.child('image_lang_att.f_key', new Pointwise(textWidth, width));
    this.value = this.child('image_lang_att.f_value', new Pointwise(textWidth, width));
    this.language = this.child('image_lang_att.W', new Pointwise(width, width));
    this.joined = this.child('project_mm', new Pointwise(width, width));
  }

  /** [B,N,C] -> [B,N,C]. */
  forward(x: Tensor, words: Words): Tensor {
    const seen = nn.gelu(this.visual.forward(x));
    const said = normalizePlaces(this.language.forward(this.attend(x, words)));
    return nn.gelu(this.joined.forward(seen.mul(said)));
  }

  /** Each place's words, weighted, [B,N,C]. Scores are scaled by the whole width, whatever the heads. */
  private attend(x: Tensor, words: Words): Tensor {
    const v = this.parts(this.value.forward(words.features).mul(words.mask));
    return this.weights(x, words).matmul(v).transpose(1, 2).reshape(x.shape);
  }

  /** What each place reads from each word, [B,h,N,T]; sums to 1 over words. */
  weights(x: Tensor, { features, mask, bias }: Words): Tensor {
    const q = this.parts(normalizePlaces(this.query.forward(x)).contiguous());
    const k = this.parts(this.key.forward(features).mul(mask));
    return q
      .mul(x.size(2) ** -0.5)
      .matmul(k.transpose(-2, -1)) // [B,h,N,T]
      .add(bias)
      .softmax(-1);
  }

  /** [B,L,C] -> [B,h,L,C/h]. */
  private parts(y: Tensor): Tensor {
    const [B, L, C] = y.shape3();
    return y.view([B, L, this.heads, C / this.heads]).transpose(1, 2);
  }
}

/** tanh(W2 relu(W1 r)) r, what the next stage hears of the note: keys `res_gate.{0,2}`. */
class Gate extends nn.Module {
  private readonly first: nn.Linear;
  private readonly second: nn.Linear;

  constructor(width: number) {
    super();
    this.first = this.child('0', swinLinear(width, width, { bias: false }));
    this.second = this.child('2', swinLinear(width, width, { bias: false }));
  }

  forward(r: Tensor): Tensor {
    return this.second.forward(this.first.forward(r).relu()).tanh().mul(r);
  }
}

interface Stage {
  readonly blocks: readonly SwinBlock[];
  readonly fusion: Fusion;
  readonly gate: Gate;
  readonly merge: PatchMerge | null;
  readonly norm: nn.LayerNorm;
}

/** `baseWidth` is the first stage's width. */
export interface LavtOptions extends ModelOptions, SwinSizes {
  /** Heads of each fusion. */
  readonly fusionHeads: number;
}

/** Prefix `backbone`: language-aware features of each stage. */
class Backbone extends nn.Module {
  private readonly tables = new WindowTables();
  private readonly embed: PatchEmbed;
  private readonly stages: readonly Stage[];

  constructor(options: LavtOptions) {
    super();
    const { baseWidth, textWidth, depths, window, dropPath, fusionHeads } = options;
    const { tables } = this;
    const rates = dropPathRates(dropPath, depths);
    const shift = Math.floor(window / 2); // in maps of a single window too
    this.embed = this.child('patch_embed', new PatchEmbed(baseWidth));
    this.stages = stageSizes(options).map(({ width, heads }, i) => {
      const own = { heads, window, shift, tables, dropPath: rates[i] ?? [] };
      return {
        blocks: this.children(`layers.${i}.blocks`, swinBlocks(width, own)),
        fusion: this.child(`layers.${i}.fusion`, new Fusion(width, textWidth, fusionHeads)),
        gate: this.child(`layers.${i}.res_gate`, new Gate(width)),
        merge: i < depths.length - 1 ? this.child(`layers.${i}.downsample`, new PatchMerge(width)) : null,
        norm: this.child(`norm${i}`, new nn.LayerNorm(width)),
      };
    });
  }

  /** @returns maps [B,C,R,R], coarsest first. */
  forward(images: Tensor, words: Words): Tensor[] {
    const maps: Tensor[] = [];
    let sides: Sides = [images.size(2) / PATCH, images.size(3) / PATCH];
    let x = this.embed.forward(images); // [B,N,w]
    for (const { blocks, fusion, gate, merge, norm } of this.stages) {
      x = blocks.reduce((y, block) => block.forward(y, sides), x);
      const aware = fusion.forward(x, words);
      maps.unshift(
        norm
          .forward(aware)
          .transpose(1, 2)
          .unflatten(2, [...sides]),
      ); // channels-last
      if (!merge) break;
      x = merge.forward(x.add(gate.forward(aware)), sides);
      sides = halved(sides);
    }
    return maps;
  }

  override dispose(): void {
    this.tables.dispose();
    super.dispose();
  }
}

/**
 * Twice conv 3x3 without bias, batch normalisation, ReLU at each level, prefix `classifier`: keys
 * `conv{1,2}_{level}`, `bn{1,2}_{level}`, `conv1_1`.
 */
class Decoder extends nn.Module {
  private readonly levels: readonly (readonly (readonly [nn.Conv2d, nn.BatchNorm2d])[])[];
  private readonly head: nn.Conv2d;

  /** @param widths of the maps, coarsest first. @param inner width of all levels. */
  constructor(widths: readonly number[], inner: number) {
    super();
    this.levels = widths.slice(1).map((width, i) => {
      const level = widths.length - i;
      const below = i === 0 ? (widths[0] ?? 0) : inner;
      return [below + width, inner].map((channels, k) => [
        this.child(`conv${k + 1}_${level}`, new nn.Conv2d(channels, inner, 3, { padding: 1, bias: false })),
        this.child(`bn${k + 1}_${level}`, new nn.BatchNorm2d(inner)),
      ]);
    });
    this.head = this.child('conv1_1', new nn.Conv2d(inner, 1, 1));
  }

  /** @param maps coarsest first. @returns logits [B,1,R,R] at the finest map's size. */
  forward(maps: readonly Tensor[]): Tensor {
    const [coarsest, ...finer] = maps as readonly [Tensor, ...Tensor[]];
    const decoded = this.levels.reduce((y, layers, i) => {
      const skip = finer[i] ?? y;
      const [, , height, width] = skip.shape4();
      const joined = cat([nn.resizeBilinear2d(y, [height, width], true), skip], 1);
      return layers.reduce((z, [conv, norm]) => conv.forwardNorm(z, norm, { relu: true }), joined);
    }, coarsest);
    return this.head.forward(decoded);
  }
}

export class Lavt extends SegmentationModel {
  override readonly title = 'LAVT';
  override readonly readsNotes = true;
  override readonly explainLayer: string;
  private readonly backbone: Backbone;
  private readonly classifier: Decoder;

  /** @throws CONFIG_INVALID */
  constructor(readonly options: LavtOptions) {
    super();
    checkSwin(options);
    const { baseWidth: w, depths, fusionHeads } = options;
    requireOption(w % fusionHeads === 0, 'options.fusionHeads', `a divisor of the width ${w}`, fusionHeads);
    this.explainLayer = `classifier.conv2_${depths.length}`;
    this.backbone = this.child('backbone', new Backbone(options));
    const widths = depths.map((_, i) => w * 2 ** i).reverse();
    this.classifier = this.child('classifier', new Decoder(widths, 4 * w));
  }

  override get tokenGrids(): readonly TokenGrid[] {
    return swinGrids(this.options);
  }

  override get outOfOrder(): RegExp {
    return IN_WINDOWS;
  }

  override get noteInput(): NoteInput {
    return 'masked-features';
  }

  /** The last stage's gate. */
  override get leavesUnused(): boolean {
    return true;
  }

  segment(images: Tensor, note: NoteFeatures | null): Segmentation {
    checkImages(images, this.options);
    const features = this.requireNote(note);
    const [B, T] = features.shape3();
    const { imageSize: S } = this.options;
    const mask = (note as NoteFeatures).valid.to({ dtype: features.dtype }); // [B,T]; `requireNote` refuses null
    const words: Words = {
      features,
      mask: mask.view([B, T, 1]),
      bias: mask.sub(1).mul(BARRED).view([B, 1, 1, T]),
    };
    const logits = this.classifier.forward(this.backbone.forward(images, words));
    return segmentation(nn.resizeBilinear2d(logits, S, true)); // [B,1,S,S]
  }
}

export const lavt = describeModel({
  title: 'LAVT',
  readsNotes: () => true,
  noteEntersEarly: 'it is fused after every stage of the image encoder, the first included',
  options: z.strictObject({
    ...swinOptions({ dropPath: 0.3 }),
    fusionHeads: z.number().int().min(1).default(1).describe('heads with which a stage reads the note'),
  }),
  // `baseWidth` is in U-Net's channels, 64 where Swin-B has 128.
  build: ({ baseWidth, imageSize }, { width: textWidth }, { width, depths, heads, ...options }) =>
    new Lavt({
      baseWidth: width ?? (SWIN_B.width * baseWidth) / 64,
      imageSize,
      textWidth,
      depths: depths ?? SWIN_B.depths,
      heads: heads ?? SWIN_B.heads,
      ...options,
    }),
  ownKey: 'backbone.layers.0.fusion.vis_project.0.weight',
  unusedKeys: [/\.attn\.relative_position_index$/, /\.attn_mask$/, /\.num_batches_tracked$/],
  presets: ['qata-cov19-lavt'],
  parts: { encoder: ['backbone'], decoder: ['classifier'] },
  table1: {
    title: 'LAVT',
    parameters:
      'It counts backbone, fusions and decoder, without BERT (109 M); with BERT’s features of 768 instead of CLIP’s 512, ours are 118.7 M.',
    flops:
      'The rest may be norms, activations and the last gate, whose result is never used: ours leave them out.',
  },
  parity: {
    settings: (sizeOf, keys) => ({ options: sizesOfKeys('backbone.', sizeOf, keys) }),
    gradients: [
      // A constant of all places before an instance norm, or of all words before a softmax, changes nothing.
      { keys: /\.(?:image_lang_att\.(?:f_query|f_key|f_value|W))\.0\.bias$/, absolute: 1e-6 },
    ],
  },
});

/**
 * CLIPSeg (Lüddecke and Ecker, CVPR 2022): the image tower of CLIP's ViT-B/16 (openai/CLIP, MIT) with a small decoder
 * on three of its blocks (timojl/clipseg, MIT), led by the note's CLIP sentence vector. Choices: docs/models.md.
 *
 *     image -> clip_model.visual -> e3, e7, e9
 *     e9 -> reduces.0, film (note) -> blocks.0 -> + reduces.1 (e7) -> blocks.1 -> + reduces.2 (e3) -> blocks.2 -> trans_conv -> mask
 *
 * What never reaches the mask (`ln_post`, `proj` and the tower's last two blocks, the decoder's `reduce`) is held, so
 * that checkpoints load, but neither computed nor trained. Deviations: pixels enter in [0,1]; the position table has
 * the grid of the image's own size.
 *
 * B batch, S image side, N = (S/16)^2 patches, V = 12w width of the tower, w width of the decoder (64), T tokens, W
 * width of a note.
 */
import { cat, nn, noGrad, randn, scope, type Tensor } from '@reclmis/torch';
import { z } from 'zod';
import { ClipBlock } from '../../clip/tower.js';
import type { NoteFeatures } from '../../text/encoder.js';
import { describeModel } from '../descriptor.js';
import {
  checkImages,
  type ImageFeatures,
  type ModelOptions,
  type NoteInput,
  type Segmentation,
  segmentation,
  SegmentationModel,
  type TokenGrid,
  type TrainingSegmentation,
} from '../segmentation-model.js';
import { checkSizes, requireOption } from '../unet-based.js';

const PATCH = 16;
const TOWER_HEADS = 12;
const DECODER_HEADS = 4;
/** Blocks that the decoder reads, from 0. */
const TOWER_BLOCKS = 12;
const EXTRACTED = [3, 7, 9] as const;
/** In decoder widths: 512 and 2048. */
const PROJECTION = 8;
const HIDDEN = 32;
/** In the decoder's attention and layers. */
const DROPOUT = 0.1;

/** CLIP's image tower up to the last block that is read; keys of `clip_model.visual`. */
class ImageTower extends nn.Module {
  private readonly conv1: nn.Conv2d;
  private readonly classEmbedding: Tensor;
  private readonly positionalEmbedding: Tensor;
  private readonly lnPre: nn.LayerNorm;
  private readonly blocks: readonly ClipBlock[];

  constructor(width: number, positions: number, projection: number) {
    super();
    const scaled = (shape: readonly number[]): Tensor => scope(() => randn(shape).mul(width ** -0.5));
    this.classEmbedding = this.parameter('class_embedding', scaled([width]));
    this.positionalEmbedding = this.parameter('positional_embedding', scaled([positions, width]));
    const proj = this.parameter('proj', scaled([width, projection]));
    this.conv1 = this.child('conv1', new nn.Conv2d(3, width, PATCH, { stride: PATCH, bias: false }));
    this.lnPre = this.child('ln_pre', new nn.LayerNorm(width));
    const blocks = this.children(
      'transformer.resblocks',
      Array.from({ length: TOWER_BLOCKS }, () => new ClipBlock(width, TOWER_HEADS)),
    );
    const used = Math.max(...EXTRACTED) + 1;
    this.blocks = blocks.slice(0, used);
    for (const unused of [...blocks.slice(used), this.child('ln_post', new nn.LayerNorm(width))])
      unused.requiresGrad(false);
    proj.requiresGrad_(false);
  }

  /** @param images [B,3,S,S]. @returns e3, e7, e9, [B,N+1,V] each. */
  forward(images: Tensor): Tensor[] {
    const patches = this.conv1.forward(images).flatten(2).transpose(1, 2); // [B,N,V]
    const [B, , V] = patches.shape3();
    const tokens = cat([this.classEmbedding.view([1, 1, V]).expand([B, 1, V]), patches], 1); // [B,N+1,V]
    let x = this.lnPre.forward(tokens.add(this.positionalEmbedding));
    const outputs = this.blocks.map((block) => (x = block.forward(x, null)));
    return EXTRACTED.map((i) => outputs[i] as Tensor);
  }
}

/** Post-norm, as PyTorch's `TransformerEncoderLayer`. [B,N+1,w] -> [B,N+1,w]. */
class PostNormBlock extends nn.Module {
  private readonly attention: nn.MultiheadAttention;
  private readonly linear1: nn.Linear;
  private readonly linear2: nn.Linear;
  private readonly norm1: nn.LayerNorm;
  private readonly norm2: nn.LayerNorm;
  private readonly drop = this.child('dropout', new nn.Dropout(DROPOUT));

  constructor(width: number) {
    super();
    this.attention = this.child(
      'self_attn',
      new nn.MultiheadAttention(width, DECODER_HEADS, { dropout: DROPOUT }),
    );
    this.linear1 = this.child('linear1', new nn.Linear(width, HIDDEN * width));
    this.linear2 = this.child('linear2', new nn.Linear(HIDDEN * width, width));
    this.norm1 = this.child('norm1', new nn.LayerNorm(width));
    this.norm2 = this.child('norm2', new nn.LayerNorm(width));
  }

  forward(tokens: Tensor): Tensor {
    const attended = this.attention.forward(tokens, tokens, tokens);
    const x = this.norm1.forward(tokens.add(this.drop.forward(attended)));
    const inner = this.drop.forward(this.linear1.forward(x).relu()); // [B,N+1,32w]
    return this.norm2.forward(x.add(this.drop.forward(this.linear2.forward(inner))));
  }
}

/** Tokens to a mask: keys `trans_conv.{0,2,4}`. [B,w,S/16,S/16] -> [B,1,S,S]. */
class Upscale extends nn.Module {
  private readonly conv: nn.Conv2d;
  private readonly up: nn.ConvTranspose2d;
  private readonly last: nn.ConvTranspose2d;

  constructor(width: number) {
    super();
    this.conv = this.child('0', new nn.Conv2d(width, width, 3, { padding: 1 }));
    this.up = this.child('2', new nn.ConvTranspose2d(width, width / 2, 4, { stride: 4 }));
    this.last = this.child('4', new nn.ConvTranspose2d(width / 2, 1, 4, { stride: 4 }));
  }

  forward(map: Tensor): Tensor {
    const x = this.up.forward(this.conv.forward(map).relu()).relu(); // [B,w/2,S/4,S/4]
    return this.last.forward(x); // [B,1,S,S]
  }
}

export interface CLIPSegOptions extends ModelOptions {
  /** Fine-tuned: it learns with the decoder. */
  readonly tower: 'frozen' | 'fine-tuned';
}

export class CLIPSeg extends SegmentationModel {
  override readonly title = 'CLIP';
  override readonly readsNotes = true;
  override readonly explainLayer = 'trans_conv.0';
  private readonly tower: ImageTower;
  private readonly filmMul: nn.Linear;
  private readonly filmAdd: nn.Linear;
  private readonly reduces: readonly nn.Linear[];
  private readonly blocks: readonly PostNormBlock[];
  private readonly upscale: Upscale;

  /** @throws CONFIG_INVALID */
  constructor(readonly options: CLIPSegOptions) {
    super();
    checkSizes(options);
    const { baseWidth: w, imageSize, textWidth } = options;
    const expected = `a multiple of ${DECODER_HEADS}, the heads of the decoder`;
    requireOption(w % DECODER_HEADS === 0, 'baseWidth', expected, w);
    const V = TOWER_HEADS * w;
    this.tower = this.child(
      'clip_model.visual',
      new ImageTower(V, (imageSize / PATCH) ** 2 + 1, PROJECTION * w),
    );
    this.filmMul = this.child('film_mul', new nn.Linear(textWidth, w));
    this.filmAdd = this.child('film_add', new nn.Linear(textWidth, w));
    this.child('reduce', new nn.Linear(V, w)).requiresGrad(false);
    const levels = [...EXTRACTED].reverse();
    this.reduces = this.children(
      'reduces',
      levels.map(() => new nn.Linear(V, w)),
    );
    this.upscale = this.child('trans_conv', new Upscale(w));
    this.blocks = this.children(
      'blocks',
      levels.map(() => new PostNormBlock(w)),
    );
    if (options.tower === 'frozen') this.tower.requiresGrad(false);
  }

  override get tokenGrids(): readonly TokenGrid[] {
    return [{ side: this.options.imageSize / PATCH, before: 1 }];
  }

  override get noteInput(): NoteInput {
    return 'masked-features';
  }

  override get leavesUnused(): boolean {
    return true;
  }

  segment(images: Tensor, note: NoteFeatures | null): Segmentation {
    return this.withNote(this.imageFeatures(images), note);
  }

  /** The tower's tokens [B,N+1,V], shallowest first. */
  override imageFeatures(images: Tensor): ImageFeatures {
    return this.see(images);
  }

  override withNote(features: ImageFeatures, note: NoteFeatures | null): Segmentation {
    return this.decode(features, note);
  }

  override forwardTraining(images: Tensor, note: NoteFeatures | null): TrainingSegmentation {
    const seen = this.see(images);
    const deepest = seen.at(-1) ?? images;
    return { ...this.decode(seen, note), losses: {}, observed: { tower_9_class: deepest.select(1, 0) } };
  }

  /** No gradient is computed in a frozen tower. */
  private see(images: Tensor): Tensor[] {
    checkImages(images, this.options);
    const { tower } = this;
    return this.options.tower === 'frozen' && this.training
      ? noGrad(() => tower.forward(images))
      : tower.forward(images);
  }

  private decode(seen: readonly Tensor[], note: NoteFeatures | null): Segmentation {
    const t = lastToken(this.requireNote(note), note); // [B,W]
    const scale = this.filmMul.forward(t).unsqueeze(1); // [B,1,w]
    const shift = this.filmAdd.forward(t).unsqueeze(1); // [B,1,w]
    const decoded = [...seen].reverse().reduce<Tensor | null>((a, tokens, i) => {
      const reduced = (this.reduces[i] as nn.Linear).forward(tokens); // [B,N+1,w]
      const joined = a ? reduced.add(a) : reduced.mul(scale).add(shift);
      return (this.blocks[i] as PostNormBlock).forward(joined);
    }, null);
    return segmentation(this.upscale.forward(this.asMap(decoded ?? scale)));
  }

  /** Drops the class token: [B,N+1,w] -> [B,w,S/16,S/16]. */
  private asMap(tokens: Tensor): Tensor {
    const [B, L, w] = tokens.shape3();
    const side = this.options.imageSize / PATCH;
    return tokens
      .narrow(1, 1, L - 1)
      .transpose(1, 2) // [B,w,N]
      .reshape([B, w, side, side]);
  }
}

/** CLIP's sentence vector. @param features [B,T,W]. @returns [B,W] */
function lastToken(features: Tensor, note: NoteFeatures | null): Tensor {
  const valid = (note?.valid ?? features).to({ dtype: features.dtype }); // [B,T], 1 for tokens
  const [B, T] = valid.shape2();
  const next = valid.narrow(1, 1, T - 1).pad([0, 1]); // whether another token follows
  return valid
    .sub(next)
    .view([B, 1, T])
    .bmm(features) // [B,1,W]
    .squeeze(1);
}

export const clipSeg = describeModel({
  title: 'CLIP',
  readsNotes: () => true,
  options: z.strictObject({
    tower: z
      .enum(['frozen', 'fine-tuned'])
      .default('fine-tuned')
      .describe(
        'whether CLIP’s image tower learns too; frozen: as its authors train, for CLIP’s own weights',
      ),
  }),
  build: ({ baseWidth, imageSize }, { width: textWidth }, { tower }) =>
    new CLIPSeg({ baseWidth, imageSize, textWidth, tower }),
  ownKey: 'film_mul.weight',
  unusedKeys: [],
  presets: ['qata-cov19-clipseg'],
  parts: {
    encoder: ['clip_model'],
    text: ['film_mul', 'film_add'],
    decoder: ['reduce', 'reduces', 'blocks', 'trans_conv'],
  },
  table1: {
    title: 'CLIP',
    parameters:
      'The paper does not say how CLIP segments. A checkpoint of this form has 87.4 M; the tower’s last two blocks never reach the mask and are not counted here.',
    flops: 'No ViT-B at 224 x 224 costs as much; it is six times the 17.6 G multiply-adds of a whole tower.',
  },
  parity: {
    // The file's gradients are of a tower that learns.
    settings: (sizeOf) => ({ baseWidth: sizeOf('reduces.0.weight', 0), options: { tower: 'fine-tuned' } }),
    constants: { extract_layers: EXTRACTED, heads: [TOWER_HEADS, DECODER_HEADS] },
  },
});

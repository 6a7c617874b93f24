/**
 * LViT (Li et al., IEEE TMI 2023): docs/method.md 11. A U-Net with PLAM in its skips, and a U of small transformers
 * on tokens; the note enters its first one.
 *
 *     image -> inc, down1..3 -> x1..x4, down4 -> x5
 *     note  -> text_module4..1 -> text1
 *     x1, text1 -> downVit -> y1; x2..x4 -> downVit1..3 -> y2..y4 -> upVit3..0 -> reconstruct1..4, added to x1..x4
 *     x5 and the four sums -> up4..1, outc -> mask
 *
 * Keys are the authors'. Deviations: T and W are those of the run's encoder (theirs are BERT's, T = 10 and
 * W = 768); the quarter of their 39.9 M parameters that they never use is left out (each transformer's `norm`
 * and `head`, the `CTBN`s of the other directions, the embeddings of the way up, `pix_module1..4`, PLAM's
 * `conv_sig`). As theirs, it also reads the features of padded tokens.
 *
 * B batch, S image side, N = (S/16)^2 tokens of an image at every level, d a level's width, T tokens of a note, H
 * heads.
 */
import { ReclmisError } from '@reclmis/core';
import { cat, dropout, nn, type Tensor, zeros } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import { UpBlock } from './blocks.js';
import type { ImageFeatures, ModelOptions } from './segmentation-model.js';
import { type Decoded, type Decoder, requireOption, UNetBased } from './unet-based.js';

export interface LViTOptions extends ModelOptions {
  /** T: the note's convolution has a channel per token. */
  readonly contextLength: number;
  /** On the embedded tokens. */
  readonly dropout: number;
}

/** Must divide each level's width. */
const HEADS = 8;

/** Keys `patch_embeddings`, `position_embeddings`. */
class Embeddings extends nn.Module {
  private readonly patch: nn.Conv2d;
  private readonly position: Tensor;

  constructor(
    width: number,
    patch: number,
    tokens: number,
    private readonly dropoutRate: number,
  ) {
    super();
    this.patch = this.child('patch_embeddings', new nn.Conv2d(width, width, patch, { stride: patch }));
    this.position = this.parameter('position_embeddings', zeros([1, tokens, width]));
  }

  /** [B,d,side,side] -> [B,N,d]. */
  forward(map: Tensor): Tensor {
    const patches = this.patch.forward(map).flatten(2).transpose(1, 2); // [B,N,d]
    const x = patches.add(this.position);
    return this.training && this.dropoutRate > 0 ? dropout(x, this.dropoutRate, true) : x;
  }
}

/** Keys `qkv`, `proj`. */
class Attention extends nn.Module {
  private readonly qkv: nn.Linear;
  private readonly proj: nn.Linear;

  constructor(width: number) {
    super();
    this.qkv = this.child('qkv', new nn.Linear(width, 3 * width));
    this.proj = this.child('proj', new nn.Linear(width, width));
  }

  /** [B,N,d] -> [B,N,d]. */
  forward(x: Tensor): Tensor {
    const [B, N, d] = x.shape3();
    const D = d / HEADS;
    const heads = this.qkv.forward(x).view([B, N, 3, HEADS, D]).permute([2, 0, 3, 1, 4]); // [3,B,H,N,D]
    const [q, k, v] = heads.reshape([3, B * HEADS, N, D]).unbind(0) as [Tensor, Tensor, Tensor]; // [B*H,N,D] each
    const weights = q
      .mul(D ** -0.5)
      .bmm(k.transpose(1, 2)) // [B*H,N,N]
      .softmax(-1);
    const gathered = weights.bmm(v).view([B, HEADS, N, D]).transpose(1, 2).reshape([B, N, d]);
    return this.proj.forward(gathered);
  }
}

/** Linear d->4d, GELU, Linear 4d->d, GELU: keys `fc1`, `fc2`. */
class Mlp extends nn.Module {
  private readonly fc1: nn.Linear;
  private readonly fc2: nn.Linear;

  constructor(width: number) {
    super();
    this.fc1 = this.child('fc1', new nn.Linear(width, 4 * width));
    this.fc2 = this.child('fc2', new nn.Linear(4 * width, width));
  }

  forward(x: Tensor): Tensor {
    return nn.gelu(this.fc2.forward(nn.gelu(this.fc1.forward(x))));
  }
}

/** Pre-norm. [B,N,d] -> [B,N,d]. */
class Block extends nn.Module {
  private readonly norm1: nn.LayerNorm;
  private readonly attn: Attention;
  private readonly norm2: nn.LayerNorm;
  private readonly mlp: Mlp;

  constructor(width: number) {
    super();
    this.norm1 = this.child('norm1', new nn.LayerNorm(width));
    this.attn = this.child('attn', new Attention(width));
    this.norm2 = this.child('norm2', new nn.LayerNorm(width));
    this.mlp = this.child('mlp', new Mlp(width));
  }

  forward(tokens: Tensor): Tensor {
    const x = tokens.add(this.attn.forward(this.norm1.forward(tokens)));
    return x.add(this.mlp.forward(this.norm2.forward(x)));
  }
}

/** ConvTransBN: Conv1d of width 3, BatchNorm1d, ReLU. [B,in,L] -> [B,out,L]; keys `conv`, `norm`. */
class ConvTransBN extends nn.Module {
  private readonly conv: nn.Conv1d;
  private readonly norm: nn.BatchNorm1d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = this.child('conv', new nn.Conv1d(inChannels, outChannels, 3, { padding: 1 }));
    this.norm = this.child('norm', new nn.BatchNorm1d(outChannels));
  }

  forward(x: Tensor): Tensor {
    return this.norm.forwardThen(this.conv.forward(x), { relu: true });
  }

  /** [B,N,in] -> [B,N,out]. */
  alongTokens(tokens: Tensor): Tensor {
    return this.forward(tokens.transpose(1, 2)).transpose(1, 2);
  }
}

/** `downVit`: the finest level, where the note enters. */
class NoteTransformer extends nn.Module {
  private readonly embeddings: Embeddings;
  private readonly ctbn3: ConvTransBN;
  private readonly block: Block;

  constructor(embeddings: Embeddings, width: number, textTokens: number, imageTokens: number) {
    super();
    this.embeddings = this.child('embeddings', embeddings);
    this.ctbn3 = this.child('CTBN3', new ConvTransBN(textTokens, imageTokens));
    this.block = this.child('Encoder_blocks.0', new Block(width));
  }

  /** @param map x1, [B,d,S,S]. @param text text1, [B,T,d]. @returns y1, [B,N,d]. */
  forward(map: Tensor, text: Tensor): Tensor {
    return this.block.forward(this.embeddings.forward(map).add(this.ctbn3.forward(text)));
  }
}

/** `downVit1` to `downVit3`: half of the channels for a level's tokens, half for the finer level's. */
class DownTransformer extends nn.Module {
  private readonly embeddings: Embeddings;
  private readonly block: Block;
  private readonly ctbn: ConvTransBN;

  constructor(embeddings: Embeddings, width: number) {
    super();
    this.embeddings = this.child('embeddings', embeddings);
    this.block = this.child('Encoder_blocks.0', new Block(width));
    this.ctbn = this.child('CTBN', new ConvTransBN(width, width / 2));
  }

  /** @param map x_k, [B,d,side,side]. @param finer y_(k-1), [B,N,d/2]. @returns y_k, [B,N,d]. */
  forward(map: Tensor, finer: Tensor): Tensor {
    const own = this.ctbn.alongTokens(this.block.forward(this.embeddings.forward(map))); // [B,N,d/2]
    return cat([own, finer], 2); // [B,N,d]
  }
}

/** `upVit3`, the coarsest, and `upVit2` to `upVit`, which add the coarser level's tokens. */
class UpTransformer extends nn.Module {
  private readonly block: Block;
  private readonly ctbn2: ConvTransBN | null;

  constructor(width: number, { coarsest }: { readonly coarsest: boolean }) {
    super();
    this.block = this.child('Encoder_blocks.0', new Block(width));
    this.ctbn2 = coarsest ? null : this.child('CTBN2', new ConvTransBN(2 * width, width));
  }

  /** @param tokens [B,N,d]. @param coarser [B,N,2d], or null at the coarsest level. @returns [B,N,d]. */
  forward(tokens: Tensor, coarser: Tensor | null): Tensor {
    const x = this.block.forward(tokens);
    return this.ctbn2 && coarser ? x.add(this.ctbn2.alongTokens(coarser)) : x;
  }
}

/** `reconstruct{k}`: tokens to a map, nearest upsampling, 1x1 convolution, BatchNorm, ReLU. */
class Reconstruct extends nn.Module {
  private readonly conv: nn.Conv2d;
  private readonly norm: nn.BatchNorm2d;

  constructor(
    width: number,
    private readonly patch: number,
  ) {
    super();
    this.conv = this.child('conv', new nn.Conv2d(width, width, 1));
    this.norm = this.child('norm', new nn.BatchNorm2d(width));
  }

  /** [B,N,d] -> [B,d,side,side]. */
  forward(tokens: Tensor): Tensor {
    const [B, N, d] = tokens.shape3();
    const side = Math.round(Math.sqrt(N));
    const map = tokens.transpose(1, 2).reshape([B, d, side, side]);
    return this.conv.forwardNorm(nn.upsampleNearest2d(map, this.patch), this.norm, { relu: true });
  }
}

export class LViT extends UNetBased {
  override readonly title = 'LViT';
  override readonly readsNotes = true;
  private readonly texts: readonly nn.Conv1d[];
  private readonly first: NoteTransformer;
  private readonly downVits: readonly DownTransformer[];
  /** Finest level first. */
  private readonly upVits: readonly UpTransformer[];
  private readonly reconstructs: readonly Reconstruct[];
  private readonly decode: Decoder;

  /** @throws CONFIG_INVALID */
  constructor(override readonly options: LViTOptions) {
    super(checked(options));
    const { baseWidth: w, imageSize, textWidth, contextLength, dropout: rate } = options;
    const tokens = (imageSize / 16) ** 2;
    const text = (inputs: number, outputs: number): nn.Conv1d =>
      new nn.Conv1d(inputs, outputs, 3, { padding: 1 });
    this.texts = [
      this.child('text_module4', text(textWidth, 8 * w)),
      this.child('text_module3', text(8 * w, 4 * w)),
      this.child('text_module2', text(4 * w, 2 * w)),
      this.child('text_module1', text(2 * w, w)),
    ];
    const embed = (width: number, patch: number): Embeddings => new Embeddings(width, patch, tokens, rate);
    this.first = this.child('downVit', new NoteTransformer(embed(w, 16), w, contextLength, tokens));
    this.downVits = [
      this.child('downVit1', new DownTransformer(embed(2 * w, 8), 2 * w)),
      this.child('downVit2', new DownTransformer(embed(4 * w, 4), 4 * w)),
      this.child('downVit3', new DownTransformer(embed(8 * w, 2), 8 * w)),
    ];
    this.upVits = [
      this.child('upVit', new UpTransformer(w, { coarsest: false })),
      this.child('upVit1', new UpTransformer(2 * w, { coarsest: false })),
      this.child('upVit2', new UpTransformer(4 * w, { coarsest: false })),
      this.child('upVit3', new UpTransformer(8 * w, { coarsest: true })),
    ];
    this.reconstructs = [
      this.child('reconstruct1', new Reconstruct(w, 16)),
      this.child('reconstruct2', new Reconstruct(2 * w, 8)),
      this.child('reconstruct3', new Reconstruct(4 * w, 4)),
      this.child('reconstruct4', new Reconstruct(8 * w, 2)),
    ];
    this.decode = this.decoder(UpBlock);
  }

  override get withoutAttention(): string {
    return 'LViT’s transformers join patches at four scales beside the U-Net, not in one chain that could be followed to the mask';
  }

  segment(images: Tensor, note: NoteFeatures | null): Decoded {
    return this.withNote(this.imageFeatures(images), note);
  }

  /** The U-Net's maps, which no transformer changes: the bottleneck, then skips, coarsest first. */
  override imageFeatures(images: Tensor): ImageFeatures {
    const { bottleneck, skips } = this.encode(images);
    return [bottleneck, ...skips];
  }

  override withNote([bottleneck, ...skips]: ImageFeatures, note: NoteFeatures | null): Decoded {
    if (!bottleneck) throw new RangeError('LViT: no features');
    const text = this.adapt(note); // [B,T,w]
    const maps = [...skips].reverse(); // x1..x4
    const down = [this.first.forward(at(maps, 0), text)]; // y1, [B,N,w]
    this.downVits.forEach((vit, i) => down.push(vit.forward(at(maps, i + 1), at(down, i)))); // y2..y4
    const joined: Tensor[] = []; // coarsest first, for the decoder
    let coarser: Tensor | null = null;
    for (const level of [3, 2, 1, 0]) {
      const tokens: Tensor = at(this.upVits, level).forward(at(down, level), coarser); // [B,N,d]
      joined.push(at(maps, level).add(at(this.reconstructs, level).forward(tokens)));
      coarser = tokens;
    }
    return this.decode(bottleneck, joined);
  }

  /** A note's features in the finest level's width. */
  private adapt(note: NoteFeatures | null): Tensor {
    const features = this.requireNote(note);
    const [, T, W] = features.shape3();
    const { contextLength } = this.options;
    if (T !== contextLength) {
      const expected = `[B, ${contextLength}, ${W}]`;
      throw new ReclmisError(
        'TENSOR_SHAPE',
        `note features: expected ${expected}, got [${features.shape.join(', ')}]`,
      );
    }
    const channels = features.transpose(1, 2); // [B,W,T]
    return this.texts.reduce((x, conv) => conv.forward(x), channels).transpose(1, 2); // [B,T,w]
  }
}

/** @throws CONFIG_INVALID if the heads do not divide the widths */
function checked(options: LViTOptions): LViTOptions {
  const { baseWidth } = options;
  const expected = `a multiple of ${HEADS}, the heads of LViT’s transformers`;
  requireOption(baseWidth % HEADS === 0, 'baseWidth', expected, baseWidth);
  return options;
}

function at<T>(list: readonly T[], index: number): T {
  const element = list[index];
  if (element === undefined) throw new RangeError(`LViT: no level ${index}`);
  return element;
}

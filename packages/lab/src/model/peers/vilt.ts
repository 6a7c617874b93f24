/**
 * ViLT as a segmenter (Kim et al., ICML 2021; dandelin/ViLT, Apache-2.0): one transformer over the note's words and
 * the image's patches, under a decoder of ours, as ViLT has none. It reads the words themselves. Choices:
 * docs/models.md.
 *
 *     note -> text_embeddings --+
 *     image -> patch_embed -----+-> transformer.blocks.0..11 -> norm -> the patches' tokens -> decoder -> mask
 *
 * B batch, S image side, P patch side, N = (S/P)^2 patches, T tokens of a note, C width (12w, w base width), L = T +
 * 1 + N.
 */
import { ReclmisError } from '@reclmis/core';
import { cat, dropout, nn, scope, type Tensor, zeros } from '@reclmis/torch';
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
import { checkSizes, requireOption } from '../unet-based.js';
import { FUSED_KEYS, ViTBlock } from './vit.js';

const HEADS = 12;
const BLOCKS = 12;
const DROPOUT = 0.1;
const EPS = 1e-6;
/** Initial weights' deviation. */
const STD = 0.02;
/** The images of the authors' position tables. */
const TABLE_SIDE = 384;
/** In the authors' notes. */
const MOST_TOKENS = 40;
/** In base widths, by the patch's side. */
const STAGES = { 32: [4, 2, 1, 1 / 2, 1 / 4], 16: [4, 2, 1, 1 / 4] } as const;

/** Keys `word_embeddings`, `position_embeddings`, `token_type_embeddings`, `LayerNorm`. */
class TextEmbeddings extends nn.Module {
  private readonly words: nn.Embedding;
  private readonly positions: nn.Embedding;
  private readonly types: nn.Embedding;
  private readonly norm: nn.LayerNorm;

  constructor(vocabulary: number, tokens: number, width: number) {
    super();
    this.words = this.child('word_embeddings', embedding(vocabulary, width, { paddingIndex: 0 }));
    this.positions = this.child('position_embeddings', embedding(tokens, width));
    this.types = this.child('token_type_embeddings', embedding(2, width)); // the authors' checkpoints have a second, unread row
    this.norm = this.child('LayerNorm', new nn.LayerNorm(width, { eps: 1e-12 }));
  }

  /** @param ids int64 [B,T]. @returns [B,T,C]. */
  forward(ids: Tensor): Tensor {
    const [, T] = ids.shape2();
    const placed = this.words
      .forward(ids)
      .add(this.types.weight.narrow(0, 0, 1))
      .add(this.positions.weight.narrow(0, 0, T));
    return this.drop(this.norm.forward(placed));
  }

  private drop(x: Tensor): Tensor {
    return this.training ? dropout(x, DROPOUT, true) : x;
  }
}

/** Rows start normal, those for padding at 0. */
function embedding(count: number, width: number, options: { paddingIndex?: number } = {}): nn.Embedding {
  const table = new nn.Embedding(count, width, options);
  nn.normal_(table.weight, STD);
  const { paddingIndex } = options;
  if (paddingIndex !== undefined) scope(() => nn.zero_(table.weight.detach().select(0, paddingIndex)));
  return table;
}

/** Keys of `transformer`. */
class Transformer extends nn.Module {
  private readonly classToken: Tensor;
  private readonly positions: Tensor;
  private readonly patches: nn.Conv2d;
  private readonly blocks: readonly ViTBlock[];
  private readonly norm: nn.LayerNorm;

  constructor(width: number, patch: number, table: number) {
    super();
    this.classToken = this.parameter('cls_token', zeros([1, 1, width]));
    this.positions = this.parameter('pos_embed', zeros([1, table ** 2 + 1, width]));
    for (const drawn of [this.classToken, this.positions]) nn.truncatedNormal_(drawn, STD);
    this.patches = this.child('patch_embed.proj', new nn.Conv2d(3, width, patch, { stride: patch }));
    const rates = { attention: DROPOUT, hidden: DROPOUT, output: DROPOUT };
    const block = { width, heads: HEADS, hidden: 4 * width, keys: FUSED_KEYS, eps: EPS, dropout: rates };
    this.blocks = this.children(
      'blocks',
      Array.from({ length: BLOCKS }, () => new ViTBlock(block)),
    );
    this.norm = this.child('norm', new nn.LayerNorm(width, { eps: EPS }));
    for (const layer of this.namedModules().values()) {
      if (!(layer instanceof nn.Linear)) continue;
      nn.truncatedNormal_(layer.weight, STD);
      nn.zero_(layer.bias);
    }
  }

  /** @param images [B,3,S,S]. @returns [B,1+N,C], the class token first */
  embed(images: Tensor): Tensor {
    const map = this.patches.forward(images); // [B,C,S/P,S/P]
    const [B, C, side] = map.shape4();
    const patches = map.flatten(2).transpose(1, 2); // [B,N,C]
    const tokens = cat([this.classToken.expand([B, 1, C]), patches], 1); // [B,1+N,C]
    const x = tokens.add(this.positionsFor(side));
    return this.training ? dropout(x, DROPOUT, true) : x;
  }

  /** @param tokens [B,L,C]. @param bias of the attention, [B,1,1,L]. @returns [B,L,C] */
  forward(tokens: Tensor, bias: Tensor): Tensor {
    return this.norm.forward(this.blocks.reduce((x, block) => block.forward(x, bias), tokens));
  }

  /** Resizes positions to an image's grid. @returns [1,1+N,C] */
  private positionsFor(side: number): Tensor {
    const [, rows, C] = this.positions.shape3();
    const table = Math.round(Math.sqrt(rows - 1));
    if (table === side) return this.positions;
    const grid = this.positions
      .narrow(1, 1, rows - 1)
      .transpose(1, 2)
      .reshape([1, C, table, table]);
    const resized = nn.resizeBilinear2d(grid, side, true).flatten(2).transpose(1, 2); // [1,N,C]
    return cat([this.positions.narrow(1, 0, 1), resized], 1);
  }
}

/** x2 bilinear, conv 3x3, batch normalisation, ReLU. [B,in,H,W] -> [B,out,2H,2W]. */
class Stage extends nn.Module {
  private readonly conv: nn.Conv2d;
  private readonly norm: nn.BatchNorm2d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = this.child('conv', new nn.Conv2d(inChannels, outChannels, 3, { padding: 1, bias: false }));
    this.norm = this.child('norm', new nn.BatchNorm2d(outChannels));
  }

  forward(x: Tensor): Tensor {
    const [, , height, width] = x.shape4();
    return this.conv.forwardNorm(nn.resizeBilinear2d(x, [2 * height, 2 * width], false), this.norm, {
      relu: true,
    });
  }
}

/** Progressive upsampling: keys `blocks.{k}`, `head`. [B,C,S/P,S/P] -> [B,1,S,S]. */
class Decoder extends nn.Module {
  private readonly stages: readonly Stage[];
  private readonly head: nn.Conv2d;

  constructor(inChannels: number, widths: readonly number[]) {
    super();
    this.stages = this.children(
      'blocks',
      widths.map((width, i) => new Stage(widths[i - 1] ?? inChannels, width)),
    );
    this.head = this.child('head', new nn.Conv2d(widths.at(-1) ?? inChannels, 1, 1));
  }

  forward(map: Tensor): Tensor {
    return this.head.forward(this.stages.reduce((x, stage) => stage.forward(x), map));
  }
}

export interface ViLTOptions extends ModelOptions {
  /** T is at most `tokens`. */
  readonly contextLength: number;
  /** Rows, more than the largest number of a word. */
  readonly vocabulary: number;
  /** P. */
  readonly patch: 32 | 16;
  /** Rows for words' positions. */
  readonly tokens: number;
  /** Side of the positions' grid, resized to the image's. */
  readonly positions: number;
}

export class ViLT extends SegmentationModel {
  override readonly title = 'ViLT';
  override readonly readsNotes = true;
  override readonly explainLayer = 'decoder.blocks.0';
  private readonly text: TextEmbeddings;
  private readonly types: Tensor;
  private readonly transformer: Transformer;
  private readonly decoder: Decoder;

  /** @throws CONFIG_INVALID */
  constructor(readonly options: ViLTOptions) {
    super();
    checkSizes(options);
    const { baseWidth: w, imageSize, contextLength: T, vocabulary, patch, tokens, positions } = options;
    requireOption(w % 4 === 0, 'baseWidth', 'a multiple of 4, as the decoder ends in a quarter of it', w);
    const fits = imageSize % patch === 0;
    requireOption(fits, 'imageSize', `a multiple of ${patch}, the side of a patch`, imageSize);
    if (T > tokens) {
      throw new ReclmisError(
        'CONFIG_INVALID',
        `text.contextLength: expected at most ${tokens}, the positions of ViLT's words, got ${T}`,
      );
    }
    const C = HEADS * w;
    this.text = this.child('text_embeddings', new TextEmbeddings(vocabulary, tokens, C));
    this.types = this.child('token_type_embeddings', embedding(2, C)).weight;
    this.transformer = this.child('transformer', new Transformer(C, patch, positions));
    this.decoder = this.child(
      'decoder',
      new Decoder(
        C,
        STAGES[patch].map((share) => share * w),
      ),
    );
  }

  override get tokenGrids(): readonly TokenGrid[] {
    const { imageSize, patch, contextLength } = this.options;
    return [{ side: imageSize / patch, before: contextLength + 1 }];
  }

  override get noteInput(): NoteInput {
    return 'ids';
  }

  segment(images: Tensor, note: NoteFeatures | null): Segmentation {
    checkImages(images, this.options);
    const ids = this.requireIds(note); // [B,T]
    const text = this.text.forward(ids).add(this.types.narrow(0, 0, 1)); // [B,T,C]
    const image = this.transformer.embed(images).add(this.types.narrow(0, 1, 1)); // [B,1+N,C]
    const tokens = this.transformer.forward(cat([text, image], 1), this.barred(ids, image)); // [B,L,C]
    return segmentation(this.decoder.forward(this.asMap(tokens)));
  }

  /** Minus infinity after a note's end: [B,1,1,L]. */
  private barred(ids: Tensor, image: Tensor): Tensor {
    const [B, T] = ids.shape2();
    const [, seen] = image.shape3();
    const like = { dtype: image.dtype, device: image.device };
    const words = zeros([B, T], like).maskedFill(ids.eq(0), Number.NEGATIVE_INFINITY);
    return cat([words, zeros([B, seen], like)], 1).view([B, 1, 1, T + seen]);
  }

  /** Patches come last: [B,L,C] -> [B,C,S/P,S/P]. */
  private asMap(tokens: Tensor): Tensor {
    const [B, L, C] = tokens.shape3();
    const { imageSize, patch } = this.options;
    const side = imageSize / patch;
    const N = side ** 2;
    return tokens
      .narrow(1, L - N, N)
      .transpose(1, 2)
      .reshape([B, C, side, side]);
  }

  /** int64 [B,T]. @throws NOTE_MISSING, TENSOR_SHAPE */
  private requireIds(note: NoteFeatures | null): Tensor {
    if (!note?.ids)
      throw new ReclmisError('NOTE_MISSING', 'ViLT reads words: expected their numbers, got none');
    const [, T] = note.ids.shape2();
    const { tokens } = this.options;
    if (T > tokens)
      throw new ReclmisError('TENSOR_SHAPE', `note ids: expected at most ${tokens} a note, got ${T}`);
    return note.ids;
  }
}

export const vilt = describeModel({
  title: 'ViLT',
  readsNotes: () => true,
  noteEntersEarly: 'words and patches go through one transformer together',
  options: z.strictObject({
    patch: z
      .union([z.literal(32), z.literal(16)])
      .default(32)
      .describe('side of a patch, 32 or 16 pixels; 16 gives finer masks'),
    tokens: z
      .number()
      .int()
      .min(1)
      .max(512)
      .default(MOST_TOKENS)
      .describe('positions of words, at least text.contextLength; 40 in its authors’ checkpoints'),
    positions: z
      .number()
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe(
        'side of the table of patches’ positions, resized to the image; default 384 / patch, its authors’',
      ),
    vocabulary: z
      .number()
      .int()
      .min(2)
      .optional()
      .describe('rows of the word table; default the encoder’s words'),
  }),
  build: ({ baseWidth, imageSize }, encoder, { patch, tokens, positions, vocabulary }) => {
    const { width: textWidth, contextLength, vocabularySize } = encoder;
    const rows = vocabulary ?? vocabularySize;
    const expected = `at least ${vocabularySize}, the encoder's words`;
    requireOption(rows >= vocabularySize, 'options.vocabulary', expected, rows);
    const table = positions ?? TABLE_SIDE / patch;
    const sizes = { vocabulary: rows, patch, tokens, positions: table };
    return new ViLT({ baseWidth, imageSize, textWidth, contextLength, ...sizes });
  },
  ownKey: 'text_embeddings.word_embeddings.weight',
  unusedKeys: [/^text_embeddings\.position_ids$/, /^(?:pooler|mlm_score|itm_score)\./],
  presets: ['qata-cov19-vilt'],
  parts: {
    text: ['text_embeddings', 'token_type_embeddings'],
    encoder: ['transformer'],
    decoder: ['decoder'],
  },
  table1: {
    title: 'ViLT',
    parameters:
      'It seems to be ViLT’s own article that is quoted, without word embedding and decoder: the transformer alone has 87.5 M here. The decoder is ours.',
    flops: 'It seems to be quoted from there too, for larger images.',
  },
  parity: {
    settings: (sizeOf) => ({
      baseWidth: sizeOf('transformer.cls_token', 2) / HEADS,
      options: {
        patch: sizeOf('transformer.patch_embed.proj.weight', 2),
        tokens: sizeOf('text_embeddings.position_embeddings.weight', 0),
        positions: Math.round(Math.sqrt(sizeOf('transformer.pos_embed', 1) - 1)),
        vocabulary: sizeOf('text_embeddings.word_embeddings.weight', 0),
      },
    }),
  },
});

/** Names and shapes of published weights, at any size; and the `.npz` files of some. */
import { writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { Tensor } from '@reclmis/torch';

type Shapes = Map<string, number[]>;

const pair = (out: Shapes, name: string, weight: number[]): void => {
  out.set(`${name}.weight`, weight).set(`${name}.bias`, [weight[0]!]);
};

function batchNorm(out: Shapes, name: string, width: number): void {
  for (const part of ['weight', 'bias', 'running_mean', 'running_var']) out.set(`${name}.${part}`, [width]);
  out.set(`${name}.num_batches_tracked`, []);
}

/** torchvision's ResNet with bottlenecks; with `se`, Cadene's. */
export function resNetShapes(width: number, blocks: readonly number[], se = false): Shapes {
  const out: Shapes = new Map();
  const stem = se ? 'layer0.' : '';
  out.set(`${stem}conv1.weight`, [width, 3, 7, 7]);
  batchNorm(out, `${stem}bn1`, width);
  let inputs = width;
  blocks.forEach((count, layer) => {
    const w = width * 2 ** layer;
    for (let i = 0; i < count; i++) {
      const name = `layer${layer + 1}.${i}`;
      out.set(`${name}.conv1.weight`, [w, inputs, 1, 1]);
      out.set(`${name}.conv2.weight`, [w, w, 3, 3]);
      out.set(`${name}.conv3.weight`, [4 * w, w, 1, 1]);
      [w, w, 4 * w].forEach((size, k) => batchNorm(out, `${name}.bn${k + 1}`, size));
      if (se) {
        pair(out, `${name}.se_module.fc1`, [w / 4, 4 * w, 1, 1]);
        pair(out, `${name}.se_module.fc2`, [4 * w, w / 4, 1, 1]);
      }
      if (i === 0) {
        out.set(`${name}.downsample.0.weight`, [4 * w, inputs, 1, 1]);
        batchNorm(out, `${name}.downsample.1`, 4 * w);
      }
      inputs = 4 * w;
    }
  });
  pair(out, se ? 'last_linear' : 'fc', [1000, inputs]);
  return out;
}

export interface SwinSizes {
  readonly width: number;
  readonly depths: readonly number[];
  readonly heads: readonly number[];
  readonly window: number;
  /** timm's names since 0.9. */
  readonly late?: boolean;
}

export function swinShapes({ width, depths, heads, window, late = false }: SwinSizes): Shapes {
  const out: Shapes = new Map();
  pair(out, 'patch_embed.proj', [width, 3, 4, 4]);
  pair(out, 'patch_embed.norm', [width]);
  depths.forEach((depth, i) => {
    const C = width * 2 ** i;
    for (let j = 0; j < depth; j++) {
      const name = `layers.${i}.blocks.${j}`;
      pair(out, `${name}.norm1`, [C]);
      out.set(`${name}.attn.relative_position_bias_table`, [(2 * window - 1) ** 2, heads[i]!]);
      out.set(`${name}.attn.relative_position_index`, [window ** 2, window ** 2]);
      pair(out, `${name}.attn.qkv`, [3 * C, C]);
      pair(out, `${name}.attn.proj`, [C, C]);
      pair(out, `${name}.norm2`, [C]);
      pair(out, `${name}.mlp.fc1`, [4 * C, C]);
      pair(out, `${name}.mlp.fc2`, [C, 4 * C]);
      if (j % 2 === 1) out.set(`${name}.attn_mask`, [4, window ** 2, window ** 2]);
    }
    if (i === depths.length - 1) return;
    const merge = `layers.${late ? i + 1 : i}.downsample`;
    out.set(`${merge}.reduction.weight`, [2 * C, 4 * C]);
    pair(out, `${merge}.norm`, [4 * C]);
  });
  const last = width * 2 ** (depths.length - 1);
  pair(out, 'norm', [last]);
  pair(out, late ? 'head.fc' : 'head', [1000, last]);
  return out;
}

export function swinTorchvisionShapes(sizes: SwinSizes): Shapes {
  const out: Shapes = new Map();
  for (const [name, shape] of swinShapes(sizes)) {
    const [, i = '0', rest = ''] = /^layers\.(\d)\.(.+)$/.exec(name) ?? [];
    const [kind, ...parts] = rest.split('.');
    const own = (member: number): string => `features.${2 * Number(i) + member}.`;
    if (name.startsWith('patch_embed.proj.')) out.set(`features.0.0.${name.slice(17)}`, shape);
    else if (name.startsWith('patch_embed.norm.')) out.set(`features.0.2.${name.slice(17)}`, shape);
    else if (kind === 'downsample') out.set(own(2) + parts.join('.'), shape);
    else if (kind === 'blocks' && parts[1] === 'mlp')
      out.set(`${own(1)}${parts[0]}.mlp.${parts[2] === 'fc1' ? 0 : 3}.${parts[3]}`, shape);
    else if (kind !== 'blocks') out.set(name, shape);
    else if (parts[1] !== 'attn_mask') out.set(own(1) + parts.join('.'), shape);
  }
  return out;
}

export interface ViTSizes {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** Side of the patch convolution's kernel, and its inputs. */
  readonly patch: number;
  readonly inputs: number;
  /** Side of the grid of positions. */
  readonly grid: number;
  /** Units of the ResNet's blocks before it, and its stem's channels. */
  readonly stem?: { readonly width: number; readonly units: readonly number[] };
}

/** timm's ViT. */
export function vitShapes({ width: C, depth, patch, inputs, grid, stem }: ViTSizes): Shapes {
  const out: Shapes = new Map([
    ['cls_token', [1, 1, C]],
    ['pos_embed', [1, grid ** 2 + 1, C]],
  ]);
  if (stem) {
    const at = 'patch_embed.backbone.';
    out.set(`${at}stem.conv.weight`, [stem.width, 3, 7, 7]);
    pair(out, `${at}stem.norm`, [stem.width]);
    eachUnit(stem, ({ block, unit, width: m, inputs: i, first }) => {
      const name = `${at}stages.${block - 1}.blocks.${unit - 1}`;
      [
        [m, i, 1, 1],
        [m, m, 3, 3],
        [4 * m, m, 1, 1],
      ].forEach((shape, k) => {
        out.set(`${name}.conv${k + 1}.weight`, shape);
        pair(out, `${name}.norm${k + 1}`, [shape[0]!]);
      });
      if (!first) return;
      out.set(`${name}.downsample.conv.weight`, [4 * m, i, 1, 1]);
      pair(out, `${name}.downsample.norm`, [4 * m]);
    });
  }
  pair(out, 'patch_embed.proj', [C, inputs, patch, patch]);
  for (let i = 0; i < depth; i++) {
    pair(out, `blocks.${i}.norm1`, [C]);
    pair(out, `blocks.${i}.attn.qkv`, [3 * C, C]);
    pair(out, `blocks.${i}.attn.proj`, [C, C]);
    pair(out, `blocks.${i}.norm2`, [C]);
    pair(out, `blocks.${i}.mlp.fc1`, [4 * C, C]);
    pair(out, `blocks.${i}.mlp.fc2`, [C, 4 * C]);
  }
  pair(out, 'norm', [C]);
  pair(out, 'head', [1000, C]);
  return out;
}

/** @param mlp the names of its two linear layers, `linear_1` and `linear_2` in published files. */
export function vitTorchvisionShapes(
  { width: C, depth, patch, inputs, grid }: ViTSizes,
  mlp: readonly [string, string] = ['linear_1', 'linear_2'],
): Shapes {
  const out: Shapes = new Map([
    ['class_token', [1, 1, C]],
    ['encoder.pos_embedding', [1, grid ** 2 + 1, C]],
  ]);
  pair(out, 'conv_proj', [C, inputs, patch, patch]);
  for (let i = 0; i < depth; i++) {
    const layer = `encoder.layers.encoder_layer_${i}`;
    pair(out, `${layer}.ln_1`, [C]);
    out.set(`${layer}.self_attention.in_proj_weight`, [3 * C, C]);
    out.set(`${layer}.self_attention.in_proj_bias`, [3 * C]);
    pair(out, `${layer}.self_attention.out_proj`, [C, C]);
    pair(out, `${layer}.ln_2`, [C]);
    pair(out, `${layer}.mlp.${mlp[0]}`, [4 * C, C]);
    pair(out, `${layer}.mlp.${mlp[1]}`, [C, 4 * C]);
  }
  pair(out, 'encoder.ln', [C]);
  pair(out, 'heads.head', [1000, C]);
  return out;
}

function eachUnit(
  { width, units }: NonNullable<ViTSizes['stem']>,
  visit: (unit: { block: number; unit: number; width: number; inputs: number; first: boolean }) => void,
): void {
  let inputs = width;
  units.forEach((count, b) => {
    const m = width * 2 ** b;
    for (let u = 1; u <= count; u++) {
      visit({ block: b + 1, unit: u, width: m, inputs, first: u === 1 });
      inputs = 4 * m;
    }
  });
}

/** Google's arrays. Scales of group norms have four axes there. */
export function googleShapes({ width: C, depth, heads: H, patch, inputs, grid, stem }: ViTSizes): Shapes {
  const out: Shapes = new Map();
  const D = C / H;
  const both = (name: string, kernel: number[], bias: number[]): void =>
    void out.set(`${name}/kernel`, kernel).set(`${name}/bias`, bias);
  const norm = (name: string, shape: number[]): void =>
    void out.set(`${name}/scale`, shape).set(`${name}/bias`, shape);
  out.set('cls', [1, 1, C]);
  if (stem) {
    out.set('conv_root/kernel', [7, 7, 3, stem.width]);
    norm('gn_root', [1, 1, 1, stem.width]);
    eachUnit(stem, ({ block, unit, width: m, inputs: i, first }) => {
      const name = `block${block}/unit${unit}`;
      [
        [1, 1, i, m],
        [3, 3, m, m],
        [1, 1, m, 4 * m],
      ].forEach((shape, k) => {
        out.set(`${name}/conv${k + 1}/kernel`, shape);
        norm(`${name}/gn${k + 1}`, [1, 1, 1, shape[3]!]);
      });
      if (!first) return;
      out.set(`${name}/conv_proj/kernel`, [1, 1, i, 4 * m]);
      norm(`${name}/gn_proj`, [1, 1, 1, 4 * m]);
    });
  }
  both('embedding', [patch, patch, inputs, C], [C]);
  out.set('Transformer/posembed_input/pos_embedding', [1, grid ** 2 + 1, C]);
  for (let i = 0; i < depth; i++) {
    const at = `Transformer/encoderblock_${i}`;
    norm(`${at}/LayerNorm_0`, [C]);
    norm(`${at}/LayerNorm_2`, [C]);
    for (const part of ['query', 'key', 'value'])
      both(`${at}/MultiHeadDotProductAttention_1/${part}`, [C, H, D], [H, D]);
    both(`${at}/MultiHeadDotProductAttention_1/out`, [H, D, C], [C]);
    both(`${at}/MlpBlock_3/Dense_0`, [C, 4 * C], [4 * C]);
    both(`${at}/MlpBlock_3/Dense_1`, [4 * C, C], [C]);
  }
  norm('Transformer/encoder_norm', [C]);
  both('head', [C, 1000], [1000]);
  return out;
}

/** OpenAI's names, with the text tower's first ones. */
export function clipShapes({ width: C, depth, patch, grid }: ViTSizes, projected = 512): Shapes {
  const at = 'visual.';
  const out: Shapes = new Map([
    [`${at}class_embedding`, [C]],
    [`${at}positional_embedding`, [grid ** 2 + 1, C]],
    [`${at}proj`, [C, projected]],
    [`${at}conv1.weight`, [C, 3, patch, patch]],
    ['positional_embedding', [77, projected]],
    ['transformer.resblocks.0.ln_1.weight', [projected]],
    ['logit_scale', []],
  ]);
  pair(out, `${at}ln_pre`, [C]);
  pair(out, `${at}ln_post`, [C]);
  for (let i = 0; i < depth; i++) {
    const block = `${at}transformer.resblocks.${i}`;
    out.set(`${block}.attn.in_proj_weight`, [3 * C, C]).set(`${block}.attn.in_proj_bias`, [3 * C]);
    pair(out, `${block}.attn.out_proj`, [C, C]);
    pair(out, `${block}.ln_1`, [C]);
    pair(out, `${block}.ln_2`, [C]);
    pair(out, `${block}.mlp.c_fc`, [4 * C, C]);
    pair(out, `${block}.mlp.c_proj`, [C, 4 * C]);
  }
  return out;
}

export function clipHuggingFaceShapes({ width: C, depth, patch, grid }: ViTSizes, projected = 512): Shapes {
  const at = 'vision_model.';
  const out: Shapes = new Map([
    [`${at}embeddings.class_embedding`, [C]],
    [`${at}embeddings.position_embedding.weight`, [grid ** 2 + 1, C]],
    [`${at}embeddings.position_ids`, [1, grid ** 2 + 1]],
    [`${at}embeddings.patch_embedding.weight`, [C, 3, patch, patch]],
    ['visual_projection.weight', [projected, C]],
  ]);
  pair(out, `${at}pre_layrnorm`, [C]);
  pair(out, `${at}post_layernorm`, [C]);
  for (let i = 0; i < depth; i++) {
    const block = `${at}encoder.layers.${i}`;
    for (const part of ['q', 'k', 'v', 'out']) pair(out, `${block}.self_attn.${part}_proj`, [C, C]);
    pair(out, `${block}.layer_norm1`, [C]);
    pair(out, `${block}.layer_norm2`, [C]);
    pair(out, `${block}.mlp.fc1`, [4 * C, C]);
    pair(out, `${block}.mlp.fc2`, [C, 4 * C]);
  }
  return out;
}

/** ViLT's checkpoint with its pretraining heads. */
export function viltShapes(sizes: ViTSizes, vocabulary: number): Shapes {
  const C = sizes.width;
  const out: Shapes = new Map([
    ['text_embeddings.position_ids', [1, 40]],
    ['text_embeddings.word_embeddings.weight', [vocabulary, C]],
    ['text_embeddings.position_embeddings.weight', [40, C]],
    ['text_embeddings.token_type_embeddings.weight', [2, C]],
    ['token_type_embeddings.weight', [2, C]],
  ]);
  pair(out, 'text_embeddings.LayerNorm', [C]);
  for (const [name, shape] of vitShapes(sizes))
    if (!name.startsWith('head.')) out.set(`transformer.${name}`, shape);
  pair(out, 'pooler.dense', [C, C]);
  pair(out, 'itm_score.fc', [2, C]);
  return out;
}

/** Hugging Face's names, with the head for masked words. */
export function viltHuggingFaceShapes(
  { width: C, depth, patch, grid }: ViTSizes,
  vocabulary: number,
): Shapes {
  const at = 'vilt.embeddings.';
  const out: Shapes = new Map([
    [`${at}cls_token`, [1, 1, C]],
    [`${at}position_embeddings`, [1, grid ** 2 + 1, C]],
    [`${at}text_embeddings.position_ids`, [1, 40]],
    [`${at}text_embeddings.word_embeddings.weight`, [vocabulary, C]],
    [`${at}text_embeddings.position_embeddings.weight`, [40, C]],
    [`${at}text_embeddings.token_type_embeddings.weight`, [2, C]],
    [`${at}token_type_embeddings.weight`, [2, C]],
    ['mlm_score.bias', [vocabulary]],
  ]);
  pair(out, `${at}text_embeddings.LayerNorm`, [C]);
  pair(out, `${at}patch_embeddings.projection`, [C, 3, patch, patch]);
  for (let i = 0; i < depth; i++) {
    const layer = `vilt.encoder.layer.${i}`;
    for (const part of ['query', 'key', 'value']) pair(out, `${layer}.attention.attention.${part}`, [C, C]);
    pair(out, `${layer}.attention.output.dense`, [C, C]);
    pair(out, `${layer}.layernorm_before`, [C]);
    pair(out, `${layer}.layernorm_after`, [C]);
    pair(out, `${layer}.intermediate.dense`, [4 * C, C]);
    pair(out, `${layer}.output.dense`, [C, 4 * C]);
  }
  pair(out, 'vilt.layernorm', [C]);
  return out;
}

/** Each with values of its own: 1, 2, 3, ... scaled by a step that the name gives. */
export function numbered(shapes: ReadonlyMap<string, readonly number[]>): Map<string, Tensor> {
  return new Map(
    [...shapes].map(([name, shape]) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const step = (1 + (crc32(name) % 997)) / 65_536; // exact in float32 for small tensors
      return [
        name,
        Tensor.fromFloat32(
          Float32Array.from({ length: size }, (_, i) => (i + 1) * step),
          shape,
        ),
      ];
    }),
  );
}

/** Writes arrays as NumPy's `savez` does. */
export function writeNpz(path: string, tensors: ReadonlyMap<string, Tensor>): void {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [key, tensor] of tensors) {
    const name = Buffer.from(`${key}.npy`);
    const data = npy(tensor);
    const common = Buffer.alloc(22); // from the flags to the length of the name
    common.writeUInt32LE(crc32(data), 8);
    common.writeUInt32LE(data.length, 12);
    common.writeUInt32LE(data.length, 16);
    common.writeUInt16LE(name.length, 20);
    const local = Buffer.concat([
      Buffer.from('PK\x03\x04\0\0', 'latin1'),
      common,
      Buffer.alloc(2),
      name,
      data,
    ]);
    const place = Buffer.alloc(16);
    place.writeUInt32LE(offset, 12);
    directory.push(Buffer.from('PK\x01\x02\0\0\0\0', 'latin1'), common, place, name);
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(tensors.size, 8);
  end.writeUInt16LE(tensors.size, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  writeFileSync(path, Buffer.concat([...parts, central, end]));
}

function npy(tensor: Tensor): Buffer {
  const { shape } = tensor;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }\n`;
  const head = Buffer.from('\x93NUMPY\x01\0\0\0', 'latin1');
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(header), Buffer.from(tensor.toBytes())]);
}

/** CLIP's image tower and ViLT, under their authors' names and Hugging Face's. */
import { type Family, rename, type Table } from './family.js';

const VISUAL = /^clip_model\.visual\./;

export const CLIP: Family = {
  id: 'clip',
  title: 'CLIP’s ViT-B/16 image tower (OpenAI, OpenCLIP)',
  marks: ['visual.transformer.resblocks.0.ln_1.weight', 'visual.conv1.weight'],
  tables: {
    clipseg: () =>
      rename([
        [/^clip_model\.(visual\.positional_embedding)$/, '$1', { table: 'positions' }],
        [/^clip_model\.(visual\..+)$/, '$1'],
      ]),
  },
};

/** Splits the projections, transposes `proj` and spells `pre_layrnorm` so. */
const huggingFace: Table = (key) => {
  const name = VISUAL.test(key) ? key.replace(VISUAL, '') : null;
  if (name === null) return null;
  const [, block, part] = /^transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)$/.exec(name) ?? [];
  if (block !== undefined && part !== undefined)
    return {
      from: ['q', 'k', 'v'].map(
        (letter) => `vision_model.encoder.layers.${block}.self_attn.${letter}_proj.${part}`,
      ),
    };
  return rename([
    [/^class_embedding$/, 'vision_model.embeddings.class_embedding'],
    [/^positional_embedding$/, 'vision_model.embeddings.position_embedding.weight', { table: 'positions' }],
    [/^conv1\.weight$/, 'vision_model.embeddings.patch_embedding.weight'],
    [/^ln_pre\./, 'vision_model.pre_layrnorm.'],
    [/^ln_post\./, 'vision_model.post_layernorm.'],
    [/^proj$/, 'visual_projection.weight', { layout: 'io' }],
    [/^transformer\.resblocks\.(\d+)\.ln_(\d)\./, 'vision_model.encoder.layers.$1.layer_norm$2.'],
    [
      /^transformer\.resblocks\.(\d+)\.attn\.out_proj\./,
      'vision_model.encoder.layers.$1.self_attn.out_proj.',
    ],
    [/^transformer\.resblocks\.(\d+)\.mlp\.c_fc\./, 'vision_model.encoder.layers.$1.mlp.fc1.'],
    [/^transformer\.resblocks\.(\d+)\.mlp\.c_proj\./, 'vision_model.encoder.layers.$1.mlp.fc2.'],
  ])(name);
};

export const CLIP_HUGGING_FACE: Family = {
  id: 'clip-hf',
  title: 'CLIP’s ViT-B/16 image tower (Hugging Face)',
  marks: ['vision_model.encoder.layers.0.layer_norm1.weight', 'vision_model.embeddings.class_embedding'],
  tables: { clipseg: () => huggingFace },
};

/** ViLT's key for the table of words. */
export const WORD_TABLE = 'text_embeddings.word_embeddings.weight';

/**
 * The table of words is BERT's: rows go to the same words if the vocabulary is next to the file; as they are
 * only if `model.options.vocabulary` asks for as many. Positions of words and the tables of types are taken
 * as they are; those of the image stay at 12 x 12 if the model has that grid too.
 */
export const VILT: Family = {
  id: 'vilt',
  title: 'ViLT (its authors)',
  marks: [WORD_TABLE, 'transformer.blocks.0.attn.qkv.weight'],
  words: { name: WORD_TABLE, key: WORD_TABLE },
  tables: {
    vilt: () =>
      rename([
        [/^(transformer\.pos_embed)$/, '$1', { table: 'positions' }],
        [/^((?:text_embeddings|token_type_embeddings|transformer)\..+)$/, '$1'],
      ]),
  },
};

const HF_LAYER = 'encoder.layer.$1.';

const viltHuggingFace: Table = (key) => {
  const [, block, part] = /^transformer\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/.exec(key) ?? [];
  if (block !== undefined && part !== undefined)
    return {
      from: ['query', 'key', 'value'].map(
        (name) => `encoder.layer.${block}.attention.attention.${name}.${part}`,
      ),
    };
  return rename([
    [/^text_embeddings\./, 'embeddings.text_embeddings.'],
    [/^token_type_embeddings\./, 'embeddings.token_type_embeddings.'],
    [/^transformer\.cls_token$/, 'embeddings.cls_token'],
    [/^transformer\.pos_embed$/, 'embeddings.position_embeddings', { table: 'positions' }],
    [/^transformer\.patch_embed\.proj\./, 'embeddings.patch_embeddings.projection.'],
    [/^transformer\.norm\./, 'layernorm.'],
    [/^transformer\.blocks\.(\d+)\.norm1\./, `${HF_LAYER}layernorm_before.`],
    [/^transformer\.blocks\.(\d+)\.norm2\./, `${HF_LAYER}layernorm_after.`],
    [/^transformer\.blocks\.(\d+)\.attn\.proj\./, `${HF_LAYER}attention.output.dense.`],
    [/^transformer\.blocks\.(\d+)\.mlp\.fc1\./, `${HF_LAYER}intermediate.dense.`],
    [/^transformer\.blocks\.(\d+)\.mlp\.fc2\./, `${HF_LAYER}output.dense.`],
  ])(key);
};

export const VILT_HUGGING_FACE: Family = {
  id: 'vilt-hf',
  title: 'ViLT (Hugging Face)',
  marks: [`embeddings.${WORD_TABLE}`, 'encoder.layer.0.attention.attention.query.weight'],
  words: { name: `embeddings.${WORD_TABLE}`, key: WORD_TABLE },
  tables: { vilt: () => viltHuggingFace },
};

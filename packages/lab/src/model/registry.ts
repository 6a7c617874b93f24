/** The models. To add one: its file with a descriptor, a line here (or `registerModel`), a preset. */
import { ReclmisError } from '@reclmis/core';
import { attentionUNet } from './peers/attention-unet.js';
import { clipSeg } from './peers/clip-seg.js';
import { convirt } from './peers/convirt.js';
import { gloria } from './peers/gloria.js';
import { lavt } from './peers/lavt.js';
import { nnUNet } from './peers/nn-unet.js';
import { swinUNet } from './peers/swin-unet.js';
import { tganet } from './peers/tganet.js';
import { transUNet } from './peers/trans-unet.js';
import { ucTransNet } from './peers/uc-trans-net.js';
import { unetPlusPlus } from './peers/unet-plus-plus.js';
import { vilt } from './peers/vilt.js';
import type { EncoderTraits, ModelDescriptor } from './descriptor.js';
import { LViT } from './lvit.js';
import { type ModelSettings, optionsFromConfig } from './options.js';
import { RecLMIS } from './reclmis.js';
import type { SegmentationModel } from './segmentation-model.js';
import { UNet } from './unet.js';

export type { EncoderTraits, ModelDescriptor } from './descriptor.js';

const UNET_PARTS = {
  encoder: ['inc', 'down1', 'down2', 'down3', 'down4'],
  decoder: ['up4', 'up3', 'up2', 'up1', 'outc'],
} as const;

/** PyTorch's step counter of batch normalisation. */
const STEP_COUNTERS = /\.num_batches_tracked$/;

const MODELS = new Map<string, ModelDescriptor>([
  [
    'reclmis',
    {
      title: 'RecLMIS',
      readsNotes: ({ components }) => components.ci,
      build: (settings, encoder) => new RecLMIS(optionsFromConfig(settings, encoder)),
      deepSupervision: true,
      ownKey: 'interact.embeddings.position_embeddings',
      unusedKeys: [
        /^rec_(?:img|text)_trans1\.decoder1\..*\.encoder_attn/, // the context stacks attend to themselves alone
        /\.pixModule\.conv_sig\./,
        STEP_COUNTERS,
      ],
      presets: ['qata-cov19', 'mosmeddata-plus', 'monuseg', 'phantom'],
      parts: {
        ...UNET_PARTS,
        text: ['text_module4'],
        interaction: ['interact', 'mlp_visual', 'mlp_woi'],
        reconstruction: ['rec_img_trans1', 'rec_text_trans1'],
      },
      table1: {
        title: 'RecLMIS',
        parameters:
          'The paper does not say what it leaves out. The authors’ code has the same parameters as ours; 31.5 M of those trained are the two reconstructors, which only the losses read.',
      },
    },
  ],
  [
    'unet',
    {
      title: 'U-Net',
      readsNotes: () => false,
      build: ({ baseWidth, imageSize, deepSupervision }, { width: textWidth }) =>
        new UNet({ baseWidth, imageSize, textWidth, deepSupervision }),
      deepSupervision: true,
      ownKey: 'up4.up.weight',
      unusedKeys: [STEP_COUNTERS],
      presets: ['qata-cov19-unet', 'monuseg-unet'],
      parts: UNET_PARTS,
      table1: {
        title: 'U-Net',
        flops:
          'The usual counter (thop) charges a transposed convolution at its output’s size, here four times its work: counted so, ours are 50.2 G.',
      },
    },
  ],
  [
    'lvit',
    {
      title: 'LViT',
      readsNotes: () => true,
      build: ({ baseWidth, imageSize, dropout, deepSupervision }, { width: textWidth, contextLength }) =>
        new LViT({ baseWidth, imageSize, textWidth, contextLength, dropout, deepSupervision }),
      deepSupervision: true,
      ownKey: 'downVit.embeddings.position_embeddings',
      unusedKeys: [/\.pixModule\.conv_sig\./, STEP_COUNTERS],
      presets: ['qata-cov19-lvit', 'monuseg-lvit'],
      parts: {
        ...UNET_PARTS,
        text: ['text_module4', 'text_module3', 'text_module2', 'text_module1'],
        transformer: [
          ...['downVit', 'downVit1', 'downVit2', 'downVit3', 'upVit', 'upVit1', 'upVit2', 'upVit3'],
          ...['reconstruct1', 'reconstruct2', 'reconstruct3', 'reconstruct4'],
        ],
      },
    },
  ],
  ['attunet', attentionUNet],
  ['nnunet', nnUNet],
  ['unetpp', unetPlusPlus],
  ['convirt', convirt],
  ['gloria', gloria],
  ['transunet', transUNet],
  ['uctransnet', ucTransNet],
  ['swinunet', swinUNet],
  ['lavt', lavt],
  ['tganet', tganet],
  ['clipseg', clipSeg],
  ['vilt', vilt],
]);

/** `model.name` then accepts it. @throws OPTION_INVALID if the name is taken */
export function registerModel(name: string, descriptor: ModelDescriptor): void {
  if (MODELS.has(name))
    throw new ReclmisError('OPTION_INVALID', `a model named ${name} already exists`, {
      remedy: 'Choose another name.',
    });
  MODELS.set(name, descriptor);
}

export function modelNames(): readonly string[] {
  return [...MODELS.keys()];
}

export function isModel(name: string): boolean {
  return MODELS.has(name);
}

/** @throws CONFIG_INVALID for an unknown name */
export function modelDescriptor(name: string): ModelDescriptor {
  const descriptor = MODELS.get(name);
  if (descriptor) return descriptor;
  throw new ReclmisError(
    'CONFIG_INVALID',
    `model.name: expected one of ${modelNames().join(', ')}, got ${name}`,
  );
}

/** The model with its own key among these, or null. */
export function modelOfKeys(keys: ReadonlySet<string>): string | null {
  for (const [name, { ownKey }] of MODELS) if (keys.has(ownKey)) return name;
  return null;
}

type NamedSettings = ModelSettings & { readonly name: string };

/** @throws CONFIG_INVALID for settings that do not go together */
export function buildModel(settings: NamedSettings, encoder: EncoderTraits): SegmentationModel {
  return modelDescriptor(settings.name).build(settings, encoder);
}

/** RecLMIS reads none without conditioned interaction. */
export function readsNotes(settings: NamedSettings): boolean {
  return modelDescriptor(settings.name).readsNotes(settings);
}

/** Whether training reads notes; more models do than at inference. */
export function learnsFromNotes(settings: NamedSettings): boolean {
  const { learnsFromNotes: learns, readsNotes: reads } = modelDescriptor(settings.name);
  return (learns ?? reads)(settings);
}

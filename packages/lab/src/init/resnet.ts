/**
 * Residual networks: torchvision's ResNet-50, whose names timm keeps, and Cadene's SE-ResNet-101, timm's
 * `legacy_seresnet101`. Their classifiers (`fc`, `last_linear`) are left.
 */
import { type Family, rename } from './family.js';

/** ConVIRT's and GLoRIA's encoder: the file's names behind `encoder.`. */
const unetOnResNet = rename([[/^encoder\.((?:conv1|bn1|layer[1-4]\.\d+)\..+)$/, '$1']]);

/** TGANet's stops before `layer4`, with stem and pooling inside layers. */
const tganet = rename([
  [/^layer0\.0\./, 'conv1.'],
  [/^layer0\.1\./, 'bn1.'],
  [/^layer1\.1\./, 'layer1.'],
  [/^(layer[23]\.)/, '$1'],
]);

const BLOCKS = /^(layer\d)\.(\d+)\./;

export const RESNET_50: Family = {
  id: 'resnet50',
  title: 'ResNet-50 (torchvision, timm)',
  marks: ['layer1.0.conv3.weight', 'conv1.weight', 'bn1.weight'],
  // Squeeze-and-excitation, and CLIP's residual network: another stem, pooling by attention.
  absent: ['layer1.0.se_module.fc1.weight', 'layer1.0.se.fc1.weight', 'attnpool.positional_embedding'],
  blocks: BLOCKS,
  tables: { convirt: () => unetOnResNet, gloria: () => unetOnResNet, tganet: () => tganet },
};

export const SE_RESNET_101: Family = {
  id: 'se-resnet101',
  title: 'SE-ResNet-101 (Cadene, timm)',
  marks: ['layer1.0.se_module.fc1.weight', 'layer0.conv1.weight'],
  blocks: BLOCKS,
  tables: { unetpp: () => rename([[/^encoder\.(layer[0-4]\..+)$/, '$1']]) },
};

/** Small models and inputs for tests. */
import { manualSeed, rand, randn, Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import { PAPER, type RecLMISOptions } from './options.js';

/** A model of a few thousand numbers: C = 32, a patch grid of 2 x 2. */
export const TINY: RecLMISOptions = { ...PAPER, baseWidth: 4, imageSize: 32, textWidth: 16, layers: 1 };

/** Two cases: images [2,3,32,32], masks [2,1,32,32] of a square each, notes of 5 and 3 words out of 6. */
export function tinyBatch(
  seed = 1,
  textWidth = TINY.textWidth,
): { images: Tensor; masks: Tensor; note: NoteFeatures } {
  manualSeed(seed);
  const squares = new Float32Array(2 * 32 * 32);
  for (let b = 0; b < 2; b++) {
    for (let y = 8; y < 24; y++)
      squares.fill(1, (b * 32 + y) * 32 + 4 + 8 * b, (b * 32 + y) * 32 + 20 + 8 * b);
  }
  return {
    images: rand([2, 3, 32, 32]),
    masks: Tensor.fromFloat32(squares, [2, 1, 32, 32]),
    note: {
      features: randn([2, 6, textWidth]),
      valid: Tensor.fromUint8([1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0], [2, 6], { dtype: 'bool' }),
    },
  };
}

/** A tensor's values as nested rows of its last dimension. */
export function rowsOf(tensor: Tensor): number[][] {
  const width = tensor.size(-1);
  const flat = Array.from(tensor.to({ dtype: 'float32' }).toFloat32Array());
  return Array.from({ length: flat.length / width }, (_, i) => flat.slice(i * width, (i + 1) * width));
}

import { maskOf } from '@reclmis/core';
import { measurePair } from '../measure/measure.js';
import type { Phantom } from '../phantom.js';
import type { Subject } from './types.js';

/** A case of the training split, named `case-00`, `case-01`, ... */
export function subjectOf(i: number, { image, mask, note }: Phantom): Subject {
  const id = `case-${String(i).padStart(2, '0')}`;
  const { width, height } = image;
  const rgb = new Uint8Array(3 * width * height);
  for (const [p, level] of image.data.entries()) rgb.fill(level, 3 * p, 3 * p + 3);
  const header = { format: 'png', width, height, orientation: 1, bits: 8, grey: true, alpha: false } as const;
  const stored = mask.data.map((value) => 255 * value);
  const read = maskOf({ width, height, channels: 1, data: stored }, id);
  const measure = measurePair(
    { id, note },
    { image: { width, height, data: rgb }, header },
    { ...read, header },
  );
  return { id, split: 'train', imagePath: `${id}.png`, maskPath: `mask_${id}.png`, note, measure };
}

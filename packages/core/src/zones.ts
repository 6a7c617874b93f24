/**
 * Where in a chest radiograph a mask lies, in the words of LViT's notes: upper, middle or lower, left or right lung.
 *
 * The picture itself is divided, not the lungs in it: by half of its width and thirds of its height. That fits pictures that are filled by
 * the chest and stand upright; it knows nothing of anatomy. Left and right are the patient's: the patient's left is on the image's right.
 */
import type { Side, Zone } from './note.js';
import { checkMask, type Mask } from './raster.js';

/** What a mask has in one of the six zones. */
export interface ZoneShare {
  readonly zone: Exclude<Zone, 'all'>;
  /** The patient's. */
  readonly side: Side;
  /** Pixels of the mask in the zone; 0: the mask does not reach it. The middle column of an odd width counts half on either side. */
  readonly area: number;
  /** Of the mask's pixels, 0 to 1; 0 for an empty mask. */
  readonly share: number;
  /** Of the zone's pixels, 0 to 1. */
  readonly coverage: number;
}

const ZONES = ['upper', 'middle', 'lower'] as const;
/** In the order of columns. */
const SIDES = ['right', 'left'] as const;

/**
 * The six zones of a mask: upper, middle, lower, of each the patient's right and left. A row belongs to the third in which its centre lies.
 * @throws MASK_SIZE_MISMATCH
 */
export function lungZones(mask: Mask): ZoneShare[] {
  checkMask(mask, 'lungZones');
  const { width, height, data } = mask;
  const halves = new Float64Array(6); // twice the pixels, whole numbers
  const rows = [0, 0, 0];
  let total = 0;
  for (let y = 0; y < height; y++) {
    const third = 6 * y + 3 < 2 * height ? 0 : 6 * y + 3 < 4 * height ? 1 : 2; // (y + 0.5) / height against 1/3 and 2/3
    rows[third] = rows[third]! + 1;
    let right = 0;
    let left = 0;
    for (let x = 0, p = y * width; x < width; x++, p++) {
      if (data[p] === 0) continue;
      total++;
      if (2 * x + 1 <= width) right += 2 * x + 1 === width ? 1 : 2;
      if (2 * x + 1 >= width) left += 2 * x + 1 === width ? 1 : 2;
    }
    halves[2 * third] = halves[2 * third]! + right;
    halves[2 * third + 1] = halves[2 * third + 1]! + left;
  }
  return ZONES.flatMap((zone, third) =>
    SIDES.map((side, column) => {
      const area = halves[2 * third + column]! / 2;
      const whole = (rows[third]! * width) / 2;
      return {
        zone,
        side,
        area,
        share: total === 0 ? 0 : area / total,
        coverage: whole === 0 ? 0 : area / whole,
      };
    }),
  );
}

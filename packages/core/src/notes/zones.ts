/**
 * Where in a chest radiograph a mask lies, in the words of LViT's notes: upper, middle or lower, left or right lung.
 *
 * The picture itself is divided, not the lungs in it: by half of its width and thirds of its height. That fits pictures that are filled by
 * the chest and stand upright; it knows nothing of anatomy. Left and right are those of a convention: the patient's left is on the image's right.
 */
import type { Side, Zone } from './note.js';
import { checkMask, type Mask } from '../images/raster.js';
import type { Sides } from './zone-map.js';

/** What a mask has in one of the six zones. */
export interface ZoneShare {
  readonly zone: Exclude<Zone, 'all'>;
  /** By the convention that was asked for. */
  readonly side: Side;
  /** Pixels of the mask in the zone; 0: the mask does not reach it. The middle column of an odd width counts half on either side. */
  readonly area: number;
  /** Share of the mask's pixels that lie in the zone, 0 to 1; 0 for an empty mask. */
  readonly share: number;
  /** Share of the zone's pixels that the mask covers, 0 to 1. */
  readonly coverage: number;
}

const ZONES = ['upper', 'middle', 'lower'] as const;
/** In the order of columns, from the image's left. */
const COLUMNS = { patient: ['right', 'left'], image: ['left', 'right'] } as const satisfies Record<
  Sides,
  readonly Side[]
>;

/**
 * The six zones of a mask: upper, middle, lower, of each what lies on the image's left and right. A row belongs to the third in which its centre lies.
 * @param sides whose left and right `side` means. @throws MASK_SIZE_MISMATCH
 */
export function lungZones(mask: Mask, sides: Sides): ZoneShare[] {
  checkMask(mask, 'lungZones');
  const { width, height, data } = mask;
  const halves = new Float64Array(6); // twice the pixels, whole numbers
  const rows = [0, 0, 0];
  let total = 0;
  for (let y = 0; y < height; y++) {
    const third = 6 * y + 3 < 2 * height ? 0 : 6 * y + 3 < 4 * height ? 1 : 2; // (y + 0.5) / height against 1/3 and 2/3
    rows[third] = rows[third]! + 1;
    let onLeft = 0; // of the image
    let onRight = 0;
    for (let x = 0, p = y * width; x < width; x++, p++) {
      if (data[p] === 0) continue;
      total++;
      if (2 * x + 1 <= width) onLeft += 2 * x + 1 === width ? 1 : 2;
      if (2 * x + 1 >= width) onRight += 2 * x + 1 === width ? 1 : 2;
    }
    halves[2 * third] = halves[2 * third]! + onLeft;
    halves[2 * third + 1] = halves[2 * third + 1]! + onRight;
  }
  return ZONES.flatMap((zone, third) =>
    COLUMNS[sides].map((side, column) => {
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

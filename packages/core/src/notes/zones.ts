/**
 * Where in a chest radiograph a mask lies, in LViT's words. The picture is divided, not the lungs, into
 * halves of its width and thirds of its height: for upright pictures filled by the chest.
 */
import type { Side, Zone } from './note.js';
import { checkMask, type Mask } from '../images/raster.js';
import type { Sides } from './zone-map.js';

export interface ZoneShare {
  readonly zone: Exclude<Zone, 'all'>;
  /** By the requested convention. */
  readonly side: Side;
  /** In pixels; the middle column of an odd width counts half on either side. */
  readonly area: number;
  /** Share of the mask, 0 to 1; 0 for an empty mask. */
  readonly share: number;
  /** Share of the zone that the mask covers, 0 to 1. */
  readonly coverage: number;
}

const ZONES = ['upper', 'middle', 'lower'] as const;
/** From the image's left. */
const COLUMNS = { patient: ['right', 'left'], image: ['left', 'right'] } as const satisfies Record<
  Sides,
  readonly Side[]
>;

/**
 * A row belongs to its centre's third.
 * @param sides whose left and right to use. @throws MASK_SIZE_MISMATCH
 */
export function lungZones(mask: Mask, sides: Sides): ZoneShare[] {
  checkMask(mask, 'lungZones');
  const { width, height, data } = mask;
  const halves = new Float64Array(6); // doubled, to be whole numbers
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

/** Compares the side that a note names with the one that a DICOM file says it shows. */
import type { Warning } from '../warnings.js';
import type { ParsedNote } from './note.js';
import type { StatedSides } from './sides.js';

/** DICOM's Laterality, of the patient: left, right, both, unpaired. */
export type Laterality = 'L' | 'R' | 'B' | 'U';

/**
 * LATERALITY_DIFFERS if all places of a note are on the side that the file does not show.
 * @param sides whose left and right the note means; nothing is said if that is unknown
 */
export function lateralityWarnings(
  { places }: Pick<ParsedNote, 'places'>,
  sides: StatedSides,
  laterality: Laterality | null,
): Warning[] {
  if ((laterality !== 'L' && laterality !== 'R') || sides === 'unknown' || places.length === 0) return [];
  const shown = laterality === 'L' ? 'left' : 'right';
  const other = laterality === 'L' ? 'right' : 'left';
  const denied = sides === 'patient' ? other : shown; // the patient's left is on the image's right
  if (!places.every(({ side }) => side === denied)) return [];
  return [
    {
      code: 'LATERALITY_DIFFERS',
      message: `the note names only the patient’s ${other}, but the file says that it shows the ${shown}`,
    },
  ];
}

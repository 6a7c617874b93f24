import type { NoteVariant } from '../evaluate.js';

export const PROBE_TITLES: Readonly<Record<NoteVariant, string>> = {
  right: 'Right note',
  empty: 'No note',
  shuffled: 'Another case’s note',
  mirrored: 'Left and right swapped',
  flipped: 'Upper and lower swapped',
  recounted: 'One area more',
};

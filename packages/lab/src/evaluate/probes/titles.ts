import type { NoteVariant } from '../note-variants.js';

export const PROBE_TITLES: Readonly<Record<NoteVariant, string>> = {
  right: 'Right note',
  empty: 'No note',
  shuffled: 'Another case’s note',
  mirrored: 'Left and right swapped',
  flipped: 'Upper and lower swapped',
  recounted: 'One area more',
  reordered: 'Reordered',
  paraphrased: 'Paraphrased',
  abbreviated: 'Abbreviated',
  misspelt: 'Misspelt',
  verbose: 'In a report',
  negated: 'With what is absent',
  translated: 'Translated',
  exchanged: 'Paraphrased, sides swapped',
};

/** Functional groups of enhanced objects (PS3.3 C.7.6.16): what is said of all frames, and of one. */
import type { DataSet } from './data-set.js';
import { TAG } from './tags.js';

/** Returns the item of a functional group for a frame: its own, or the shared one; null if there is neither. */
export type Groups = (frame: number, sequence: number) => DataSet | null;

/** @throws IMAGE_UNREADABLE, IMAGE_TOO_LARGE, and so do its results */
export function groupsOf(dataSet: DataSet): Groups {
  if (!dataSet.has(TAG.sharedGroups) && !dataSet.has(TAG.perFrameGroups)) return () => null;
  const [shared] = dataSet.items(TAG.sharedGroups);
  const each = dataSet.items(TAG.perFrameGroups);
  return (frame, sequence) => each[frame]?.items(sequence)[0] ?? shared?.items(sequence)[0] ?? null;
}

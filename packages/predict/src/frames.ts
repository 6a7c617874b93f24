/** The frames of DICOM objects and slices of volumes, as cases of their own. */
import { dirname } from 'node:path';
import { isPictureName, mapLimit, openSource } from '@reclmis/files';

export interface Frame {
  /** From 0; absent for a file's only one. */
  readonly frame?: number;
  /** How many the file has; absent for pictures, and for files that cannot be read. */
  readonly frames?: number;
  /** The series of a DICOM file, empty if it states none; absent for other files. Never logged. */
  readonly series?: string;
  /** Where a DICOM file comes in its series, if it says so. */
  readonly instanceNumber?: number | null;
  /**
   * Its number in its volume or series, from 1: frames and slices as stored, single images of a series in the order of
   * their Instance Numbers. Absent for pictures, and where a series does not say.
   */
  readonly slice?: number;
}

const LANES = 4;

/** Images of one series that have a file each; null for other files. */
export function seriesKey({
  imagePath,
  frames,
  series = '',
}: Frame & { readonly imagePath: string }): string | null {
  return frames === 1 && series !== '' ? `${dirname(imagePath)}\n${series}` : null;
}

/**
 * Every frame of every file: one for most. `scan_012` is the twelfth of `scan.nii.gz`; numbers are as long as the last one.
 * A file that cannot be read stays one case, which fails later by itself.
 */
export async function framesOf<F extends { readonly id: string; readonly imagePath: string }>(
  files: readonly F[],
): Promise<(F & Frame)[]> {
  const expanded = await mapLimit(files, LANES, async (file): Promise<(F & Frame)[]> => {
    const { id, imagePath } = file;
    if (isPictureName(imagePath)) return [file];
    const known = await knownOf(imagePath);
    const { frames = 1 } = known;
    if (frames === 1) return [{ ...file, ...known }]; // its number follows
    const digits = String(frames).length;
    return Array.from({ length: frames }, (_, frame) => ({
      ...file,
      ...known,
      id: `${id}_${String(frame + 1).padStart(digits, '0')}`,
      frame,
      slice: frame + 1,
    }));
  });
  return numbered(expanded.flat());
}

async function knownOf(path: string): Promise<Omit<Frame, 'frame'>> {
  try {
    const source = await openSource(path);
    if (source === null) return {};
    const { frames } = source;
    if (source.format !== 'dicom') return { frames };
    const { series, instanceNumber } = source.source;
    return { frames, series, instanceNumber };
  } catch {
    return {};
  }
}

function numbered<F extends Frame & { readonly imagePath: string }>(files: readonly F[]): F[] {
  const groups = new Map<string, F[]>();
  for (const file of files) {
    const key = seriesKey(file);
    if (key !== null) groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  const numbers = new Map<F, number>();
  for (const own of groups.values()) {
    const known = own.map(({ instanceNumber = null }) => instanceNumber);
    if (own.length > 1 && (known.includes(null) || new Set(known).size < known.length)) continue;
    const ordered = [...own].sort((a, b) => (a.instanceNumber ?? 0) - (b.instanceNumber ?? 0));
    for (const [i, file] of ordered.entries()) numbers.set(file, i + 1);
  }
  return files.map((file) => {
    const slice = file.frames === 1 && seriesKey(file) === null ? 1 : numbers.get(file);
    return slice === undefined ? file : { ...file, slice };
  });
}

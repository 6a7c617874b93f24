/** Makes notes from masks (core's `deriveNote`), marks them (`DERIVED`), compares them with existing ones. */
import { basename, dirname, join } from 'node:path';
import {
  defined,
  deriveNote,
  formatNote,
  imageFrame,
  LARGEST_NUMBER_WORD,
  lungFrame,
  meaningOf,
  namedZones,
  parseNote,
  type ParsedNote,
  ReclmisError,
  type Sides,
  type ZoneLines,
} from '@reclmis/core';
import { mapLimit, readMask } from '@reclmis/files';
import { imageFilesIn } from './layouts/image-folder.js';
import { FOLDERS } from './layouts/lvit.js';
import { imageStem, openLungMasks } from './lung-masks.js';
import type { Case, Split } from './types.js';

export interface DeriveNotesOptions {
  /** Whose left and right the notes will mean. */
  readonly sides: Sides;
  /** For images without lung masks; default `CHEST_LINES`. */
  readonly lines?: ZoneLines;
  readonly lungs?: string;
  /** Share of the image; default `MIN_AREA`. */
  readonly minArea?: number;
  readonly finding?: string;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface DerivedNote {
  /** The mask's file name, the key of notes. */
  readonly image: string;
  readonly note: string;
}

const LANES = 4;

/** Mask files of a split in LViT's layout, or of a plain folder. @throws DATA_FOLDER_MISSING, MASK_MISSING */
export async function maskPaths(dir: string, split?: Split): Promise<string[]> {
  const folder = split === undefined ? dir : join(dir, FOLDERS[split], 'labelcol');
  const files = await imageFilesIn(folder);
  if (files === null) throw new ReclmisError('DATA_FOLDER_MISSING', `${folder}: no such folder`);
  if (files.length === 0) {
    throw new ReclmisError('MASK_MISSING', `${folder}: expected masks, got no PNG, JPEG or TIFF file`);
  }
  return files.map((name) => join(folder, name));
}

/**
 * The masks' notes, in order.
 * @throws DATA_INVALID if a mask has more areas than a note can name; INTERRUPTED; MASK_MISSING for missing
 * lungs; the codes of `readMask`
 */
export async function deriveNotes(
  paths: readonly string[],
  options: DeriveNotesOptions,
): Promise<DerivedNote[]> {
  const lungs = options.lungs === undefined ? null : await openLungMasks(options.lungs);
  const images = new ImagesOfMasks();
  let done = 0;
  return mapLimit(paths, LANES, async (path) => {
    if (options.signal?.aborted === true) {
      throw new ReclmisError('INTERRUPTED', `stopped after ${done} of ${paths.length} masks`);
    }
    const image = basename(path);
    const imagePath = await images.of(path);
    const mask = await readMask(path, defined({ imagePath }));
    const { width, height } = mask;
    const frame =
      lungs === null
        ? imageFrame(width, height, options.lines)
        : lungFrame(
            await lungs.of(image, width, height, imagePath === undefined ? undefined : { imagePath }),
          );
    const note = deriveNote(mask, frame, options);
    if ((note.count ?? 0) > LARGEST_NUMBER_WORD) {
      throw new ReclmisError(
        'DATA_INVALID',
        `${path}: has ${note.count} separate areas; notes on lungs only count up to ${LARGEST_NUMBER_WORD}`,
        {
          remedy:
            'Notes can only be written for lung infections in chest images, not for other masks (cells, vessels). For a chest image, raise --min-area.',
        },
      );
    }
    options.onProgress?.(++done, paths.length);
    return { image, note: formatNote(note) };
  });
}

/** Images by the names of their masks, in LViT's layout: a mask's sides are those of its image as displayed. */
class ImagesOfMasks {
  private readonly folders = new Map<string, Promise<ReadonlyMap<string, string>>>();

  /** Undefined in other folders, and for a mask without an image. */
  async of(maskPath: string): Promise<string | undefined> {
    const folder = dirname(maskPath);
    if (basename(folder) !== 'labelcol') return undefined;
    const known = this.folders.get(folder) ?? this.imagesIn(join(dirname(folder), 'img'));
    this.folders.set(folder, known);
    return (await known).get(imageStem(basename(maskPath)));
  }

  private async imagesIn(folder: string): Promise<ReadonlyMap<string, string>> {
    const names = (await imageFilesIn(folder)) ?? [];
    return new Map(names.map((name) => [imageStem(name), join(folder, name)]));
  }
}

/** Numbers of cases in which derived and existing notes agree. */
export interface NoteAgreement {
  readonly cases: number;
  /** Both unilateral, or both bilateral. */
  readonly laterality: number;
  readonly sides: number;
  readonly count: number;
  /** "all" equals "upper middle lower". */
  readonly zones: number;
  /** Six per case. */
  readonly singleZones: number;
  /** Ignoring case. */
  readonly sentence: number;
}

export function agreementOf(pairs: readonly (readonly [derived: string, given: string])[]): NoteAgreement {
  const counts = { cases: 0, laterality: 0, sides: 0, count: 0, zones: 0, singleZones: 0, sentence: 0 };
  for (const [derived, given] of pairs) {
    const [a, b] = [meaningOf(derived), meaningOf(given)];
    const [zonesA, zonesB] = [namedZones(a) ?? 0, namedZones(b) ?? 0];
    counts.cases++;
    if (a.laterality === b.laterality) counts.laterality++;
    if (sidesOf(a) === sidesOf(b)) counts.sides++;
    if (a.count === b.count) counts.count++;
    if (zonesA === zonesB) counts.zones++;
    for (let bit = 1; bit < 64; bit <<= 1) if ((zonesA & bit) === (zonesB & bit)) counts.singleZones++;
    if (derived.toLowerCase() === formatNote(parseNote(given)).toLowerCase()) counts.sentence++;
  }
  return counts;
}

/** Null if there are none. */
export function derivedNotice(cases: readonly Pick<Case, 'derived'>[]): string | null {
  const count = cases.filter(({ derived }) => derived === true).length;
  if (count === 0) return null;
  return `${count} of ${cases.length} notes were derived from the masks (\`reclmis notes\`): they tell the model part of the answer, so these scores do not show how it would do with a reader’s notes`;
}

function sidesOf({ places }: ParsedNote): string {
  const sides = new Set(places.flatMap(({ side }) => (side === null ? ['left', 'right'] : [side])));
  return [...sides].sort().join();
}

/**
 * What `reclmis predict` is asked to segment: images of a folder (or one image) and the note of each.
 *
 * Notes are keyed by the mask's file name in LViT's layout and by the image's elsewhere: a row belongs to an image if its name,
 * without extension and without a leading `mask_`, is the image's.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { IMAGE_EXTENSIONS, oneLine } from '@reclmis/files';
import { stemOf } from '../data/folders.js';
import { readNotes } from '../data/notes.js';

/** One image to segment by one note. */
export interface PredictionCase {
  /** The image's file name without extension; names the files that are written. */
  readonly id: string;
  readonly imagePath: string;
  /** What to segment; empty only for a model that reads no notes. */
  readonly note: string;
}

/** Where the notes come from: one for all images, or a file. Neither suits a model that reads no notes. */
export interface NoteSource {
  readonly note?: string;
  /** .xlsx or .csv with the columns `Image` and `Description`. */
  readonly notes?: string;
  /** Whether images without a note are refused. Default true. */
  readonly required?: boolean;
}

/**
 * The cases of an image file or of a folder's images (not of its subfolders), sorted by name.
 * @throws IMAGE_MISSING, IMAGE_UNSUPPORTED, DATA_SPLIT_EMPTY, NOTE_EMPTY, NOTE_MISSING, OPTION_INVALID, OUTPUT_EXISTS and the codes of `readNotes`
 */
export async function predictionCases(image: string, source: NoteSource): Promise<PredictionCase[]> {
  const paths = await imagePaths(image);
  const noteOf = await noteFinder(source);
  const taken = new Map<string, string>();
  return paths.map((imagePath) => {
    const id = stemOf(basename(imagePath));
    const other = taken.get(id);
    if (other !== undefined) {
      throw new ReclmisError(
        'OUTPUT_EXISTS',
        `${imagePath}: its mask would have the name of the mask of ${other}`,
        {
          remedy: 'Rename one of the two images, or segment them into different folders.',
        },
      );
    }
    taken.set(id, imagePath);
    return { id, imagePath, note: noteOf(id, imagePath) };
  });
}

async function imagePaths(image: string): Promise<string[]> {
  let names: string[];
  try {
    if (!(await stat(image)).isDirectory()) return [image];
    names = await readdir(image);
  } catch (cause) {
    throw new ReclmisError('IMAGE_MISSING', `${image}: no such image or folder (${oneLine(cause)})`, {
      cause,
    });
  }
  const images = names.filter(
    (name) => !name.startsWith('.') && IMAGE_EXTENSIONS.has(name.slice(stemOf(name).length).toLowerCase()),
  );
  if (images.length === 0) {
    throw new ReclmisError(
      'DATA_SPLIT_EMPTY',
      `${image}: expected images in the folder, found none among ${names.length} entries`,
      {
        remedy: `Put images there (${[...IMAGE_EXTENSIONS].join(', ')}), or name one file.`,
      },
    );
  }
  return images.sort().map((name) => join(image, name));
}

async function noteFinder({
  note,
  notes,
  required = true,
}: NoteSource): Promise<(id: string, path: string) => string> {
  if (note !== undefined && notes !== undefined) {
    throw new ReclmisError(
      'OPTION_INVALID',
      'a note and a file of notes were given; expected one of the two',
    );
  }
  if (notes !== undefined) {
    const table = await readNotes(notes);
    const byId = new Map([...table.notes].map(([name, text]) => [stemOf(name).replace(/^mask_/, ''), text]));
    return (id, path) => {
      const found = byId.get(id) ?? byId.get(id.replace(/^mask_/, ''));
      if (found === undefined && required) {
        throw new ReclmisError('NOTE_MISSING', `${path}: ${notes} has no row for ${id}`);
      }
      return found ?? '';
    };
  }
  const text = note?.trim() ?? '';
  if (text === '' && required) {
    if (note !== undefined) throw new ReclmisError('NOTE_EMPTY', 'the note has no words');
    throw new ReclmisError('NOTE_MISSING', 'neither a note nor a file of notes was given', {
      remedy: 'Give --note TEXT for all images, or --notes FILE with the columns Image and Description.',
    });
  }
  return () => text;
}

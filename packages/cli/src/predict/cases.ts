/**
 * What `reclmis predict` is asked to segment: images with the note and the size of a pixel of each.
 *
 * Notes are keyed by the mask's file name in LViT's layout and by the image's elsewhere: a row belongs to an image if its name, without
 * extension and without a leading `mask_`, is the image's; of images in subfolders, by path or, where that is unambiguous, by file name.
 */
import { basename, dirname, extname } from 'node:path';
import { type ErrorCode, parseSpacing, ReclmisError, type Spacing } from '@reclmis/core';
import { IMAGE_EXTENSIONS, readNotes } from '@reclmis/files';
import { type ImageFile, listImages } from './images.js';

/** One image to segment by one note. */
export interface PredictionCase extends ImageFile {
  /** What to segment; may be empty. */
  readonly note: string;
  readonly spacing: Spacing | null;
  /** Why it cannot be segmented, where that is known beforehand. */
  readonly refused?: { readonly code: ErrorCode; readonly message: string };
}

/** What the command line says of the cases. */
export interface CaseSource {
  /** A file, a folder or a pattern. */
  readonly image: string;
  /** Where the results go. */
  readonly out: string;
  /** One note for all. */
  readonly note?: string;
  /** .xlsx, .csv or .jsonl with notes by image. */
  readonly notes?: string;
  /** Segment what has no note with an empty one, instead of refusing it. Default false. */
  readonly emptyNotes?: boolean;
  /** Whether the model reads notes at all; if not, none is needed. Default true. */
  readonly required?: boolean;
  /** For images that the notes name no spacing for. */
  readonly spacing?: Spacing | null;
}

/** A case without its image. */
type Words = Pick<PredictionCase, 'note' | 'spacing' | 'refused'>;

/**
 * The cases, sorted by id. One without a note is marked as refused; what concerns all of them is thrown.
 * @throws IMAGE_MISSING, DATA_SPLIT_EMPTY, NOTE_EMPTY, NOTE_MISSING, OPTION_INVALID, OUTPUT_EXISTS and the codes of `readNotes`
 */
export async function predictionCases(source: CaseSource): Promise<PredictionCase[]> {
  const images = await listImages(source.image, source.out);
  const wordsOf =
    source.notes === undefined ? oneForAll(source) : await fromFile(source, source.notes, images);
  return images.map((image) => ({ ...image, ...wordsOf(image) }));
}

function oneForAll({ note, emptyNotes, required = true, spacing = null }: CaseSource): () => Words {
  const text = note?.trim() ?? '';
  if (note !== undefined && emptyNotes) {
    throw new ReclmisError(
      'OPTION_INVALID',
      '--note gives every image a note; expected no --empty-notes with it',
    );
  }
  if (text === '' && required && !emptyNotes) {
    if (note !== undefined) throw new ReclmisError('NOTE_EMPTY', 'the note has no words');
    throw new ReclmisError('NOTE_MISSING', 'neither a note nor a file of notes was given', {
      remedy:
        'Give --note TEXT for all images, --notes FILE with the columns Image and Description, or --empty-notes.',
    });
  }
  return () => ({ note: text, spacing });
}

async function fromFile(
  { note, emptyNotes, required = true, spacing = null }: CaseSource,
  file: string,
  images: readonly ImageFile[],
): Promise<(image: ImageFile) => Words> {
  if (note !== undefined) {
    throw new ReclmisError(
      'OPTION_INVALID',
      'a note and a file of notes were given; expected one of the two',
    );
  }
  const table = await readNotes(file);
  const notes = new Map([...table.notes].map(([name, text]) => [keyOf(name), text]));
  const spacings = new Map(
    [...table.spacings].map(([name, text]) => [
      keyOf(name),
      parseSpacing(text, `${file}: ${name}`, 'NOTES_UNREADABLE'),
    ]),
  );
  const sharing = new Map<string, number>(); // file name -> images that have it
  for (const { id } of images) sharing.set(keyOf(basename(id)), (sharing.get(keyOf(basename(id))) ?? 0) + 1);
  return ({ id, imagePath }) => {
    const name = keyOf(basename(id));
    const alone = sharing.get(name) === 1;
    const found = notes.get(keyOf(id)) ?? (alone ? notes.get(name) : undefined);
    const measured = spacings.get(keyOf(id)) ?? (alone ? spacings.get(name) : undefined) ?? spacing;
    if (found !== undefined || !required || emptyNotes) return { note: found ?? '', spacing: measured };
    const shared =
      !alone && notes.has(name)
        ? `; ${sharing.get(name)} images are called ${name}, so name them by path`
        : '';
    const message = `${imagePath}: ${file} has no note for ${id}${shared}`;
    return { note: '', spacing: measured, refused: { code: 'NOTE_MISSING', message } };
  };
}

/** The name by which rows and images meet: the path without extension and without `mask_` before the file's name. */
function keyOf(name: string): string {
  const path = name.replaceAll('\\', '/').replace(/^(?:\.\/)+/, '');
  const extension = extname(path);
  const known = IMAGE_EXTENSIONS.has(extension.toLowerCase()) ? path.slice(0, -extension.length) : path;
  const file = basename(known).replace(/^mask_/, '');
  return dirname(known) === '.' ? file : `${dirname(known)}/${file}`;
}

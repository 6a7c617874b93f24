/**
 * Names of cases, unique in a data set and independent of its order: the image's stem (its path where stems repeat),
 * followed by `@` and the note's first words where an image has several cases.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { nameKey } from '@reclmis/files';
import { stemOf } from './image-folder.js';

/** Letters of a note in an id. */
const LONGEST = 32;

/** The note of a class that has no other: its name, with blanks for underscores. */
export const noteOfClass = (name: string): string => name.replaceAll('_', ' ');

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 6);

/** Path below the data set, with `/` -> id. */
export function imageIds(paths: Iterable<string>): Map<string, string> {
  const all = [...new Set(paths)];
  const countBy = (key: (path: string) => string): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const path of all) counts.set(key(path), (counts.get(key(path)) ?? 0) + 1);
    return counts;
  };
  const stem = (path: string): string => nameKey(stemOf(basename(path)));
  const whole = (path: string): string => nameKey(stemOf(path)).replaceAll('/', '-');
  const stems = countBy(stem);
  const clear = (path: string): string => (stems.get(stem(path)) === 1 ? stem(path) : whole(path));
  const clears = countBy(clear); // x/a.png as x-a, and z/x-a.png
  return new Map(
    all.map((path) => [
      path,
      clears.get(clear(path)) === 1 ? clear(path) : `${whole(path)}-${shortHash(nameKey(path))}`,
    ]),
  );
}

/** Notes of one image -> ids. The notes differ. */
export function noteIds(image: string, notes: readonly string[]): string[] {
  if (notes.length === 1) return [image];
  const short = notes.map((note) =>
    nameKey(note)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/gu, ''),
  );
  return notes.map((note, i) => {
    const words = short[i] ?? '';
    const clear =
      words !== '' && words.length <= LONGEST && short.filter((other) => other === words).length === 1;
    return `${image}@${clear ? words : `${words.slice(0, LONGEST)}-${shortHash(nameKey(note))}`}`;
  });
}

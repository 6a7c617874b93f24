/** Files of a folder, however the browser gives it: a list of files, or what was dropped. */
import { ReclmisError } from '@reclmis/core';
import { byName } from '../state/case-order.js';

/** A file by its path below the folder. Its bytes are read when they are needed, not before. */
export interface Entry {
  /** With slashes, in Unicode's form NFC. */
  readonly path: string;
  file(): Promise<File>;
}

export interface Folder {
  readonly name: string;
  readonly entries: readonly Entry[];
}

/** More files would take minutes to list, and no case list is that long. */
const MOST_FILES = 100_000;
/** What systems, file servers and office programs leave in folders. */
const LEFT_BEHIND =
  /^(?:\..*|~\$.*|thumbs\.db|desktop\.ini|\$recycle\.bin|system volume information|__macosx)$/iu;

const tooMany = (): ReclmisError =>
  new ReclmisError('DATA_INVALID', `the folder holds more than ${MOST_FILES} files`, {
    remedy: 'Choose the folder of one data set.',
  });
const isWanted = (path: string): boolean => !path.split('/').some((name) => LEFT_BEHIND.test(name));

/** Entries of `<input webkitdirectory>`: paths begin with the folder's name. @throws DATA_INVALID for too many files */
export function folderOfList(files: Iterable<File>): Folder {
  const entries: Entry[] = [];
  let name = '';
  for (const file of files) {
    const [first = '', ...rest] = (file.webkitRelativePath || `/${file.name}`).split('/');
    name = first;
    const path = rest.join('/').normalize('NFC');
    if (!isWanted(path)) continue;
    if (entries.length === MOST_FILES) throw tooMany();
    entries.push({ path, file: () => Promise.resolve(file) });
  }
  return { name, entries: sorted(entries) };
}

/** Entries of a dropped folder, in every browser. @throws DATA_INVALID for too many files; the browser's own errors */
export async function folderOfDrop(folder: FileSystemDirectoryEntry): Promise<Folder> {
  const entries: Entry[] = [];
  const walk = async (directory: FileSystemDirectoryEntry, below: string): Promise<void> => {
    const reader = directory.createReader();
    // Each call gives some of them, none at the end.
    for (let some = await readSome(reader); some.length > 0; some = await readSome(reader))
      for (const found of some) {
        const path = `${below}${found.name}`.normalize('NFC');
        if (!isWanted(path)) continue;
        if (found.isDirectory) await walk(found as FileSystemDirectoryEntry, `${path}/`);
        else if (entries.length === MOST_FILES) throw tooMany();
        else entries.push({ path, file: () => fileOf(found as FileSystemFileEntry) });
      }
  };
  await walk(folder, '');
  return { name: folder.name, entries: sorted(entries) };
}

const readSome = (reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> =>
  new Promise((resolve, reject) => reader.readEntries(resolve, reject));
const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

const sorted = (entries: Entry[]): Entry[] => entries.sort((a, b) => byName(a.path, b.path));

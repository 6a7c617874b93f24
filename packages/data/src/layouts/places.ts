/** Finds files that tables name, and keeps them inside the data set's folder. */
import { basename, dirname, isAbsolute, join, relative, resolve, win32 } from 'node:path';
import { type ErrorCode, printableLine } from '@reclmis/core';
import { IMAGE_EXTENSIONS, imageExtension, nameKey, NearNames } from '@reclmis/files';
import { list, stemOf } from './image-folder.js';

/** Where a bare name is looked for if it is not next to the table. */
export const IMAGE_FOLDERS = ['images', 'img', 'imgs', 'image'];
export const MASK_FOLDERS = ['masks', 'mask', 'labelcol', 'labels'];

export type Found =
  { readonly path: string } | { readonly path: null; readonly code: ErrorCode; readonly why: string };

/** Characters of a path in a message. */
const SHOWN = 100;

type Names = ReadonlyMap<string, string>;

const isImage = (name: string): boolean => imageExtension(name) !== '';

/** Whether a path is below a folder, judging by names; links count as what they are called. */
export function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !/^\.\.[\\/]/u.test(way) && !isAbsolute(way);
}

export class Places {
  private readonly listed = new Map<string, Promise<Names | null>>();

  /** @param root that paths may not leave, unless `outside`. */
  constructor(
    private readonly root: string,
    private readonly outside: boolean,
  ) {}

  /**
   * The file that a table names, relative to `base`. Backslashes are Windows's separators. A name alone is also looked
   * for in `folders`, and may lack its extension.
   */
  async find(base: string, name: string, folders: readonly string[], what: 'image' | 'mask'): Promise<Found> {
    const missing = what === 'image' ? 'IMAGE_MISSING' : 'MASK_MISSING';
    const shown = printableLine(name.length > SHOWN ? `${name.slice(0, SHOWN)}...` : name);
    if (name.includes('\0'))
      return { path: null, code: missing, why: `the ${what} ${shown} has a NUL in its path` };
    const path = name.replaceAll('\\', '/');
    const target = resolve(base, path);
    const leaves =
      isAbsolute(path) || win32.isAbsolute(path) || /^[a-z]:/iu.test(path) || !isBelow(this.root, target);
    if (leaves && !this.outside)
      return { path: null, code: 'DATA_PATH_OUTSIDE', why: `${shown} leaves the folder of the data set` };
    const own = await this.matches(target);
    const bare = !path.includes('/');
    const elsewhere = own.length > 0 || !bare ? [] : await this.everywhere(base, path, folders);
    const found = own.length > 0 ? own : elsewhere;
    const [only] = found;
    if (only !== undefined && found.length === 1) return { path: only };
    if (found.length > 1) {
      const names = found.map((one) => relative(base, one)).join(' and ');
      return { path: null, code: 'DATA_INVALID', why: `${shown} may be ${names}` };
    }
    const hint = new NearNames((await this.names(dirname(target)))?.values() ?? []).hint(basename(target));
    return { path: null, code: missing, why: `the ${what} ${shown} does not exist${hint}` };
  }

  /** The mask that a table names, as `find`; a name alone that is the image's as well is looked for in the folders. */
  async maskCalled(base: string, name: string, image: string): Promise<Found> {
    const found = await this.find(base, name, MASK_FOLDERS, 'mask');
    if (found.path !== image) return found;
    const path = name.replaceAll('\\', '/');
    const elsewhere = path.includes('/') ? [] : await this.everywhere(base, path, MASK_FOLDERS);
    const [only] = elsewhere.filter((one) => one !== image);
    if (only !== undefined && elsewhere.length === 1) return { path: only };
    return { path: null, code: 'DATA_INVALID', why: `names ${name} as both image and mask` };
  }

  /** An image's mask by its name: the image's, with mask_ before or _mask after it. */
  async maskOf(base: string, image: string): Promise<Found> {
    const stem = stemOf(basename(image));
    const found: string[] = [];
    for (const folder of MASK_FOLDERS)
      for (const name of [stem, `mask_${stem}`, `${stem}_mask`])
        found.push(...(await this.matches(join(base, folder, name), true)));
    found.push(...(await this.matches(join(dirname(image), `${stem}_mask`), true)));
    const others = found.filter((one) => one !== image);
    const [only] = others;
    if (only !== undefined && others.length === 1) return { path: only };
    const expected = `${MASK_FOLDERS[0] ?? ''}/${stem}.png`;
    return others.length > 1
      ? {
          path: null,
          code: 'DATA_INVALID',
          why: `expected one mask, got ${others.map((one) => relative(base, one)).join(' and ')}`,
        }
      : { path: null, code: 'MASK_MISSING', why: `has no mask; expected a column of masks, or ${expected}` };
  }

  private async everywhere(base: string, name: string, folders: readonly string[]): Promise<string[]> {
    return (await Promise.all(folders.map((folder) => this.matches(join(base, folder, name))))).flat();
  }

  /** Files of this name; without an extension, images of this stem. */
  private async matches(target: string, stems = !isImage(target)): Promise<string[]> {
    const folder = dirname(target);
    const names = await this.names(folder);
    if (names === null) return [];
    const key = nameKey(basename(target));
    const own = names.get(key);
    if (own !== undefined && (!stems || isImage(own))) return [join(folder, own)];
    if (!stems) return [];
    return [...IMAGE_EXTENSIONS].flatMap((extension) =>
      [extension, extension.toUpperCase()].flatMap((ending) => {
        const name = names.get(key + ending);
        return name === undefined ? [] : [join(folder, name)];
      }),
    );
  }

  private names(folder: string): Promise<Names | null> {
    const known = this.listed.get(folder);
    if (known !== undefined) return known;
    const names = list(folder).then((all) => all && new Map(all.map((name) => [nameKey(name), name])));
    this.listed.set(folder, names);
    return names;
  }
}

/**
 * Lists the images that `--image` names: a file, a folder's files, or matches of a pattern. An id, after
 * which results are named, is the path within the folder (or the pattern's fixed part) without extension.
 */
import * as nodeFs from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import {
  clinicalFormatOf,
  IMAGE_EXTENSIONS,
  imageExtension,
  imageStem,
  isLitter,
  mapLimit,
  nameKey,
  oneLine,
  systemCode,
  visibleName,
} from '@reclmis/files';
import { type Frame, framesOf } from './frames.js';

export interface ImageFile extends Frame {
  /** `sub/a` for `sub/a.png`, always with slashes; `sub/a_012` for a frame. */
  readonly id: string;
  readonly image: string;
  readonly imagePath: string;
}

/**
 * The images, sorted by id.
 * @param image a file; a folder, without its subfolders; or a pattern with `*`, `**`, `?`, `[...]` or
 * `{a,b}`. @param out where results go; a pattern's matches there are ignored. @throws IMAGE_MISSING,
 * DATA_SPLIT_EMPTY, OPTION_INVALID (a pattern that leads out of its fixed part), OUTPUT_EXISTS (two images
 * with one id; results among the images)
 */
export async function listImages(image: string, out: string): Promise<ImageFile[]> {
  const { base, names } = await find(image, out);
  const files = names.map((name) => {
    const path = name.split(sep).join('/');
    return { id: imageStem(path), image: path, imagePath: join(base, name) };
  });
  const found: ImageFile[] = (await framesOf(files)).sort((a, b) =>
    a.id < b.id ? -1 : a.id > b.id ? 1 : a.image < b.image ? -1 : 1,
  );
  const seen = new Map<string, ImageFile>(); // in NFC: some file systems do not distinguish forms
  for (const one of found) {
    const other = seen.get(nameKey(one.id));
    seen.set(nameKey(one.id), one);
    if (other === undefined) continue;
    const [mine, its] =
      other.id === one.id ? ['', ''] : [one, other].map(({ id }) => ` (${visibleName(id)})`);
    throw new ReclmisError(
      'OUTPUT_EXISTS',
      `${one.imagePath}${mine}: its mask would have the same name as the mask of ${other.imagePath}${its}`,
      { remedy: 'Rename one of the images, or segment them into different folders.' },
    );
  }
  return found;
}

async function find(image: string, out: string): Promise<{ base: string; names: string[] }> {
  let names: string[];
  try {
    if (!(await stat(image)).isDirectory()) return { base: dirname(image), names: [basename(image)] };
    names = await readdir(image);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return findPattern(image, out);
    throw new ReclmisError('IMAGE_MISSING', `${image}: cannot be read (${oneLine(error)})`, { cause: error });
  }
  await refuseAmongImages(image, image, out);
  const images = await imagesAmong(
    image,
    names.filter((name) => !isLitter(name)),
  );
  return { base: image, names: demandSome(images, image, names.length) };
}

/** Dead links fail as entries rather than go missing. */
const KEEPING_DEAD_LINKS = {
  realpath: ((path: string, done: (error: null, real: string) => void) => {
    nodeFs.realpath(path, (error, real) => done(null, error ? path : real));
  }) as typeof nodeFs.realpath,
  stat: ((path: string, done: (error: NodeJS.ErrnoException | null, stats: nodeFs.Stats) => void) => {
    nodeFs.stat(path, (error, stats) => (error ? nodeFs.lstat(path, done) : done(null, stats)));
  }) as typeof nodeFs.stat,
};

/** A pattern's separators are `/`; on Windows, where no name holds a backslash, people write that. */
export function withSlashes(pattern: string, platform: string = process.platform): string {
  return platform === 'win32' ? pattern.replaceAll('\\', '/') : pattern;
}

async function findPattern(given: string, out: string): Promise<{ base: string; names: string[] }> {
  const { glob, isDynamicPattern } = await import('tinyglobby');
  const pattern = withSlashes(given);
  if (!isDynamicPattern(pattern)) {
    throw new ReclmisError('IMAGE_MISSING', `${pattern}: no such image or folder`);
  }
  const parts = pattern.split('/');
  const dynamic = parts.findIndex((part) => isDynamicPattern(part));
  const base = parts.slice(0, dynamic).join('/') || (pattern.startsWith('/') ? '/' : '.');
  if (!(await stat(base).catch(() => null))?.isDirectory()) {
    throw new ReclmisError('IMAGE_MISSING', `${pattern}: there is no folder ${base}`);
  }
  await refuseAmongImages(pattern, base, out);
  const matched = await once(
    base,
    await glob(parts.slice(dynamic).join('/'), {
      cwd: base,
      expandDirectories: false,
      fs: KEEPING_DEAD_LINKS,
    }),
  );
  const results = resolve(out) + sep;
  // File servers (@eaDir) and waste bins keep other files under image names.
  const isData = (name: string): boolean =>
    name.split('/').every((part) => part === '..' || part === '.' || !isLitter(part));
  const names = matched.filter((name) => isData(name) && !resolve(base, name).startsWith(results));
  if (names.some((name) => relative('', name).split(sep).includes('..')))
    throw new ReclmisError(
      'OPTION_INVALID',
      `${pattern}: leads out of ${base}, so its results would be outside the output folder`,
      { remedy: 'Use .. only before the first *, ?, [ or { of the pattern.' },
    );
  return { base, names: demandSome(await imagesAmong(base, names), pattern, names.length) };
}

/** The most direct name of each real file; links may be endless. */
async function once(base: string, names: readonly string[]): Promise<string[]> {
  const root = await realpath(base);
  const found = new Map<string, { name: string; direct: boolean }>();
  const ordered = [...names].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  for (const name of ordered) {
    const path = resolve(root, name);
    const real = await realpath(path).catch(async () => join(await realpath(dirname(path)), basename(path)));
    if ((await stat(real).catch(() => null))?.isDirectory()) continue;
    const direct = real === path;
    const other = found.get(real);
    if (other === undefined || (direct && !other.direct)) found.set(real, { name, direct });
  }
  return [...found.values()].map(({ name }) => name);
}

const LANES = 8;
/** A folder's index, which is DICOM but no image. */
const INDEX = 'dicomdir';

/** By extension; DICOM files, which often have none, by content. */
async function imagesAmong(base: string, names: readonly string[]): Promise<string[]> {
  const kept = await mapLimit(names, LANES, async (name) => {
    if (imageExtension(name) !== '') return true;
    if (basename(name).toLowerCase() === INDEX) return false;
    const format = await clinicalFormatOf(join(base, name)).catch(() => null);
    return format === 'dicom';
  });
  return names.filter((_, i) => kept[i]);
}

function demandSome(images: string[], place: string, entries: number): string[] {
  if (images.length > 0) return images;
  throw new ReclmisError(
    'DATA_SPLIT_EMPTY',
    `${place}: expected images, found none among ${entries} entries`,
    {
      remedy: `Put images there (${[...IMAGE_EXTENSIONS].join(', ')}, or DICOM under any name), or give a single file or a pattern such as "folder/**/*".`,
    },
  );
}

/** Masks there would be taken for images the next time. */
async function refuseAmongImages(image: string, base: string, out: string): Promise<void> {
  const [from, to] = await Promise.all([realpath(base), realpath(out).catch(() => resolve(out))]);
  if (relative(from, to) !== '') return;
  throw new ReclmisError(
    'OUTPUT_EXISTS',
    `${out}: is the folder that ${image} reads images from, so the next run would read the masks as images`,
    { remedy: 'Choose another folder with -o; a subfolder will do.' },
  );
}

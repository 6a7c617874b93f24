/**
 * COCO's annotations:
 *
 *     DIR/annotations/instances_train2017.json     images in DIR/train2017, DIR/images/train2017, DIR/images or DIR
 *     DIR/{train,valid,test}/_annotations.coco.json     images next to it (Roboflow)
 *     instances.json                               images next to it, or in images
 *
 * What an image has of one category is a case: the category is the class, its name the note, the union of its annotations the mask.
 */
import { basename, dirname, extname, join } from 'node:path';
import { type CocoRegion, ReclmisError } from '@reclmis/core';
import type { Case, Split } from '../types.js';
import { imageIds, noteIds, noteOfClass } from './case-ids.js';
import { NO_SPLIT, reportStrangeStems, splitNamed } from './case-rows.js';
import { type CocoFile, type CocoImage, readCocoFile } from './coco-file.js';
import { byCode, list } from './image-folder.js';
import type { DataLayout, Problem, ScanWarning, DataSourceOptions, SplitScan } from './layout.js';
import { IMAGE_FOLDERS, Places } from './places.js';
import { isFileSource } from './table.js';

const ROBOFLOW = '_annotations.coco.json';
const NAMED = 3;

interface Annotations {
  readonly path: string;
  readonly split: Split;
  /** Folder that file names are relative to, and where else they are looked for. */
  readonly base: string;
  readonly folders: readonly string[];
}

const isJson = (name: string): boolean => extname(name).toLowerCase() === '.json';

/** @throws DATA_LAYOUT_UNCLEAR for two files of one split */
async function annotationsOf(source: string): Promise<{ root: string; files: Annotations[] }> {
  const names = await list(source);
  if (names === null) {
    const root = dirname(source);
    return { root, files: [{ path: source, split: 'train', base: root, folders: IMAGE_FOLDERS }] };
  }
  const files: Annotations[] = [];
  for (const folder of ['', ...names.filter((name) => splitNamed(name) !== null)]) {
    const base = join(source, folder);
    const inside = folder === '' ? names : ((await list(base)) ?? []);
    if (inside.includes(ROBOFLOW))
      files.push({
        path: join(base, ROBOFLOW),
        split: splitNamed(folder) ?? 'train',
        base,
        folders: IMAGE_FOLDERS,
      });
  }
  const all = ((await list(join(source, 'annotations'))) ?? []).filter(isJson);
  const instances = all.filter((name) => name.startsWith('instances'));
  for (const name of instances.length > 0 ? instances : all) {
    const part = name.slice(0, -'.json'.length).replace(/^instances_?/u, '');
    const split = part.split(/[_.-]|\d+/u).map(splitNamed).find((one) => one !== null) ?? 'train'; // prettier-ignore
    const folders = [part, ...IMAGE_FOLDERS.map((folder) => join(folder, part)), ...IMAGE_FOLDERS];
    files.push({ path: join(source, 'annotations', name), split, base: source, folders: folders.filter((one) => one !== '') }); // prettier-ignore
  }
  for (const [i, { split, path }] of files.entries()) {
    const twin = files.slice(0, i).find((other) => other.split === split);
    if (twin !== undefined)
      throw new ReclmisError('DATA_LAYOUT_UNCLEAR', `${source}: expected one file of annotations of the split ${split}, got ${twin.path} and ${path}`, { remedy: 'Move one of them away, or point --data at a single file.' }); // prettier-ignore
  }
  return { root: source, files };
}

async function scan(
  source: string,
  split: Split,
  stems: ReadonlySet<string> | undefined,
  { outside = false }: DataSourceOptions,
): Promise<SplitScan> {
  const { root, files } = await annotationsOf(source);
  const file = files.find((one) => one.split === split);
  const problems: Problem[] = [];
  if (file === undefined) {
    const message = `${basename(source)}: holds no annotations of the split ${split}`;
    problems.push({ code: 'DATA_SPLIT_EMPTY', split, item: split, message, remedy: NO_SPLIT });
    return { split, notesPath: null, cases: [], problems, images: 0, masks: 0, notes: 0 };
  }
  const coco = await readCocoFile(file.path);
  const places = new Places(root, outside);
  const ids = imageIds(coco.images.map((image) => image.file.replaceAll('\\', '/')));
  const cases: Case[] = [];
  const parts = partsOf(coco);
  const imageOf = new Map<string, CocoImage>();
  for (const [image, byCategory] of parts) {
    const found = await places.find(file.base, image.file, file.folders, 'image');
    if (found.path === null) {
      const item = `image ${image.id}`;
      problems.push({ code: found.code, split, item, message: `${item}: ${found.why}` });
      continue;
    }
    const twin = imageOf.get(found.path);
    imageOf.set(found.path, image);
    if (twin !== undefined) {
      const item = `image ${image.id}`;
      problems.push({ code: 'ANNOTATION_INVALID', split, item, message: `${item}: has the file of image ${twin.id}, ${image.file}` }); // prettier-ignore
      continue;
    }
    const classes = [...byCategory.keys()].sort(byCode);
    const own = ids.get(image.file.replaceAll('\\', '/')) ?? image.file;
    const names = noteIds(own, classes.map(noteOfClass));
    for (const [i, name] of classes.entries())
      cases.push({
        id: names[i] ?? own,
        ...(classes.length === 1 ? {} : { imageId: own }),
        imagePath: found.path,
        maskPath: file.path,
        mask: {
          kind: 'regions',
          width: image.width,
          height: image.height,
          regions: byCategory.get(name) ?? [],
        },
        note: noteOfClass(name),
        class: name,
      });
  }
  if (stems !== undefined) reportStrangeStems(stems, cases, split, problems);
  if (cases.length === 0 && problems.length === 0)
    problems.push({ code: 'DATA_SPLIT_EMPTY', split, item: split, message: `${basename(file.path)}: holds no annotation with an area` }); // prettier-ignore
  return {
    split,
    notesPath: file.path,
    cases: cases
      .filter(({ id, imageId = id }) => stems === undefined || stems.has(id) || stems.has(imageId))
      .sort((a, b) => byCode(a.id, b.id)),
    problems,
    warnings: warningsOf(coco, parts),
    images: coco.images.length,
    masks: cases.length,
    notes: cases.length,
  };
}

type Parts = ReadonlyMap<CocoImage, ReadonlyMap<string, readonly CocoRegion[]>>;

/** Image -> category -> its regions. */
function partsOf({ annotations }: CocoFile): Parts {
  const parts = new Map<CocoImage, Map<string, CocoRegion[]>>();
  for (const { image, category, regions, crowd } of annotations) {
    if (crowd || regions.length === 0) continue;
    const own = parts.get(image) ?? new Map<string, CocoRegion[]>();
    parts.set(image, own);
    const all = own.get(category) ?? [];
    own.set(category, all);
    for (const region of regions) all.push(region);
  }
  return parts;
}

function warningsOf({ images, annotations }: CocoFile, parts: Parts): ScanWarning[] {
  const warnings: ScanWarning[] = [];
  const add = (code: ScanWarning['code'], what: string, files: readonly string[]): void => {
    if (files.length === 0) return;
    const more = files.length > NAMED ? `, and ${files.length - NAMED} more` : '';
    warnings.push({ code, count: files.length, message: `${files.length} ${what}: ${files.slice(0, NAMED).join(', ')}${more}` }); // prettier-ignore
  };
  const crowds = annotations.filter(({ crowd }) => crowd);
  const empty = annotations.filter(({ crowd, regions }) => !crowd && regions.length === 0);
  add(
    'COCO_CROWDS',
    'annotations of crowds are not used, in',
    crowds.map(({ image }) => image.file),
  );
  add(
    'COCO_EMPTY',
    'annotations have no area and are not used, in',
    empty.map(({ image }) => image.file),
  );
  const without = images.filter((image) => !parts.has(image));
  add(
    'IMAGES_WITHOUT_CASES',
    'images have no annotation with an area',
    without.map(({ file }) => file),
  );
  return warnings;
}

export const COCO: DataLayout = {
  expects: 'annotations/*.json or a .json file (COCO)',
  detect: async (names, dir) =>
    isFileSource(names, dir) ? names.some(isJson) : (await annotationsOf(dir)).files.length > 0,
  splits: async (dir) => {
    const { files } = await annotationsOf(dir);
    return (['train', 'val', 'test'] as const).filter((split) => files.some((file) => file.split === split));
  },
  scan,
};

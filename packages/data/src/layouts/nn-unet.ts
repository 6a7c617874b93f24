/**
 * nnU-Net v2's raw data, 2D images:
 *
 *     DIR/dataset.json                         labels: { background: 0, liver: 1, "tumour": [2, 3] }
 *     DIR/imagesTr/<case>_0000.<png|tif>       DIR/labelsTr/<case>.<png|tif>      train
 *     DIR/imagesTs/...                         DIR/labelsTs/...                   test, if it has labels
 *
 * Every label makes a case of every image: it is the class, its name the note, its pixels are the mask, which may be empty.
 */
import { basename, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { isPictureName, nameKey, NearNames, oneLine, readRegular } from '@reclmis/files';
import { z } from 'zod';
import type { Case, Split } from '../types.js';
import { noteIds, noteOfClass } from './case-ids.js';
import { reportStrangeStems } from './case-rows.js';
import { byCode, type ImageFolder, list, listImages } from './image-folder.js';
import type { DataLayout, Problem, ScanWarning, SplitScan } from './layout.js';

const LIMIT = 4 * 1024 * 1024;
const FOLDERS = { train: ['imagesTr', 'labelsTr'], test: ['imagesTs', 'labelsTs'] } as const;
const VOLUME = /\.(?:nii|nii\.gz|nrrd|mha)$/iu;
const LIST_SLICES =
  'is a volume, and this layout is read for 2D images alone: list the slices of NIfTI volumes in a table of cases, with the columns image, slice, mask and note (docs/reference/tables.md#tables-of-cases)';
const CHANNEL = /_(\d{4})$/u;

const value = z.int().min(0).max(65_535);
const datasetSchema = z.object({
  labels: z.record(z.string().min(1), z.union([value, z.array(value).min(1)])),
});

interface Labels {
  /** Name -> values; without the background. */
  readonly classes: ReadonlyMap<string, readonly number[]>;
  readonly known: readonly number[];
  readonly ignored: number | null;
}

/** @throws DATA_INVALID for a damaged file, or labels without a class */
async function readLabelNames(dir: string): Promise<Labels> {
  const path = join(dir, 'dataset.json');
  const refuse = (why: string, cause?: unknown): ReclmisError =>
    new ReclmisError('DATA_INVALID', `${path}: ${why}`, {
      cause,
      remedy: 'Write dataset.json as nnU-Net v2 documents it: "labels": {"background": 0, "liver": 1}.',
    });
  let json: unknown;
  try {
    json = JSON.parse((await readRegular(path, { limit: LIMIT })).toString('utf8'));
  } catch (error) {
    throw refuse(`cannot be read (${oneLine(error)})`, error);
  }
  const parsed = datasetSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not as expected'}`);
  }
  const all = Object.entries(parsed.data.labels).map(([name, values]) => ({ name: name.trim(), values: [values].flat() })); // prettier-ignore
  const ignored = all.find(({ name }) => name.toLowerCase() === 'ignore')?.values[0] ?? null;
  const named = all.filter(({ values, name }) => name.toLowerCase() !== 'ignore' && !values.includes(0));
  if (named.length === 0) throw refuse('labels: expected a class besides the background, got none');
  const classes = new Map(named.map(({ name, values }) => [name, values]));
  // Models read notes without their case.
  if (new Set([...classes.keys()].map((name) => noteOfClass(name).toLowerCase())).size < named.length)
    throw refuse('labels: expected names that differ by more than case, blanks and underscores');
  return {
    classes,
    known: [0, ...all.flatMap(({ values }) => values)],
    ignored,
  };
}

async function scan(dir: string, split: Split, stems: ReadonlySet<string> | undefined): Promise<SplitScan> {
  const labels = await readLabelNames(dir);
  const problems: Problem[] = [];
  const report = (code: Problem['code'], item: string, why: string): void => {
    problems.push({ code, split, item, message: `${item}: ${why}` });
  };
  const [imageFolder, maskFolder] = split === 'val' ? ['', ''] : FOLDERS[split];
  const images = imageFolder === '' ? null : await listImages(join(dir, imageFolder), isPictureName);
  const masks = maskFolder === '' ? null : await listImages(join(dir, maskFolder), isPictureName);
  if (images === null || masks === null) {
    report(
      'DATA_SPLIT_EMPTY',
      basename(dir),
      `has no ${split} cases: nnU-Net keeps images in imagesTr and imagesTs`,
    );
    return { split, notesPath: null, cases: [], problems, images: 0, masks: 0, notes: 0 };
  }
  const near = new NearNames(masks.stems.keys());
  const cases: Case[] = [];
  let unlabelled = 0;
  for (const [stem, names] of images.stems) {
    const item = `${imageFolder}/${names[0] ?? stem}`;
    const channel = CHANNEL.exec(stem)?.[1];
    if (channel === undefined) report('DATA_INVALID', item, `expected a name that ends in _0000, as nnU-Net has it`);
    else if (channel !== '0000') report('IMAGE_UNSUPPORTED', item, 'is a second channel; a model reads one image, grey or RGB'); // prettier-ignore
    if (channel !== '0000') continue;
    const id = stem.replace(CHANNEL, '');
    const [image, ...copies] = names;
    const [mask, ...others] = masks.stems.get(id) ?? [];
    if (copies.length > 0 || others.length > 0) {
      report('DATA_INVALID', item, `expected one image and one mask, got ${[...names, ...(masks.stems.get(id) ?? [])].join(', ')}`); // prettier-ignore
    } else if (mask === undefined && split === 'test') {
      unlabelled += 1;
    } else if (mask === undefined) {
      report('MASK_MISSING', item, `has no mask; expected ${maskFolder}/${id}.png${near.hint(id)}`);
    } else {
      cases.push(...casesOf(id, join(dir, imageFolder, image ?? ''), join(dir, maskFolder, mask), labels));
    }
  }
  reportStrays(images, masks, [imageFolder, maskFolder], report);
  const chosen = cases.filter(
    ({ id, imageId = id }) => stems === undefined || stems.has(id) || stems.has(imageId),
  );
  if (stems !== undefined) reportStrangeStems(stems, cases, split, problems);
  if (cases.length === 0 && problems.length === 0) report('DATA_SPLIT_EMPTY', imageFolder, 'holds no image');
  return {
    split,
    notesPath: join(dir, 'dataset.json'),
    cases: chosen.sort((a, b) => byCode(a.id, b.id)),
    problems,
    warnings: warningsOf(labels, unlabelled, imageFolder),
    images: images.files.length,
    masks: masks.files.length,
    notes: cases.length,
  };
}

function casesOf(id: string, imagePath: string, maskPath: string, { classes, known }: Labels): Case[] {
  const names = [...classes.keys()];
  const ids = noteIds(id, names.map(noteOfClass));
  return names.map((name, i) => ({
    id: ids[i] ?? id,
    ...(names.length === 1 ? {} : { imageId: id }),
    imagePath,
    maskPath,
    mask: { kind: 'labels', values: classes.get(name) ?? [], known },
    note: noteOfClass(name),
    class: name,
  }));
}

function reportStrays(
  images: ImageFolder,
  masks: ImageFolder,
  [imageFolder, maskFolder]: readonly [string, string],
  report: (code: Problem['code'], item: string, why: string) => void,
): void {
  const near = new NearNames([...images.stems.keys()].map((stem) => stem.replace(CHANNEL, '')));
  for (const [stem, [name = stem]] of masks.stems)
    if (!images.stems.has(nameKey(`${stem}_0000`)))
      report('IMAGE_MISSING', `${maskFolder}/${name}`, `is a mask without an image${near.hint(stem)}`);
  for (const [folder, { others }] of [[imageFolder, images], [maskFolder, masks]] as const) // prettier-ignore
    for (const name of others)
      report('IMAGE_UNSUPPORTED', `${folder}/${name}`, VOLUME.test(name) ? LIST_SLICES : 'expected only PNG or TIFF files'); // prettier-ignore
}

function warningsOf({ ignored }: Labels, unlabelled: number, folder: string): ScanWarning[] {
  const warnings: ScanWarning[] = [];
  if (ignored !== null)
    warnings.push({ code: 'LABELS_IGNORED', count: 1, message: `pixels of the label ignore (${ignored}) count as background` }); // prettier-ignore
  if (unlabelled > 0)
    warnings.push({ code: 'IMAGES_WITHOUT_CASES', count: unlabelled, message: `${unlabelled} images of ${folder} have no mask` }); // prettier-ignore
  return warnings;
}

/** nnU-Net keeps no validation cases: `data split` makes some. */
export const NN_UNET: DataLayout = {
  expects: 'dataset.json with imagesTr and labelsTr (nnU-Net)',
  detect: (names) => names.includes('dataset.json') && names.includes('imagesTr'),
  splits: async (dir) => {
    const names = (await list(dir)) ?? [];
    return names.includes(FOLDERS.test[0]) && names.includes(FOLDERS.test[1]) ? ['train', 'test'] : ['train'];
  },
  scan,
};

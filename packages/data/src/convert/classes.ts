/** Targets with classes instead of notes: COCO and nnU-Net's raw data. A case without a class has its note as the name. */
import { encodeRuns, type Mask, maskRuns, ReclmisError } from '@reclmis/core';
import { encodePng } from '@reclmis/files';
import { noteOfClass } from '../layouts/case-ids.js';
import { SPLITS, type Split } from '../types.js';
import { counted, lostColumns, lostMarks, type Placed, type Target, type Tools } from './target.js';

/** More notes than this are texts, not classes. */
const MOST_CLASSES = 255;
const ROBOFLOW = { train: 'train', val: 'valid', test: 'test' } as const satisfies Record<Split, string>;

const KEEPERS = 'Convert to table or huggingface, which keep classes and notes apart.';

const nameOf = ({ one }: Placed): string => one.class ?? one.note;
/** Names that readers refuse as one. */
const keyOf = (name: string): string => noteOfClass(name).toLowerCase();

/** Name -> value, from 1. @throws DATA_INVALID for too many, and for two cases that would become one */
function classesOf(cases: readonly Placed[]): Map<string, number> {
  const names = [...new Set(cases.map(nameOf))].sort();
  if (names.length > MOST_CLASSES)
    throw new ReclmisError(
      'DATA_INVALID',
      `expected at most ${MOST_CLASSES} classes, or different notes of cases without a class, got ${names.length}`,
      { remedy: KEEPERS },
    );
  const twin = names.find((name) => names.some((other) => other < name && keyOf(other) === keyOf(name)));
  if (twin !== undefined)
    throw new ReclmisError(
      'DATA_INVALID',
      `two classes are called ${noteOfClass(twin)}, but for case and underscores`,
      {
        remedy: 'Give them one name.',
      },
    );
  const taken = new Map<string, string>();
  for (const placed of cases) {
    const key = `${placed.image}\0${noteOfClass(nameOf(placed))}`;
    const twin = taken.get(key);
    if (twin !== undefined)
      throw new ReclmisError(
        'DATA_INVALID',
        `${twin} and ${placed.name} are of one image and class, ${nameOf(placed)}, and would become one case`,
        { remedy: KEEPERS },
      );
    taken.set(key, placed.name);
  }
  return new Map(names.map((name, i) => [name, i + 1]));
}

/** A line for notes that say more than the class's name. */
function lostNotes(cases: readonly Placed[]): string[] {
  const lost = cases.filter((placed) => noteOfClass(nameOf(placed)) !== noteOfClass(placed.one.note)).length;
  return lost === 0 ? [] : [`The layout has no place for notes: those of ${counted(lost, 'case')} became the name of their class.`]; // prettier-ignore
}

function byImage(cases: readonly Placed[]): Placed[][] {
  const images = new Map<string, Placed[]>();
  for (const placed of cases) {
    const own = images.get(placed.image);
    if (own === undefined) images.set(placed.image, [placed]);
    else own.push(placed);
  }
  return [...images.values()];
}

/** A line for the empty masks that an image gets where it states no case of a class. */
function addedAbsences(cases: readonly Placed[], classes: number): string[] {
  const added = byImage(cases).length * classes - cases.length;
  return added === 0 ? [] : [`nnU-Net has every class in every image: where the source states nothing, ${counted(added, 'case')} with an empty mask ${added === 1 ? 'was' : 'were'} added.`]; // prettier-ignore
}

/** The box around the foreground: x, y, width, height. */
function boxOf({ width, height, data }: Mask): [x: number, y: number, width: number, height: number] {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (const [p, value] of data.entries()) {
    if (value === 0) continue;
    const [x, y] = [p % width, Math.floor(p / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}

export const COCO_TARGET: Target = {
  losses: (cases) => [
    ...lostNotes(cases),
    ...lostColumns(cases, ['patient', 'spacing', 'sides']),
    ...lostMarks(cases),
  ],
  write: async (cases, tools) => {
    const classes = classesOf(cases);
    let empty = 0;
    for (const split of SPLITS) {
      const own = cases.filter((placed) => placed.split === split);
      if (own.length === 0) continue;
      const folder = ROBOFLOW[split];
      const file = await cocoFile(own, folder, classes, tools);
      empty += file.empty;
      await tools.writeText(`${folder}/_annotations.coco.json`, file.text);
    }
    if (empty > 0)
      tools.notice(`An annotation without an area makes no case: ${counted(empty, 'case')} with an empty mask will not be read.`); // prettier-ignore
  },
};

async function cocoFile(
  cases: readonly Placed[],
  folder: string,
  classes: ReadonlyMap<string, number>,
  { copyImage, readMask, each }: Tools,
): Promise<{ readonly text: string; readonly empty: number }> {
  const ids = new Map(byImage(cases).map(([first], i) => [first?.image, i + 1]));
  const images = new Map<string, { id: number; file_name: string; width: number; height: number }>();
  const annotations = await each(cases, async (placed) => {
    const { image } = placed;
    const [path, mask] = [await copyImage(placed, folder, { upright: true }), await readMask(placed)];
    const { width, height, data } = mask;
    const imageId = ids.get(image) ?? 0;
    images.set(image, { id: imageId, file_name: path.slice(folder.length + 1), width, height });
    const area = data.reduce((sum, value) => sum + value, 0);
    return {
      image_id: imageId,
      category_id: classes.get(nameOf(placed)) ?? 0,
      segmentation: { size: [height, width], counts: encodeRuns(maskRuns(mask)) },
      ...{ area, bbox: boxOf(mask), iscrowd: 0 },
    };
  });
  const text = JSON.stringify({
    images: [...images.values()].sort((a, b) => a.id - b.id),
    categories: [...classes].map(([name, id]) => ({ id, name })),
    annotations: annotations.map((one, i) => ({ id: i + 1, ...one })),
  });
  return { text, empty: annotations.filter(({ area }) => area === 0).length };
}

const FOLDERS = {
  train: ['imagesTr', 'labelsTr'],
  val: ['imagesTr', 'labelsTr'],
  test: ['imagesTs', 'labelsTs'],
} as const satisfies Record<Split, readonly [string, string]>;

export const NN_UNET_TARGET: Target = {
  losses: (cases) => {
    const val = cases.filter(({ split }) => split === 'val').length;
    return [
      ...(val === 0 ? [] : [`nnU-Net keeps no validation cases: ${counted(val, 'case')} went to imagesTr.`]),
      ...lostNotes(cases),
      ...lostColumns(cases, ['patient', 'spacing', 'sides']),
      ...lostMarks(cases),
    ];
  },
  write: async (cases, tools) => {
    const classes = classesOf(cases);
    for (const name of classes.keys())
      if (name === 'background' || name.toLowerCase() === 'ignore')
        throw new ReclmisError(
          'DATA_INVALID',
          `the class "${name}" means something else in nnU-Net’s dataset.json`,
          {
            remedy: 'Rename it, or convert to another layout.',
          },
        );
    for (const line of addedAbsences(cases, classes.size)) tools.notice(line);
    const images = new Map(byImage(cases).flatMap((own) => own.slice(0, 1).map((first) => [first, own])));
    const written = await tools.each([...images.keys()], async (first) => {
      const own = images.get(first) ?? [];
      const [imageFolder, maskFolder] = FOLDERS[first.split];
      await tools.copyImage(first, imageFolder, { name: `${first.image}_0000`, png: true, upright: true });
      const labels = await labelMap(own, classes, tools);
      await tools.writeText(`${maskFolder}/${first.image}.png`, await encodePng(labels, 1));
      return first.split;
    });
    const json = {
      channel_names: { 0: 'image' },
      labels: { background: 0, ...Object.fromEntries(classes) },
      numTraining: written.filter((split) => split !== 'test').length,
      file_ending: '.png',
    };
    await tools.writeText('dataset.json', `${JSON.stringify(json, null, 2)}\n`);
  },
};

async function labelMap(
  cases: readonly Placed[],
  classes: ReadonlyMap<string, number>,
  { readMask }: Tools,
): Promise<Mask> {
  let labels: Mask | null = null;
  for (const placed of cases) {
    const mask = await readMask(placed);
    labels ??= { ...mask, data: new Uint8Array(mask.data.length) };
    const value = classes.get(nameOf(placed)) ?? 0;
    for (const [p, set] of mask.data.entries()) {
      if (set === 0) continue;
      if (labels.data[p] !== 0)
        throw new ReclmisError(
          'DATA_INVALID',
          `${placed.name}: its mask overlaps another of the image’s, and nnU-Net keeps one label a pixel`,
          {
            remedy: 'Convert to table, huggingface, lvit or coco, which keep masks apart.',
          },
        );
      labels.data[p] = value;
    }
  }
  return labels ?? { width: 1, height: 1, data: new Uint8Array(1) };
}

/** Targets with classes instead of notes: COCO and nnU-Net's raw data. A note is a class's name. */
import { encodeRuns, type Mask, maskRuns, ReclmisError } from '@reclmis/core';
import { encodePng } from '@reclmis/files';
import { SPLITS, type Split } from '../types.js';
import { counted, lostColumns, lostMarks, type Placed, type Target, type Tools } from './target.js';

/** More notes than this are texts, not classes. */
const MOST_CLASSES = 255;
const ROBOFLOW = { train: 'train', val: 'valid', test: 'test' } as const satisfies Record<Split, string>;

function classesOf(cases: readonly Placed[]): Map<string, number> {
  const notes = [...new Set(cases.map(({ one }) => one.note))].sort();
  if (notes.length > MOST_CLASSES)
    throw new ReclmisError(
      'DATA_INVALID',
      `expected at most ${MOST_CLASSES} different notes, as each becomes a class, got ${notes.length}`,
      {
        remedy: 'Convert to table, huggingface or lvit, which keep notes as texts.',
      },
    );
  return new Map(notes.map((note, i) => [note, i + 1]));
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
  losses: (cases) => [...lostColumns(cases, ['patient', 'spacing', 'sides']), ...lostMarks(cases)],
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
    const { image, one } = placed;
    const [path, mask] = [await copyImage(placed, folder), await readMask(placed)];
    const { width, height, data } = mask;
    const imageId = ids.get(image) ?? 0;
    images.set(image, { id: imageId, file_name: path.slice(folder.length + 1), width, height });
    const area = data.reduce((sum, value) => sum + value, 0);
    return {
      image_id: imageId,
      category_id: classes.get(one.note) ?? 0,
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
      ...lostColumns(cases, ['patient', 'spacing', 'sides']),
      ...lostMarks(cases),
    ];
  },
  write: async (cases, tools) => {
    const classes = classesOf(cases);
    for (const word of ['background', 'ignore'])
      if (classes.has(word))
        throw new ReclmisError(
          'DATA_INVALID',
          `the note "${word}" means something else in nnU-Net’s dataset.json`,
          {
            remedy: 'Rename it, or convert to another layout.',
          },
        );
    const images = new Map(byImage(cases).flatMap((own) => own.slice(0, 1).map((first) => [first, own])));
    const written = await tools.each([...images.keys()], async (first) => {
      const own = images.get(first) ?? [];
      const [imageFolder, maskFolder] = FOLDERS[first.split];
      await tools.copyImage(first, imageFolder, { name: `${first.image}_0000`, png: true });
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
    const value = classes.get(placed.one.note) ?? 0;
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

/** `reclmis data convert`: a data set of any layout as another, to the pixel. */
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import {
  mapLimit,
  readClinicalFrame,
  readImageHeader,
  readImageWithHeader,
  writeFileAtomic,
  writePngGrey,
  writePngMask,
  writePngRgb,
} from '@reclmis/files';
import { assertUsable, itemOf, openDataset } from '../dataset.js';
import type { DataSourceOptions } from '../layouts/layout.js';
import { imageOptions, pathWithFrame } from '../image-options.js';
import { readCaseMask } from '../masks.js';
import { writeNewFolder } from '../new-folder.js';
import { presentSplits } from '../source.js';
import { isGrey } from '../sample.js';
import type { Split } from '../types.js';
import { COCO_TARGET, NN_UNET_TARGET } from './classes.js';
import { HUGGING_FACE_TARGET, LVIT_TARGET, TABLE_TARGET } from './tables.js';
import { type CopyOptions, counted, type Placed, type Target, type Tools } from './target.js';

const LANES = 2;

const TARGETS = {
  table: TABLE_TARGET,
  lvit: LVIT_TARGET,
  huggingface: HUGGING_FACE_TARGET,
  nnunet: NN_UNET_TARGET,
  coco: COCO_TARGET,
} as const satisfies Record<string, Target>;

export type ConvertTarget = keyof typeof TARGETS;
export const CONVERT_TARGETS = Object.keys(TARGETS) as readonly ConvertTarget[];

export interface ConvertOptions extends DataSourceOptions {
  readonly to: ConvertTarget;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Converted {
  readonly cases: Readonly<Partial<Record<Split, number>>>;
  /** What the source left out, and what the target has no place for. */
  readonly notices: readonly string[];
}

/**
 * Writes a new folder, whole or not at all. Masks become 0 and 255 (labels for nnU-Net); images are copied as they are,
 * except that nnU-Net's become PNG, and so do those with an orientation tag for nnU-Net and COCO, whose readers ignore it.
 * DICOM and NIfTI become PNG of 8 bits as displayed, as their masks do: neither patients nor turns go along.
 * @throws DATA_INVALID for unusable cases, or some that the target cannot hold; OUTPUT_EXISTS, OUTPUT_UNWRITABLE,
 * DISK_FULL, INTERRUPTED; codes of layouts, images and masks
 */
export async function convertDataset(
  source: string,
  out: string,
  options: ConvertOptions,
): Promise<Converted> {
  const notices: string[] = [];
  const placed: Placed[] = [];
  for (const split of await presentSplits(source, options)) {
    const dataset = await openDataset(source, split, options);
    await assertUsable(dataset); // a link may lead to any file, and a mask may have another size
    const { cases } = dataset;
    notices.push(...(dataset.notices ?? []));
    placed.push(...cases.map((one) => ({ split, one, name: one.id, image: one.imageId ?? one.id })));
  }
  const named = distinct(placed);
  const target: Target = TARGETS[options.to];
  notices.push(...target.losses(named));
  let rendered = 0;
  const notice = (line: string): number => notices.push(line);
  await writeNewFolder(out, (draft) =>
    target.write(
      named,
      toolsFor(source, draft, named.length, options, notice, () => rendered++),
    ),
  );
  if (rendered > 0)
    notice(`Read from DICOM or NIfTI: ${counted(rendered, 'image')} became PNG of 8 bits, as displayed. Pixel sizes and other header data do not go along.`); // prettier-ignore
  const counts: Partial<Record<Split, number>> = {};
  for (const { split } of named) counts[split] = (counts[split] ?? 0) + 1;
  return { cases: counts, notices: [...new Set(notices)] };
}

/** LViT's layout may have one name in several splits. */
function distinct(cases: readonly Placed[]): Placed[] {
  const splits = new Map<string, Set<Split>>();
  for (const { image, split } of cases) splits.set(image, (splits.get(image) ?? new Set()).add(split));
  const named = cases.map((one) =>
    (splits.get(one.image)?.size ?? 1) > 1
      ? { ...one, name: `${one.split}-${one.name}`, image: `${one.split}-${one.image}` }
      : one,
  );
  const pathOf = new Map<string, string>();
  const known = new Set<string>();
  for (const { name, image, one } of named) {
    const path = pathWithFrame(one);
    const twin = known.has(name) || (pathOf.get(image) ?? path) !== path;
    if (twin)
      throw new ReclmisError(
        'DATA_INVALID',
        `two cases or images would be called ${known.has(name) ? name : image}`,
        {
          remedy: 'Rename one of them together with its mask and note.',
        },
      );
    known.add(name);
    pathOf.set(image, path);
  }
  return named;
}

function toolsFor(
  source: string,
  draft: string,
  total: number,
  { signal, onProgress }: ConvertOptions,
  notice: (line: string) => void,
  onRendered: () => void,
): Tools {
  const copied = new Map<string, Promise<string>>();
  let done = 0;
  const copy = async ({ one }: Placed, folder: string, name: string, asked: CopyOptions): Promise<string> => {
    const extension = extname(one.imagePath).toLowerCase();
    const clinical = (await readClinicalFrame(one.imagePath, imageOptions(one))) !== null;
    const turned =
      !clinical && asked.upright === true && (await readImageHeader(one.imagePath)).orientation !== 1;
    const convert = clinical || turned || (asked.png === true && extension !== '.png');
    const path = `${folder}/${name}${convert ? '.png' : extension}`;
    const to = join(draft, path);
    await mkdir(dirname(to), { recursive: true });
    if (!convert) {
      await copyFile(one.imagePath, to);
      return path;
    }
    const { image, header } = await readImageWithHeader(one.imagePath, imageOptions(one));
    if (clinical) onRendered();
    else if (header.bits === 16)
      throw new ReclmisError(
        'IMAGE_UNSUPPORTED',
        `${itemOf(source, one.imagePath)}: has 16 bits, which would be cut to 8`,
        {
          remedy: turned
            ? 'Turn the image as viewers show it and save it without an orientation tag, or choose another layout.'
            : 'Convert the image to PNG first, or choose another layout.',
        },
      );
    if (isGrey(image)) await writePngGrey(to, { ...image, data: image.data.filter((_, i) => i % 3 === 0) });
    else await writePngRgb(to, image);
    return path;
  };
  return {
    notice,
    copyImage: (placed, folder, { name = placed.image, ...asked } = {}) => {
      const key = `${folder}/${name}`;
      const path = copied.get(key) ?? copy(placed, folder, name, asked);
      copied.set(key, path);
      return path;
    },
    writeMask: async ({ one }, path) => {
      await writePngMask(join(draft, path), (await readCaseMask(one)).mask);
      return path;
    },
    readMask: async ({ one }) => (await readCaseMask(one)).mask,
    writeText: (path, text) => writeFileAtomic(join(draft, path), text),
    each: (cases, work) =>
      mapLimit(cases, LANES, async (one) => {
        if (signal?.aborted === true)
          throw new ReclmisError('INTERRUPTED', `stopped after ${done} of ${total} cases`);
        const result = await work(one);
        done += 1;
        onProgress?.(done, total);
        return result;
      }),
  };
}

/**
 * The files of one case (docs/reference/predictions.md), at the image's own size, each written whole or not
 * at all.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  classSlug,
  contoursGeoJson,
  type LabelMap,
  type Mask,
  overlay,
  ReclmisError,
  type RgbImage,
  type SegmentClass,
} from '@reclmis/core';
import { encodePng16, writeFileAtomic, writePngGrey, writePngMask, writePngRgb } from '@reclmis/files';
import { encodeNpy } from './npy.js';
import { classOverview } from './overview.js';

export interface Outputs {
  /** For classes, the overview. */
  readonly overlay: boolean;
  readonly probability: 'png16' | 'npy' | null;
  readonly contours: boolean;
}

/** A class's part of an image. */
export interface SegmentedClass {
  readonly class: SegmentClass & { readonly threshold: number };
  /** What it won. */
  readonly mask: Mask;
  /** Pixels above its threshold, including those that another class won. */
  readonly claimed: number;
  /** Null unless wanted. */
  readonly probability: Float32Array | null;
}

export interface Segmented {
  readonly image: RgbImage;
  /** For classes, what any of them won. */
  readonly mask: Mask;
  /** Null for classes, which have their own. */
  readonly probability: Float32Array | null;
  readonly classes?: { readonly labels: LabelMap; readonly each: readonly SegmentedClass[] };
  /** What pictures show, if the rest is as stored in a file that is displayed turned. */
  readonly shown?: Segmented;
}

type Kind = 'mask' | 'overlay' | 'labels' | 'overview' | 'probability' | 'contours';

interface Output {
  readonly suffix: string;
  readonly kind: Kind;
  /** Its place among the classes. */
  readonly of?: number;
}

const PLAIN = ['_mask.png', '_overlay.png', '_probability.png', '_probability.npy', '_contours.geojson'];
const OF_CLASSES =
  /^_(?:labels|overview)\.png$|^_(?:mask-[^/\\]+\.png|probability-[^/\\]+\.(?:png|npy)|contours-[^/\\]+\.geojson)$/u;

/** Whether a file of a case may be called so: a journal may be anyone's. */
export const isSuffix = (text: string): boolean => PLAIN.includes(text) || OF_CLASSES.test(text);

/** All that these classes' cases may have, or cases of their own notes. */
export function allSuffixes(classes: readonly SegmentClass[] | undefined): string[] {
  const every = (['png16', 'npy'] as const).flatMap((probability) =>
    suffixesOf({ overlay: true, probability, contours: true }, classes),
  );
  return [...new Set([...PLAIN, ...every])];
}

export function suffixesOf(outputs: Outputs, classes: readonly SegmentClass[] | undefined): string[] {
  return outputsOf(outputs, classes).map(({ suffix }) => suffix);
}

function outputsOf(
  { overlay: drawn, probability, contours }: Outputs,
  classes: readonly Pick<SegmentClass, 'name'>[] | undefined,
): Output[] {
  const own = (mark: string, of?: number): Output[] => [
    { suffix: `_mask${mark}.png`, kind: 'mask', ...(of === undefined ? {} : { of }) },
    ...(probability === null
      ? []
      : [{ suffix: `_probability${mark}.${probability === 'npy' ? 'npy' : 'png'}`, kind: 'probability' as const, ...(of === undefined ? {} : { of }) }]), // prettier-ignore
    ...(contours ? [{ suffix: `_contours${mark}.geojson`, kind: 'contours' as const, ...(of === undefined ? {} : { of }) }] : []), // prettier-ignore
  ];
  if (!classes) {
    const [mask, ...others] = own('');
    return [...(mask ? [mask] : []), ...(drawn ? [{ suffix: '_overlay.png', kind: 'overlay' as const }] : []), ...others]; // prettier-ignore
  }
  return [
    { suffix: '_labels.png', kind: 'labels' },
    ...(drawn ? [{ suffix: '_overview.png', kind: 'overview' as const }] : []),
    ...classes.flatMap(({ name }, of) => own(`-${classSlug(name)}`, of)),
  ];
}

/** @returns suffix -> bytes. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeOutputs(
  out: string,
  id: string,
  segmented: Segmented,
  outputs: Outputs,
): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  const classes = segmented.classes?.each.map((one) => one.class);
  for (const one of outputsOf(outputs, classes)) {
    const path = join(out, `${id}${one.suffix}`);
    await writeOutput(path, one, segmented);
    sizes[one.suffix] = (await stat(path)).size;
  }
  return sizes;
}

async function writeOutput(path: string, { suffix, kind, of }: Output, segmented: Segmented): Promise<void> {
  const { classes } = segmented;
  const shown = segmented.shown ?? segmented;
  const { mask, probability } = (of === undefined ? undefined : classes?.each[of]) ?? segmented;
  if (kind === 'mask') await writePngMask(path, mask);
  else if (kind === 'overlay') await writePngRgb(path, overlay(shown.image, shown.mask));
  else if (kind === 'contours') await writeFileAtomic(path, contoursGeoJson(mask));
  else if (kind === 'labels' && classes) await writePngGrey(path, classes.labels);
  else if (kind === 'overview' && shown.classes)
    await writePngRgb(path, await classOverview(shown.image, shown.classes.each)); // prettier-ignore
  else if (probability && suffix.endsWith('.npy'))
    await writeFileAtomic(path, encodeNpy(probability, mask.width, mask.height));
  else if (probability) await writeFileAtomic(path, await encodeDeep(probability, mask));
  else throw new ReclmisError('INTERNAL', `${path}: there is nothing to write`);
}

async function encodeDeep(probability: Float32Array, { width, height }: Mask): Promise<Uint8Array> {
  return encodePng16(
    Uint16Array.from(probability, (p) => Math.round(65535 * p)),
    width,
    height,
  );
}

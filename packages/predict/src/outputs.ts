/**
 * The files of one case (docs/reference/predictions.md), at the image's own size, each written whole or not
 * at all.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { contoursGeoJson, type Mask, overlay, type RgbImage } from '@reclmis/core';
import { encodePng16, writeFileAtomic, writePngMask, writePngRgb } from '@reclmis/files';
import { encodeNpy } from './npy.js';

export interface Outputs {
  readonly overlay: boolean;
  readonly probability: 'png16' | 'npy' | null;
  readonly contours: boolean;
}

export interface Segmented {
  readonly image: RgbImage;
  readonly mask: Mask;
  readonly probability: Float32Array;
}

const PROBABILITY = { png16: '_probability.png', npy: '_probability.npy' } as const;

const MASK = '_mask.png';
const OVERLAY = '_overlay.png';
const CONTOURS = '_contours.geojson';

/** All suffixes of a case's files. */
export const SUFFIXES = [MASK, OVERLAY, ...Object.values(PROBABILITY), CONTOURS] as const;

export function suffixesOf({ overlay: drawn, probability, contours }: Outputs): string[] {
  return [
    MASK,
    ...(drawn ? [OVERLAY] : []),
    ...(probability ? [PROBABILITY[probability]] : []),
    ...(contours ? [CONTOURS] : []),
  ];
}

/** @returns suffix -> bytes. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeOutputs(
  out: string,
  id: string,
  { image, mask, probability }: Segmented,
  outputs: Outputs,
): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const suffix of suffixesOf(outputs)) {
    const path = join(out, `${id}${suffix}`);
    if (suffix === MASK) await writePngMask(path, mask);
    else if (suffix === OVERLAY) await writePngRgb(path, overlay(image, mask));
    else if (suffix === PROBABILITY.png16) await writeFileAtomic(path, await encodeDeep(probability, mask));
    else if (suffix === PROBABILITY.npy) {
      await writeFileAtomic(path, encodeNpy(probability, mask.width, mask.height));
    } else await writeFileAtomic(path, contoursGeoJson(mask));
    sizes[suffix] = (await stat(path)).size;
  }
  return sizes;
}

async function encodeDeep(probability: Float32Array, { width, height }: Mask): Promise<Uint8Array> {
  return encodePng16(
    Uint16Array.from(probability, (p) => Math.round(65535 * p)),
    width,
    height,
  );
}

/** The true mask of a case, in the display of its image, and how well another agrees with it. */
import {
  type DisplayedFrame,
  isDicom,
  isNifti,
  niftiLabels,
  readNifti,
  readSeg,
  segLabels,
} from '@reclmis/clinical';
import { type Mask, maskOf, ReclmisError } from '@reclmis/core';
import { decode } from 'fast-png';

/**
 * Decodes PNG, NIfTI or DICOM SEG.
 * @param name for messages. @param clinical of a DICOM or NIfTI image, which says where the mask belongs
 * @throws MASK_SIZE_MISMATCH unless it fits the image; IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, SEG_INVALID
 */
export async function readTruth(
  bytes: Uint8Array,
  name: string,
  image: { readonly width: number; readonly height: number },
  clinical: DisplayedFrame | null,
): Promise<Mask> {
  const mask = await maskIn(bytes, name, clinical);
  if (mask.width !== image.width || mask.height !== image.height)
    throw new ReclmisError(
      'MASK_SIZE_MISMATCH',
      `${name}: has ${mask.width} x ${mask.height} pixels, its image ${image.width} x ${image.height}`,
    );
  return mask;
}

async function maskIn(bytes: Uint8Array, name: string, clinical: DisplayedFrame | null): Promise<Mask> {
  if (isDicom(bytes)) {
    if (clinical !== null) return binary(segLabels(readSeg(bytes), clinical));
    throw new ReclmisError(
      'SEG_INVALID',
      `${name}: a SEG belongs to a DICOM image, its image is another file`,
      {
        remedy: 'Save the mask as PNG.',
      },
    );
  }
  if (isNifti(bytes)) return binary(niftiLabels(await readNifti(bytes), clinical));
  return pngMask(bytes, name);
}

const binary = ({ width, height, data }: Pick<Mask, 'width' | 'height'> & { data: Uint16Array }): Mask => ({
  width,
  height,
  data: Uint8Array.from(data, (value) => (value === 0 ? 0 : 1)),
});

/** By core's rule for what is foreground. */
function pngMask(bytes: Uint8Array, name: string): Mask {
  let png;
  try {
    png = decode(bytes, { checkCrc: true });
  } catch (cause) {
    throw new ReclmisError('IMAGE_UNREADABLE', `${name}: is no PNG, or damaged`, { cause });
  }
  const { width, height, data, channels, depth, palette } = png;
  if (palette !== undefined) {
    const level = palette.map(([red = 0, green = 0, blue = 0]) => Math.max(red, green, blue));
    const levels = Uint8Array.from(unpacked(data as Uint8Array, width, height, depth), (i) => level[i] ?? 0);
    return maskOf({ width, height, channels: 1, data: levels }, name).mask;
  }
  const values = depth < 8 ? unpacked(data as Uint8Array, width, height, depth) : data;
  if (values instanceof Uint8ClampedArray) throw new ReclmisError('INTERNAL', 'a PNG of clamped values');
  return maskOf({ width, height, channels, data: values }, name).mask;
}

/** One value a pixel. Below 8 bits a row's values are packed, highest bits first, and rows begin at whole bytes. */
function unpacked(data: Uint8Array, width: number, height: number, depth: number): Uint8Array {
  if (depth >= 8) return data;
  const values = new Uint8Array(width * height);
  const each = 8 / depth;
  const row = Math.ceil(width / each);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const byte = data[y * row + Math.floor(x / each)]!;
      values[y * width + x] = (byte >> (8 - depth * ((x % each) + 1))) & (2 ** depth - 1);
    }
  return values;
}

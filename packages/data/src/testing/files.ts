import { isErrorCode, ReclmisError, type ErrorCode } from '@reclmis/core';
import { encodePng, encodeWorkbook } from '@reclmis/files';

export { inFolder, writeFiles } from '@reclmis/files/testing';

/** A grey PNG of w x h pixels. */
export function greyPng(w: number, h: number, value: (x: number, y: number) => number): Promise<Uint8Array> {
  return encodePng(
    {
      width: w,
      height: h,
      data: Uint8Array.from({ length: w * h }, (_, p) => value(p % w, Math.floor(p / w))),
    },
    1,
  );
}

/** Grey, of w x h stored pixels, with an orientation tag. */
export function turnedTiff(w: number, h: number, orientation: number, values: Uint8Array): Uint8Array {
  const tags: readonly (readonly [tag: number, value: number])[] = [
    [256, w],
    [257, h],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 8],
    [274, orientation],
    [277, 1],
    [278, h],
    [279, w * h],
  ];
  const bytes = Buffer.alloc(8 + w * h + 6 + 12 * tags.length);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(8 + w * h, 4);
  bytes.set(values, 8);
  bytes.writeUInt16LE(tags.length, 8 + w * h);
  for (const [i, [tag, value]] of tags.entries()) {
    const at = 8 + w * h + 2 + 12 * i;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(4, at + 2); // LONG
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  }
  return bytes;
}

export function notesXlsx(rows: readonly (readonly string[])[]): Promise<Uint8Array> {
  return encodeWorkbook([['Image', 'Description'], ...rows]);
}

/** Named as in QaTa-COV19, 8 x 8 pixels: case i has grey level 10 i + 10, its mask is the left half. */
export async function splitFiles(
  folder: string,
  stems: readonly string[],
): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (const [i, stem] of stems.entries()) {
    files[`${folder}/img/${stem}.png`] = await greyPng(8, 8, () => 10 * i + 10);
    files[`${folder}/labelcol/mask_${stem}.png`] = await greyPng(8, 8, (x) => (x < 4 ? 255 : 0));
  }
  return files;
}

/** The coded error of a promise; fails if there is none. */
export async function errorOf(promise: Promise<unknown>): Promise<{ code: ErrorCode; message: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ReclmisError && isErrorCode(error.code))
      return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('expected an error, got none');
}

/**
 * Decodes PNG, JPEG, DICOM and NIfTI in a browser to the same pixels as in Node (`files`, images.ts). What Node refuses is
 * refused before decoding.
 */
import {
  clinicalFormat,
  defined,
  fileHeader,
  type FileHeader,
  ReclmisError,
  refuseRareKinds,
  type RgbImage,
} from '@reclmis/core';
import { knowImage } from './inputs.js';
import type { Decoded, DecodeOptions } from './seams.js';
import type { ImageSource } from './types.js';

/** @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE */
export async function decodeInBrowser(image: ImageSource, options: DecodeOptions): Promise<Decoded> {
  const { maxPixels } = options;
  const known = await knowImage(image, '');
  if (known.kind === 'pixels') return known;
  if (known.kind === 'place')
    throw new ReclmisError(
      'IMAGE_UNSUPPORTED',
      'image: expected pixels, bytes or a Blob, got a path or address',
      {
        remedy: 'Fetch the image first and pass its bytes.',
      },
    );
  const bytes = new Uint8Array(known.bytes); // copied: a Blob takes no view of shared memory
  if (clinicalFormat(bytes) !== null) return decodeClinical(bytes, options);
  const { kind } = checkHeader(bytes, maxPixels);
  const bitmap = await createImageBitmap(new Blob([bytes], { type: `image/${kind}` }), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  }).catch((cause: unknown) => {
    throw unreadable(`the ${kind.toUpperCase()} file is damaged or truncated`, cause);
  });
  try {
    return { image: pixelsOf(bitmap) };
  } finally {
    bitmap.close();
  }
}

/** The reader of DICOM and NIfTI is loaded only for such an image. */
async function decodeClinical(bytes: Uint8Array, options: DecodeOptions): Promise<Decoded> {
  const { maxPixels, frame, window, decoders } = options;
  const { displayedFrame, displayedPixels, readClinical } = await import('@reclmis/clinical');
  const source = await readClinical(bytes, defined({ name: 'image', maxPixels, window, decoders }));
  const clinical = displayedFrame('image', source, frame);
  return { image: await displayedPixels(clinical), clinical };
}

const unreadable = (why: string, cause?: unknown): ReclmisError =>
  new ReclmisError('IMAGE_UNREADABLE', `image: ${why}`, { cause });

function checkHeader(bytes: Uint8Array, maxPixels: number): FileHeader {
  if (bytes.length === 0) throw unreadable('the file is empty (0 bytes)');
  const header = fileHeader(bytes) ?? refuseFormat(bytes);
  const { kind, width, height, complete } = header;
  if (!(width > 0) || !(height > 0)) throw unreadable(`the ${kind.toUpperCase()} header is damaged`);
  if (width * height > maxPixels)
    throw new ReclmisError(
      'IMAGE_TOO_LARGE',
      `image: ${width} x ${height} pixels (${((width * height) / 1e6).toFixed(1)} million), the limit is ${(maxPixels / 1e6).toFixed(1)} million`,
    );
  refuseRareKinds(header, 'image');
  if (!complete) throw unreadable(`the ${kind.toUpperCase()} file is truncated`);
  return header;
}

/** @throws IMAGE_UNSUPPORTED */
function refuseFormat(bytes: Uint8Array): never {
  const mark = new DataView(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 4));
  const tiff =
    bytes.length >= 4 && [0x49492a00, 0x49492b00, 0x4d4d002a, 0x4d4d002b].includes(mark.getUint32(0));
  throw new ReclmisError(
    'IMAGE_UNSUPPORTED',
    `image: expected a PNG, JPEG, DICOM or NIfTI file, got ${tiff ? 'TIFF, which browsers do not decode' : 'another format'}`,
  );
}

function pixelsOf(bitmap: ImageBitmap): RgbImage {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw unreadable('the browser does not provide a canvas');
  context.fillStyle = 'black';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = rgba[from]!;
    data[to + 1] = rgba[from + 1]!;
    data[to + 2] = rgba[from + 2]!;
  }
  return { width, height, data };
}
